package names

import (
	"context"
	"net/netip"
	"time"
)

// State says how far the book knows the names of an address.
type State uint8

// States of knowledge.
const (
	Settled State = iota // DNS has said all
	Pending              // a first look-up is under way
	Overdue              // it took over 2 s
	Failed               // it brought no answer
	Busy                 // there are too many look-ups under way for one more
)

// Of returns the names that DNS confirms for an address: names of the ACL that have it, else names under those that its
// PTR records say and that lead back to it. What is not known is looked up. The slice must not be changed.
func (b *Book) Of(addr netip.Addr) ([]string, State) {
	names, state, known := b.peek(addr)
	if known {
		return names, state
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	addr = addr.Unmap().WithZone("")
	if !b.roomForPeer() {
		return nil, Busy
	}
	b.peers.get(addr).use()
	return nil, Pending
}

// Known returns the names that DNS confirmed for an address, and has nothing looked up.
func (b *Book) Known(addr netip.Addr) []string {
	names, _, _ := b.peek(addr)
	return names
}

// Await is Of, but it waits up to 2 s for a first look-up.
func (b *Book) Await(addr netip.Addr) ([]string, State) {
	limit, cancel := context.WithTimeout(context.Background(), Late)
	defer cancel()
	for {
		b.mu.RLock()
		turn := b.turn
		b.mu.RUnlock()
		names, state := b.Of(addr)
		if state != Pending {
			return names, state
		}
		select {
		case <-turn:
		case <-limit.Done():
			return nil, Overdue
		}
	}
}

// peek reports not known when a look-up has to begin.
func (b *Book) peek(addr netip.Addr) (names []string, state State, known bool) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	if len(b.wanted.ACL) == 0 {
		return nil, Settled, true
	}
	addr = addr.Unmap().WithZone("")
	if names := b.byAddress[addr]; names != nil {
		return names, Settled, true
	}
	r := b.peers.records[addr]
	if r == nil {
		return nil, Pending, false
	}
	r.use()
	if len(r.value) > 0 {
		return r.value, Settled, true
	}
	return nil, b.stateOf(r), true
}

func (r *record[V]) use() { r.used.Store(time.Now().UnixNano()) }

// stateOf is how far a peer is known that no name was found for.
func (b *Book) stateOf(r *record[[]string]) State {
	waits := b.waitsFrom
	if r.first() {
		waits = earlier(waits, r.since)
	}
	switch {
	case !waits.IsZero() && time.Since(waits) >= Late:
		return Overdue
	case !waits.IsZero():
		return Pending
	case r.known():
		return b.unsaid // the address may be that of a name of which nothing is known
	}
	return r.failure()
}

// failure is the state of what DNS never said anything about.
func (r *record[V]) failure() State {
	if r.slow {
		return Overdue
	}
	return Failed
}

// roomForPeer makes room for one more address, at the cost of one that has no name. The lock is held.
func (b *Book) roomForPeer() bool {
	if b.peers.busy >= peerLookups {
		return false
	}
	if len(b.peers.records) < maxPeers {
		return true
	}
	for addr, r := range b.peers.records {
		if !r.busy && len(r.value) == 0 {
			delete(b.peers.records, addr)
			return true
		}
	}
	return false
}
