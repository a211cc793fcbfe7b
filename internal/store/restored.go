package store

import (
	"context"
	"strconv"

	"github.com/jackc/pgx/v5"

	"isthmus/internal/federation"
)

// lockRevision makes every writer wait for the one before it. What is read afterwards is the last committed state, and
// stays so until the transaction ends.
func lockRevision(ctx context.Context, tx pgx.Tx) error {
	_, err := tx.Exec(ctx, `SELECT number FROM revision FOR UPDATE`)
	return err
}

// newestReported is the newest state that nodes which run have in force. One that is newer than the database's was lost
// by the database: what nodes report comes from it, after it was committed.
const newestReported = `SELECT applied_era AS era, applied_revision AS revision FROM node_statuses
	WHERE reported_at > now() - $1::interval
	ORDER BY applied_era DESC, applied_revision DESC LIMIT 1`

// raisePast puts the database's state behind everything that nodes which run have seen.
const raisePast = `UPDATE revision SET
	era = 1 + greatest(era, (SELECT max(applied_era) FROM node_statuses WHERE reported_at > now() - $1::interval)),
	number = 1 + greatest(number, (SELECT max(applied_revision) FROM node_statuses WHERE reported_at > now() - $1::interval))
	RETURNING era, number AS revision`

// lost is the newest state that a running node has in force and the database no longer has; ok says that there is one.
func lost(ctx context.Context, tx pgx.Tx, database federation.Point) (newest federation.Point, ok bool, err error) {
	points, err := all[federation.Point](ctx, tx, newestReported, federation.NodeSilence)
	if err != nil || len(points) == 0 {
		return newest, false, err
	}
	return points[0], database.Before(points[0]), nil
}

// Newest is the place of the last committed change.
func (s *Store) Newest(ctx context.Context) (p federation.Point, err error) {
	err = s.read(ctx, func(ctx context.Context, tx pgx.Tx) error {
		p, err = one[federation.Point](ctx, tx, `SELECT era, number AS revision FROM revision`)
		return err
	})
	return p, err
}

// refuseRestored refuses to change a database that went back, as after a restore, before somebody has accepted that.
// Nodes hold on to what they have until then, and a change of the old state would bring it back unseen.
func (w *work) refuseRestored(ctx context.Context) error {
	newest, held, err := lost(ctx, w.tx, w.before.Point())
	if err != nil || !held {
		return err
	}
	return marked{federation.Refuse("The database went back from revision %d to %d, as after a restore, so nothing was saved. Accept that on the page Pending actions first, or restore a newer backup.",
		newest.Revision, w.before.Revision), ErrRestored}
}

// AcceptRestored makes the state of a database that went back the newest of all, with an audit row: nodes follow it from
// then on, and changes are taken again. It is refused when no running node has a newer state in force.
func (s *Store) AcceptRestored(ctx context.Context) error {
	return s.acceptRestored(ctx, func(federation.Point) bool { return true })
}

// AcceptRestoredAt is AcceptRestored of the state that somebody has looked at; ErrOvertaken when the database has another
// one, as when it was restored once more.
func (s *Store) AcceptRestoredAt(ctx context.Context, seen federation.Point) error {
	return s.acceptRestored(ctx, func(now federation.Point) bool { return now == seen })
}

func (s *Store) acceptRestored(ctx context.Context, meant func(now federation.Point) bool) error {
	return s.within(ctx, changeTimeout, pgx.TxOptions{}, func(ctx context.Context, tx pgx.Tx) error {
		if err := lockRevision(ctx, tx); err != nil {
			return err
		}
		before, err := one[federation.Point](ctx, tx, `SELECT era, number AS revision FROM revision`)
		if err != nil {
			return err
		}
		newest, held, err := lost(ctx, tx, before)
		if err != nil {
			return err
		}
		if !held {
			return federation.Refuse("No node that runs has a newer revision than the database's %d, so there is nothing to accept.", before.Revision)
		}
		if !meant(before) {
			return ErrOvertaken
		}
		return accept(ctx, tx, before, newest)
	})
}

func accept(ctx context.Context, tx pgx.Tx, before, newest federation.Point) error {
	after, err := one[federation.Point](ctx, tx, raisePast, federation.NodeSilence)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `SELECT pg_notify('isthmus_changes', '')`); err != nil {
		return err
	}
	number := func(n int64) string { return strconv.FormatInt(n, 10) }
	w := &work{tx: tx, action: "accepted the restored database"}
	w.note("database", federation.Changed, "restored", []federation.FieldChange{
		{Name: "era", Old: number(before.Era), New: number(after.Era)},
		{Name: "revision", Old: number(newest.Revision), New: number(before.Revision)},
	})
	return w.writeAudit(ctx, after.Revision)
}
