package store

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// How often somebody tries to connect to a database that lets nobody in. A server that only starts again is found at once.
const (
	minBackoff = 50 * time.Millisecond
	maxBackoff = time.Second
)

// A door is what everybody passes who connects to the database. While the database lets nobody in, one at a time tries,
// a second apart for the whole process; all others hear at once why the last try failed. It is safe for concurrent use.
type door struct {
	limit time.Duration // for one connect, after which it has failed

	mu      sync.Mutex
	why     error         // the last connect failed, nil while the door is open
	next    time.Time     // when somebody may try again
	wait    time.Duration // after a try that failed
	opened  time.Time     // when a try went well that others had waited for
	last    int           // number of the newest connect that was let in
	settled int           // how a connect up to this number fails says nothing new
	moved   chan struct{} // closed when that changes; nil: nobody waits for it
}

// enter lets somebody connect, or says why there is no use. How the connect of that number ends is told to leave.
func (d *door) enter(now time.Time) (number int, why error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.why != nil {
		if now.Before(d.next) {
			return 0, d.why
		}
		d.next = now.Add(d.limit) // leave knows better
	}
	d.last++
	return d.last, nil
}

// leave notes how a connect ended. Who gets in proves that others can. A failure counts only of a connect that began after
// the last end that counted: of several that fail together the first is enough.
func (d *door) leave(number int, now time.Time, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case err == nil:
		if d.why != nil {
			d.why, d.opened = nil, now
		}
	case number <= d.settled, d.why == nil && errors.Is(err, context.Canceled):
		return
	case errors.Is(err, context.Canceled): // which says nothing of the database
		d.next = now
	default:
		d.close(now, err)
	}
	d.settled = d.last
	if d.moved != nil {
		close(d.moved)
		d.moved = nil
	}
}

// close keeps everybody out for longer each time, until the door has been open for a while: a database that lets in one
// and refuses the next is not to be asked more often than one that is away.
func (d *door) close(now time.Time, why error) {
	d.wait = max(minBackoff, min(2*d.wait, maxBackoff))
	if d.why == nil && now.Sub(d.opened) >= maxBackoff {
		d.wait = minBackoff
	}
	// The more nodes wait for one database, the less they should come back at one moment.
	d.why, d.next = why, now.Add(d.wait+rand.N(d.wait/4))
}

// await lasts until somebody may try again, or the database was reached meanwhile; the end of ctx ends it too. It lasts for
// the pause while the door is open, and while somebody might have tried already: what kept the caller from it is elsewhere.
func (d *door) await(ctx context.Context, pause time.Duration) {
	closed, rest, moved := d.state(time.Now())
	if !closed {
		moved = nil
	}
	if !closed || rest <= 0 {
		rest = pause
	}
	for ended := false; !ended && ctx.Err() == nil; {
		select {
		case <-time.After(rest):
		case <-moved:
		case <-ctx.Done():
		}
		closed, rest, moved = d.state(time.Now())
		ended = !closed || rest <= 0
	}
}

// state is whether the door is closed, how long nobody may try then, and what is closed when either may have changed.
func (d *door) state(now time.Time) (closed bool, rest time.Duration, moved <-chan struct{}) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.moved == nil {
		d.moved = make(chan struct{})
	}
	return d.why != nil, d.next.Sub(now), d.moved
}

// guard puts the door before every connect of a pool's configuration. Who connects by a copy of it asks admit.
func (d *door) guard(config *pgxpool.Config) {
	c := config.ConnConfig
	d.limit = c.ConnectTimeout * time.Duration(4+len(c.Fallbacks)) // it is for each address, and a host's name may stand for several
	config.BeforeConnect = func(_ context.Context, c *pgx.ConnConfig) error { return d.admit(c) }
	dial := c.DialFunc
	c.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		if why := d.unreachable(time.Now()); why != nil && ctx.Value(letIn{}) == nil {
			return nil, why // the driver calls off, on a connection of its own, whatever was under way
		}
		return dial(ctx, network, address)
	}
}

// admit lets somebody connect once by a configuration, or says why there is no use.
func (d *door) admit(c *pgx.ConnConfig) error {
	number, err := d.enter(time.Now())
	if err == nil {
		c.Tracer = &try{door: d, number: number}
	}
	return err
}

// unreachable is why the last connect did not come as far as the database, as long as nobody may try again. A database that
// refuses a connect with an answer takes what is called off.
func (d *door) unreachable(now time.Time) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !now.Before(d.next) || errors.As(d.why, new(*pgconn.PgError)) {
		return nil
	}
	return d.why
}

// A try is one connect that was let in, and what the driver tells of it: when one of the pool's fails, there is no other
// word of it.
type try struct {
	door   *door
	number int
	done   context.CancelFunc
}

// letIn marks the context of a connect that was let in.
type letIn struct{}

// TraceConnectStart bounds the connect, with all the addresses that it tries.
func (t *try) TraceConnectStart(ctx context.Context, _ pgx.TraceConnectStartData) context.Context {
	ctx, t.done = context.WithTimeout(context.WithValue(ctx, letIn{}, true), t.door.limit)
	return ctx
}

// TraceConnectEnd is called after every connect.
func (t *try) TraceConnectEnd(_ context.Context, end pgx.TraceConnectEndData) {
	t.done()
	t.door.leave(t.number, time.Now(), end.Err)
}

// TraceQueryStart is of no interest here.
func (t *try) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	return ctx
}

// TraceQueryEnd is of no interest here.
func (t *try) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}
