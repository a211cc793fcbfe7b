package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"isthmus/internal/federation"
	"isthmus/internal/pgtest"
)

var errShut = fmt.Errorf("connect: %w", io.EOF)

func TestWhileTheDatabaseLetsNobodyInOneTriesASecond(t *testing.T) {
	d, now, tries := &door{}, time.Unix(0, 0), 0
	var last time.Time
	for ; now.Before(time.Unix(30, 0)); now = now.Add(10 * time.Millisecond) {
		if err := d.enter(now); err != nil {
			if !errors.Is(err, errShut) {
				t.Fatalf("who is not let in hears %v", err)
			}
			continue
		}
		if now.After(time.Unix(5, 0)) && now.Sub(last) < maxBackoff {
			t.Errorf("one try at %s, the next at %s", last, now)
		}
		tries, last = tries+1, now
		d.leave(now, errShut)
	}
	if tries < 24 || tries > 34 {
		t.Errorf("%d tries in 30 s", tries)
	}
}

func TestOneTriesAndNobodyWaitsForIt(t *testing.T) {
	d, now := &door{}, time.Unix(0, 0)
	d.leave(now, errShut)
	if err := d.enter(now); !errors.Is(err, errShut) {
		t.Errorf("right after a connect that failed another is let in: %v", err)
	}
	now = now.Add(maxBackoff)
	if err := d.enter(now); err != nil {
		t.Errorf("a second later nobody may try: %v", err)
	}
	if err := d.enter(now.Add(maxBackoff)); err == nil {
		t.Error("two try at once")
	}
	if err := d.enter(now.Add(time.Minute)); err != nil {
		t.Errorf("a try that never ended keeps everybody out: %v", err)
	}
	d.leave(now, nil)
	for range 3 {
		if err := d.enter(now); err != nil {
			t.Errorf("after a connect that went well: %v", err)
		}
	}
}

func TestATryToConnectThatIsCalledOffLeavesTheNextOneTry(t *testing.T) {
	d, now := &door{}, time.Unix(0, 0)
	d.leave(now, context.Canceled)
	if err := d.enter(now); err != nil {
		t.Errorf("a try that was called off closed it: %v", err)
	}
	d.leave(now, errShut)
	now = now.Add(maxBackoff)
	if err := d.enter(now); err != nil {
		t.Fatal(err)
	}
	d.leave(now, context.Canceled)
	if err := d.enter(now); err != nil {
		t.Errorf("nobody may try any more: %v", err)
	}
}

func TestWhoPausesGoesOnAsSoonAsTheDatabaseIsReached(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &Store{door: &door{}}
		began, paused := time.Now(), func(d time.Duration) time.Duration {
			before := time.Now()
			s.Pause(t.Context(), d)
			return time.Since(before)
		}
		if took := paused(time.Second); took != time.Second {
			t.Errorf("while the database is there the pause takes %s", took)
		}
		s.door.leave(time.Now(), errShut)
		if took := paused(time.Hour); took < minBackoff || took > 2*minBackoff {
			t.Errorf("after a connect that failed the pause takes %s", took)
		}
		if err := s.door.enter(time.Now()); err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(10*time.Millisecond, func() { s.door.leave(time.Now(), nil) })
		if took := paused(time.Hour); took != 10*time.Millisecond {
			t.Errorf("a connect that goes well ends the pause after %s", took)
		}
		s.door.leave(time.Now(), errShut)
		ctx, cancel := context.WithDeadline(t.Context(), began)
		defer cancel()
		before := time.Now()
		if s.Pause(ctx, time.Hour); time.Since(before) != 0 {
			t.Error("the end of its caller does not end a pause")
		}
	})
}

// A node has many who need the database: who follows it, who reports, and whoever looks at a page.
func TestADatabaseThatIsAwayIsKnockedAtByOneOfAll(t *testing.T) {
	l := pgtest.NewLink(t, pgtest.New(t, contents(), migrate))
	s := must(Open(t.Context(), l.URL()))
	t.Cleanup(s.Close)
	f := follow(t, s)
	f.snapshot()
	l.Cut()
	deadline := time.Now().Add(3 * time.Second)
	tried := l.Tries()
	ended := make(chan error)
	for range 4 {
		go func() {
			var slow error
			for time.Now().Before(deadline) {
				began := time.Now()
				if _, err := s.Standing(t.Context()); !errors.Is(err, ErrUnavailable) || time.Since(began) > time.Second {
					slow = fmt.Errorf("after %s: %v", time.Since(began), err)
				}
			}
			ended <- slow
		}()
	}
	for time.Now().Before(deadline) {
		f.failure()
	}
	for range 4 {
		if err := <-ended; err != nil {
			t.Errorf("who looks at a page is answered %v", err)
		}
	}
	// Six in the first two seconds, then one each, and at once those that were under way, with what the driver calls off.
	if n := l.Tries() - tried; n > 20 {
		t.Errorf("%d connects in three seconds", n)
	}
	l.Mend()
	back := time.Now()
	if f.snapshot(); time.Since(back) > 2*time.Second {
		t.Errorf("it is followed %s after it came back", time.Since(back))
	}
	if _, err := s.SaveACLEntry(actor(t), federation.ACLEntry{Pattern: "10.0.0.1"}); err != nil {
		t.Errorf("after it came back: %v", err)
	}
}
