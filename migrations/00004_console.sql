-- +goose Up

-- What the console and the nodes keep beside the configuration. None of it raises the revision.

-- One row: what the cluster holds once.
CREATE TABLE cluster (
    only_row        boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    key_fingerprint text NOT NULL DEFAULT ''
);
INSERT INTO cluster DEFAULT VALUES;

CREATE TABLE administrators (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name          text NOT NULL CONSTRAINT administrators_key UNIQUE CHECK (name <> '' AND name = lower(name)),
    role          text NOT NULL CHECK (role IN ('viewer', 'operator', 'admin')),
    password_hash text NOT NULL CHECK (password_hash <> ''),
    created_at    timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE setup_tokens (
    hash       bytea PRIMARY KEY,
    expires_at timestamptz NOT NULL
);

CREATE TABLE sessions (
    id_hash    bytea PRIMARY KEY,
    name       text NOT NULL REFERENCES administrators (name) ON UPDATE CASCADE ON DELETE CASCADE,
    data       bytea NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT now(),
    seen_at    timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX sessions_name ON sessions (name);

-- Tries to sign in that were not followed by a success, per name and per address.
CREATE TABLE login_tries (
    kind  text NOT NULL CHECK (kind IN ('name', 'address')),
    key   text NOT NULL,
    tries integer NOT NULL,
    since timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (kind, key)
);

CREATE TABLE drafts (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    owner      text NOT NULL UNIQUE CHECK (owner <> ''),
    step       integer NOT NULL,
    answers    jsonb NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE node_statuses (
    node             text PRIMARY KEY REFERENCES nodes (name) ON UPDATE CASCADE ON DELETE CASCADE,
    applied_revision bigint NOT NULL,
    error            text NOT NULL,
    version          text NOT NULL,
    started_at       timestamptz NOT NULL,
    reported_at      timestamptz NOT NULL,
    listeners        jsonb NOT NULL,
    hops             jsonb NOT NULL
);

-- Who changed what, and when. A row is written in the transaction of its change and stays.
CREATE TABLE audit (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at       timestamptz NOT NULL DEFAULT now(),
    actor    text NOT NULL,
    role     text NOT NULL,
    address  text NOT NULL,
    request  text NOT NULL,
    action   text NOT NULL CHECK (action <> ''),
    revision bigint NOT NULL,
    changes  jsonb NOT NULL
);

-- +goose StatementBegin
CREATE FUNCTION refuse_audit_edit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit log is append-only';
END
$$;
-- +goose StatementEnd

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_edit();

-- +goose Down
DROP TABLE audit, node_statuses, drafts, login_tries, sessions, setup_tokens, administrators, cluster;
DROP FUNCTION refuse_audit_edit;
