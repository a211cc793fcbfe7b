package store

import (
	"context"
	"errors"
	"slices"

	"github.com/jackc/pgx/v5"

	"isthmus/internal/auth"
	"isthmus/internal/federation"
)

const readRolling = `SELECT id, service, nodes, done, failure, started_by, started_at, stepped_at, ended_at FROM rolling_restarts`

const insertRolling = `INSERT INTO rolling_restarts (service, nodes, started_by) VALUES ($1, $2, $3)
	RETURNING id, service, nodes, done, failure, started_by, started_at, stepped_at, ended_at`

const stepRolling = `UPDATE rolling_restarts SET done = done + 1, stepped_at = now()
	WHERE id = $1 AND done = $2 AND done < cardinality(nodes) AND ended_at IS NULL
	RETURNING id, service, nodes, done, failure, started_by, started_at, stepped_at, ended_at`

const resumeRolling = `UPDATE rolling_restarts SET stepped_at = now() WHERE id = $1 AND done = $2 AND stepped_at = $3 AND ended_at IS NULL
	RETURNING id, service, nodes, done, failure, started_by, started_at, stepped_at, ended_at`

const endRolling = `UPDATE rolling_restarts SET ended_at = now(), failure = $2
	WHERE id = $1 AND ended_at IS NULL AND ($2 <> '' OR done = cardinality(nodes)) RETURNING id`

var errWentOn = federation.Refuse("This rolling restart went on elsewhere, or has ended. Look at its progress on the page Services.")

// Rolling is the rolling restart that was started last, under way or ended. federation.ErrNotFound when there never was one.
func (s *Store) Rolling(ctx context.Context) (r federation.RollingRestart, err error) {
	err = s.read(ctx, func(ctx context.Context, tx pgx.Tx) error {
		r, err = one[federation.RollingRestart](ctx, tx, readRolling+` ORDER BY id DESC LIMIT 1`)
		return err
	})
	return r, err
}

// StartRolling begins to restart a service on one node after the other, in the order given. Nothing is ordered yet:
// StepRolling does that. It is refused while another is under way, and where OrderService would be, as for a restored
// database that is not accepted yet.
func (s *Store) StartRolling(ctx context.Context, nodes []string, service string) (r federation.RollingRestart, err error) {
	err = s.change(ctx, func(ctx context.Context, w *work) error {
		if err := w.refuseOrder(nodes, service); err != nil {
			return err
		}
		if err := w.refuseRestored(ctx); err != nil { // which asks only changes that nodes follow, and this is none yet
			return err
		}
		if twice := len(slices.Compact(slices.Sorted(slices.Values(nodes)))) < len(nodes); twice {
			return federation.Refuse("A node is named twice, so nothing was started. Name each node once.")
		}
		r, err = one[federation.RollingRestart](ctx, w.tx, insertRolling, service, nodes, auth.ActorFrom(ctx).Name)
		if violated(err) == "rolling_restarts_one" {
			return federation.Refuse("A rolling restart is under way already. Wait until it has ended, or end it first.")
		}
		return err
	})
	return r, err
}

// StepRolling orders the restart on the next node and counts it, in one change. done is how many were ordered as far as
// the caller knows: of two callers that know the same, one orders and the other is refused. It is refused, too, where
// somebody stopped the service meanwhile: a restart would start it.
func (s *Store) StepRolling(ctx context.Context, id int64, done int) (r federation.RollingRestart, err error) {
	err = s.change(ctx, func(ctx context.Context, w *work) error {
		r, err = one[federation.RollingRestart](ctx, w.tx, stepRolling, id, done)
		if errors.Is(err, federation.ErrNotFound) {
			return errWentOn
		}
		if err != nil {
			return err
		}
		next := r.Nodes[r.Done-1]
		if err := refuseStopped(w.before.ServiceState(next, r.Service)); err != nil {
			return err
		}
		return w.order(ctx, []string{next}, r.Service, federation.RestartService)
	})
	return r, err
}

// ResumeRolling is for whoever goes on with a rolling restart that nobody goes on with, as it was read: nothing is ordered
// yet, but it counts as under way again, so that of two who go on with it one is refused. It is refused, too, while a
// restored database is not accepted.
func (s *Store) ResumeRolling(ctx context.Context, seen federation.RollingRestart) (r federation.RollingRestart, err error) {
	err = s.change(ctx, func(ctx context.Context, w *work) error {
		if err := w.refuseRestored(ctx); err != nil {
			return err
		}
		r, err = one[federation.RollingRestart](ctx, w.tx, resumeRolling, seen.ID, seen.Done, seen.SteppedAt)
		if errors.Is(err, federation.ErrNotFound) {
			return errWentOn
		}
		return err
	})
	return r, err
}

// refuseStopped refuses to restart what somebody stopped.
func refuseStopped(o federation.ServiceState) error {
	if !o.Stopped {
		return nil
	}
	return federation.Refuse("On %s %s was stopped by %s, so it stays stopped there and no further node was restarted. Start it, or restart the others.", o.Node, o.Service, o.OrderedBy)
}

// EndRolling ends a rolling restart: with the reason when it ends early, with "" when every node was restarted.
func (s *Store) EndRolling(ctx context.Context, id int64, failure string) error {
	return s.write(ctx, func(ctx context.Context, tx pgx.Tx) error {
		_, err := value[int64](ctx, tx, endRolling, id, failure)
		if errors.Is(err, federation.ErrNotFound) {
			return federation.Refuse("This rolling restart has ended already, or some of its nodes are still to be restarted.")
		}
		return err
	})
}
