-- +goose Up

-- What a node cannot keep on its disk for a start without the database, with what it would use instead. '': it keeps all.
ALTER TABLE node_statuses ADD COLUMN unkept text NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE node_statuses DROP COLUMN unkept;
