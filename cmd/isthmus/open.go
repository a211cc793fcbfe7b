package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"isthmus/internal/auth"
	"isthmus/internal/certs"
	"isthmus/internal/embedpg"
	"isthmus/internal/store"
)

// opened is a database that a command may use, migrated.
type opened struct {
	*store.Store
	cluster *embedpg.Cluster // nil with a database URL
}

// open connects a command to the database of these flags: the one of the URL, that of a running serve on the same data
// directory, or the embedded one for as long as the command needs it.
func open(ctx context.Context, f *flags, c console) (*opened, error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	url := f.DatabaseURL
	var cluster *embedpg.Cluster
	if url == "" {
		var err error
		if cluster, err = embedpg.Open(ctx, f.embedded(c.err)); err != nil {
			return nil, err
		}
		url = cluster.URL()
	}
	db, err := migrated(ctx, url)
	if err != nil {
		closeCluster(cluster)
		return nil, err
	}
	return &opened{db, cluster}, nil
}

// embedded makes the data directory, private to the user who starts the program, and names it to embedpg.
func (f *flags) embedded(log io.Writer) embedpg.Config {
	return embedpg.Config{DataDir: f.DataDir, DataDirNamed: f.dataDirNamed, Log: f.logger(log)}
}

func migrated(ctx context.Context, url string) (*store.Store, error) {
	db, err := store.Open(ctx, url)
	if err != nil {
		return nil, unreachable(err)
	}
	if err := db.Migrate(ctx); err != nil {
		db.Close()
		return nil, unreachable(err)
	}
	return db, nil
}

// databaseError is the sentence for a database that this call cannot use, on one line.
type databaseError struct{ cause error }

func unreachable(err error) error { return databaseError{err} }

func (e databaseError) Unwrap() error { return e.cause }

func (e databaseError) Error() string {
	const way = "Check --database-url, and that Postgres runs."
	cause := e.cause
	if failure := (*store.Failure)(nil); store.Denied(cause) && errors.As(cause, &failure) {
		cause = failure.Cause
	} else if store.Crowded(cause) {
		return "The database has no connection left. Try again when others have ended, or raise its max_connections."
	} else if errors.Is(cause, store.ErrUnavailable) {
		return "The database cannot be reached, or does not answer in time. " + way
	}
	return "The database cannot be used (" + strings.Join(strings.Fields(cause.Error()), " ") + "). " + way
}

func closeCluster(c *embedpg.Cluster) {
	if c != nil {
		_ = c.Close() // the command's own result matters more than how its private database ended
	}
}

// Close leaves the database, and ends the embedded one where this command started it.
func (o *opened) Close() {
	o.Store.Close()
	closeCluster(o.cluster)
}

// asCommand marks changes as made by the person at the command line.
func asCommand(ctx context.Context) context.Context {
	name := os.Getenv("SUDO_USER")
	if name == "" {
		name = os.Getenv("USER")
	}
	if name == "" {
		name = "command line"
	}
	return auth.WithActor(ctx, auth.Actor{Name: name, Role: auth.Admin, Address: "command line"})
}

// key opens the key file. It is made when it is missing and the database knows none yet; the database then keeps its
// fingerprint, and a node with another key is refused.
func (f *flags) key(ctx context.Context, db *store.Store) (*certs.Key, error) {
	known, err := db.KeyFingerprint(ctx)
	if err != nil {
		return nil, err
	}
	secrets, err := db.HoldsSecrets(ctx)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(f.KeyFile), 0o700); err != nil {
		return nil, fmt.Errorf("the directory of the key file cannot be made: %w; name another with --key-file", err)
	}
	key, err := certs.OpenKey(f.KeyFile, known, secrets)
	if err != nil {
		return nil, err
	}
	if known == key.Fingerprint() {
		return key, nil // a database that can only be read knows it already
	}
	return key, db.SetKeyFingerprint(ctx, key.Fingerprint())
}

// within runs a command's work on the database, marked as the command line's.
func within(ctx context.Context, f *flags, c console, work func(context.Context, *store.Store) error) error {
	db, err := open(ctx, f, c)
	if err != nil {
		return err
	}
	defer db.Close()
	return work(asCommand(ctx), db.Store)
}
