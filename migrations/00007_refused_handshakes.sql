-- +goose Up

-- What a node remembers of TLS handshakes that failed. Like the rest of its report it raises no revision.
ALTER TABLE node_statuses ADD COLUMN handshakes jsonb NOT NULL DEFAULT '[]';

-- +goose Down
ALTER TABLE node_statuses DROP COLUMN handshakes;
