package proxy

import (
	"bytes"
	"net/netip"
	"slices"
	"sync"

	"isthmus/internal/routing"
	"isthmus/internal/sip"
)

// A rewrite is what changes in a request on its way through (RFC 3261 section 16.6). It refers to nothing of the message
// as it was read, so that it outlives the read buffer.
type rewrite struct {
	proxy       *Proxy
	policy      *routing.Policy
	uri, last   []byte // new Request-URI and last Route value, nil: none
	drop        int    // leading Route values
	undone      bool   // the last Route value goes, which was the target
	maxForwards int
	maxBreadth  int
	hash        uint64
	side        routing.Side
	records     bool
	in          sip.Transport
	port        int // of the listener that took it, 0 on a connection that this node opened
	from        netip.AddrPort
}

func (p *Proxy) rewrite(in *incoming, d routing.Decision) rewrite {
	peer, r := in.link.Peer(), &in.request
	w := rewrite{
		proxy: p, policy: in.policy, drop: r.Own, maxForwards: r.MaxForwards - 1, maxBreadth: r.MaxBreadth, hash: r.Hash, side: r.Side,
		records: routing.Recorded(r.Method, r.ToTag), in: peer.Transport, port: peer.ListenerPort, from: peer.Remote,
	}
	if peer.Opened {
		w.port = 0
	}
	if _, ok := in.message.MaxForwards(); !ok {
		w.maxForwards = r.MaxForwards
	}
	w.uri, w.undone = bytes.Clone(r.NewURI), r.NewURI != nil
	if d.Strict {
		w.toStrictRouter(in.message)
	}
	return w
}

// toStrictRouter: a next hop without lr wants to be the Request-URI itself, and the target at the end of the Route
// (RFC 3261 section 16.6 step 6).
func (w *rewrite) toStrictRouter(m *sip.Message) {
	target := m.RequestURI()
	if w.undone {
		target = w.uri
	}
	w.last = slices.Concat([]byte("<"), target, []byte(">"))
	w.uri = bytes.Clone(m.Route(w.drop).URI)
	w.drop++
}

// A draft is a request as it goes out, written once and copied by whoever keeps it.
type draft struct {
	bytes, via, branch []byte // the branch is part of via
	records            [][]byte
}

var drafts = sync.Pool{New: func() any { return new(draft) }}

// write writes the request as it goes out over a wire to a hop.
func (w *rewrite) write(d *draft, m *sip.Message, hop *routing.Hop, link uint64) {
	d.via = append(d.via[:0], w.policy.Via(hop.Transport)...)
	start := len(d.via)
	d.via = w.proxy.branch(d.via, w.hash, link, hop.Kind, w.side)
	d.branch, d.records = d.via[start:], d.records[:0]
	if w.records {
		d.records = w.policy.AppendRecordRoutes(d.records, w.in, w.port, hop.Transport)
	}
	d.bytes = m.AppendForward(d.bytes[:0], sip.Forward{
		RequestURI: w.uri, Via: d.via, RecordRoutes: d.records, DropRoutes: w.drop, DropLast: w.undone, LastRoute: w.last,
		MaxForwards: w.maxForwards, MaxBreadth: w.maxBreadth, Received: w.from.Addr(), RPort: int(w.from.Port()),
	})
}
