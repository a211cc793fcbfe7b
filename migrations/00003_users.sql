-- +goose Up

-- Users of both sides. key is the user id without case; address is the IM address in force, which the program derives
-- from the settings where none was written by hand.
CREATE TABLE users (
    id                bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key               text NOT NULL CONSTRAINT users_key UNIQUE CHECK (key <> ''),
    user_id           text NOT NULL CHECK (user_id <> ''),
    im_address        text NOT NULL DEFAULT '',
    address           text NOT NULL DEFAULT '',
    domain            text GENERATED ALWAYS AS (split_part(address, '@', -1)) STORED,
    mail              text NOT NULL DEFAULT '',
    licensed          boolean NOT NULL,
    node              text REFERENCES nodes (name) ON UPDATE CASCADE DEFERRABLE INITIALLY DEFERRED,
    microsoft_address text NOT NULL DEFAULT '',
    changed_at        bigint NOT NULL DEFAULT 0,
    CHECK (NOT licensed OR node IS NOT NULL),
    -- An address leads to one licensed user. Deferred, so that two users can trade addresses within one change.
    CONSTRAINT users_address EXCLUDE USING btree (address WITH =) WHERE (licensed AND address <> '') DEFERRABLE INITIALLY DEFERRED
);
CREATE INDEX users_home ON users (node, domain) WHERE licensed;
CREATE INDEX users_node ON users (node);
CREATE INDEX users_changed_at ON users (changed_at);
CREATE INDEX users_key_prefix ON users (key text_pattern_ops);

-- Ids that are gone, so that nodes can follow row by row.
CREATE TABLE user_tombstones (
    user_id    text PRIMARY KEY,
    changed_at bigint NOT NULL
);
CREATE INDEX user_tombstones_changed_at ON user_tombstones (changed_at);

-- +goose StatementBegin
CREATE FUNCTION stamp_user() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.changed_at := current_setting('isthmus.revision')::bigint;
    RETURN NEW;
END
$$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE FUNCTION bury_users() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO user_tombstones (user_id, changed_at)
        SELECT o.user_id, current_setting('isthmus.revision')::bigint FROM old_users o
        WHERE NOT EXISTS (SELECT FROM users u WHERE u.key = o.key AND u.user_id = o.user_id) -- the key has an index
    ON CONFLICT (user_id) DO UPDATE SET changed_at = excluded.changed_at;
    RETURN NULL;
END
$$;
-- +goose StatementEnd

CREATE TRIGGER raise_revision BEFORE INSERT OR UPDATE OR DELETE ON users FOR EACH STATEMENT EXECUTE FUNCTION raise_revision();
CREATE TRIGGER stamp BEFORE INSERT OR UPDATE ON users FOR EACH ROW EXECUTE FUNCTION stamp_user();
CREATE TRIGGER bury_deleted AFTER DELETE ON users REFERENCING OLD TABLE AS old_users
    FOR EACH STATEMENT EXECUTE FUNCTION bury_users();
CREATE TRIGGER bury_renamed AFTER UPDATE ON users REFERENCING OLD TABLE AS old_users
    FOR EACH STATEMENT EXECUTE FUNCTION bury_users();

-- +goose Down
DROP TABLE users, user_tombstones;
DROP FUNCTION stamp_user;
DROP FUNCTION bury_users;
