package transaction

import (
	"bytes"
	"sync"
	"time"

	"isthmus/internal/sip"
)

// ClientRequest is a request to send, and whose it is.
type ClientRequest struct {
	Branch   []byte // of our Via: what responses are matched by; the caller may reuse it after Send
	Method   string // never ACK, which has no transaction
	Bytes    []byte // the whole request; the caller may reuse it after Send
	Origin   []byte // of an INVITE over a stream: what Inviter.Cancel makes its CANCEL of; it must not change any more
	Reliable bool   // sent over a stream
	User     User
	Tally    *Tally // counts the transaction from Send to its end
}

// A User has a request sent and hears what comes of it: responses on the goroutine that called Table.Response, the rest
// on goroutines of its own.
type User interface {
	Write(b []byte) error
	// Response receives provisional and final responses, the latter once, but every 2xx to an INVITE. m lives only during the call.
	Response(m *sip.Message)
	// Timeout is called when there was no final response in time (timers B and F; after a CANCEL 64*T1).
	Timeout()
	// TransportError is called when Write failed before a final response.
	TransportError(err error)
}

// An Inviter is the User of an INVITE over a stream.
type Inviter interface {
	User
	// Cancel returns the CANCEL, made of the Origin: few INVITEs are cancelled or refused, and what is kept of each counts. It is
	// called with the transaction's lock held.
	Cancel(origin []byte) []byte
}

// Client is the client transaction of one request (RFC 3261 section 17.1).
//
// The zero value is what Table.Send makes one of; it must not be copied.
type Client struct {
	table *Table
	link  link[Client]
	user  User
	tally *Tally

	invite, reliable bool

	mu     sync.Mutex
	state  state
	ended  bool // given up by its user
	cancel cancelling
	bytes  []byte // what ACK and CANCEL are made of, see keep; then the ACK, to send again
	alarm  alarm
}

// Send sends a request and waits for its responses. c is a zero Client of the caller's.
func (t *Table) Send(c *Client, r ClientRequest) {
	c.table, c.invite, c.reliable, c.user, c.tally = t, r.Method == "INVITE", r.Reliable, r.User, r.Tally
	var space [128]byte
	c.link.print = t.clients.fingerprint(appendClientKey(space[:0], r.Branch, r.Method))
	c.keep(r)
	r.Tally.Enter()
	c.start()
	t.clients.put(c)
	if err := r.User.Write(r.Bytes); err != nil {
		c.fail(err)
	}
}

// keep copies over UDP all of the request, to send it again. Over a stream nothing but an INVITE is followed by anything.
func (c *Client) keep(r ClientRequest) {
	switch {
	case !c.reliable:
		c.bytes = bytes.Clone(r.Bytes)
	case c.invite:
		c.bytes = r.Origin
	}
}

// sent reads what ACK and CANCEL repeat of the INVITE as it was sent. The lock is held.
func (c *Client) sent(invite *sip.Message) {
	b := c.bytes
	if c.reliable {
		b = c.user.(Inviter).Cancel(b)
	}
	_ = invite.Parse(b) // our own writing
}

func (c *Client) linkage() *link[Client] { return &c.link }

// clientAlarm is a Client to its alarm.
type clientAlarm Client

func (c *clientAlarm) Ring() { (*Client)(c).ring() }

// start sets timers B or F, and A or E where requests get lost.
func (c *Client) start() {
	times := &c.table.times
	c.mu.Lock()
	defer c.mu.Unlock()
	c.alarm.start(c.table.alarms, times.Whole(), (*clientAlarm)(c))
	if !c.reliable {
		c.alarm.repeat(times.T1)
	}
}

// longestPause is between two retransmissions: A doubles without limit, E up to T2.
func (c *Client) longestPause() time.Duration {
	if c.invite {
		return c.table.times.Whole()
	}
	return c.table.times.T2
}

// End gives the request up. Its user hears nothing more of it but a late 2xx to an INVITE, which is a call that somebody took; a
// call already going on by a callback may still be seen. A provisional response, had or late, is followed by a CANCEL. The
// transaction lives on to its hard end, so that what comes late is known for what it is.
func (c *Client) End() {
	c.mu.Lock()
	c.ended = true
	if c.state <= proceeding {
		c.alarm.quiet()
	}
	if !c.invite {
		c.bytes = nil
	}
	cancel := c.takeCancel()
	c.mu.Unlock()
	c.sendCancel(cancel)
}

