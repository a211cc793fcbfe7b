package store

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"isthmus/internal/federation"
)

// A Standing is how the database stands at this moment.
type Standing struct {
	federation.Point      // of the last committed change
	ReadOnly         bool // every new connection is, as on a standby
	Held             bool // it went back, as after a restore, so it takes no change before that is accepted
}

// The transaction that asks is itself read-only, so it asks for what new ones begin as.
const readStanding = `SELECT era, number AS revision, pg_is_in_recovery() OR current_setting('default_transaction_read_only')::boolean AS read_only,
	EXISTS (SELECT FROM node_statuses WHERE reported_at > now() - $1::interval AND (applied_era, applied_revision) > (era, number)) AS held
	FROM revision`

// Standing asks the cheapest question that tells whether the database answers, what is newest in it, and whether anything
// can be saved.
func (s *Store) Standing(ctx context.Context) (standing Standing, err error) {
	err = s.read(ctx, func(ctx context.Context, tx pgx.Tx) error {
		standing, err = one[Standing](ctx, tx, readStanding, federation.NodeSilence)
		return err
	})
	return standing, err
}

// Crowded reports whether a database is ErrUnavailable because all its connections are taken, which is another thing to
// mend than one that is gone.
func Crowded(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "53300" // too_many_connections
}
