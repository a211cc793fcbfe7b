-- +goose Up

-- A database that was restored from a backup counts its revisions again from an older number. When somebody accepts it,
-- the era rises, so that what comes afterwards is newer than anything a node has seen: states are ordered by era, then
-- number.
ALTER TABLE revision ADD COLUMN era bigint NOT NULL DEFAULT 1;

-- Services that somebody stopped or restarted while they stay activated. This is no part of the configuration document,
-- but nodes follow it, so it raises the revision.
CREATE TABLE service_states (
    node       text NOT NULL REFERENCES nodes (name) ON UPDATE CASCADE ON DELETE CASCADE,
    service    text NOT NULL CHECK (service <> ''),
    stopped    boolean NOT NULL,
    restarts   bigint NOT NULL CHECK (restarts >= 0),
    ordered_by text NOT NULL,
    ordered_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (node, service)
);
CREATE TRIGGER raise_revision BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON service_states
    FOR EACH STATEMENT EXECUTE FUNCTION raise_revision();

-- A service that is deactivated loses its orders, by whatever door it was deactivated: activated again, it runs.
-- +goose StatementBegin
CREATE FUNCTION forget_orders() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM service_states WHERE node IN (OLD.name, NEW.name) AND NOT service = ANY (NEW.services);
    RETURN NULL;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER forget_orders AFTER UPDATE ON nodes FOR EACH ROW
    WHEN (OLD.services IS DISTINCT FROM NEW.services) EXECUTE FUNCTION forget_orders();

-- A service restarted on one node after the other. The orders themselves raise the revision, the progress does not.
CREATE TABLE rolling_restarts (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    service    text NOT NULL CHECK (service <> ''),
    nodes      text[] NOT NULL CHECK (cardinality(nodes) > 0),
    done       integer NOT NULL DEFAULT 0 CHECK (done BETWEEN 0 AND cardinality(nodes)),
    failure    text NOT NULL DEFAULT '',
    started_by text NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now(),
    stepped_at timestamptz NOT NULL DEFAULT now(),
    ended_at   timestamptz
);
-- Two at once could have two nodes down.
CREATE UNIQUE INDEX rolling_restarts_one ON rolling_restarts ((true)) WHERE ended_at IS NULL;

-- More of what a node says of itself. applied_era 0 is a node that did not say.
ALTER TABLE node_statuses
    ADD COLUMN applied_era  bigint NOT NULL DEFAULT 0,
    ADD COLUMN state        text NOT NULL DEFAULT '',
    ADD COLUMN database     text NOT NULL DEFAULT '',
    ADD COLUMN connections  integer NOT NULL DEFAULT 0,
    ADD COLUMN transactions integer NOT NULL DEFAULT 0,
    ADD COLUMN restarted    jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN skew_ms      bigint NOT NULL DEFAULT 0,
    ADD COLUMN last_error   text NOT NULL DEFAULT '',
    ADD COLUMN error_at     timestamptz;

-- +goose Down
ALTER TABLE node_statuses DROP COLUMN applied_era, DROP COLUMN state, DROP COLUMN database, DROP COLUMN connections,
    DROP COLUMN transactions, DROP COLUMN restarted, DROP COLUMN skew_ms, DROP COLUMN last_error, DROP COLUMN error_at;
DROP TABLE rolling_restarts, service_states;
DROP TRIGGER forget_orders ON nodes;
DROP FUNCTION forget_orders;
ALTER TABLE revision DROP COLUMN era;
