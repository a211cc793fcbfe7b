-- +goose Up

-- The one number that every committed change of the configuration raises. Writers lock this row, so that one change
-- follows the other.
CREATE TABLE revision (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    number   bigint NOT NULL DEFAULT 0
);
INSERT INTO revision DEFAULT VALUES;

-- raise_revision raises the number once in a transaction, however many statements it has, and wakes whoever listens.
-- Both take effect at commit. The setting lives as long as the transaction and tells the number to other triggers.
-- +goose StatementBegin
CREATE FUNCTION raise_revision() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    raised bigint;
BEGIN
    IF coalesce(current_setting('isthmus.revision', true), '') = '' THEN
        UPDATE revision SET number = number + 1 RETURNING number INTO raised;
        PERFORM set_config('isthmus.revision', raised::text, true);
        PERFORM pg_notify('isthmus_changes', '');
    END IF;
    RETURN NULL;
END
$$;
-- +goose StatementEnd

-- +goose Down
DROP FUNCTION raise_revision;
DROP TABLE revision;
