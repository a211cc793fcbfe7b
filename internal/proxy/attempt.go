package proxy

import (
	"errors"

	"isthmus/internal/sip"
	"isthmus/internal/sip/transaction"
	"isthmus/internal/sip/transport"
)

// An attempt is a request given to one hop.
type attempt struct {
	relay *relay
	place *place

	next, prev *attempt // on the wire, whose lock guards them

	// The relay's lock guards these.
	wire       *wire
	client     *transaction.Client
	again      bool // a connection that had died unnoticed was replaced already
	written    bool // it may have reached the hop
	answered   bool // the hop answered, be it with 100
	cancelling bool
	abandoned  bool
	turned     bool // another address of the hop is worth trying

	// The wire's lock guards these.
	listed bool
	posted bool // over UDP: the request went out

	first sending
}

// A sending is an attempt's request on one connection.
type sending struct {
	attempt *attempt
	wire    *wire
	serial  serial
	client  transaction.Client
}

// Write implements transaction.User, as do the others.
func (s *sending) Write(b []byte) error { return s.wire.write(s.attempt, b) }
func (s *sending) Cancel(request []byte) []byte {
	return s.attempt.relay.cancelOf(request, s.wire.exit(s.serial))
}
func (s *sending) Response(m *sip.Message)  { s.attempt.response(s.wire, m) }
func (s *sending) Timeout()                 { s.attempt.relay.expire(s.attempt) }
func (s *sending) TransportError(err error) { s.attempt.unsent(err) }

// begin sends, as soon as there is a connection. m is the message while it is in the hand, else nil.
func (a *attempt) begin(m *sip.Message) {
	if w := a.place.ready(); w != nil {
		a.send(m, w)
		return
	}
	a.place.connect(func() {}, func(w *wire, err error) {
		if err != nil {
			a.relay.proxy.metrics.Attempt(a.place.label, kindOf(err))
			a.relay.failed(a, reasonOf(err), false)
			return
		}
		a.send(nil, w)
	})
}

// send writes the request, unless it was cancelled or overtaken while it waited.
func (a *attempt) send(m *sip.Message, w *wire) {
	r := a.relay
	r.mu.Lock()
	if r.done || r.current != a {
		r.mu.Unlock()
		return
	}
	a.wire, a.written = w, true
	r.silence = r.proxy.now().Add(answerLimit)
	r.arm()
	r.mu.Unlock()
	if !w.add(a) {
		a.unsent(transport.ErrClosed)
		return
	}
	request := r.server.Request()
	if request == nil {
		w.remove(a)
		r.failed(a, "answered meanwhile", false)
		return
	}
	d := drafts.Get().(*draft)
	defer drafts.Put(d)
	if m == nil {
		m = &d.message
		_ = m.Parse(request) // these bytes were parsed before
	}
	s := a.sending(w)
	s.serial = r.proxy.next(a.place.current())
	r.write(d, m, w.exit(s.serial))
	r.proxy.table.Send(&s.client, transaction.ClientRequest{
		Branch: d.branch, Method: m.Method(), Bytes: d.bytes, Origin: request, Reliable: !w.datagrams, User: s, Tally: &w.live,
	})
	a.started(s)
}

// sending makes one on a connection: one after the other, the first within the attempt itself.
func (a *attempt) sending(w *wire) *sending {
	s := &a.first
	if s.attempt != nil {
		s = new(sending)
	}
	s.attempt, s.wire = a, w
	return s
}

// started does what was asked for while the request was being written. One that could not be written may have gone out over
// another connection meanwhile, which is then the one that counts.
func (a *attempt) started(s *sending) {
	a.relay.mu.Lock()
	if a.wire != s.wire {
		a.relay.mu.Unlock()
		return
	}
	a.client = &s.client
	cancels, ends := a.cancelling, a.abandoned
	a.relay.mu.Unlock()
	if cancels {
		s.client.Cancel()
	}
	if ends { // perhaps before it was on the wire's list
		s.wire.remove(a)
		s.client.End()
	}
}

// giveUp leaves the request to itself: the transaction lives on for what comes late.
func (a *attempt) giveUp() {
	a.relay.mu.Lock()
	a.abandoned = true
	c, w := a.client, a.wire
	a.relay.mu.Unlock()
	if w != nil {
		w.remove(a)
	}
	if c != nil {
		c.End()
	}
}

