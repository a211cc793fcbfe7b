package store

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"isthmus/internal/auth"
)

// The role comes from the administrator's row, so that a change of it, or the row's end, bites at once.
const readSession = `SELECT s.id_hash, s.name, a.role, s.data, s.created_at, s.seen_at, s.seen_at < now() - interval '1 minute' AS stale
	FROM sessions s JOIN administrators a ON a.name = s.name
	WHERE s.id_hash = $1 AND s.seen_at > now() - $2::interval AND s.created_at > now() - $3::interval`

// Once a minute is often enough for an end after half an hour, and spares a write per request.
const touchSession = `UPDATE sessions SET seen_at = now() WHERE id_hash = $1`

const insertSession = `INSERT INTO sessions (id_hash, name, data) VALUES ($1, $2, coalesce($3, ''::bytea))`

const updateSession = `UPDATE sessions SET data = $2, seen_at = now() WHERE id_hash = $1`

const dropOldSessions = `DELETE FROM sessions WHERE seen_at <= now() - $1::interval OR created_at <= now() - $2::interval`

// AddSession keeps a session that begins. CreatedAt and SeenAt are the database's clock; what has ended is cleared away.
func (s *Store) AddSession(ctx context.Context, session auth.Session) error {
	return s.write(ctx, func(ctx context.Context, tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, dropOldSessions, auth.SessionIdle, auth.SessionAbsolute); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, insertSession, session.IDHash, session.Name, session.Data)
		return err
	})
}

// KeepSessionData keeps what pages put into a session. One that ended meanwhile stays ended: a page under way in one tab
// must not sign somebody in again who signed out in another.
func (s *Store) KeepSessionData(ctx context.Context, idHash, data []byte) error {
	return s.exec(ctx, updateSession, idHash, data)
}

type unattended struct{}

// Unattended marks what a page does by itself: a session that is read under it gets no sign of life.
func Unattended(ctx context.Context) context.Context {
	return context.WithValue(ctx, unattended{}, true)
}

// IsUnattended reports whether a page does this by itself.
func IsUnattended(ctx context.Context) bool { return ctx.Value(unattended{}) != nil }

// A liveSession is a session that has not ended, and whether its last sign of life is to be written again.
type liveSession struct {
	auth.Session
	Stale bool
}

// Session is the session of an id's hash and counts as a sign of life, unless it is Unattended. One that ended, by hand or by time, is
// federation.ErrNotFound.
func (s *Store) Session(ctx context.Context, idHash []byte) (auth.Session, error) {
	var session liveSession
	err := s.read(ctx, func(ctx context.Context, tx pgx.Tx) (err error) {
		session, err = one[liveSession](ctx, tx, readSession, idHash, auth.SessionIdle, auth.SessionAbsolute)
		return err
	})
	if err != nil || !session.Stale || IsUnattended(ctx) {
		return session.Session, err
	}
	// A database that is read-only for a while signs nobody out.
	if err := s.exec(ctx, touchSession, idHash); err != nil && !errors.Is(err, ErrReadOnly) {
		return auth.Session{}, err
	}
	return session.Session, nil
}

// DeleteSession ends one session on all nodes.
func (s *Store) DeleteSession(ctx context.Context, idHash []byte) error {
	return s.exec(ctx, `DELETE FROM sessions WHERE id_hash = $1`, idHash)
}

// DeleteSessionsOf ends every session of an administrator.
func (s *Store) DeleteSessionsOf(ctx context.Context, name string) error {
	return s.exec(ctx, `DELETE FROM sessions WHERE name = $1`, name)
}
