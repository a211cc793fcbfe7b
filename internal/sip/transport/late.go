package transport

import (
	"bytes"
	"slices"
	"time"
)

// An answer to a peer that has closed its direction, of whom nothing more is read, or that was retired meanwhile, may find
// nobody: whether there is still somebody to read it shows only when the peer's system takes what is sent, or refuses it.

// late keeps an answer until that shows. The lock is held.
func (c *Conn) late(b []byte) {
	if c.settled != nil {
		c.unsure = append(c.unsure, bytes.Clone(b))
	}
}

// withdraw takes back an answer that could not be written, and reports whether its sender has to know: else it was
// handed over meanwhile.
func (c *Conn) withdraw(b []byte) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := slices.IndexFunc(c.unsure, func(own []byte) bool { return bytes.Equal(own, b) })
	if i >= 0 {
		c.unsure = slices.Delete(c.unsure, i, i+1)
	}
	return i >= 0 || !c.told
}

// undelivered hands over what the peer did not take. Nothing more is sent then, but for TLS the close and on TCP the end.
func (c *Conn) undelivered() {
	c.mu.Lock()
	unsure := c.unsure
	c.unsure, c.told = nil, true
	c.mu.Unlock()
	if len(unsure) == 0 || c.socket.taken(c.limits.Linger) {
		return
	}
	for _, b := range unsure {
		_ = c.layer.guard(c, func() error {
			c.layer.config.Handler.Undelivered(c, b)
			return nil
		})
	}
}

// taken waits until the peer's system has acknowledged everything; false when it refused, or said nothing for so long. The
// system tells of a refusal once, so a write that met it is asked too.
func (s *socket) taken(limit time.Duration) bool {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	pause := time.NewTicker(2 * time.Millisecond)
	defer pause.Stop()
	for {
		if left, err := unacknowledged(s.Raw()); err != nil || left == 0 {
			return err == nil && s.failure() == nil
		}
		select {
		case <-pause.C:
		case <-timer.C:
			return false
		}
	}
}
