package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"isthmus/internal/federation"
)

// Every page asks for the statuses, and one alone for the refused handshakes, which may be long: $1 says whether.
const readStatuses = `SELECT node, applied_era, applied_revision, state, database, error, last_error,
		coalesce(error_at, '0001-01-01 00:00:00Z') AS error_at, unkept, version, started_at, reported_at, skew_ms, connections, transactions,
		restarted, listeners, hops, CASE WHEN $1::boolean THEN handshakes END AS handshakes, NULL::jsonb AS peers
	FROM node_statuses ORDER BY node COLLATE "C"`

// An error is told again with every report; it happened when it was told first. The clock's skew is that of the report's
// arrival, so a slow database makes it look some milliseconds behind.
const upsertStatus = `INSERT INTO node_statuses (node, applied_revision, error, version, started_at, reported_at, listeners, hops,
		handshakes, applied_era, state, database, connections, transactions, restarted, skew_ms, last_error, error_at, unkept)
	SELECT name, $2, $3, $4, $5, now(), coalesce($6::jsonb, '[]'), coalesce($7::jsonb, '[]'), coalesce($8::jsonb, '[]'), $9, $10,
		$11, $12, $13, coalesce($14::jsonb, '{}'), coalesce(extract(epoch FROM $15::timestamptz - clock_timestamp()) * 1000, 0)::bigint,
		$3, CASE WHEN $3 <> '' THEN now() END, $16 FROM nodes WHERE name = $1
	ON CONFLICT (node) DO UPDATE SET applied_revision = excluded.applied_revision, error = excluded.error,
		version = excluded.version, started_at = excluded.started_at, reported_at = excluded.reported_at,
		listeners = excluded.listeners, hops = excluded.hops, handshakes = coalesce($8::jsonb, node_statuses.handshakes),
		applied_era = excluded.applied_era, state = excluded.state, database = excluded.database,
		connections = excluded.connections, transactions = excluded.transactions, restarted = excluded.restarted,
		skew_ms = excluded.skew_ms, unkept = excluded.unkept,
		last_error = coalesce(nullif(excluded.error, ''), node_statuses.last_error),
		error_at = CASE WHEN excluded.error IN ('', node_statuses.error) THEN node_statuses.error_at ELSE now() END
	RETURNING node`

// ReportStatus keeps what a node says of itself. It is no change of the configuration. ReportedAt is the database's
// clock, so that the clocks of nodes need not agree; what the node gives there tells how far its clock is from that.
// LastError and ErrorAt follow from Error and are not taken from the node. Handshakes that are nil stay as they were reported before; peers join
// those of all nodes. A node without a row is federation.ErrNotFound.
func (s *Store) ReportStatus(ctx context.Context, n federation.NodeStatus) error {
	return s.write(ctx, func(ctx context.Context, tx pgx.Tx) error {
		_, err := value[string](ctx, tx, upsertStatus, n.Node, n.AppliedRevision, n.Error, n.Version, n.StartedAt, n.Listeners, n.Hops,
			n.Handshakes, n.AppliedEra, n.State, n.Database, n.Connections, n.Transactions, n.Restarted, clockOf(n), n.Unkept)
		if err != nil {
			return err
		}
		return keepPeerCertificates(ctx, tx, n.Peers)
	})
}

// Clock is the database's time.
func (s *Store) Clock(ctx context.Context) (now time.Time, err error) {
	err = s.read(ctx, func(ctx context.Context, tx pgx.Tx) error {
		now, err = value[time.Time](ctx, tx, `SELECT clock_timestamp()`)
		return err
	})
	return now, err
}

// clockOf is the time on the node's clock as it reported, nil when it did not say.
func clockOf(n federation.NodeStatus) *time.Time {
	if n.ReportedAt.IsZero() {
		return nil
	}
	return &n.ReportedAt
}

// NodeStatuses are the last reports of all nodes that ever reported, by name, without their refused handshakes.
func (s *Store) NodeStatuses(ctx context.Context) ([]federation.NodeStatus, error) {
	return s.statuses(ctx, false)
}

// NodeHandshakes are the same reports with their refused handshakes.
func (s *Store) NodeHandshakes(ctx context.Context) ([]federation.NodeStatus, error) {
	return s.statuses(ctx, true)
}

func (s *Store) statuses(ctx context.Context, handshakes bool) (statuses []federation.NodeStatus, err error) {
	err = s.read(ctx, func(ctx context.Context, tx pgx.Tx) error {
		statuses, err = all[federation.NodeStatus](ctx, tx, readStatuses, handshakes)
		return err
	})
	return statuses, err
}