// outcome is what a response leads to, done after the lock is given back.
type outcome struct {
	deliver     bool
	ack, cancel []byte
	over        bool
}

func (c *Client) receive(m *sip.Message) {
	c.mu.Lock()
	o := c.transition(m)
	o.over = c.state == terminated
	c.mu.Unlock()
	if o.over {
		c.table.clients.drop(c)
	}
	if o.ack != nil {
		_ = c.user.Write(o.ack) // lost, the response comes again or the far end's Timer H ends it
	}
	if o.deliver {
		c.user.Response(m)
	}
	c.sendCancel(o.cancel)
}

func (c *Client) transition(m *sip.Message) outcome {
	waiting := c.state <= proceeding
	switch status := m.Status(); {
	case waiting && status < 200:
		return c.provisional()
	case c.invite && status >= 200 && status < 300:
		return c.accept()
	case waiting && c.invite:
		return c.refuse(m)
	case waiting:
		return c.finish()
	case c.state == completed && status >= 300:
		return outcome{ack: c.bytes}
	}
	return outcome{}
}

func (c *Client) provisional() outcome {
	c.state = proceeding
	times := &c.table.times
	switch {
	case c.invite && !c.cancel.sent:
		c.alarm.endIn(times.Proceeding)
	case !c.invite && !c.reliable && !c.ended:
		c.alarm.repeat(times.T2)
	}
	return outcome{deliver: !c.ended, cancel: c.takeCancel()}
}

// accept: every 2xx goes up for the length of Timer M, as a fork downstream may yield several (RFC 6026 section 7.2).
func (c *Client) accept() outcome {
	if c.state == completed || c.state == terminated {
		return outcome{}
	}
	if c.state != accepted {
		c.state, c.bytes = accepted, nil
		c.alarm.endIn(c.table.lingering())
	}
	return outcome{deliver: true}
}

// refuse acknowledges a final response other than 2xx, and does so again for the length of Timer D: none on a stream.
func (c *Client) refuse(m *sip.Message) outcome {
	var invite sip.Message
	c.sent(&invite)
	ack := invite.AppendACK(nil, m)
	c.bytes = ack
	c.complete(c.table.times.Whole())
	return outcome{deliver: !c.ended, ack: ack}
}

// finish absorbs retransmitted final responses for the length of Timer K: none on a stream.
func (c *Client) finish() outcome {
	c.bytes = nil
	c.complete(c.table.times.T4)
	return outcome{deliver: !c.ended}
}

func (c *Client) complete(life time.Duration) {
	if c.reliable {
		c.terminate()
		return
	}
	c.state = completed
	c.alarm.endIn(life)
}

func (c *Client) terminate() {
	if c.state != terminated {
		c.tally.Leave()
	}
	c.state, c.bytes = terminated, nil
	c.alarm.Stop()
}

func (c *Client) ring() {
	c.mu.Lock()
	if c.state == terminated { // while the ring was on its way
		c.mu.Unlock()
		return
	}
	end, again := c.alarm.due(c.longestPause())
	timedOut := end && c.state <= proceeding && !c.ended
	b := c.bytes
	if end {
		c.terminate()
	}
	c.mu.Unlock()
	switch {
	case end:
		c.table.clients.drop(c)
		if timedOut {
			c.table.guard(c.user.Timeout)
		}
	case again && b != nil:
		c.table.guard(func() { c.sendAgain(b) })
	}
}

func (c *Client) sendAgain(b []byte) {
	if err := c.user.Write(b); err != nil {
		c.fail(err)
	}
}

// fail ends a transaction whose request could not be sent (RFC 3261 section 17.1.4). The user learns it on another goroutine, as
// it may hold locks of its own while it sends.
func (c *Client) fail(err error) {
	c.mu.Lock()
	waiting := c.state <= proceeding
	tells := waiting && !c.ended
	if waiting {
		c.terminate()
	}
	c.mu.Unlock()
	if waiting {
		c.table.clients.drop(c)
	}
	if tells {
		go c.table.guard(func() { c.user.TransportError(err) })
	}
}
