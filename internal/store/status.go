package store

import (
	"context"

	"github.com/jackc/pgx/v5"

	"isthmus/internal/federation"
)

// Every page asks for the statuses, and one alone for the refused handshakes, which may be long.
const readStatuses = `SELECT node, applied_revision, error, version, started_at, reported_at, listeners, hops, NULL::jsonb AS handshakes, NULL::jsonb AS peers
	FROM node_statuses ORDER BY node COLLATE "C"`

const readHandshakes = `SELECT node, applied_revision, error, version, started_at, reported_at, listeners, hops, handshakes, NULL::jsonb AS peers
	FROM node_statuses ORDER BY node COLLATE "C"`

const upsertStatus = `INSERT INTO node_statuses (node, applied_revision, error, version, started_at, reported_at, listeners, hops, handshakes)
	SELECT name, $2, $3, $4, $5, now(), coalesce($6::jsonb, '[]'), coalesce($7::jsonb, '[]'), coalesce($8::jsonb, '[]') FROM nodes WHERE name = $1
	ON CONFLICT (node) DO UPDATE SET applied_revision = excluded.applied_revision, error = excluded.error,
		version = excluded.version, started_at = excluded.started_at, reported_at = excluded.reported_at,
		listeners = excluded.listeners, hops = excluded.hops, handshakes = coalesce($8::jsonb, node_statuses.handshakes)
	RETURNING node`

// ReportStatus keeps what a node says of itself. It is no change of the configuration. ReportedAt is the database's
// clock, so that the clocks of nodes need not agree. Handshakes that are nil stay as they were reported before; peers join
// those of all nodes. A node without a row is federation.ErrNotFound.
func (s *Store) ReportStatus(ctx context.Context, n federation.NodeStatus) error {
	return s.write(ctx, func(ctx context.Context, tx pgx.Tx) error {
		_, err := value[string](ctx, tx, upsertStatus, n.Node, n.AppliedRevision, n.Error, n.Version, n.StartedAt, n.Listeners, n.Hops, n.Handshakes)
		if err != nil {
			return err
		}
		return keepPeerCertificates(ctx, tx, n.Peers)
	})
}

// NodeStatuses are the last reports of all nodes that ever reported, by name, without their refused handshakes.
func (s *Store) NodeStatuses(ctx context.Context) ([]federation.NodeStatus, error) {
	return s.statuses(ctx, readStatuses)
}

// NodeHandshakes are the same reports with their refused handshakes.
func (s *Store) NodeHandshakes(ctx context.Context) ([]federation.NodeStatus, error) {
	return s.statuses(ctx, readHandshakes)
}

func (s *Store) statuses(ctx context.Context, sql string) (statuses []federation.NodeStatus, err error) {
	err = s.read(ctx, func(ctx context.Context, tx pgx.Tx) error {
		statuses, err = all[federation.NodeStatus](ctx, tx, sql)
		return err
	})
	return statuses, err
}
