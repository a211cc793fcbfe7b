-- +goose Up

-- The certificate that each server of the Microsoft side showed last, to a probe or in a handshake. It raises no revision.
CREATE TABLE peer_certificates (
    address     text NOT NULL CHECK (address <> ''),
    common_name text NOT NULL CHECK (common_name <> ''),
    host        text NOT NULL,
    source      text NOT NULL CHECK (source IN ('probe', 'opened', 'accepted')),
    verified    boolean NOT NULL,
    issuer      text NOT NULL,
    serial      text NOT NULL,
    fingerprint text NOT NULL,
    not_before  timestamptz NOT NULL,
    not_after   timestamptz NOT NULL,
    seen_at     timestamptz NOT NULL,
    node        text NOT NULL,
    PRIMARY KEY (address, common_name)
);

-- +goose Down
DROP TABLE peer_certificates;
