package e2e

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"isthmus/internal/federation"
	"isthmus/internal/pgtest"
)

var kills = flag.Int("kills", 16, "times that a node is killed while the configuration changes")

const (
	seats    = 4                      // nodes that are killed at the same time
	editing  = 10 * time.Millisecond  // between two changes
	lifetime = 150 * time.Millisecond // at most, of a node that follows the changes, until it is killed
)

// A seat is a node that is killed and started again and again, with its own way to the database.
type seat struct {
	*machine
	t       *testing.T
	link    *pgtest.Link
	address string
	kept    int64 // a revision that was surely written to disk before the last kill
	starts  []time.Duration
}

// TestANodeThatIsKilledAtAnyMomentServesAgainFromWhatItKept is M1: whenever SIGKILL comes, also in the middle of writing what a
// start without the database needs, the next start without it serves from a whole file, and from a late one.
func TestANodeThatIsKilledAtAnyMomentServesAgainFromWhatItKept(t *testing.T) {
	database, network := newDatabase(t), network()
	var list []*seat
	for i := range seats {
		s := &seat{t: t, link: pgtest.NewLink(t, database), address: fmt.Sprint(network, 11+i)}
		s.machine = newMachine(t, fmt.Sprintf("imp%d.synergy.com", 1+i), s.address, s.link.URL())
		if i > 0 {
			s.env = append(s.env, "ISTHMUS_KEY_FILE="+filepath.Join(list[0].dir, "data", "key"))
		}
		first := s.serve()
		s.kept = s.ready().Applied
		first.stop()
		list = append(list, s)
	}
	stop := changing(t, database)
	defer stop()
	var left atomic.Int64
	left.Store(int64(*kills))
	var group sync.WaitGroup
	for _, s := range list {
		group.Go(func() {
			for left.Add(-1) >= 0 && !t.Failed() {
				s.live()
			}
		})
	}
	group.Wait()
	var all []time.Duration
	for _, s := range list {
		all = append(all, s.starts...)
	}
	if len(all) == 0 {
		t.Fatal("no node served from disk")
	}
	t.Logf("%d kills; from the start of a process without its database until OPTIONS is answered: %s", *kills, spread(all))
	if median := percentile(all, 50); median > slowestStart {
		t.Errorf("half of the starts took more than %s", median)
	}
}

// changing changes the configuration all the time, until the function that it returns is called.
func changing(t *testing.T, database string) (stop func()) {
	t.Helper()
	db := storeAt(t, database)
	entry, err := db.SaveACLEntry(t.Context(), federation.ACLEntry{Pattern: "10.0.0.0/8"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var group sync.WaitGroup
	group.Go(func() {
		for i := 0; ctx.Err() == nil; i++ {
			entry.Description = fmt.Sprint("change ", i)
			if _, err := db.SaveACLEntry(ctx, entry); err != nil && ctx.Err() == nil {
				t.Error(err)
				return
			}
			select {
			case <-ctx.Done():
			case <-time.After(editing):
			}
		}
	})
	return func() {
		cancel()
		group.Wait()
	}
}

// live is one life of a node: it starts without the database, serves, finds the database, follows it and is killed. One in
// five is killed somewhere in its start.
func (s *seat) live() {
	s.link.Cut()
	began := time.Now()
	p := launch(s.t, s.env, programs.isthmus, "serve")
	defer p.kill()
	if rand.IntN(5) == 0 {
		<-time.After(rand.N(lifetime))
		return
	}
	if !s.eventually(p, "OPTIONS is answered", func() bool { return answersOptions(s.address) }) {
		return
	}
	s.starts = append(s.starts, time.Since(began))
	s.eventually(p, "the log tells what it began with", func() bool { return len(revisions(p, fromDiskLine)) > 0 })
	if from := revisions(p, fromDiskLine); len(from) != 1 || from[0].Revision < s.kept {
		s.t.Errorf("it began with what is older than revision %d:\n%s", s.kept, p.err)
		return
	}
	s.link.Mend()
	if !s.eventually(p, "the database is followed", func() bool { return len(revisions(p, inForceLine)) > 1 }) {
		return
	}
	<-time.After(rand.N(lifetime))
	p.kill()
	// The last revision may have been in force and not yet on disk.
	applied := revisions(p, inForceLine)
	s.kept = applied[len(applied)-2].Revision
}

// eventually is for goroutines that may not end the test.
func (s *seat) eventually(p *process, what string, ask func() bool) bool {
	for end := time.Now().Add(2 * patience); time.Now().Before(end); <-time.After(2 * time.Millisecond) {
		if ask() {
			return true
		}
	}
	s.t.Errorf("%s: not in time\n%s", what, p.err)
	return false
}
