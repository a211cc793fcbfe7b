package load

import "sync"

const mostCallers = 10 // what one digit tells apart

// order watches that no message overtakes another of its connection: each sender numbers what it sends.
type order struct {
	mu   sync.Mutex
	last [mostCallers]uint64
}

// up notes a request of a caller; one that was overtaken is told.
func (o *order) up(f *Findings, h *head) {
	caller, n, ok := readSequence(h.sequence)
	if !ok {
		f.found(Identity, h)
		return
	}
	o.mu.Lock()
	overtaken := n <= o.last[caller]
	o.last[caller] = max(n, o.last[caller])
	o.mu.Unlock()
	if overtaken {
		f.found(Order, h)
	}
}
