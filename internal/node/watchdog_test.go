package node

import (
	"context"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"isthmus/internal/metrics"
)

// watched runs a watchdog of 30 s for a while, and tells after how long it found that all is stuck; 0 if it did not.
func watched(t *testing.T, while time.Duration, beat func()) (stuck time.Duration) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithTimeout(t.Context(), while)
		defer stop()
		began := time.Now()
		watchdog{after: 30 * time.Second, beat: beat, stuck: func() { stuck = time.Since(began) }}.run(ctx)
		<-time.After(48 * time.Hour) // the last beat ends, too
	})
	return stuck
}

func TestTheWatchdogIsQuietWhileThereIsLife(t *testing.T) {
	asked := 0
	if stuck := watched(t, time.Hour, func() { asked++ }); stuck != 0 || asked < 700 {
		t.Errorf("stuck after %v, asked %d times", stuck, asked)
	}
}

func TestTheWatchdogBearsWithASlowNode(t *testing.T) {
	if stuck := watched(t, time.Hour, func() { <-time.After(29 * time.Second) }); stuck != 0 {
		t.Errorf("stuck after %v", stuck)
	}
}

func TestTheWatchdogFindsADeadlockWithinSeconds(t *testing.T) {
	asked := 0
	stuck := watched(t, time.Hour, func() {
		if asked++; asked == 3 {
			<-time.After(24 * time.Hour)
		}
	})
	if stuck < 40*time.Second || stuck > 46*time.Second {
		t.Errorf("stuck after %v, though the third beat never came", stuck)
	}
}

func TestANodeThatIsStuckKeepsItsStacksAndEnds(t *testing.T) {
	ended := make(chan struct{})
	r := start(t, func(c *Config) { c.Watchdog, c.Stuck = 300*time.Millisecond, func() { close(ended) } })
	r.commits(r.snapshot(1))
	r.node.mu.Lock() // and nobody gives it back
	select {
	case <-ended:
	case <-time.After(patience):
		t.Error("the node was not found stuck")
	}
	r.node.mu.Unlock()
	told := r.crashFile()
	if !strings.Contains(told, "stuck: nothing moved for 300ms") || !strings.Contains(told, "(*Node).Health") || strings.Count(told, "\ngoroutine ") < 4 {
		t.Errorf("the crash file:\n%s", told)
	}
}

// TestTheWatchdogHasARequestAnswered: locks that are free tell nothing of what stands still between them.
func TestTheWatchdogHasARequestAnswered(t *testing.T) {
	numbers := metrics.New("1.0")
	r := start(t, func(c *Config) {
		c.Metrics, c.Watchdog, c.Stuck = numbers, 2*time.Second, func() { t.Error("it was found stuck") }
	})
	r.commits(r.snapshot(1))
	await(t, "an OPTIONS that nobody sent is answered", func() bool {
		page := httptest.NewRecorder()
		numbers.Handler().ServeHTTP(page, httptest.NewRequest("GET", "/metrics", nil))
		return strings.Contains(page.Body.String(), `isthmus_sip_requests_total{method="OPTIONS",outcome="answered"}`)
	})
}

func TestANodeAtWorkIsNotFoundStuck(t *testing.T) {
	r := start(t, func(c *Config) { c.Watchdog, c.Stuck = 2*time.Second, func() { t.Error("it was found stuck") } })
	r.commits(r.snapshot(1))
	for end := time.Now().Add(time.Second); time.Now().Before(end); {
		if !r.answers(5060) {
			t.Fatal("the node does not answer")
		}
	}
	if !r.node.core.Beat(r.node.localAddress()) {
		t.Error("a beat is not answered with 200")
	}
	if list, _ := filepath.Glob(filepath.Join(r.dir, "crash-*")); len(list) > 0 {
		t.Errorf("crash files %q", list)
	}
}
