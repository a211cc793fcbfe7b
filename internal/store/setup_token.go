package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"isthmus/internal/auth"
	"isthmus/internal/federation"
)

const setupOver = federation.Refusal("The first administrator is there already, so this link no longer works. Sign in, or ask an administrator for access.")

const setupUnknown = federation.Refusal("This link has been used or is too old. Start Isthmus again for a new one, or run isthmus admin add.")

// NewSetupToken keeps the hash of a single-use token with which the first administrator is made. It is refused when there
// is one.
func (s *Store) NewSetupToken(ctx context.Context, hash []byte, expires time.Time) error {
	return s.change(ctx, func(ctx context.Context, w *work) error {
		if err := refuseSetupOver(ctx, w.tx); err != nil {
			return err
		}
		if _, err := w.tx.Exec(ctx, `DELETE FROM setup_tokens WHERE expires_at <= now()`); err != nil {
			return err
		}
		_, err := w.tx.Exec(ctx, `INSERT INTO setup_tokens (hash, expires_at) VALUES ($1, $2)`, hash, expires)
		return err
	})
}

// UseSetupToken spends a token and makes the first administrator, in one transaction: of two that come at once, one wins.
// A refused name or role leaves the token as it was.
func (s *Store) UseSetupToken(ctx context.Context, hash []byte, name, passwordHash string) error {
	return s.change(ctx, func(ctx context.Context, w *work) error {
		if err := refuseSetupOver(ctx, w.tx); err != nil {
			return err
		}
		spent, err := w.tx.Exec(ctx, `DELETE FROM setup_tokens WHERE hash = $1 AND expires_at > now()`, hash)
		if err != nil {
			return err
		}
		if spent.RowsAffected() != 1 {
			return setupUnknown
		}
		return w.addAdministrator(ctx, name, auth.Admin, passwordHash)
	})
}

// CheckSetupToken says whether a token would be taken now, so that the page behind an old link can tell at once.
func (s *Store) CheckSetupToken(ctx context.Context, hash []byte) error {
	return s.read(ctx, func(ctx context.Context, tx pgx.Tx) error {
		if err := refuseSetupOver(ctx, tx); err != nil {
			return err
		}
		good, err := value[bool](ctx, tx, `SELECT EXISTS (SELECT FROM setup_tokens WHERE hash = $1 AND expires_at > now())`, hash)
		if err == nil && !good {
			err = setupUnknown
		}
		return err
	})
}

func refuseSetupOver(ctx context.Context, tx pgx.Tx) error {
	over, err := value[bool](ctx, tx, anyAdministrator)
	if err == nil && over {
		err = setupOver
	}
	return err
}
