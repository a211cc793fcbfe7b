package transport

import (
	"slices"
	"sync"
)

// batch is what a connection's goroutine does between two reads. Connections that are written to meanwhile are flushed once at
// its end: one system call, and one TLS record, for all that piled up. No timer bounds how long that may be, as a timer for each
// read wakes a processor once more: at few requests a second that was the half of what a request cost. So handlers do not wait
// but in Conn.Wait, and Queue does as that does.
type batch struct {
	mu      sync.Mutex
	active  bool
	waiting int // who is; nothing is held then
	touched []*Conn
}

func (b *batch) begin() {
	b.mu.Lock()
	b.active = true
	b.mu.Unlock()
}

// join notes that c has to be flushed at the end; false when nothing is held now.
func (b *batch) join(c *Conn) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.active || b.waiting > 0 {
		return false
	}
	if !slices.Contains(b.touched, c) {
		b.touched = append(b.touched, c)
	}
	return true
}

func (b *batch) end() {
	b.mu.Lock()
	b.active = false
	b.release()
}

// pause lets out what is held, and holds nothing more until resume.
func (b *batch) pause() {
	b.mu.Lock()
	b.waiting++
	b.release()
}

func (b *batch) resume() {
	b.mu.Lock()
	b.waiting--
	b.mu.Unlock()
}

// release flushes what is held. The lock is held, and given back.
func (b *batch) release() {
	var space [8]*Conn
	touched := append(space[:0], b.touched...)
	clear(b.touched)
	b.touched = b.touched[:0]
	b.mu.Unlock()
	for _, c := range touched {
		c.flush()
	}
}
