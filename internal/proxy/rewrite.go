package proxy

import (
	"bytes"
	"slices"
	"sync"

	"isthmus/internal/routing"
	"isthmus/internal/sip"
	"isthmus/internal/sip/transport"
)

// A rewrite is what changes in a request on its way through (RFC 3261 section 16.6). It refers to nothing of the message
// as it was read, so that it outlives the read buffer.
type rewrite struct {
	proxy                   *Proxy
	link                    Link // that it came on
	policy                  *routing.Policy
	strict                  *strict // nil: no strict router before or behind us, as there hardly ever is
	hash                    uint64
	maxForwards, maxBreadth int32
	drop                    uint8 // leading Route values
	side                    routing.Side
	records                 bool
}

// A strict is what changes for a strict router, one of RFC 2543.
type strict struct {
	uri, last []byte // new Request-URI and last Route value, nil: none
	undone    bool   // the last Route value goes, which was the target
}

// decided takes over what was decided. Proxy and link, by which the request may be answered meanwhile, stand there before.
func (w *rewrite) decided(in *incoming, d routing.Decision) {
	r := &in.request
	w.policy, w.drop, w.hash, w.side, w.records = in.policy, uint8(r.Own), r.Hash, r.Side, routing.Recorded(r.Method, r.ToTag)
	w.maxForwards, w.maxBreadth = int32(r.MaxForwards), int32(r.MaxBreadth)
	if _, ok := in.message.MaxForwards(); ok {
		w.maxForwards--
	}
	if r.NewURI != nil {
		w.strict = &strict{uri: bytes.Clone(r.NewURI), undone: true}
	}
	if d.Strict {
		w.toStrictRouter(in.message)
	}
}

// toStrictRouter: a next hop without lr wants to be the Request-URI itself, and the target at the end of the Route
// (RFC 3261 section 16.6 step 6).
func (w *rewrite) toStrictRouter(m *sip.Message) {
	target, s := m.RequestURI(), &strict{}
	if w.strict != nil {
		target, s.undone = w.strict.uri, true
	}
	s.last = slices.Concat([]byte("<"), target, []byte(">"))
	s.uri = bytes.Clone(m.Route(int(w.drop)).URI)
	w.drop++
	w.strict = s
}

// A draft is a request as it goes out, written once and copied by whoever keeps it, and the request as it came where it is
// not in the hand.
type draft struct {
	message            sip.Message
	bytes, via, branch []byte // the branch is part of via
	cancel             []byte // of an INVITE
	records            [][]byte
}

var drafts = sync.Pool{New: func() any { return new(draft) }}

// write writes the request as it goes out over a wire to a hop.
func (w *rewrite) write(d *draft, m *sip.Message, hop *routing.Hop, link uint64) {
	d.via = append(d.via[:0], w.policy.Via(hop.Transport)...)
	start := len(d.via)
	d.via = w.proxy.branch(d.via, w.hash, link, hop.Kind, w.side)
	d.branch, d.records = d.via[start:], d.records[:0]
	from := w.link.Peer()
	if w.records {
		d.records = w.policy.AppendRecordRoutes(d.records, from.Transport, portOf(from), hop.Transport)
	}
	f := sip.Forward{
		Via: d.via, RecordRoutes: d.records, DropRoutes: int(w.drop), MaxForwards: int(w.maxForwards), MaxBreadth: int(w.maxBreadth),
		Received: from.Remote.Addr(), RPort: int(from.Remote.Port()),
	}
	if s := w.strict; s != nil {
		f.RequestURI, f.DropLast, f.LastRoute = s.uri, s.undone, s.last
	}
	d.bytes, d.cancel = m.AppendForward(d.bytes[:0], f), d.cancel[:0]
	if m.Method() == "INVITE" {
		d.cancel = m.AppendForwardCancel(d.cancel, f)
	}
}

// portOf is the port of the listener that a connection came to, 0 of one that this node opened.
func portOf(p *transport.Peer) int {
	if p.Opened {
		return 0
	}
	return p.ListenerPort
}
