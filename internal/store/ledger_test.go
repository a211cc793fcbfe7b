package store

import (
	"context"
	"errors"
	"testing"

	"isthmus/internal/federation"
	"isthmus/internal/pgtest"
)

func TestAFailureKnowsWhatWasSavedBeforeItInTheSameWork(t *testing.T) {
	for name, c := range map[string]struct {
		work    func(context.Context) context.Context
		before  func(context.Context, *Store) error
		unsaved bool
	}{
		"nothing was changed before":   {Remembering, func(ctx context.Context, s *Store) error { _, err := s.Snapshot(ctx); return err }, true},
		"something was":                {Remembering, saves, false},
		"something was, in other work": {func(ctx context.Context) context.Context { return ctx }, saves, true},
	} {
		l := pgtest.NewLink(t, pgtest.New(t, contents(), migrate))
		s := must(Open(t.Context(), l.URL()))
		t.Cleanup(s.Close)
		ctx := c.work(actor(t))
		if err := c.before(ctx, s); err != nil {
			t.Fatal(err)
		}
		l.Cut()
		_, err := s.Snapshot(ctx)
		var failure *Failure
		if !errors.As(err, &failure) || !errors.Is(err, ErrUnavailable) || failure.Unsaved() != c.unsaved || (err.Error() == ErrUnanswered.Error()) == c.unsaved || errors.Is(err, ErrUnanswered) == c.unsaved {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func saves(ctx context.Context, s *Store) error {
	_, err := s.SaveACLEntry(ctx, federation.ACLEntry{Pattern: "127.0.0.21"})
	return err
}
