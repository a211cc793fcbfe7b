package pgtest

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

func newServer(t *testing.T, settings ...string) *Server {
	t.Helper()
	return NewServer(t, schemaOf(words), migration(words), settings...)
}

func insert(t *testing.T, s *Server, word string) {
	t.Helper()
	if _, err := connect(t, s.URL()).Exec(t.Context(), `INSERT INTO words VALUES ($1)`, word); err != nil {
		t.Fatal(err)
	}
}

func TestAKilledServerStaysAwayAndComesBackWithWhatItConfirmed(t *testing.T) {
	s := newServer(t)
	insert(t, s, "confirmed")
	s.Kill()
	if _, err := pgx.Connect(t.Context(), s.URL()); err == nil {
		t.Fatal("a killed server answers")
	}
	s.Start()
	if got := wordsIn(t, connect(t, s.URL())); got != "confirmed migrated" {
		t.Errorf("after the kill it has %q", got)
	}
}

func TestAFrozenServerIsSilentUntilItIsThawed(t *testing.T) {
	s := newServer(t)
	old := connect(t, s.URL())
	s.Freeze()
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	defer cancel()
	if _, err := pgx.Connect(ctx, s.URL()); err == nil {
		t.Error("a frozen server takes connections")
	}
	answer := make(chan error, 1)
	go func() { answer <- answers(t, old, time.Minute) }()
	select {
	case err := <-answer:
		t.Errorf("a frozen server answers on an old connection: %v", err)
	case <-ctx.Done():
	}
	s.Thaw()
	if err := <-answer; err != nil {
		t.Errorf("a thawed server: %v", err)
	}
}

func TestARestoredServerIsWhatItWasWhenItWasBackedUp(t *testing.T) {
	s := newServer(t)
	insert(t, s, "before")
	backup := s.Backup()
	insert(t, s, "later")
	s.Restore(backup)
	if got := wordsIn(t, connect(t, s.URL())); got != "before migrated" {
		t.Errorf("the restored server has %q", got)
	}
}

func TestAServerHasItsSettings(t *testing.T) {
	s := newServer(t, "max_connections = 17")
	s.Set("default_transaction_read_only", "on")
	conn := connect(t, s.URL())
	for name, want := range map[string]string{"max_connections": "17", "default_transaction_read_only": "on", "synchronous_commit": "on", "fsync": "on"} {
		var got string
		if err := conn.QueryRow(t.Context(), `SELECT current_setting($1)`, name).Scan(&got); err != nil || got != want {
			t.Errorf("%s is %q (%v)", name, got, err)
		}
	}
}

func TestAnApplicationIsDisconnectedTogetherWithAChange(t *testing.T) {
	s := newServer(t)
	listener, other := connect(t, s.URL()+"&application_name=listener"), connect(t, s.URL())
	if n := s.Disconnect("listener", `INSERT INTO words VALUES ('meanwhile')`); n != 1 {
		t.Errorf("%d connections were ended", n)
	}
	if err := answers(t, listener, time.Minute); err == nil {
		t.Error("the listener still has its connection")
	}
	if got := wordsIn(t, other); got != "meanwhile migrated" {
		t.Errorf("another connection sees %q", got)
	}
}
