package transport

import (
	"slices"
	"sync"
	"time"
)

// strangers are the accepted connections of peers that the Handler does not know yet, the oldest first. There is room
// for a few of them and they have a little time, so that a flood of connections that say nothing takes no descriptors
// from peers that are known. Who has sent a request and was not turned away is a stranger no more.
type strangers struct {
	mu   sync.Mutex
	list []*Conn
}

// meet notes an accepted connection whose peer the Handler does not know. The oldest gives way when there are too many.
func (l *Layer) meet(c *Conn) {
	c.stranger.Store(true)
	s := &l.strangers
	s.mu.Lock()
	s.list = append(s.list, c)
	var oldest *Conn
	if len(s.list) > l.limits.Strangers {
		oldest = s.list[0]
		s.list = slices.Delete(s.list, 0, 1)
	}
	s.mu.Unlock()
	if oldest != nil {
		oldest.fail(ErrStranger)
	}
}

func (l *Layer) knows(c *Conn) bool { return l.knowsPeer(c, &c.peer) }

// knowsPeer asks before there is a connection, too.
func (l *Layer) knowsPeer(c *Conn, peer *Peer) (known bool) {
	_ = l.guard(c, func() error {
		known = l.config.Handler.Known(peer)
		return nil
	})
	return known
}

// part forgets a connection that is a stranger's no more, or has ended.
func (l *Layer) part(c *Conn) {
	if !c.stranger.Load() || !c.stranger.CompareAndSwap(true, false) {
		return
	}
	s := &l.strangers
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := slices.Index(s.list, c); i >= 0 {
		s.list = slices.Delete(s.list, i, i+1)
	}
}

// dismiss cuts all strangers off: their descriptors are needed.
func (l *Layer) dismiss() {
	s := &l.strangers
	s.mu.Lock()
	list := s.list
	s.list = nil
	s.mu.Unlock()
	for _, c := range list {
		c.fail(ErrStranger)
	}
}

// patience is when an idle connection is closed: never, but for a stranger's, whatever empty lines it sends.
func (r *reader) patience() time.Time {
	if !r.c.stranger.Load() {
		return time.Time{}
	}
	if r.until.IsZero() {
		r.until = time.Now().Add(r.c.limits.Stranger)
	}
	return r.until
}

// within holds a stranger to its time while it is busy too: else one that always has more to say, and nothing that is
// taken, would never be asked what it wants.
func (r *reader) within(deadline time.Time) time.Time {
	if until := r.patience(); !until.IsZero() && until.Before(deadline) {
		return until
	}
	return deadline
}
