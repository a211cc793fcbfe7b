package pgtest

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// soon is longer than a whole link ever takes here, and short enough to wait for in a test.
const soon = time.Second

func linked(t *testing.T) (*Link, *pgx.Conn) {
	t.Helper()
	l := NewLink(t, New(t, schemaOf(words), migration(words)))
	return l, connect(t, l.URL())
}

// answers asks the database for something within a time.
func answers(t *testing.T, conn *pgx.Conn, within time.Duration) error {
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	_, err := conn.Exec(ctx, `SELECT 1`)
	return err
}

func TestACutLinkEndsConnectionsAndRefusesNewOnesUntilItIsMended(t *testing.T) {
	l, conn := linked(t)
	if got := wordsIn(t, conn); got != "migrated" {
		t.Fatalf("over the link: %q", got)
	}
	l.Cut()
	if err := answers(t, conn, time.Minute); err == nil {
		t.Error("the old connection answers over a cut link")
	}
	tries := l.Tries()
	if _, err := pgx.Connect(t.Context(), l.URL()); err == nil {
		t.Error("a cut link lets a connection through")
	}
	if l.Tries() == tries {
		t.Error("the refused connection was not counted")
	}
	l.Mend()
	if got := wordsIn(t, connect(t, l.URL())); got != "migrated" {
		t.Errorf("over the mended link: %q", got)
	}
}

func TestADroppedConnectionCanBeMadeAgain(t *testing.T) {
	l, conn := linked(t)
	l.Drop()
	if err := answers(t, conn, time.Minute); err == nil {
		t.Error("the old connection answers")
	}
	if got := wordsIn(t, connect(t, l.URL())); got != "migrated" {
		t.Errorf("over the new connection: %q", got)
	}
}

func TestAHeldLinkKeepsQuietUntilItIsMended(t *testing.T) {
	l, conn := linked(t)
	l.Hold()
	if err := answers(t, conn, soon); err == nil {
		t.Error("an answer came over a held link")
	}
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	defer cancel()
	if _, err := pgx.Connect(ctx, l.URL()); err == nil {
		t.Error("a connection was made over a held link")
	}
	waiting := make(chan error, 1)
	go func() {
		late, err := pgx.Connect(t.Context(), l.URL())
		if err == nil {
			err = answers(t, late, time.Minute)
		}
		waiting <- err
	}()
	l.Mend()
	if err := <-waiting; err != nil {
		t.Errorf("who waited got: %v", err)
	}
}

func TestADelayedLinkAnswersLate(t *testing.T) {
	l, conn := linked(t)
	l.Delay(soon)
	began := time.Now()
	if err := answers(t, conn, time.Minute); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took < soon {
		t.Errorf("the answer took %s", took)
	}
	l.Mend()
	if err := answers(t, conn, time.Minute); err != nil {
		t.Error(err)
	}
}
