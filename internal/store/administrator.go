package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"isthmus/internal/auth"
	"isthmus/internal/federation"
)

// An Administrator may sign in to the console.
type Administrator struct {
	ID           int64
	Name         string // lower case
	Role         auth.Role
	PasswordHash string
	CreatedAt    time.Time
}

const readAdministrator = `SELECT id, name, role, password_hash, created_at FROM administrators WHERE name = $1`

const insertAdministrator = `INSERT INTO administrators (name, role, password_hash) VALUES ($1, $2, $3)`

const anyAdministrator = `SELECT EXISTS (SELECT FROM administrators)`

// AddAdministrator adds an administrator whose password was hashed by auth.Hash. Setup links are dead from then on.
func (s *Store) AddAdministrator(ctx context.Context, name string, role auth.Role, hash string) error {
	return s.change(ctx, func(ctx context.Context, w *work) error {
		return w.addAdministrator(ctx, name, role, hash)
	})
}

func (w *work) addAdministrator(ctx context.Context, name string, role auth.Role, hash string) error {
	name, err := auth.CheckName(name)
	if err != nil {
		return federation.Invalid{{Path: "name", Text: err.Error()}}
	}
	if !role.Valid() {
		return federation.Invalid{{Path: "role", Text: fmt.Sprintf("There is no role %q; choose viewer, operator or admin.", role)}}
	}
	_, err = w.tx.Exec(ctx, insertAdministrator, name, string(role), hash)
	if violated(err) == "administrators_key" {
		return federation.Invalid{{Path: "name", Text: fmt.Sprintf("%s is an administrator already. Enter another name.", name)}}
	}
	if err != nil {
		return err
	}
	w.note("administrator", federation.Added, name, []federation.FieldChange{{Name: "role", New: string(role)}})
	_, err = w.tx.Exec(ctx, `DELETE FROM setup_tokens`)
	return err
}

// Administrator reads one administrator by name, without case; federation.ErrNotFound when there is none.
func (s *Store) Administrator(ctx context.Context, name string) (a Administrator, err error) {
	canonical, err := auth.CheckName(name)
	if err != nil {
		return a, federation.ErrNotFound
	}
	err = s.read(ctx, func(ctx context.Context, tx pgx.Tx) error {
		a, err = one[Administrator](ctx, tx, readAdministrator, canonical)
		return err
	})
	return a, err
}

// HasAdministrator reports whether anybody can sign in.
func (s *Store) HasAdministrator(ctx context.Context) (has bool, err error) {
	err = s.read(ctx, func(ctx context.Context, tx pgx.Tx) error {
		has, err = value[bool](ctx, tx, anyAdministrator)
		return err
	})
	return has, err
}
