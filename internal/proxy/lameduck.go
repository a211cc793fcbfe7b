package proxy

import (
	"net/netip"
	"sync/atomic"

	"isthmus/internal/sip"
)

// leaving is the literal reason of refusals at the node's end, in logs and metrics.
const leaving = "node leaving"

// closing is the literal reason of refusals on a connection that a change ends.
const closing = "connection closing"

// passesLeaving are the requests that end or go on with one under way (RFC 3262 section 3 for PRACK): without them the
// node would wait for its own refusals.
var passesLeaving = map[string]bool{"BYE": true, "CANCEL": true, "PRACK": true}

// A lameduck is what is known of requests while the node ends. Its zero value is that of a node at work.
type lameduck struct {
	refuses atomic.Bool
	came    atomic.Int64 // since Stop
}

// Refuse answers new requests with 503 from now on, as the node ends and its peers keep asking over connections that they
// have. What is under way goes on.
func (p *Proxy) Refuse() { p.ending.refuses.Store(true) }

// Came is the number of requests since Stop, refused ones too. While it grows, somebody has not yet gone elsewhere.
func (p *Proxy) Came() int64 { return p.ending.came.Load() }

// closedTo says why a request cannot be taken at this moment, and in the literal text of logs and metrics; "" for one that can.
func (p *Proxy) closedTo(m *sip.Message, from *sender, addr netip.Addr) (reason, text string) {
	if p.ending.refuses.Load() && !passesLeaving[m.Method()] {
		reason, text = leaving, "this node is being stopped"
	} else if over := p.load.exceeded(from, addr); over != "" && !passesOverload[m.Method()] {
		reason, text = overload, over
	}
	if reason == "" || p.table.Has(m) {
		return "", ""
	}
	return reason, text
}

// late answers a request that comes over a connection which is being closed: who sent it learns that nobody has it.
func (p *Proxy) late(l Link, m *sip.Message) {
	policy := p.policy.Load()
	if policy == nil || !m.IsRequest() || m.Method() == "ACK" || m.Method() == "BENOTIFY" {
		return
	}
	p.sendAway(policy, l, m, closing, "this node closes the connection; send the request over another one, or to another node")
}
