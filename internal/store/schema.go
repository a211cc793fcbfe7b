package store

import (
	"context"
	"errors"
	"io/fs"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/pressly/goose/v3"

	"isthmus/migrations"
)

// upToDate asks in one query whether there is nothing to do, as at nearly every start.
func (s *Store) upToDate(ctx context.Context) (yes bool, err error) {
	newest, err := newestMigration()
	if err != nil {
		return false, err
	}
	err = s.read(ctx, func(ctx context.Context, tx pgx.Tx) (err error) {
		yes, err = value[bool](ctx, tx, `SELECT (SELECT max(version_id) FROM goose_db_version WHERE is_applied) = $1 AND EXISTS (SELECT FROM revision WHERE number > 0)`, newest)
		return err
	})
	if failure, ok := errors.AsType[*pgconn.PgError](err); ok && failure.Code == "42P01" {
		return false, nil // undefined_table: nothing was ever migrated here
	}
	return yes, err
}

// newestMigration is the highest number of a migration that this program has.
func newestMigration() (newest int64, err error) {
	names, err := fs.Glob(migrations.FS, "*.sql")
	for _, name := range names {
		number, bad := goose.NumericComponent(name)
		newest, err = max(newest, number), errors.Join(err, bad)
	}
	return newest, err
}
