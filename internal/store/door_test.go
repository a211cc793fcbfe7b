package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"isthmus/internal/federation"
	"isthmus/internal/pgtest"
)

var errShut = fmt.Errorf("connect: %w", io.EOF)

func newDoor() *door { return &door{limit: connectTimeout} }

// connects enters a door at a moment and leaves it with an error at once; it reports whether it was let in.
func (d *door) connects(now time.Time, err error) bool {
	number, why := d.enter(now)
	if why == nil {
		d.leave(number, now, err)
	}
	return why == nil
}

// begins enters an open door, or one that lets somebody try.
func begins(t *testing.T, d *door, now time.Time) (number int) {
	t.Helper()
	number, err := d.enter(now)
	if err != nil {
		t.Fatalf("nobody may try: %v", err)
	}
	return number
}

func TestWhileTheDatabaseLetsNobodyInOneTriesASecond(t *testing.T) {
	d, now, tries := newDoor(), time.Unix(0, 0), 0
	var last time.Time
	for ; now.Before(time.Unix(30, 0)); now = now.Add(10 * time.Millisecond) {
		number, err := d.enter(now)
		if err != nil {
			if !errors.Is(err, errShut) {
				t.Fatalf("who is not let in hears %v", err)
			}
			continue
		}
		if now.After(time.Unix(5, 0)) && now.Sub(last) < maxBackoff {
			t.Errorf("one try at %s, the next at %s", last, now)
		}
		tries, last = tries+1, now
		d.leave(number, now, errShut)
	}
	if tries < 24 || tries > 34 {
		t.Errorf("%d tries in 30 s", tries)
	}
}

// As one does that has as many connections as it takes.
func TestADatabaseThatLetsInOneAndRefusesTheNextIsTriedOnceASecond(t *testing.T) {
	d, now, refused := newDoor(), time.Unix(0, 0), 0
	for ; now.Before(time.Unix(30, 0)); now = now.Add(10 * time.Millisecond) {
		if d.connects(now, nil) && d.connects(now, errShut) {
			refused++
		}
	}
	if refused < 24 || refused > 34 {
		t.Errorf("%d refused in 30 s", refused)
	}
	d.connects(now.Add(maxBackoff*2), nil)
	now = now.Add(4 * maxBackoff)
	if !d.connects(now, errShut) || !d.connects(now.Add(2*minBackoff), nil) {
		t.Error("after it was there for a while it is not tried again soon")
	}
}

func TestOneTriesAndNobodyWaitsForIt(t *testing.T) {
	d, now := newDoor(), time.Unix(0, 0)
	d.connects(now, errShut)
	if _, err := d.enter(now); !errors.Is(err, errShut) {
		t.Errorf("right after a connect that failed another is let in: %v", err)
	}
	now = now.Add(maxBackoff)
	begins(t, d, now)
	if _, err := d.enter(now.Add(d.limit - 1)); err == nil {
		t.Error("two try at once")
	}
	number := begins(t, d, now.Add(d.limit))
	d.leave(number, now, nil)
	for range 3 {
		begins(t, d, now)
	}
}

func TestATryToConnectThatIsCalledOffLeavesTheNextOneTry(t *testing.T) {
	d, now := newDoor(), time.Unix(0, 0)
	other := begins(t, d, now)
	d.connects(now, context.Canceled)
	begins(t, d, now)
	if d.leave(other, now, errShut); d.connects(now, nil) {
		t.Error("after another was called off, a connect that fails does not close it")
	}
	now = now.Add(maxBackoff)
	d.leave(begins(t, d, now), now, context.Canceled)
	begins(t, d, now)
}

func TestHowAnOldConnectEndsOverrulesNoNewerOne(t *testing.T) {
	d, now := newDoor(), time.Unix(0, 0)
	slow, cut := begins(t, d, now), begins(t, d, now)
	d.connects(now, nil)
	if d.leave(slow, now, errShut); !d.connects(now, nil) {
		t.Error("one that began before another went well closes the door")
	}
	slow = begins(t, d, now)
	d.connects(now, errShut)
	d.leave(cut, now, context.Canceled)
	if _, err := d.enter(now); err == nil {
		t.Error("one that is called off, and began before the door was closed, lets the next one try")
	}
	now = now.Add(maxBackoff)
	if d.leave(slow, now, errShut); !d.connects(now, nil) {
		t.Error("one that fails late, and began before the door was closed, keeps everybody out for longer")
	}
}

// The driver opens a connection of its own to call off a statement that its caller waits for no more.
func TestAStatementIsCalledOffUnlessTheDatabaseCannotBeReachedNow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		config := must(pgxpool.ParseConfig("postgres://isthmus@127.0.0.1/isthmus"))
		errDialled := errors.New("dialled")
		config.ConnConfig.DialFunc = func(context.Context, string, string) (net.Conn, error) { return nil, errDialled }
		d := &door{}
		d.guard(config)
		d.limit = connectTimeout
		calledOff := func() bool {
			_, err := config.ConnConfig.DialFunc(t.Context(), "tcp", "127.0.0.1:5432")
			return errors.Is(err, errDialled)
		}
		if !calledOff() {
			t.Error("nothing is called off while the database is there")
		}
		d.connects(time.Now(), errShut)
		if calledOff() {
			t.Error("right after a connect that failed another is made to call something off")
		}
		s := &Store{door: d}
		if s.Pause(t.Context(), time.Hour); !calledOff() {
			t.Error("nothing is called off for a failure that is over")
		}
		d.connects(time.Now(), fmt.Errorf("connect: %w", &pgconn.PgError{Code: "53300"})) // too_many_connections
		if !calledOff() {
			t.Error("nothing is called off in a database that answers")
		}
	})
}

// connect_timeout is for each address.
func TestAConnectEndsBeforeTheNextOneIsTried(t *testing.T) {
	for url, least := range map[string]time.Duration{
		"postgres://isthmus@one/isthmus": connectTimeout,
		"postgres://isthmus@one,two,three,four,five,six/isthmus?connect_timeout=10&sslmode=disable": time.Minute,
	} {
		s := must(Open(t.Context(), url))
		t.Cleanup(s.Close)
		c := s.config.Copy()
		if err := s.door.admit(c); err != nil {
			t.Fatal(err)
		}
		trace := c.Tracer.(pgx.ConnectTracer)
		ctx := trace.TraceConnectStart(t.Context(), pgx.TraceConnectStartData{})
		until, bounded := ctx.Deadline()
		if rest := time.Until(until); !bounded || rest > s.door.limit || s.door.limit < least {
			t.Errorf("%s: a connect may take %s, the next one is let in after %s, all addresses take %s", url, rest, s.door.limit, least)
		}
		trace.TraceConnectEnd(ctx, pgx.TraceConnectEndData{Err: errShut})
		if s.door.unreachable(time.Now()) == nil || ctx.Err() == nil {
			t.Errorf("%s: the end of a connect is not noted", url)
		}
	}
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
			for ; time.Now().Before(deadline); <-time.After(5 * time.Millisecond) {
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
