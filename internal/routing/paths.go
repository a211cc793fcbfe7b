package routing

import (
	"fmt"
	"strings"

	"isthmus/internal/federation"
	"isthmus/internal/sip"
)

// paths holds how this node names itself on the wire: in its Via and in Record-Route, always by its FQDN, because peers
// ignore addresses there.
type paths struct {
	node      string
	ports     map[int]bool          // every configured listener's
	first     map[sip.Transport]int // port of the first enabled listener
	verifying int                   // port of the first enabled TLS listener that verifies clients, 0: none
	records   map[path][]byte
	via       map[sip.Transport]string
}

// A path is one listener as Record-Route names it.
type path struct {
	transport sip.Transport
	port      int
}

func newPaths(node string, listeners []federation.Listener, contexts []federation.TLSContext) paths {
	verifies := map[string]bool{}
	for _, c := range contexts {
		verifies[c.Name] = c.VerifyClient
	}
	p := paths{node: node, ports: map[int]bool{}, first: map[sip.Transport]int{}, records: map[path][]byte{}, via: map[sip.Transport]string{}}
	for _, l := range listeners {
		t := TransportOf(l.Transport)
		p.ports[l.Port] = true
		p.records[path{t, l.Port}] = recordRoute(node, t, l.Port)
		if !l.Enabled {
			continue
		}
		if p.first[t] == 0 {
			p.first[t] = l.Port
		}
		if p.verifying == 0 && verifies[l.TLSContext] {
			p.verifying = l.Port
		}
	}
	for _, t := range []sip.Transport{sip.UDP, sip.TCP, sip.TLS} {
		p.via[t] = fmt.Sprintf("SIP/2.0/%s %s:%d;branch=", t, node, p.outgoing(t))
	}
	// Requests over UDP leave from a socket of their hop, and rport has the answers come back there (RFC 3581).
	p.via[sip.UDP] = strings.Replace(p.via[sip.UDP], ";branch=", ";rport;branch=", 1)
	return p
}

// outgoing is the port that this node names toward a next hop: for TLS that of the first listener which verifies
// clients, else the first listener's of that transport.
func (p *paths) outgoing(t sip.Transport) int {
	if t == sip.TLS && p.verifying != 0 {
		return p.verifying
	}
	return p.incoming(t)
}

// incoming is the port that this node names toward a peer whose connection it opened itself.
func (p *paths) incoming(t sip.Transport) int {
	if port := p.first[t]; port != 0 {
		return port
	}
	return t.DefaultPort()
}

func (p *paths) listens(port int) bool { return p.ports[port] }

func (p *paths) record(at path) []byte {
	if r := p.records[at]; r != nil {
		return r
	}
	return recordRoute(p.node, at.transport, at.port) // a listener that is configured no more
}

func recordRoute(node string, t sip.Transport, port int) []byte {
	return fmt.Appendf(nil, "<sip:%s:%d;transport=%s;lr>", node, port, t.Param())
}

// Via is the beginning of this node's Via value toward a hop, up to and including "branch=".
func (p *Policy) Via(out sip.Transport) string { return p.paths.via[out] }

// AppendRecordRoutes appends the Record-Route values for a request that came in over a listener and goes out over a
// transport; listenerPort is 0 for a request on a connection that this node opened. Two values are written when they
// differ, the next hop's on top (RFC 3261 section 16.7 step 8 without rewriting, RFC 5658).
func (p *Policy) AppendRecordRoutes(dst [][]byte, in sip.Transport, listenerPort int, out sip.Transport) [][]byte {
	if listenerPort == 0 {
		listenerPort = p.paths.incoming(in)
	}
	from, to := path{in, listenerPort}, path{out, p.paths.outgoing(out)}
	dst = append(dst, p.paths.record(to))
	if from != to {
		dst = append(dst, p.paths.record(from))
	}
	return dst
}

// Recorded reports whether a request gets Record-Route: those that make a dialog, and every NOTIFY, which may make one
// before the answer to its SUBSCRIBE arrives (RFC 6665 section 4.3).
func Recorded(method string, toTag bool) bool {
	switch method {
	case "INVITE", "SUBSCRIBE", "REFER":
		return !toTag
	}
	return method == "NOTIFY"
}
