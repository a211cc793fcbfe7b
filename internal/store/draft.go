package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"isthmus/internal/federation"
)

// A Draft is a run of the wizard that is not finished. Everybody has one at most, and it waits until another day.
type Draft struct {
	ID        int64
	Owner     string // name of the administrator
	Step      int    // the screen that comes next
	Answers   federation.Answers
	UpdatedAt time.Time
}

const readDraft = `SELECT id, owner, step, answers, updated_at FROM drafts WHERE owner = $1`

const readDraftByID = `SELECT id, owner, step, answers, updated_at FROM drafts WHERE id = $1`

const upsertDraft = `INSERT INTO drafts (owner, step, answers) VALUES ($1, $2, $3)
	ON CONFLICT (owner) DO UPDATE SET step = excluded.step, answers = excluded.answers, updated_at = now()
	RETURNING id, owner, step, answers, updated_at`

// Draft is the owner's draft, federation.ErrNotFound when there is none.
func (s *Store) Draft(ctx context.Context, owner string) (Draft, error) {
	return s.draft(ctx, readDraft, owner)
}

// DraftByID is one draft.
func (s *Store) DraftByID(ctx context.Context, id int64) (Draft, error) {
	return s.draft(ctx, readDraftByID, id)
}

func (s *Store) draft(ctx context.Context, sql string, key any) (d Draft, err error) {
	err = s.read(ctx, func(ctx context.Context, tx pgx.Tx) error {
		d, err = one[Draft](ctx, tx, sql, key)
		return err
	})
	return d, err
}

// SaveDraft keeps the owner's draft, in place of an earlier one. It is no change of the configuration.
func (s *Store) SaveDraft(ctx context.Context, d Draft) (saved Draft, err error) {
	err = s.write(ctx, func(ctx context.Context, tx pgx.Tx) error {
		saved, err = one[Draft](ctx, tx, upsertDraft, d.Owner, d.Step, d.Answers)
		return err
	})
	return saved, err
}

// DeleteDraft drops a draft. One that is gone already is no error.
func (s *Store) DeleteDraft(ctx context.Context, id int64) error {
	return s.exec(ctx, `DELETE FROM drafts WHERE id = $1`, id)
}

const readDrafts = `SELECT id, owner, step, answers, updated_at FROM drafts ORDER BY owner COLLATE "C"`

// Drafts are everybody's drafts, by owner.
func (s *Store) Drafts(ctx context.Context) (drafts []Draft, err error) {
	err = s.read(ctx, func(ctx context.Context, tx pgx.Tx) error {
		drafts, err = all[Draft](ctx, tx, readDrafts)
		return err
	})
	return drafts, err
}
