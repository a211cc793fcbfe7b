package proxy

import (
	"maps"
	"net/netip"
	"slices"
	"time"

	"isthmus/internal/routing"
)

// A name with several addresses is one hop, which is down only when none of them is of use (RFC 3263 section 4.3). The
// addresses of a place are tried in the order of DNS, those that failed last.
type addresses struct {
	known  []netip.AddrPort             // those that the last attempt to connect was about
	failed map[netip.AddrPort]time.Time // when, by a connection that was lost or could not be opened, a 503 or silence
}

// order puts the addresses that failed behind the others, the one that failed last at the end.
func (as *addresses) order(list []netip.AddrPort) []netip.AddrPort {
	as.known = slices.Clone(list)
	maps.DeleteFunc(as.failed, func(a netip.AddrPort, _ time.Time) bool { return !slices.Contains(list, a) })
	slices.SortStableFunc(list, func(a, b netip.AddrPort) int { return as.failed[a].Compare(as.failed[b]) })
	return list[:min(len(list), maxAddresses)]
}

// fail notes a failure, and reports whether there is an address that has not failed of late.
func (as *addresses) fail(at netip.AddrPort, now time.Time) bool {
	if as.failed == nil {
		as.failed = map[netip.AddrPort]time.Time{}
	}
	as.failed[at] = now
	return slices.ContainsFunc(as.known, func(a netip.AddrPort) bool {
		when, failed := as.failed[a]
		return !failed || now.Sub(when) >= soon
	})
}

// passedOver notes the addresses that an attempt to connect failed at, by which the next one begins with those that it did
// not get to. When it got to all, none is better than another.
func (pl *place) passedOver(failed []netip.AddrPort) {
	pl.mu.Lock()
	defer pl.mu.Unlock()
	if len(failed) == len(pl.addresses.known) {
		return
	}
	for _, a := range failed {
		pl.addresses.fail(a, pl.proxy.clock.Now())
	}
}

// turn is told that the host behind a connection failed: the next request is sent to another address of the hop's name, if
// it has several. It reports whether one of them is worth trying.
func (pl *place) turn(w *wire) bool {
	pl.mu.Lock()
	several := len(pl.addresses.known) > 1
	if several && pl.wire == w {
		pl.wire = nil
	}
	turned := several && pl.addresses.fail(w.Peer().Target.Addr, pl.proxy.clock.Now())
	pl.mu.Unlock()
	if several {
		pl.proxy.leaveUnused()
	}
	return turned
}

// follow has the next request connect anew where DNS has moved a name away from the address that its connection goes to.
// Of a hop that is gone nothing is asked: its name is kept no more, and its connection left anyway.
func (p *Proxy) follow(policy *routing.Policy) {
	moved := false
	for _, pl := range p.allPlaces() {
		hop, w := pl.current(), pl.ready()
		if w == nil || hop.Addr.IsValid() || !policy.Leads(pl.key) {
			continue
		}
		list, err := p.resolve(hop)
		if err == nil && !slices.Contains(list, w.Peer().Target.Addr) {
			pl.abandon(w)
			moved = true
		}
	}
	if moved {
		p.leaveUnused()
	}
}
