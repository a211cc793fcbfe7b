package store

import (
	"context"
	"errors"
	"io/fs"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/pressly/goose/v3"

	"isthmus/internal/federation"
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

// refuseNewerSchema keeps a program from saving into a schema that a newer one has migrated while this one ran, or before it
// started: what it does not know it would leave out.
func refuseNewerSchema(ctx context.Context, tx pgx.Tx) error {
	known, err := newestMigration()
	if err != nil {
		return err
	}
	version, err := value[int64](ctx, tx, `SELECT max(version_id) FROM goose_db_version WHERE is_applied`)
	if err != nil || version <= known {
		return err
	}
	return newerSchema(version, known)
}

func newerSchema(version, known int64) error {
	return marked{federation.Refuse("The database has schema %d and this program knows %d. Start the newer program, or restore an older backup.", version, known), ErrNewerSchema}
}
