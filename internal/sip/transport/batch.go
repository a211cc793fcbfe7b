package transport

import (
	"slices"
	"sync"
	"time"
)

// batch is what a connection's goroutine does between two reads. Connections that are written to meanwhile are flushed once at
// its end: one system call, and one TLS record, for all that piled up. A handler that blocks must not keep others
// waiting, so what is held is flushed after a short time anyway.
type batch struct {
	hold    time.Duration
	mu      sync.Mutex
	active  bool
	touched []*Conn
	timer   *time.Timer
}

func (b *batch) begin() {
	b.mu.Lock()
	b.active = true
	b.mu.Unlock()
}

// join notes that c has to be flushed at the end; false when there is no batch going on.
func (b *batch) join(c *Conn) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.active {
		return false
	}
	if slices.Contains(b.touched, c) {
		return true
	}
	if len(b.touched) == 0 {
		b.arm()
	}
	b.touched = append(b.touched, c)
	return true
}

func (b *batch) arm() {
	if b.timer == nil {
		b.timer = time.AfterFunc(b.hold, b.flush)
		return
	}
	b.timer.Reset(b.hold)
}

func (b *batch) end() {
	b.mu.Lock()
	b.active = false
	pending := len(b.touched) > 0
	b.mu.Unlock()
	if pending {
		b.timer.Stop()
		b.flush()
	}
}

func (b *batch) flush() {
	var space [8]*Conn
	b.mu.Lock()
	touched := append(space[:0], b.touched...)
	clear(b.touched)
	b.touched = b.touched[:0]
	b.mu.Unlock()
	for _, c := range touched {
		c.flush()
	}
}
