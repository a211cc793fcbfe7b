-- +goose Up

-- What administrators configure. The program checks every rule before it writes and says what is wrong in words; the
-- constraints here are the second line, against rows written by hand. References by name follow a renaming.

CREATE TABLE settings (
    name  text PRIMARY KEY CHECK (name <> ''),
    value text NOT NULL
);

CREATE TABLE domains (
    id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL CONSTRAINT domains_key UNIQUE CHECK (name <> '' AND name = lower(name))
);

CREATE TABLE nodes (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name      text NOT NULL CONSTRAINT nodes_key UNIQUE CHECK (name <> '' AND name = lower(name)),
    address   text NOT NULL CONSTRAINT nodes_address UNIQUE DEFERRABLE INITIALLY DEFERRED CHECK (address <> ''),
    connector text NOT NULL CHECK (connector <> ''),
    routing   boolean NOT NULL DEFAULT false,
    backup    text REFERENCES nodes (name) ON UPDATE CASCADE DEFERRABLE INITIALLY DEFERRED CHECK (backup <> name),
    services  text[] NOT NULL DEFAULT '{}'
);

CREATE TABLE static_routes (
    id                  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    destination         text NOT NULL CHECK (destination <> ''),
    type                text NOT NULL CHECK (type IN ('user', 'domain')),
    next_hop            text NOT NULL CHECK (next_hop <> ''),
    port                integer NOT NULL CHECK (port BETWEEN 0 AND 65535),
    transport           text NOT NULL CHECK (transport IN ('tcp', 'tls', 'udp')),
    priority            integer NOT NULL CHECK (priority BETWEEN 1 AND 65535),
    weight              integer NOT NULL CHECK (weight BETWEEN 1 AND 65535),
    allow_less_specific boolean NOT NULL,
    in_service          boolean NOT NULL,
    blocked             boolean NOT NULL,
    description         text NOT NULL DEFAULT '',
    CONSTRAINT static_routes_key UNIQUE (destination, next_hop, port, transport)
);

-- pattern_domain turns a domain route's destination the right way round: .com.synergy is synergy.com. Lists search it.
CREATE FUNCTION pattern_domain(type text, destination text) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT CASE WHEN type = 'domain' THEN
        (SELECT string_agg(label, '.' ORDER BY place DESC)
            FROM unnest(string_to_array(ltrim(destination, '.'), '.')) WITH ORDINALITY AS labels (label, place))
    ELSE '' END
$$;

CREATE TABLE acl_entries (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    pattern     text NOT NULL CONSTRAINT acl_entries_key UNIQUE CHECK (pattern <> ''),
    description text NOT NULL DEFAULT ''
);

CREATE TABLE tls_peer_subjects (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name        text NOT NULL CONSTRAINT tls_peer_subjects_key UNIQUE CHECK (name <> '' AND name = lower(name)),
    description text NOT NULL DEFAULT ''
);

CREATE TABLE tls_contexts (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name          text NOT NULL CONSTRAINT tls_contexts_key UNIQUE CHECK (name <> ''),
    verify_client boolean NOT NULL,
    min_version   text NOT NULL CHECK (min_version IN ('1.0', '1.1', '1.2', '1.3')),
    ciphers       text[] NOT NULL DEFAULT '{}',
    peer_subjects text[] NOT NULL DEFAULT '{}'
);

CREATE TABLE listeners (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name        text NOT NULL CONSTRAINT listeners_key UNIQUE CHECK (name <> ''),
    transport   text NOT NULL CHECK (transport IN ('tcp', 'udp', 'tls')),
    port        integer NOT NULL CHECK (port BETWEEN 1 AND 65535),
    tls_context text REFERENCES tls_contexts (name) ON UPDATE CASCADE DEFERRABLE INITIALLY DEFERRED,
    enabled     boolean NOT NULL,
    CHECK ((transport = 'tls') = (tls_context IS NOT NULL))
);

CREATE TABLE federated_domains (
    id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name   text NOT NULL CONSTRAINT federated_domains_key UNIQUE CHECK (name <> '' AND name = lower(name)),
    direct boolean NOT NULL
);

-- Certificates of nodes with their keys, sealed under the key file, and trusted authorities.
CREATE TABLE certificates (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    purpose       text NOT NULL CHECK (purpose IN ('cup', 'cup-trust')),
    node          text REFERENCES nodes (name) ON UPDATE CASCADE ON DELETE CASCADE,
    chain         bytea NOT NULL,
    encrypted_key bytea,
    subject       text NOT NULL,
    issuer        text NOT NULL,
    not_before    timestamptz NOT NULL,
    not_after     timestamptz NOT NULL,
    fingerprint   text NOT NULL CHECK (fingerprint ~ '^[0-9a-f]{64}$'),
    self_signed   boolean NOT NULL,
    description   text NOT NULL DEFAULT '',
    CHECK ((purpose = 'cup') = (node IS NOT NULL)),
    CHECK ((purpose = 'cup') = (encrypted_key IS NOT NULL)),
    CONSTRAINT certificates_own UNIQUE (node)
);
CREATE UNIQUE INDEX certificates_trust ON certificates (fingerprint) WHERE purpose = 'cup-trust';

-- Finished runs of the wizard.
CREATE TABLE deployments (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name       text NOT NULL UNIQUE CHECK (name <> ''),
    answers    jsonb NOT NULL,
    nodes      text[] NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by text NOT NULL,
    revision   bigint NOT NULL
);

-- +goose StatementBegin
DO $$
DECLARE
    configured text;
BEGIN
    FOREACH configured IN ARRAY ARRAY['settings', 'domains', 'nodes', 'static_routes', 'acl_entries', 'tls_peer_subjects',
        'tls_contexts', 'listeners', 'federated_domains', 'certificates', 'deployments'] LOOP
        EXECUTE format('CREATE TRIGGER raise_revision BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON %I
            FOR EACH STATEMENT EXECUTE FUNCTION raise_revision()', configured);
    END LOOP;
END
$$;
-- +goose StatementEnd

-- +goose Down
DROP TABLE deployments, certificates, federated_domains, listeners, tls_contexts, tls_peer_subjects, acl_entries,
    static_routes, nodes, domains, settings;
DROP FUNCTION pattern_domain;
