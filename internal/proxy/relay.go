package proxy

import (
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"isthmus/internal/routing"
	"isthmus/internal/sip"
	"isthmus/internal/sip/transaction"
)

// Limits of one request, from when it came in unless said otherwise.
const (
	tryingAfter  = 3500 * time.Millisecond // our 100 to a non-INVITE (RFC 4320 section 4.1)
	answerLimit  = 4 * time.Second         // of one hop, from when it was given the request
	silenceLimit = 16 * time.Second        // until any hop has answered
	finalLimit   = 30 * time.Second        // of a non-INVITE that was answered with 100 only
	timerC       = 3 * time.Minute         // of an INVITE, from its last provisional answer (RFC 3261 section 16.8)
	cancelLimit  = 32 * time.Second        // of an INVITE after its CANCEL, 64*T1 (RFC 3261 section 9.1)
)

// A relay is one request on its way through the node, from hop to hop until one has answered finally. It holds within itself
// what nearly every request needs, its transactions and its attempt at the first hop, so that a request costs one
// allocation, and one for its bytes.
type relay struct {
	rewrite
	server transaction.Server
	first  attempt
	during atomic.Pointer[wire] // where the response comes from that is being passed up

	began     transaction.Instant
	unreached uint16 // status when no hop could be reached
	once      bool   // must not be delivered twice: it moves on only when the hop surely did not take it

	taken     bool // a hop took it and did not answer
	answered  bool // a hop answered, be it with 100
	cancelled bool
	trying    bool       // a 100 is to be sent
	done      bool       // the final answer went up
	mu        sync.Mutex // of taken and all that follows
	climb     climb
	current   *attempt // nil between two hops
	failures  string   // why which hops did not answer
	alarm     transaction.Alarm
	due       transaction.Instant // when the alarm rings; zero: it is not set
	silence   transaction.Instant // when the current hop has taken too long; zero: it answered, or there is none
	limit     transaction.Instant // when there is no more to wait for; zero: nothing has begun
}

// underWay reports whether the request is to be forwarded, and what says so is written. The lock is held.
func (r *relay) underWay() bool { return r.limit != 0 }

// Send sends a response, on another connection when its own is gone. With Trying it makes a relay the transaction.Sender of
// its answers.
func (r *relay) Send(b []byte) {
	var err error
	if w := r.during.Load(); w != nil {
		err = r.link.Queue(w.Link, b)
	} else {
		err = r.link.Send(b)
	}
	if err != nil {
		r.proxy.giveBack(r.link, b)
	}
}

// Trying implements transaction.Sender.
func (r *relay) Trying(request *sip.Message) {
	b := buffers.Get().(*[]byte)
	*b = request.AppendAnswer((*b)[:0], r.proxy.reply(r.link, 100, nil))
	r.Send(*b)
	buffers.Put(b)
}

// now is the time by the clock of alarms.
func (p *Proxy) now() transaction.Instant { return p.table.Alarms().Now() }

func (p *Proxy) relay(in *incoming, d routing.Decision) {
	now := p.now()
	method := in.request.Method
	r := in.relay
	r.decided(in, d)
	r.once, r.unreached, r.began = onlyOnce(method), uint16(d.Unreached), now
	r.mu.Lock()
	r.climb.groups, r.limit = d.Groups, now.Add(silenceLimit)
	r.trying = !r.server.Invite()
	r.mu.Unlock()
	if r.server.Invite() {
		p.respond(in, 100, nil)
	}
	r.next(in.message)
}

// next gives the request to the next hop. m is the message while it is in the hand, else nil.
func (r *relay) next(m *sip.Message) {
	r.mu.Lock()
	if r.done || r.current != nil {
		r.mu.Unlock()
		return
	}
	if r.server.Final() != 0 { // cut off by Restart
		r.mu.Unlock()
		r.end()
		return
	}
	if r.cancelled {
		r.mu.Unlock()
		r.finish(487, nil)
		return
	}
	pl := r.climb.next(r.proxy, func(pl *place) { r.note(pl, pl.why()) })
	if pl == nil {
		r.mu.Unlock()
		r.exhausted()
		return
	}
	a := r.attempt(pl)
	r.current = a
	r.silence = 0
	r.arm()
	r.mu.Unlock()
	a.begin(m)
}

// attempt makes one at a hop. The lock is held.
func (r *relay) attempt(pl *place) *attempt {
	a := &r.first
	if a.relay != nil {
		a = new(attempt)
	}
	a.relay, a.place = r, pl
	return a
}

// failed moves on from an attempt that is over.
func (r *relay) failed(a *attempt, reason string, taken bool) {
	r.mu.Lock()
	if r.done || r.current != a {
		r.mu.Unlock()
		return
	}
	r.note(a.place, reason)
	r.taken = r.taken || taken
	r.current = nil
	if a.turned {
		r.climb.again = a.place
	}
	r.mu.Unlock()
	a.giveUp()
	r.next(nil)
}

// note says why a hop did not answer. The lock is held.
func (r *relay) note(pl *place, reason string) {
	if r.failures != "" {
		r.failures += ", "
	}
	r.failures += pl.current().String() + " " + reason
}

// onlyOnce reports methods whose second delivery somebody would see.
func onlyOnce(method string) bool { return method == "MESSAGE" || method == "INFO" }

// exhausted answers when no hop is left. That a hop took an INVITE and was silent is a timeout; of anything else a 408
// would come too late to mean anything (RFC 4320 section 4.2).
func (r *relay) exhausted() {
	r.mu.Lock()
	status := int(r.unreached)
	switch {
	case r.taken && r.server.Invite():
		status = 408
	case r.taken:
		status = 504
	}
	text := "no next hop answered: " + r.failures
	r.mu.Unlock()
	d := drafts.Get().(*draft)
	if r.server.Read(&d.message) {
		r.proxy.logMessage(slog.LevelWarn, "request failed", r.policy, r.link, &d.message, text)
	}
	drafts.Put(d)
	r.finish(status, []string{warning(r.policy.Node(), text)})
}

// finish answers the request itself, unless it is answered already.
func (r *relay) finish(status int, headers []string) {
	if r.end() && r.server.Final() == 0 {
		r.respond(status, headers)
		r.proxy.metrics.Response(status, r.proxy.now().Sub(r.began))
	}
}

func (r *relay) respond(status int, headers []string) {
	d := drafts.Get().(*draft)
	defer drafts.Put(d)
	if !r.server.Read(&d.message) {
		return // answered meanwhile
	}
	d.bytes = d.message.AppendAnswer(d.bytes[:0], r.proxy.reply(r.link, status, headers))
	r.server.Respond(d.bytes, status)
}

// end is won by whoever has the final answer.
func (r *relay) end() (won bool) {
	r.mu.Lock()
	won = !r.done
	r.done = true
	r.trying, r.silence = false, 0
	r.alarm.Stop()
	r.mu.Unlock()
	return won
}

// passUp sends a hop's response upstream.
func (r *relay) passUp(w *wire, m *sip.Message) {
	status := m.Status()
	b := buffers.Get().(*[]byte)
	*b = m.AppendUpstream((*b)[:0])
	r.during.Store(w)
	if status/100 == 2 && r.server.Final() >= 300 {
		r.Send(*b) // somebody took the call after all (RFC 3261 section 16.7 step 5)
	} else {
		r.server.Respond(*b, status)
	}
	r.during.Store(nil)
	buffers.Put(b)
	r.proxy.metrics.Response(status, r.proxy.now().Sub(r.began))
}
