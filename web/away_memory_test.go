package web

import (
	"context"
	"encoding/binary"
	"errors"
	"testing"
	"time"

	"isthmus/internal/auth"
	"isthmus/internal/federation"
	"isthmus/internal/store"
)

func TestADatabaseThatWasSilentIsWaitedForLess(t *testing.T) {
	h := Health{Database: federation.DatabaseOK}
	s := &Server{Config: Config{Health: func() Health { return h }}}
	patience := func(want time.Duration, when string) {
		t.Helper()
		if got := s.patience(); got != want {
			t.Errorf("%s: %v", when, got)
		}
	}
	patience(3*time.Second, "at first")
	s.heard(&store.Failure{Sentence: store.ErrUnavailable, Cause: errors.New("gone")})
	patience(time.Second, "after a question without an answer")
	s.heard(federation.ErrNotFound)
	patience(3*time.Second, "after an answer")
	h.Database = "It does not answer."
	patience(time.Second, "while the node goes on without it")
}

// A script may sign in for every request, and the memory of sessions has to stay small.
func TestSoManySessionsAreRememberedAndNoMore(t *testing.T) {
	var m sessionMemory
	now := time.Now()
	var last []byte
	for i := range 3000 {
		last = binary.BigEndian.AppendUint32(nil, uint32(i))
		m.keep(auth.Session{IDHash: last, CreatedAt: now}, now)
	}
	if len(m.byID) > 1024 {
		t.Errorf("%d are remembered", len(m.byID))
	}
	if _, known := m.find(last, now, true); !known {
		t.Error("the newest is none of them")
	}
}

// What changes something is decided by what is stored, or not at all.
func TestWhatIsRememberedIsShownAndNeverBuiltOn(t *testing.T) {
	s := &Server{Config: Config{Now: time.Now, Latest: func() (federation.Snapshot, time.Time, bool) {
		return federation.Snapshot{Revision: 7}, time.Now(), true
	}}}
	gone := &store.Failure{Sentence: store.ErrUnavailable, Cause: errors.New("gone")}
	read := func(context.Context) ([]federation.PeerCertificate, error) {
		return make([]federation.PeerCertificate, 1), nil
	}
	if _, err := s.lists.peers.recall(t.Context(), read); err != nil {
		t.Fatal(err)
	}
	for _, changing := range []bool{false, true} {
		v := &reach{changing: changing}
		v.miss(gone)
		ctx := context.WithValue(t.Context(), keyReach, v)
		if snapshot, err := s.snapshot(ctx); changing != errors.Is(err, store.ErrUnavailable) || !changing && snapshot.Revision != 7 {
			t.Errorf("changing %t: revision %d, %v", changing, snapshot.Revision, err)
		}
		list, err := s.lists.peers.recall(ctx, func(context.Context) ([]federation.PeerCertificate, error) { return nil, gone })
		if changing != errors.Is(err, store.ErrUnavailable) || !changing && len(list) != 1 {
			t.Errorf("changing %t: %d peers, %v", changing, len(list), err)
		}
	}
}
