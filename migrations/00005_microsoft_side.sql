-- +goose Up

-- What runs of the wizard added, so that the same can go again.
ALTER TABLE deployments ADD COLUMN made jsonb NOT NULL DEFAULT '[]';

-- What is known of the Microsoft side of a deployment, and what people did there. None of it raises the revision.
CREATE TABLE verifications (
    deployment  bigint PRIMARY KEY REFERENCES deployments (id) ON DELETE CASCADE,
    fingerprint text NOT NULL,
    computer    text NOT NULL,
    checked_at  timestamptz NOT NULL,
    results     jsonb NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now(),
    received_by text NOT NULL
);

CREATE TABLE ticks (
    deployment bigint NOT NULL REFERENCES deployments (id) ON DELETE CASCADE,
    task       text NOT NULL CHECK (task <> ''),
    by         text NOT NULL,
    at         timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (deployment, task)
);

-- +goose Down
DROP TABLE ticks, verifications;
ALTER TABLE deployments DROP COLUMN made;
