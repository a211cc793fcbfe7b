package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"

	"isthmus/internal/federation"
	"isthmus/migrations"
)

// migrationLock is the key of the advisory lock that lets one process migrate at a time.
const migrationLock = 7_411_086_219

// Migrate brings the schema up to date and writes the default configuration into an empty database. Processes that start
// at the same time wait for each other.
func (s *Store) Migrate(ctx context.Context) error {
	if done, err := s.upToDate(ctx); done || err != nil {
		return err
	}
	if err := s.migrateSchema(ctx); err != nil {
		return err
	}
	return s.writeDefaults(ctx)
}

// migrateSchema holds the lock on a connection of its own, so that losing that connection gives the lock back.
func (s *Store) migrateSchema(ctx context.Context) error {
	conn, err := s.connect(ctx, "isthmus migrate", map[string]string{"statement_timeout": "0", "lock_timeout": "0"})
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if _, err := conn.Exec(ctx, `SELECT pg_advisory_lock($1)`, int64(migrationLock)); err != nil {
		return explain(fmt.Errorf("wait for the migration lock: %w", err))
	}
	db := stdlib.OpenDB(*conn.Config())
	defer db.Close()
	provider, err := goose.NewProvider(goose.DialectPostgres, db, migrations.FS)
	if err != nil {
		return fmt.Errorf("read the migrations: %w", err)
	}
	if err := refuseNewer(ctx, provider); err != nil {
		return err
	}
	if _, err := provider.Up(ctx); err != nil {
		return explain(fmt.Errorf("migrate the database: %w", err))
	}
	return nil
}

// refuseNewer keeps an old program from writing into a schema that it does not know.
func refuseNewer(ctx context.Context, provider *goose.Provider) error {
	version, err := provider.GetDBVersion(ctx)
	if err != nil {
		return explain(fmt.Errorf("read the schema's version: %w", err))
	}
	sources := provider.ListSources()
	if known := sources[len(sources)-1].Version; version > known {
		return newerSchema(version, known)
	}
	return nil
}

// writeDefaults fills a database in which nothing was ever configured.
func (s *Store) writeDefaults(ctx context.Context) error {
	revision, err := s.Revision(ctx)
	if err != nil || revision > 0 {
		return err
	}
	_, err = s.Apply(ctx, "wrote the default configuration", func(c federation.Configuration) (federation.Configuration, error) {
		if len(c.TLSContexts) > 0 {
			return c, nil // another process was here first
		}
		return federation.DefaultConfiguration(), nil
	})
	return err
}

// Revision is the number of the last committed change.
func (s *Store) Revision(ctx context.Context) (int64, error) {
	var number int64
	err := s.read(ctx, func(ctx context.Context, tx pgx.Tx) (err error) {
		number, err = value[int64](ctx, tx, `SELECT number FROM revision`)
		return err
	})
	if errors.Is(err, federation.ErrNotFound) {
		return 0, federation.Refuse("The database's revision row is missing; restore the database from a backup.")
	}
	return number, err
}
