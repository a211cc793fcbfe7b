package store

import (
	"context"

	"github.com/jackc/pgx/v5"

	"isthmus/internal/federation"
)

const readStatuses = `SELECT node, applied_revision, error, version, started_at, reported_at, listeners, hops FROM node_statuses
	ORDER BY node COLLATE "C"`

const upsertStatus = `INSERT INTO node_statuses (node, applied_revision, error, version, started_at, reported_at, listeners, hops)
	SELECT name, $2, $3, $4, $5, now(), coalesce($6::jsonb, '[]'), coalesce($7::jsonb, '[]') FROM nodes WHERE name = $1
	ON CONFLICT (node) DO UPDATE SET applied_revision = excluded.applied_revision, error = excluded.error,
		version = excluded.version, started_at = excluded.started_at, reported_at = excluded.reported_at,
		listeners = excluded.listeners, hops = excluded.hops
	RETURNING node`

// ReportStatus keeps what a node says of itself. It is no change of the configuration. ReportedAt is the database's
// clock, so that the clocks of nodes need not agree. A node without a row is federation.ErrNotFound.
func (s *Store) ReportStatus(ctx context.Context, n federation.NodeStatus) error {
	return s.write(ctx, func(ctx context.Context, tx pgx.Tx) error {
		_, err := value[string](ctx, tx, upsertStatus, n.Node, n.AppliedRevision, n.Error, n.Version, n.StartedAt, n.Listeners, n.Hops)
		return err
	})
}

// NodeStatuses are the last reports of all nodes that ever reported, by name.
func (s *Store) NodeStatuses(ctx context.Context) (statuses []federation.NodeStatus, err error) {
	err = s.read(ctx, func(ctx context.Context, tx pgx.Tx) error {
		statuses, err = all[federation.NodeStatus](ctx, tx, readStatuses)
		return err
	})
	return statuses, err
}
