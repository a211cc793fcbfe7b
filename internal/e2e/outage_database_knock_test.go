package e2e

import (
	"net/http"
	"testing"
	"time"
)

const (
	outlasts  = 10 * time.Second // how long the database is away, after the first tries
	quickTime = 2 * time.Second  // in which those are made that follow one another quicker
	quick     = 16               // of them, with what was under way
)

// The promise of D3 and D5 to the database: a node that is without it, with somebody before its console who looks again and
// again, knocks once a second in all, and follows as soon as it is back.
func TestANodeKnocksAtADatabaseThatIsAwayOnceASecond(t *testing.T) {
	t.Parallel()
	for _, way := range []struct {
		name string
		ends func(*member)
	}{
		{"it is down", func(m *member) { m.link.Cut() }},
		{"what is sent gets lost", func(m *member) { m.link.Hold() }},
	} {
		t.Run(way.name, func(t *testing.T) {
			t.Parallel()
			f := newFleet(t, 1)
			f.serves()
			m := f.nodes[0]
			anna := m.signsIn("anna")
			anna.sees("/")
			tries := m.link.Tries()
			way.ends(m)
			m.becomes("degraded")
			anna.looksAgain(quickTime)
			first := m.link.Tries() - tries
			looks, slowest := anna.looksAgain(outlasts)
			then := m.link.Tries() - tries - first
			t.Logf("%d tries to connect at first, then %d in %s, while %d pages were looked at, the slowest for %s", first, then, outlasts, looks, slowest)
			if first > quick || then > 1+int(outlasts/time.Second) {
				t.Errorf("%d tries to connect at first, then %d in %s", first, then, outlasts)
			}
			m.link.Mend()
			back := time.Now()
			f.follows()
			t.Logf("followed again after %s", time.Since(back).Round(time.Millisecond))
			if status, page := anna.does("/acl", "pattern", "10.8.8.8"); status != http.StatusOK {
				t.Errorf("once the database is back, what is saved is answered %d:\n%s", status, page)
			}
		})
	}
}

// looksAgain opens pages one after the other, and returns how many and how long the slowest took.
func (b *reader) looksAgain(d time.Duration) (looks int, slowest time.Duration) {
	b.t.Helper()
	for end := time.Now().Add(d); time.Now().Before(end); looks++ {
		began := time.Now()
		if status, page := b.sees([]string{"/", "/acl", "/nodes"}[looks%3]); status != http.StatusOK {
			b.t.Fatalf("a page is answered %d:\n%s", status, page)
		}
		slowest = max(slowest, time.Since(began).Round(time.Millisecond))
	}
	return looks, slowest
}
