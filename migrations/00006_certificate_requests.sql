-- +goose Up

-- Requests that wait for their signed certificate, beside the certificates that nodes show. None of it raises the revision.
CREATE TABLE certificate_requests (
    node          text PRIMARY KEY REFERENCES nodes (name) ON UPDATE CASCADE ON DELETE CASCADE,
    csr           bytea NOT NULL,
    encrypted_key bytea NOT NULL,
    names         text[] NOT NULL,
    key_kind      text NOT NULL CHECK (key_kind <> ''),
    created_at    timestamptz NOT NULL DEFAULT now(),
    created_by    text NOT NULL
);

-- +goose Down
DROP TABLE certificate_requests;