// unsent: nothing was sent, as the connection had died unnoticed, and the hop is asked once more over a new one. Not so when the
// message is too long for UDP, which it stays, or the hop had refused the certificate that is still ours: then another of its
// addresses is asked, if there is one.
func (a *attempt) unsent(err error) {
	r := a.relay
	r.mu.Lock()
	if r.done || r.current != a {
		r.mu.Unlock()
		return
	}
	tooLong := errors.Is(err, transport.ErrTooLong)
	w, retry := a.wire, !a.again && !tooLong
	a.again, a.written, a.client = true, false, nil
	r.silence = 0
	r.mu.Unlock()
	w.remove(a)
	if tooLong {
		r.failed(a, err.Error(), false)
		return
	}
	a.place.abandon(w)
	l := w.lossNow(err)
	if retry && !(l.refused && a.place.still(w.era)) {
		a.begin(nil)
		return
	}
	if !l.refused {
		l = w.lossAfter(err)
	}
	reason := "connection lost before sending"
	if l.refused {
		reason = l.reason
		a.turn(w)
	}
	r.failed(a, reason, false)
}

// lost: the connection closed before the hop answered. What must not be delivered twice waits on, as the answer may still
// come another way, unless the hop surely did not take it, or Restart has answered.
func (a *attempt) lost(l loss, untaken bool) {
	if a.relay.once && !untaken && a.relay.server.Final() == 0 {
		return
	}
	a.relay.mu.Lock()
	a.turned = l.turned
	a.relay.mu.Unlock()
	a.relay.proxy.metrics.Attempt(a.place.label, l.kind)
	a.relay.failed(a, l.reason, false)
}

// silent: the hop has had its time.
func (a *attempt) silent() {
	a.fault()
	a.relay.proxy.metrics.Attempt(a.place.label, "no answer")
	if !a.relay.once {
		a.relay.failed(a, "no answer", true)
	}
}

// fault is what the hop is suspected for, unless it is one of several addresses.
func (a *attempt) fault() {
	if !a.turn(a.wire) {
		a.place.suspect()
	}
}

// turn has another address of the hop asked, if one is worth trying.
func (a *attempt) turn(w *wire) bool {
	turned := a.place.turn(w)
	a.relay.mu.Lock()
	defer a.relay.mu.Unlock()
	a.turned = turned
	return turned
}

// lacks says what the hop owes. The relay's lock is held.
func (a *attempt) lacks() string {
	switch {
	case a.answered:
		return "no final answer"
	case a.written:
		return "no answer"
	}
	return "not connected"
}

// response takes what the hop answers.
func (a *attempt) response(w *wire, m *sip.Message) {
	w.heard.Store(true)
	w.remove(a)
	if m.ViaCount() < 2 {
		return // nobody above us asked
	}
	switch status := m.Status(); {
	case status < 200:
		a.place.heard()
		a.provisional(w, m)
	case status == 503:
		a.busy()
	case status == 408 && !a.relay.server.Invite():
		a.place.heard()
		a.expired()
	default:
		a.place.heard()
		a.final(w, m)
	}
}

// provisional keeps the request alive. Only an INVITE's goes upstream, and never a 100 (RFC 3261 section 16.7 step 5,
// RFC 4320 section 4.1).
func (a *attempt) provisional(w *wire, m *sip.Message) {
	r := a.relay
	r.mu.Lock()
	current := !r.done && r.current == a
	if current {
		first := !a.answered
		a.answered, r.answered = true, true
		r.silence = 0
		if first || m.Status() > 100 { // another 100 is no news (RFC 3261 section 16.7 step 2)
			r.extend()
		}
	}
	r.mu.Unlock()
	if current && r.server.Invite() && m.Status() > 100 {
		r.passUp(w, m)
	}
}

// busy: a 503 is never passed on; the next hop is tried, for every method, as this one did not take the request.
func (a *attempt) busy() {
	a.fault()
	a.relay.proxy.metrics.Attempt(a.place.label, "answered 503")
	a.relay.failed(a, "answered 503", false)
}

// expired: the hop waited in vain. A 408 never goes upstream (RFC 4320 section 4.2), yet who asked is still waiting, and
// the request may have been delivered: no other hop is asked.
func (a *attempt) expired() {
	r := a.relay
	r.mu.Lock()
	if r.done || r.current != a {
		r.mu.Unlock()
		return
	}
	r.current = nil
	r.taken = true
	r.note(a.place, "answered 408")
	r.mu.Unlock()
	r.proxy.metrics.Attempt(a.place.label, "answered")
	r.exhausted()
}

// final passes a final answer up. The first one wins, but every 2xx to an INVITE is somebody who took the call.
func (a *attempt) final(w *wire, m *sip.Message) {
	r := a.relay
	r.mu.Lock()
	other := r.current
	wins := !r.done && other == a
	takes := r.server.Invite() && m.Status()/100 == 2
	if wins || takes {
		r.current = nil
	}
	r.mu.Unlock()
	if !wins && !takes {
		return
	}
	r.end()
	r.proxy.metrics.Attempt(a.place.label, "answered")
	r.passUp(w, m)
	if other != nil && other != a {
		other.giveUp()
	}
}
