package transaction

import (
	"sync/atomic"

	"isthmus/internal/sip"
)

// A Tally counts live transactions: server transactions of one sender or of all, so that its user can bound them, or the
// client transactions of one connection. A server transaction of an INVITE that was taken counts no longer, though it may live for
// half a minute more: calls would else be few. A nil Tally counts nothing.
type Tally struct {
	open   atomic.Int64
	within *Tally
}

// NewTally begins a tally at zero. What counts in it counts in within too, which may be nil.
func NewTally(within *Tally) *Tally { return &Tally{within: within} }

// Open returns how many transactions are live.
func (t *Tally) Open() int64 { return t.open.Load() }

// Enter counts one more, before its transaction is made: Server.CountIn, or ClientRequest.Tally, lets its end count one less.
func (t *Tally) Enter() {
	for ; t != nil; t = t.within {
		t.open.Add(1)
	}
}

// Leave counts one less.
func (t *Tally) Leave() {
	for ; t != nil; t = t.within {
		t.open.Add(-1)
	}
}

// CountIn hands a fresh transaction over to the tally that it was entered in.
func (s *Server) CountIn(t *Tally) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == terminated {
		t.Leave()
		return
	}
	s.tally = t
}

// Has reports whether a request belongs to a transaction that there is: it is a retransmission.
func (t *Table) Has(m *sip.Message) bool {
	var space [256]byte
	key, _ := appendServerKey(space[:0], m, m.Method())
	return t.servers.get(key) != nil
}
