package store

import (
	"context"
	"errors"
	"sync"
	"time"
)

const (
	maxTimeouts = 5               // in a row, then nobody is kept waiting any more
	openFor     = 2 * time.Second // until one is let through to try
	slowTimeout = time.Second     // what gave up earlier did so because its caller was in a hurry
)

// A breaker answers at once for a database that lets everybody wait: each page would else stand for seconds on the one
// after the other, with a connection that those need that could be served. It is safe for concurrent use.
type breaker struct {
	mu       sync.Mutex
	timeouts int
	until    time.Time // closed for everybody until then, and afterwards for all but the one who tries
	trying   bool
}

// errOpen hangs under ErrUnavailable.
var errOpen = errors.New("the last queries timed out, so this one was not tried")

// enter reports whether somebody may ask the database. Who may calls leave afterwards.
func (b *breaker) enter(now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.timeouts < maxTimeouts {
		return true
	}
	if b.trying || now.Before(b.until) {
		return false
	}
	b.trying = true
	return true
}

// leave notes how that ended. What the caller called off says nothing of the database.
func (b *breaker) leave(began, now time.Time, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.trying = false
	late := errors.Is(err, context.DeadlineExceeded)
	switch {
	case errors.Is(err, context.Canceled), late && now.Sub(began) < slowTimeout:
	case !late:
		b.timeouts = 0
	default:
		b.timeouts++
		b.until = now.Add(openFor)
	}
}
