package store

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
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
	mu    sync.Mutex
	why   error         // the last connect failed, nil while the door is open
	next  time.Time     // when somebody may try again
	wait  time.Duration // after a try that failed
	moved chan struct{} // closed when a connect has ended; nil: nobody waits for that
}

// enter lets somebody connect, or says why there is no use. How a connect ends is told to leave.
func (d *door) enter(now time.Time) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.why == nil {
		return nil
	}
	if now.Before(d.next) {
		return d.why
	}
	d.wait = min(2*d.wait, maxBackoff)
	d.next = now.Add(connectTimeout + d.wait) // leave knows better
	return nil
}

// leave notes how a connect ended, whoever was let in for it.
func (d *door) leave(now time.Time, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case err == nil:
		d.why = nil
	case errors.Is(err, context.Canceled): // which says nothing of the database
		d.next = now
	default:
		if d.why == nil {
			d.wait = minBackoff
		}
		// The more nodes wait for one database, the less they should come back at one moment.
		d.why, d.next = err, now.Add(d.wait+rand.N(d.wait/4))
	}
	if d.moved != nil {
		close(d.moved)
		d.moved = nil
	}
}

// await returns true once somebody may try again, or the database was reached meanwhile, and false at once while the door
// is open. The end of ctx ends it too.
func (d *door) await(ctx context.Context) (waited bool) {
	for ctx.Err() == nil {
		closed, rest, moved := d.state(time.Now())
		if !closed || waited && rest <= 0 {
			break
		}
		waited = true
		select {
		case <-time.After(rest):
		case <-moved:
		case <-ctx.Done():
		}
	}
	return waited
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

// guard puts the door before every connect of a pool's configuration, and of the connections that are made by a copy of it.
func (d *door) guard(config *pgxpool.Config) {
	dial := config.ConnConfig.DialFunc
	config.BeforeConnect = func(context.Context, *pgx.ConnConfig) error { return d.enter(time.Now()) }
	config.ConnConfig.Tracer = d
	config.ConnConfig.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		if why := d.shut(); why != nil && ctx.Value(letIn{}) == nil {
			return nil, why // the driver calls off, on a connection of its own, whatever was under way
		}
		return dial(ctx, network, address)
	}
}

// letIn marks the context of a connect that was let in.
type letIn struct{}

func (d *door) shut() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.why
}

// TraceConnectStart, with the next three, makes a door what the driver tells of its connects: when one of the pool's fails,
// there is no other word of it.
func (d *door) TraceConnectStart(ctx context.Context, _ pgx.TraceConnectStartData) context.Context {
	return context.WithValue(ctx, letIn{}, true)
}

// TraceConnectEnd is called after every connect.
func (d *door) TraceConnectEnd(_ context.Context, end pgx.TraceConnectEndData) {
	d.leave(time.Now(), end.Err)
}

// TraceQueryStart is of no interest here.
func (d *door) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	return ctx
}

// TraceQueryEnd is of no interest here.
func (d *door) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}
