package store

import (
	"context"

	"github.com/jackc/pgx/v5"

	"isthmus/internal/auth"
)

// The role comes from the administrator's row, so that a change of it, or the row's end, bites at once.
const readSession = `SELECT s.id_hash, s.name, a.role, s.data, s.created_at, s.seen_at
	FROM sessions s JOIN administrators a ON a.name = s.name
	WHERE s.id_hash = $1 AND s.seen_at > now() - $2::interval AND s.created_at > now() - $3::interval`

const touchSession = `UPDATE sessions SET seen_at = now() WHERE id_hash = $1 AND seen_at < now() - interval '1 minute'`

const upsertSession = `INSERT INTO sessions (id_hash, name, data) VALUES ($1, $2, coalesce($3, ''::bytea))
	ON CONFLICT (id_hash) DO UPDATE SET data = excluded.data, seen_at = now() WHERE sessions.name = excluded.name`

const dropOldSessions = `DELETE FROM sessions WHERE seen_at <= now() - $1::interval OR created_at <= now() - $2::interval`

// SaveSession keeps a session, or the data of one that is there. CreatedAt and SeenAt are the database's clock; what has
// ended is cleared away.
func (s *Store) SaveSession(ctx context.Context, session auth.Session) error {
	return s.write(ctx, func(ctx context.Context, tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, dropOldSessions, auth.SessionIdle, auth.SessionAbsolute); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, upsertSession, session.IDHash, session.Name, session.Data)
		return err
	})
}

// Session is the session of an id's hash and counts as a sign of life. One that ended, by hand or by time, is
// federation.ErrNotFound.
func (s *Store) Session(ctx context.Context, idHash []byte) (session auth.Session, err error) {
	err = s.write(ctx, func(ctx context.Context, tx pgx.Tx) error {
		session, err = one[auth.Session](ctx, tx, readSession, idHash, auth.SessionIdle, auth.SessionAbsolute)
		if err != nil {
			return err
		}
		// Once a minute is often enough for an end after half an hour, and spares a write per request.
		_, err = tx.Exec(ctx, touchSession, idHash)
		return err
	})
	return session, err
}

// DeleteSession ends one session on all nodes.
func (s *Store) DeleteSession(ctx context.Context, idHash []byte) error {
	return s.exec(ctx, `DELETE FROM sessions WHERE id_hash = $1`, idHash)
}

// DeleteSessionsOf ends every session of an administrator.
func (s *Store) DeleteSessionsOf(ctx context.Context, name string) error {
	return s.exec(ctx, `DELETE FROM sessions WHERE name = $1`, name)
}
