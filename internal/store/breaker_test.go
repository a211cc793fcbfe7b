package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"
	"time"

	"isthmus/internal/federation"
)

// A clocked is a breaker with a clock that stands until it is moved.
type clocked struct {
	breaker
	now time.Time
}

// asks reports whether a query is let through, which then takes so long and ends so.
func (c *clocked) asks(took time.Duration, err error) bool {
	if !c.enter(c.now) {
		return false
	}
	began := c.now
	c.now = c.now.Add(took)
	c.leave(began, c.now, err)
	return true
}

var errLate = fmt.Errorf("read: %w", context.DeadlineExceeded)

func openBreaker(t *testing.T) *clocked {
	t.Helper()
	c := &clocked{now: time.Unix(0, 0)}
	for i := range maxTimeouts {
		if !c.asks(2*time.Second, errLate) {
			t.Fatalf("after %d timeouts it is open", i)
		}
	}
	return c
}

func TestAfterFiveTimeoutsNobodyWaitsUntilOneHasTried(t *testing.T) {
	c := openBreaker(t)
	if c.asks(0, nil) {
		t.Error("the sixth is let through")
	}
	c.now = c.now.Add(openFor)
	if !c.enter(c.now) {
		t.Fatal("after two seconds nobody may try")
	}
	if c.enter(c.now) {
		t.Error("two may try at once")
	}
	c.leave(c.now, c.now.Add(2*time.Second), errLate)
	c.now = c.now.Add(2 * time.Second)
	if c.asks(0, nil) {
		t.Error("after a try that timed out the next is let through")
	}
	c.now = c.now.Add(openFor)
	for range 3 {
		if !c.asks(0, nil) {
			t.Error("after a try that went well not everybody is let through")
		}
	}
}

func TestATryThatIsCalledOffLeavesTheNextOneTry(t *testing.T) {
	c := openBreaker(t)
	c.now = c.now.Add(openFor)
	if !c.asks(time.Second, context.Canceled) || !c.enter(c.now) {
		t.Error("nobody may try any more")
	}
	if c.enter(c.now) {
		t.Error("a try that was called off closed it")
	}
}

func TestOnlyTimeoutsInARowCount(t *testing.T) {
	for name, between := range map[string]error{"an answer": nil, "a refusal": federation.Refuse("No."), "a lost connection": io.EOF} {
		c := &clocked{now: time.Unix(0, 0)}
		for i := range 3 * maxTimeouts {
			err := errLate
			if i%maxTimeouts == maxTimeouts-1 {
				err = between
			}
			if !c.asks(2*time.Second, err) {
				t.Errorf("%s between them does not start the count anew", name)
			}
		}
	}
	c := &clocked{now: time.Unix(0, 0)}
	for range 3 * maxTimeouts {
		if !c.asks(100*time.Millisecond, errLate) || !c.asks(5*time.Second, context.Canceled) {
			t.Fatal("callers in a hurry closed it for all")
		}
	}
}

// silent is a database that takes connections and says nothing.
func silent(t *testing.T) *Store {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { c.Close() })
		}
	}()
	s := must(Open(t.Context(), "postgres://isthmus@"+l.Addr().String()+"/isthmus?sslmode=disable"))
	t.Cleanup(func() {
		l.Close()
		s.Close()
	})
	return s
}

func TestADatabaseThatHangsIsAnsweredForAtOnce(t *testing.T) {
	s := silent(t)
	results := make(chan error)
	for range maxTimeouts {
		go func() {
			_, err := s.Snapshot(t.Context())
			results <- err
		}()
	}
	for range maxTimeouts {
		if err := <-results; !errors.Is(err, ErrUnavailable) {
			t.Errorf("got %v, want %v", err, ErrUnavailable)
		}
	}
	began := time.Now()
	_, err := s.Snapshot(t.Context())
	if took := time.Since(began); !errors.Is(err, ErrUnavailable) || !errors.Is(err, errOpen) || took > time.Second {
		t.Errorf("got %v after %s", err, took)
	}
}
