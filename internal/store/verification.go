package store

import (
	"context"

	"github.com/jackc/pgx/v5"

	"isthmus/internal/auth"
	"isthmus/internal/federation"
)

const readVerification = `SELECT fingerprint, computer, checked_at, results, received_at, received_by FROM verifications
	WHERE deployment = $1`

const upsertVerification = `INSERT INTO verifications (deployment, fingerprint, computer, checked_at, results, received_by)
	VALUES ($1, $2, $3, $4, $5, $6)
	ON CONFLICT (deployment) DO UPDATE SET fingerprint = excluded.fingerprint, computer = excluded.computer,
		checked_at = excluded.checked_at, results = excluded.results, received_at = now(), received_by = excluded.received_by`

// Verification is the last result of a deployment's verify.ps1 that was handed in, federation.ErrNotFound when none was.
func (s *Store) Verification(ctx context.Context, deployment int64) (v federation.Verification, err error) {
	err = s.read(ctx, func(ctx context.Context, tx pgx.Tx) error {
		v, err = one[federation.Verification](ctx, tx, readVerification, deployment)
		return err
	})
	return v, err
}

// KeepVerification keeps a result in the place of the one before, under the actor's name. It is no change of the
// configuration. federation.ErrNotFound when the deployment is gone.
func (s *Store) KeepVerification(ctx context.Context, deployment int64, v federation.Verification) error {
	return s.write(ctx, func(ctx context.Context, tx pgx.Tx) error {
		if _, err := one[federation.Deployment](ctx, tx, readDeployment+` FOR SHARE`, deployment); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, upsertVerification, deployment, v.Fingerprint, v.Computer, v.CheckedAt, v.Results, auth.ActorFrom(ctx).Name)
		return err
	})
}

// Ticks are the steps of a deployment's workflow that somebody ticked, by task.
func (s *Store) Ticks(ctx context.Context, deployment int64) (ticks []federation.Tick, err error) {
	err = s.read(ctx, func(ctx context.Context, tx pgx.Tx) error {
		ticks, err = all[federation.Tick](ctx, tx, `SELECT task, by, at FROM ticks WHERE deployment = $1 ORDER BY task COLLATE "C"`, deployment)
		return err
	})
	return ticks, err
}

// SetTick ticks a step in the actor's name, or takes its tick away. A tick that is there stays as it is.
// federation.ErrNotFound when the deployment is gone.
func (s *Store) SetTick(ctx context.Context, deployment int64, task string, done bool) error {
	return s.write(ctx, func(ctx context.Context, tx pgx.Tx) error {
		if _, err := one[federation.Deployment](ctx, tx, readDeployment+` FOR SHARE`, deployment); err != nil {
			return err
		}
		if !done {
			_, err := tx.Exec(ctx, `DELETE FROM ticks WHERE deployment = $1 AND task = $2`, deployment, task)
			return err
		}
		_, err := tx.Exec(ctx, `INSERT INTO ticks (deployment, task, by) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`,
			deployment, task, auth.ActorFrom(ctx).Name)
		return err
	})
}
