package load

import (
	"bytes"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"isthmus/bench/wire"
)

// window is how many transactions of one caller may be open: those of an open loop that the proxy does not keep up with.
const window = 1 << 16

// Stages of a transaction.
const (
	idle = iota
	asked
	ringing // an INVITE that had its 180
	taken   // an INVITE that had its 200, and whose BYE went out
)

// A flight is one transaction under way.
type flight struct {
	number uint64
	began  time.Duration // when it was to be sent, since the run's epoch
	stage  int
}

// A caller sends requests over one connection and takes the answers.
type caller struct {
	run    *run
	index  int
	conn   net.Conn
	writer *wire.Writer
	first  template
	via    string // of every request, up to the number
	call   Call

	mu       sync.Mutex // of what follows
	flights  []flight
	number   uint64 // of the last transaction
	sequence uint64 // of the last message
	open     int

	samples []time.Duration // of the goroutine that reads
	heard   order           // likewise
	now     time.Duration
	head    head

	completed, failed atomic.Int64
	over              atomic.Bool // nothing more is begun
	again             bool        // an answer begins the next transaction
}

// begin sends a transaction's first request with the next flush. It returns false when too many are open.
func (c *caller) begin(due time.Duration) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	f := &c.flights[(c.number+1)%window]
	if f.stage != idle {
		return false
	}
	c.number++
	c.open++
	*f = flight{c.number, due, asked}
	c.sequence++
	c.writer.AppendBy(func(dst []byte) []byte { return c.first.append(dst, c.id(c.number), c.sequence) })
	return true
}

func (c *caller) id(number uint64) identity { return identity{c.run.number, c.index, number} }

// listen takes answers until the connection ends.
func (c *caller) listen() error {
	first := true
	return wire.Read(c.conn, func(m []byte) {
		if first {
			c.now, first = c.run.since(), false
		}
		c.head.read(m)
		c.take(&c.head)
	}, func() {
		first = true
		_ = c.writer.Flush() // a lost connection shows as failed transactions
	})
}

// take handles one response.
func (c *caller) take(h *head) {
	status, findings := h.status(), c.run.expects.findings
	if status < 101 {
		return
	}
	id, ok := readIdentity(after(h.vias.list[0], ";branch=z9hG4bK"))
	if !ok || h.vias.n != 1 || !sameVia(h.vias.list[0], c.via, id) {
		findings.found(Via, h)
		return
	}
	method := h.method()
	if !has(h.callID, id) || id.run != c.run.number || id.caller != c.index {
		findings.found(Identity, h)
		return
	}
	if status > 299 {
		findings.found(Status, h)
	} else {
		c.check(h, id, method)
	}
	c.step(h, id, method, status)
}

// check asks of a response of the upstream what a proxy must leave as it is.
func (c *caller) check(h *head, id identity, method string) {
	findings := c.run.expects.findings
	tag := byte('t')
	if c.run.scenario == Notify {
		tag = 'd'
	}
	if at := after(h.to, ";tag="); len(at) == 0 || at[0] != tag || !has(at[1:], id) {
		findings.found(Tag, h)
	}
	if len(h.body) > 0 {
		findings.found(Body, h)
	}
	recorded := method == "INVITE" || method == "NOTIFY"
	if !c.run.expects.relay && recorded != (h.recordRoutes.n > 0) {
		findings.found(RecordRoute, h)
	}
	c.heard.up(findings, h)
}

// step moves a transaction on.
func (c *caller) step(h *head, id identity, method string, status int) {
	c.mu.Lock()
	f := &c.flights[id.number%window]
	if f.number != id.number || f.stage == idle {
		c.mu.Unlock()
		c.run.expects.findings.found(Identity, h) // answered already
		return
	}
	stage := f.stage
	over := status > 299 || method != "INVITE"
	switch {
	case over:
		f.stage = idle
		c.open--
	case status < 200:
		f.stage = ringing
	default:
		f.stage = taken
		c.takeCall(h, id)
	}
	began := f.began
	c.mu.Unlock()
	if method == "INVITE" && status < 300 && (status == 200) != (stage == ringing) {
		c.run.expects.findings.found(Order, h) // 180 and 200 change places
	}
	if status >= 200 && method != "BYE" {
		c.sample(began)
	}
	if over {
		c.done(status)
	}
}

func (c *caller) sample(began time.Duration) {
	if c.run.records.Load() {
		c.samples = append(c.samples, c.now-began)
	}
}

func (c *caller) done(status int) {
	if status > 299 {
		c.failed.Add(1)
	} else {
		c.completed.Add(1)
	}
	if c.again && !c.over.Load() {
		c.begin(c.now)
	}
}

// takeCall sends the ACK and the BYE of a dialog. The lock is held.
func (c *caller) takeCall(h *head, id identity) {
	contact := bytes.Trim(h.contact, "<>")
	c.writer.AppendBy(func(dst []byte) []byte {
		dst = c.inDialog(dst, h, id, contact, "ACK", "1 ACK")
		return c.inDialog(dst, h, id, contact, "BYE", "2 BYE")
	})
}

// inDialog appends a request in the dialog that a 200 confirmed (RFC 3261 section 12.2.1.1): the route set is that of the
// Record-Route header, reversed.
func (c *caller) inDialog(dst []byte, h *head, id identity, contact []byte, method, cseq string) []byte {
	dst = append(append(append(append(dst, method...), ' '), contact...), " SIP/2.0\r\nVia: "...)
	dst = append(appendIdentity(append(dst, c.via...), id), "\r\nMax-Forwards: 70\r\n"...)
	routes := h.recordRoutes.all()
	for i := len(routes) - 1; i >= 0; i-- {
		dst = appendHeader(dst, "Route", routes[i])
	}
	dst = appendHeader(dst, "From", h.from)
	dst = appendHeader(dst, "To", h.to)
	dst = appendHeader(dst, "Call-ID", h.callID)
	dst = append(append(append(dst, "CSeq: "...), cseq...), "\r\nX-Sequence: "...)
	c.sequence++
	from := len(dst)
	dst = append(dst, sequencePlaceholder...)
	putSequence(dst[from:], c.index, c.sequence)
	return append(dst, "\r\nContent-Length: 0\r\n\r\n"...)
}
