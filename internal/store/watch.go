package store

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"

	"isthmus/internal/federation"
)

// How the listening connection is kept honest. A server that hangs says nothing, so it is asked; the same question finds
// a change whose notification was lost.
const (
	askEvery   = 500 * time.Millisecond
	askTimeout = time.Second
)

// watchName tells the listening connection apart in pg_stat_activity.
const watchName = "isthmus watch"

var errStopped = errors.New("nobody wants more snapshots")

// Snapshots follows the configuration: the state of now, then the state after every change, at the latest half a second
// behind. An error means that the database cannot be followed at present; the sequence goes on by itself, and yields the
// whole state again when it can. It ends with ctx, or when the caller stops.
func (s *Store) Snapshots(ctx context.Context) iter.Seq2[federation.Snapshot, error] {
	return func(yield func(federation.Snapshot, error) bool) {
		backoff := minBackoff
		for ctx.Err() == nil {
			err := s.follow(ctx, func(snapshot federation.Snapshot) bool {
				backoff = minBackoff
				return yield(snapshot, nil)
			})
			if errors.Is(err, errStopped) || ctx.Err() != nil || !yield(federation.Snapshot{}, explain(err)) {
				return
			}
			s.Pause(ctx, backoff/2+rand.N(backoff)) // so that many nodes do not come back at one moment
			backoff = min(2*backoff, maxBackoff)
		}
	}
}

// follow yields snapshots over one connection until that breaks.
func (s *Store) follow(ctx context.Context, yield func(federation.Snapshot) bool) error {
	conn, err := s.connect(ctx, watchName, nil)
	if err != nil {
		return err
	}
	defer closeWithin(ctx, conn, askTimeout)
	// LISTEN before the first read: a change between the two would otherwise be lost.
	if _, err := conn.Exec(ctx, `LISTEN isthmus_changes`); err != nil {
		return fmt.Errorf("listen for changes: %w", err)
	}
	seen := federation.Point{Revision: -1}
	for {
		newest, err := askRevision(ctx, conn)
		if err != nil {
			return err
		}
		if newest != seen {
			snapshot, err := readOn(ctx, conn)
			if err != nil {
				return err
			}
			if seen = snapshot.Point(); !yield(snapshot) {
				return errStopped
			}
		}
		if err := awaitChange(ctx, conn); err != nil {
			return err
		}
	}
}

// closeWithin says goodbye to the server, but waits no longer than d for one that hangs.
func closeWithin(ctx context.Context, conn *pgx.Conn, d time.Duration) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), d)
	defer cancel()
	_ = conn.Close(ctx) // the connection is gone either way
}

// askRevision is the ping of the connection and the poll of the database in one.
func askRevision(ctx context.Context, conn *pgx.Conn) (newest federation.Point, err error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	if err = conn.QueryRow(ctx, `SELECT era, number FROM revision`).Scan(&newest.Era, &newest.Revision); err != nil {
		err = fmt.Errorf("ask for the revision: %w", err)
	}
	return newest, err
}

func readOn(ctx context.Context, conn *pgx.Conn) (snapshot federation.Snapshot, err error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	err = pgx.BeginTxFunc(ctx, conn, reading, func(tx pgx.Tx) error {
		snapshot, err = readSnapshot(ctx, tx)
		return err
	})
	return snapshot, err
}

// awaitChange returns after a notification, or when it is time to ask again.
func awaitChange(ctx context.Context, conn *pgx.Conn) error {
	wait, cancel := context.WithTimeout(ctx, askEvery)
	defer cancel()
	_, err := conn.WaitForNotification(wait)
	if err != nil && ctx.Err() == nil && wait.Err() != nil && !conn.IsClosed() {
		return nil
	}
	return err
}
