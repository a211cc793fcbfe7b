package node

import (
	"context"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"isthmus/internal/federation"
)

// passes lets time pass and the node do what is due; time is not real here.
func passes(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// closed opens no sockets.
func closed(s *federation.Snapshot) { s.Nodes[0].Services = nil }

func TestANodeThatIsBehindForTenSecondsSaysSoOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &safeBuffer{}
		r := start(t, func(c *Config) { c.Log = slog.New(slog.NewTextHandler(log, nil)) })
		const alarm = "this node is behind the configuration"
		r.commits(r.snapshot(1, closed))
		passes(time.Minute)
		unfit := r.snapshot(2, closed, func(s *federation.Snapshot) { s.Nodes[0].Name = "imp9.synergy.com" })
		r.tells(event{snapshot: unfit})
		passes(9 * time.Second)
		if n := log.count(alarm); n != 0 {
			t.Errorf("after nine seconds it is said %d times", n)
		}
		r.tells(event{snapshot: unfit})
		passes(2 * time.Second)
		if n := log.count(alarm); n != 1 || r.node.observe().Behind != 11*time.Second {
			t.Errorf("after eleven seconds it is said %d times, and for monitoring it is %s", n, r.node.observe().Behind)
		}
		passes(time.Minute)
		r.commits(r.snapshot(3, closed))
		if n := log.count(alarm); n != 1 || r.node.observe().Behind != 0 {
			t.Errorf("it is said %d times; caught up, it is %s behind", n, r.node.observe().Behind)
		}
		r.tells(event{snapshot: r.snapshot(2, closed)})
		passes(11 * time.Second)
		if s := r.node.observe(); log.count(alarm) != 2 || !s.Held || s.Behind != 11*time.Second {
			t.Errorf("held, it is said %d times, and for monitoring it is %+v", log.count(alarm), s)
		}
		r.end()
	})
}

func TestAClockThatIsWrongIsToldOnceAndWhenItIsRight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &safeBuffer{}
		var ahead, asked atomic.Int64
		var down atomic.Bool
		r := start(t, func(c *Config) {
			c.Log = slog.New(slog.NewTextHandler(log, nil))
			c.Clock = func(context.Context) (time.Time, error) {
				if down.Load() {
					return time.Time{}, errDown
				}
				asked.Add(1)
				<-time.After(200 * time.Millisecond) // the clock is read half way
				database := time.Now().Add(-time.Duration(ahead.Load()))
				<-time.After(200 * time.Millisecond)
				return database, nil
			}
		})
		told := func(differ, agree int, skew time.Duration) {
			t.Helper()
			passes(askClockEvery + 2*time.Second)
			if a, b := log.count("the database's differ"), log.count("agree again"); a != differ || b != agree || r.node.observe().ClockSkew != skew {
				t.Errorf("told %d and %d times, want %d and %d; the skew is %s, want %s", a, b, differ, agree, r.node.observe().ClockSkew, skew)
			}
		}
		ahead.Store(int64(5 * time.Second))
		told(0, 0, 5*time.Second)
		ahead.Store(int64(6 * time.Second))
		told(1, 0, 6*time.Second)
		told(1, 0, 6*time.Second)
		if n := asked.Load(); n != 4 {
			t.Errorf("in %s the database is asked %d times", 3*(askClockEvery+2*time.Second), n)
		}
		down.Store(true)
		told(1, 0, 6*time.Second)
		down.Store(false)
		ahead.Store(0)
		told(1, 1, 0)
		ahead.Store(int64(-time.Hour))
		told(2, 1, -time.Hour)
		r.end()
	})
}
