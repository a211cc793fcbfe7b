package proxy

import (
	"fmt"
	"net/netip"
	"sync/atomic"

	"isthmus/internal/sip"
	"isthmus/internal/sip/transport"
)

// Beat asks an OPTIONS of this proxy as a connection from the node's own address would, and returns when that is over: it
// goes through what every request goes through, and waits for ever where that does. No socket, descriptor or peer is
// needed for it, so that none can make it wait. It reports whether the answer was 200.
func (p *Proxy) Beat(own netip.Addr) bool {
	policy := p.policy.Load()
	if policy == nil || !policy.HasNode(own) {
		return false
	}
	l := &heart{peer: transport.Peer{Remote: netip.AddrPortFrom(own, 5060), Local: netip.AddrPortFrom(own, 5060), Transport: sip.TCP}}
	p.known(&l.peer)
	if !p.accept(own, sip.TCP) {
		return false
	}
	tag, node := p.tag(), policy.Node()
	m := new(sip.Message)
	err := m.Parse(fmt.Appendf(nil, "OPTIONS sip:%[1]s SIP/2.0\r\nVia: SIP/2.0/TCP %[1]s;branch=z9hG4bK%[2]s\r\nMax-Forwards: 0\r\nFrom: <sip:%[1]s>;tag=%[2]s\r\n"+
		"To: <sip:%[1]s>\r\nCall-ID: %[2]s@%[1]s\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n", node, tag))
	if err != nil {
		return false
	}
	p.receive(l, m)
	return l.status.Load() == 200
}

// A heart is a link to nowhere.
type heart struct {
	peer   transport.Peer
	status atomic.Int32 // of the answer
}

func (h *heart) Peer() *transport.Peer { return &h.peer }

func (h *heart) ID() uint64 { return 0 }

func (h *heart) Err() error { return nil }

func (h *heart) Send(b []byte) error {
	m := new(sip.Message)
	if err := m.Parse(b); err != nil {
		return err
	}
	h.status.Store(int32(m.Status()))
	return nil
}

func (h *heart) Queue(_ Link, b []byte) error { return h.Send(b) }

func (h *heart) Wait(f func()) { f() }

func (h *heart) Close(error) {}

func (h *heart) Retire(error) {}
