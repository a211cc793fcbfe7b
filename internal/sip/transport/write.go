package transport

import (
	"sync"
	"time"
)

const (
	flushAt   = 48 << 10  // pending bytes that are not held any longer: three full TLS records, one system call for all
	roomy     = 64 << 10  // what a write buffer grows to at first: what is flushed at once, and the message that was one too many
	keepUpTo  = 4 * roomy // capacity of one that is worth keeping: what piles up while another goroutine writes
	maxRounds = 16        // flushes of what others left, before a goroutine of its own goes on
)

var writeBuffers = sync.Pool{New: func() any { b := make([]byte, 0, 4<<10); return &b }}

// Send queues one whole message. b is copied. It goes out at once, unless the connection's own goroutine is handling what it
// read: then at the end of that, with all that piled up. Send waits for room in a full queue no longer than the enqueue
// limit; then the connection is closed. The error says why the connection is closed.
func (c *Conn) Send(b []byte) error { return c.Queue(c, b) }

// Queue is Send for use while handling a message from another connection: when during is handling what it read, b goes
// out at the end of that. A proxy that forwards what came on one connection to another thereby writes once per read,
// not once per message.
func (c *Conn) Queue(during *Conn, b []byte) error {
	if c.udp != nil {
		return c.sendDatagram(b)
	}
	if !c.fits(len(b)) {
		var err error
		if during.Wait(func() { err = c.awaitRoom(len(b)) }); err != nil {
			return err
		}
	}
	c.mu.Lock()
	if !c.takes() {
		defer c.mu.Unlock()
		return c.closing
	}
	if c.pending == nil {
		c.pending = writeBuffers.Get().(*[]byte)
	}
	*c.pending = append(grown(*c.pending, len(b)), b...)
	c.paid(b)
	left := c.writing // whoever is writing takes it along
	much := len(*c.pending) >= flushAt
	c.mu.Unlock()
	if left || !much && during.batch.join(c) {
		return nil
	}
	if err := c.flush(); err != nil && c.withdraw(b) {
		return err
	}
	return nil
}

// Wait calls f, which waits, while a Handler has a message in the hand: what was sent before goes out first, and what others send
// meanwhile at once.
func (c *Conn) Wait(f func()) {
	c.batch.pause()
	defer c.batch.resume()
	f()
}

// grown makes room for n bytes more, in two long steps up to what is kept. Those that append would make leave five times as much
// behind, and may end a little above that.
func grown(b []byte, n int) []byte {
	room := roomy
	if len(b)+n > room {
		room = keepUpTo
	}
	if len(b)+n <= cap(b) || len(b)+n > room {
		return b
	}
	return append(make([]byte, 0, room), b...)
}

// flush writes what is pending, unless another goroutine is at it. Writing to the socket does not block.
func (c *Conn) flush() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.writing {
		return nil
	}
	c.writing = true
	defer func() {
		c.writing = false
		c.written.Broadcast()
	}()
	for round := 0; c.pending != nil; round++ {
		if round == maxRounds {
			go c.flush()
			return nil
		}
		if err := c.writePending(); err != nil {
			return err
		}
	}
	return nil
}

// flushAll returns when nothing is pending, whoever wrote it. It is for a connection that takes nothing more.
func (c *Conn) flushAll() {
	for {
		c.mu.Lock()
		for c.writing {
			c.written.Wait()
		}
		done := c.pending == nil
		c.mu.Unlock()
		if done || c.flush() != nil {
			return
		}
	}
}

// writePending gives the lock back while it writes.
func (c *Conn) writePending() error {
	b := c.pending
	c.pending = nil
	c.mu.Unlock()
	_, err := c.out.Write(*b)
	if cap(*b) <= keepUpTo {
		*b = (*b)[:0]
		writeBuffers.Put(b)
	}
	if err != nil {
		c.writeFailed(err)
	}
	c.mu.Lock()
	return err
}

// awaitRoom bounds what is queued for a peer that does not read, and the time that others spend on it.
func (c *Conn) awaitRoom(n int) error {
	_ = c.flush()
	timer := time.NewTimer(c.limits.Enqueue)
	defer timer.Stop()
	for {
		_, changed, err := c.socket.queued()
		if err != nil || c.fits(n) {
			return err
		}
		select {
		case <-changed:
		case <-c.done:
			return c.Err()
		case <-timer.C:
			c.fail(ErrSlowReader)
			return ErrSlowReader
		}
	}
}

func (c *Conn) fits(n int) bool {
	backlog := int(c.socket.backlog.Load())
	if backlog == 0 && n <= c.limits.Queue {
		return true // what is pending will be taken by the kernel or become the backlog
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.pending != nil {
		backlog += len(*c.pending)
	}
	return backlog+n <= c.limits.Queue
}
