package store

import (
	"context"

	"github.com/jackc/pgx/v5"

	"isthmus/internal/federation"
)

const readFacts = `SELECT user_id, address, CASE WHEN licensed THEN coalesce(node, '') ELSE '' END AS node, licensed, microsoft_address
	FROM users WHERE changed_at > $1`

const readGone = `SELECT t.user_id FROM user_tombstones t WHERE t.changed_at > $1
	AND NOT EXISTS (SELECT FROM users u WHERE u.user_id = t.user_id)`

// UserFacts is what routing needs to know of the users that changed after a revision, the ids of those that are gone
// since, and the revision up to which this is so: ask for what follows it next time. After 0 it is everything, and
// nobody is gone.
func (s *Store) UserFacts(ctx context.Context, after int64) (facts []federation.UserFact, gone []string, upTo int64, err error) {
	err = s.within(ctx, applyTimeout, reading, func(ctx context.Context, tx pgx.Tx) error {
		if upTo, err = value[int64](ctx, tx, `SELECT number FROM revision`); err != nil {
			return err
		}
		if facts, err = all[federation.UserFact](ctx, tx, readFacts, after); err != nil || after == 0 {
			return err
		}
		rows, _ := tx.Query(ctx, readGone, after) // CollectRows returns the error
		gone, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return err
	})
	return facts, gone, upTo, err
}
