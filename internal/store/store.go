// Package store owns all SQL: it keeps the configuration in Postgres, says what stands in the way of a change, and tells
// nodes when something changed. It knows no HTTP and no SIP.
//
// There is one door for writes, change.go, and one way to find and list, list.go. The other files hold one resource each.
package store

import (
	"context"
	"fmt"
	"maps"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// How long things may take. A console that waits longer than this is taken for broken.
const (
	connectTimeout = 2 * time.Second  // a free connection, or a new one
	lockTimeout    = 8 * time.Second  // others who write; a console, which has ten seconds in all, can still say so
	readTimeout    = 10 * time.Second // one page, one snapshot
	changeTimeout  = 20 * time.Second // one change; a console's caller ends earlier
	applyTimeout   = 2 * time.Minute  // a whole document with its users
)

// A Store is the database. Its methods are safe for concurrent use.
type Store struct {
	pool    *pgxpool.Pool
	config  *pgx.ConnConfig // for connections outside the pool: one that listens, one that migrates
	breaker breaker         // before the pool
	door    *door           // before every connect
}

// Open prepares for the database of a URL such as postgres://user@host/name. It does not connect: a node starts without
// the database too. The error is about the URL, and holds no password.
func Open(ctx context.Context, url string) (*Store, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("read the database URL: %w", err)
	}
	setDefaults(config.ConnConfig)
	config.MaxConns = max(config.MaxConns, 8)
	config.MaxConnLifetimeJitter = time.Minute
	door := &door{}
	door.guard(config)
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("prepare the connections to the database: %w", err)
	}
	return &Store{pool: pool, config: config.ConnConfig, door: door}, nil
}

// setDefaults bounds every statement on the server's side too: a client that went away leaves no lock behind.
func setDefaults(c *pgx.ConnConfig) {
	if c.ConnectTimeout == 0 {
		c.ConnectTimeout = connectTimeout
	}
	for name, value := range map[string]string{
		"application_name": "isthmus", "timezone": "UTC", "statement_timeout": milliseconds(changeTimeout),
		"lock_timeout": milliseconds(lockTimeout), "idle_in_transaction_session_timeout": milliseconds(applyTimeout),
	} {
		if c.RuntimeParams[name] == "" {
			c.RuntimeParams[name] = value
		}
	}
}

func milliseconds(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }

// Pause waits before something is tried again that failed: for as long as the database lets nobody in, until it is worth a
// try, else for d.
func (s *Store) Pause(ctx context.Context, d time.Duration) { s.door.await(ctx, d) }

// Close closes every connection, and waits for those in use.
func (s *Store) Close() { s.pool.Close() }

// connect opens a connection outside the pool. name tells it apart in pg_stat_activity; params overrides defaults.
func (s *Store) connect(ctx context.Context, name string, params map[string]string) (*pgx.Conn, error) {
	config := s.config.Copy()
	if err := s.door.admit(config); err != nil {
		return nil, explain(err)
	}
	config.RuntimeParams["application_name"] = name
	maps.Copy(config.RuntimeParams, params)
	conn, err := pgx.ConnectConfig(ctx, config)
	return conn, explain(err)
}

// Reading sees one state of the database: a page's count fits its rows, a snapshot is never half a change.
var reading = pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}

// read runs do in one read-only transaction.
func (s *Store) read(ctx context.Context, do func(context.Context, pgx.Tx) error) error {
	return s.within(ctx, readTimeout, reading, do)
}

// write runs do in one transaction of what is no configuration: sessions, drafts, what nodes report. Configuration is
// written by change alone.
func (s *Store) write(ctx context.Context, do func(context.Context, pgx.Tx) error) error {
	return s.within(ctx, readTimeout, pgx.TxOptions{}, do)
}

func (s *Store) within(ctx context.Context, limit time.Duration, options pgx.TxOptions, do func(context.Context, pgx.Tx) error) (err error) {
	began := time.Now()
	if !s.breaker.enter(began) {
		return ledgerOf(ctx).note(&Failure{Sentence: ErrUnavailable, Cause: errOpen})
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	defer func() { s.breaker.leave(began, time.Now(), err) }()
	work := ledgerOf(ctx)
	return work.note(s.transact(ctx, options, func(ctx context.Context, tx pgx.Tx) error {
		err := do(ctx, tx)
		if err == nil && options.AccessMode != pgx.ReadOnly {
			work.Store(true) // COMMIT follows
		}
		return err
	}))
}

func (s *Store) transact(ctx context.Context, options pgx.TxOptions, do func(context.Context, pgx.Tx) error) error {
	conn, err := s.acquire(ctx)
	if err != nil {
		return explain(err)
	}
	defer conn.Release()
	return explain(pgx.BeginTxFunc(ctx, conn, options, func(tx pgx.Tx) error { return do(ctx, tx) }))
}

// acquire waits a bounded time for a connection, so that a full database is an answer and not a hang.
func (s *Store) acquire(ctx context.Context) (*pgxpool.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	return s.pool.Acquire(ctx)
}

// exec runs one statement outside the configuration.
func (s *Store) exec(ctx context.Context, sql string, args ...any) error {
	return s.write(ctx, func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, sql, args...)
		return err
	})
}

// one reads the row of a statement into T by its column names. No row is federation.ErrNotFound.
func one[T any](ctx context.Context, tx pgx.Tx, sql string, args ...any) (T, error) {
	rows, _ := tx.Query(ctx, sql, args...) // CollectExactlyOneRow returns the error
	v, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[T])
	return v, explain(err)
}

// all reads the rows of a statement into T by their column names.
func all[T any](ctx context.Context, tx pgx.Tx, sql string, args ...any) ([]T, error) {
	rows, _ := tx.Query(ctx, sql, args...) // CollectRows returns the error
	return pgx.CollectRows(rows, pgx.RowToStructByName[T])
}

// value reads the one value of a statement.
func value[T any](ctx context.Context, tx pgx.Tx, sql string, args ...any) (T, error) {
	rows, _ := tx.Query(ctx, sql, args...) // CollectExactlyOneRow returns the error
	v, err := pgx.CollectExactlyOneRow(rows, pgx.RowTo[T])
	return v, explain(err)
}
