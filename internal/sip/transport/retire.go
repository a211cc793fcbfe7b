package transport

// Retire is Close for a connection whose peer may send no more: from now on its requests are only told so (Handler.Late), those
// under way are answered for a bounded time, and then it is closed.
func (c *Conn) Retire(err error) {
	switch {
	case c.udp != nil || c.retired.Swap(true):
	case c.settling() == nil:
		c.Close(err)
	default:
		go func() {
			c.settle(c.limits.Retire)
			c.Close(err)
		}()
	}
}

// takes reports whether what is sent goes out. A peer that may send no more is told so until goodbye. The lock is held.
func (c *Conn) takes() bool { return c.closing == nil || c.retired.Load() && !c.silent }

func (c *Conn) fallSilent() {
	c.mu.Lock()
	c.silent = true
	c.mu.Unlock()
}

// settling is a channel that is closed when the peer has what it is owed; nil when there is nothing to wait for.
func (c *Conn) settling() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.owed == 0 || c.peer.Opened || c.closing != nil {
		return nil
	}
	if c.settled == nil {
		c.settled = make(chan struct{})
	}
	return c.settled
}
