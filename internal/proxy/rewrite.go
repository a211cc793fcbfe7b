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
	records            [][]byte
}

var drafts = sync.Pool{New: func() any { return new(draft) }}

// An exit is how a request goes out: over which connection, and as which of all requests.
type exit struct {
	link      uint64
	transport sip.Transport
	serial    serial
}

// write writes the request as it goes out.
func (w *rewrite) write(d *draft, m *sip.Message, e exit) {
	from, f := w.link.Peer(), w.forward(d, e)
	if w.records {
		d.records = w.policy.AppendRecordRoutes(d.records[:0], from.Transport, portOf(from), e.transport)
		f.RecordRoutes = d.records
	}
	d.bytes = m.AppendForward(d.bytes[:0], f)
}

// cancelOf writes the CANCEL of an INVITE that went out so, of the INVITE as it came.
func (w *rewrite) cancelOf(request []byte, e exit) []byte {
	d := drafts.Get().(*draft)
	defer drafts.Put(d)
	_ = d.message.Parse(request) // these bytes were parsed before
	return d.message.AppendForwardCancel(nil, w.forward(d, e))
}

// forward is the rewrite but for what records the route.
func (w *rewrite) forward(d *draft, e exit) sip.Forward {
	d.via = append(d.via[:0], w.policy.Via(e.transport)...)
	start := len(d.via)
	d.via = w.proxy.branch(d.via, w.hash, e, w.side)
	d.branch = d.via[start:]
	from := w.link.Peer().Remote
	f := sip.Forward{
		Via: d.via, DropRoutes: int(w.drop), MaxForwards: int(w.maxForwards), MaxBreadth: int(w.maxBreadth),
		Received: from.Addr(), RPort: int(from.Port()),
	}
	if s := w.strict; s != nil {
		f.RequestURI, f.DropLast, f.LastRoute = s.uri, s.undone, s.last
	}
	return f
}

// portOf is the port of the listener that a connection came to, 0 of one that this node opened.
func portOf(p *transport.Peer) int {
	if p.Opened {
		return 0
	}
	return p.ListenerPort
}
