package store

import (
	"context"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// Limits of tries to sign in. They hold on all nodes together, and nobody is locked out for longer than a window.
const (
	loginWindow     = time.Minute
	triesPerName    = 10
	triesPerAddress = 30
)

// One row per name and per address. A window that is over begins again; once the limit is reached the count stands still,
// so that going on does not lengthen the wait.
const countTry = `INSERT INTO login_tries AS t (kind, key, tries) VALUES ($1, $2, 1)
	ON CONFLICT (kind, key) DO UPDATE SET
		tries = CASE WHEN t.since <= now() - $4::interval THEN 1 ELSE least(t.tries + 1, $3 + 1) END,
		since = CASE WHEN t.since <= now() - $4::interval THEN now() ELSE t.since END
	RETURNING tries > $3 AS over, extract(epoch FROM since + $4::interval - now())::float8 AS seconds`

// CountLogin counts a try to sign in, before the password is looked at, and returns how long the name or the address has to
// wait: zero when the password may be looked at now.
func (s *Store) CountLogin(ctx context.Context, name, address string) (wait time.Duration, err error) {
	err = s.write(ctx, func(ctx context.Context, tx pgx.Tx) error {
		wait = 0
		if _, err := tx.Exec(ctx, `DELETE FROM login_tries WHERE since <= now() - $1::interval * 60`, loginWindow); err != nil {
			return err
		}
		// Always in this order, so that two tries never wait for each other.
		for _, c := range []struct {
			kind, key string
			limit     int
		}{{"address", address, triesPerAddress}, {"name", loginKey(name), triesPerName}} {
			row, err := one[struct {
				Over    bool
				Seconds float64
			}](ctx, tx, countTry, c.kind, c.key, c.limit, loginWindow)
			if err != nil {
				return err
			}
			if row.Over {
				wait = max(wait, time.Duration(row.Seconds*float64(time.Second)), time.Second)
			}
		}
		return nil
	})
	return wait, err
}

// ClearLogin forgets the tries of a name and an address after a success.
func (s *Store) ClearLogin(ctx context.Context, name, address string) error {
	return s.exec(ctx, `DELETE FROM login_tries WHERE kind = 'name' AND key = $1 OR kind = 'address' AND key = $2`, loginKey(name), address)
}

// loginKey bounds and folds what somebody typed as a name.
func loginKey(name string) string {
	name = strings.ToLower(strings.TrimSpace(strings.ReplaceAll(name, "\x00", "")))
	return strings.ToValidUTF8(name[:min(len(name), 128)], "")
}
