package proxy

import (
	"bytes"
	"cmp"
	"errors"
	"maps"
	"net/netip"
	"sync"
	"sync/atomic"

	"isthmus/internal/metrics"
	"isthmus/internal/routing"
	"isthmus/internal/sip"
	"isthmus/internal/sip/transport"
)

// maxReturning bounds the responses that wait for a connection at one time.
const maxReturning = 1000

var errNoWayBack = errors.New("there is no way back to who asked")

// returns are the connections that this node opened only to answer: one for each address, as who asks names its port
// itself. The zero value is ready.
type returns struct {
	waiting atomic.Int64
	mu      sync.Mutex
	open    map[netip.Addr]Link
}

// giveBack takes a final response whose connection is gone to where the request came from: to the port that its Via
// names there (RFC 3261 section 18.2.2), a node's or connector's by their hop.
func (p *Proxy) giveBack(l Link, b []byte) {
	if provisional(b) || !l.Peer().Transport.Reliable() {
		return
	}
	policy := p.policy.Load()
	if p.returns.waiting.Add(1) > maxReturning || p.stopped.Load() || !p.admits(policy, l) {
		p.returned(errNoWayBack)
		return
	}
	b = bytes.Clone(b)
	if hop := policy.Back(peerOf(l.Peer())); hop != nil {
		p.place(hop).over(func() {}, func(w *wire) error { return w.Send(b) }, p.returned)
		return
	}
	go p.guard(func() {
		err := errNoWayBack // a fault in it is none
		defer func() { p.returned(err) }()
		err = p.sendTo(l.Peer(), b)
	})
}

// provisional reads the status line of a response of ours.
func provisional(b []byte) bool { return len(b) > 8 && b[8] < '2' }

// returned notes what became of a response that was on its way back.
func (p *Proxy) returned(err error) {
	p.returns.waiting.Add(-1)
	outcome := metrics.Forwarded
	if err != nil {
		outcome = metrics.Dropped
	}
	p.metrics.Returned(outcome)
}

// sendTo sends to the address that a request came from, on the same transport and by the rules for a next hop.
func (p *Proxy) sendTo(peer *transport.Peer, b []byte) error {
	var response sip.Message
	if err := response.Parse(b); err != nil {
		return err
	}
	hop := &routing.Hop{Transport: peer.Transport}
	t, err := p.target(hop)
	if err != nil {
		return err
	}
	port := cmp.Or(response.Via(0).Port, peer.Transport.DefaultPort())
	l, _, err := p.dialOne(hop, t, []netip.AddrPort{netip.AddrPortFrom(peer.Remote.Addr(), uint16(port))})
	if err != nil {
		return err
	}
	err = l.Send(b)
	p.keep(l) // by another response's connection it may be closed from now on, after what was sent
	return err
}

// keep closes the connection that was opened to the same address before, unless a next hop is reached over it.
func (p *Proxy) keep(l Link) {
	r, addr := &p.returns, l.Peer().Remote.Addr()
	r.mu.Lock()
	if r.open == nil {
		r.open = map[netip.Addr]Link{}
	}
	old := r.open[addr]
	r.open[addr] = l
	if len(r.open) > 100 {
		maps.DeleteFunc(r.open, func(_ netip.Addr, l Link) bool { return l.Err() != nil })
	}
	r.mu.Unlock()
	if old != nil && old.ID() != l.ID() && !p.wires.has(old.ID()) {
		old.Close(nil)
	}
}

// has reports whether a connection leads to a hop.
func (ws *wires) has(id uint64) bool {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	return ws.byID[id] != nil
}
