package proxy

import (
	"log/slog"
	"strings"
	"sync"
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
	server   transaction.Server
	first    attempt
	upstream upstream

	method    string
	invite    bool
	once      bool // must not be delivered twice: it moves on only when the hop surely did not take it
	unreached int  // status when no hop could be reached
	began     transaction.Instant

	mu        sync.Mutex
	climb     climb
	current   *attempt // nil between two hops
	failures  []failure
	taken     bool // a hop took it and did not answer
	answered  bool // a hop answered, be it with 100
	cancelled bool
	done      bool // the final answer went up
	alarm     transaction.Alarm
	rings     transaction.Instant // when the alarm does; zero: it is not set
	trying    transaction.Instant // when to send 100; zero: not at all
	silence   transaction.Instant // when the current hop has taken too long; zero: it answered, or there is none
	limit     transaction.Instant // when there is no more to wait for
}

// A failure is why a hop did not answer.
type failure struct{ hop, reason string }

// now is the time by the clock of alarms.
func (p *Proxy) now() transaction.Instant { return p.table.Alarms().Now() }

func (p *Proxy) relay(in *incoming, d routing.Decision) {
	now := p.now()
	method := in.request.Method
	r := in.relay
	r.rewrite, r.method, r.invite = p.rewrite(in, d), method, method == "INVITE"
	r.once, r.unreached = onlyOnce(method), d.Unreached
	r.climb.groups, r.began, r.limit = d.Groups, now, now.Add(silenceLimit)
	if r.invite {
		p.invites.Store(&r.server, r)
		p.respond(in, 100, nil)
	} else {
		r.trying = now.Add(tryingAfter)
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
	pl := r.climb.next(r.proxy, func(pl *place) { r.failures = append(r.failures, failure{pl.current().String(), pl.why()}) })
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
	r.failures = append(r.failures, failure{a.place.current().String(), reason})
	r.taken = r.taken || taken
	r.current = nil
	if a.turned {
		r.climb.again = a.place
	}
	r.mu.Unlock()
	a.giveUp()
	r.next(nil)
}

// onlyOnce reports methods whose second delivery somebody would see.
func onlyOnce(method string) bool { return method == "MESSAGE" || method == "INFO" }

// exhausted answers when no hop is left. That a hop took an INVITE and was silent is a timeout; of anything else a 408
// would come too late to mean anything (RFC 4320 section 4.2).
func (r *relay) exhausted() {
	r.mu.Lock()
	status := r.unreached
	switch {
	case r.taken && r.invite:
		status = 408
	case r.taken:
		status = 504
	}
	var list []string
	for _, f := range r.failures {
		list = append(list, f.hop+" "+f.reason)
	}
	r.mu.Unlock()
	text := "no next hop answered: " + strings.Join(list, ", ")
	r.proxy.logMessage(slog.LevelWarn, "request failed", r.policy, r.upstream.link, r.server.Request(), text)
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
	b := r.server.Request().AppendAnswer(nil, r.proxy.reply(r.upstream.link, status, headers))
	r.server.Respond(b, status)
}

// end is won by whoever has the final answer.
func (r *relay) end() (won bool) {
	r.mu.Lock()
	won = !r.done
	r.done = true
	r.trying, r.silence = 0, 0
	r.alarm.Stop()
	r.mu.Unlock()
	if won && r.invite {
		r.proxy.invites.Delete(&r.server)
	}
	return won
}

// passUp sends a hop's response upstream.
func (r *relay) passUp(w *wire, m *sip.Message) {
	status := m.Status()
	b := buffers.Get().(*[]byte)
	*b = m.AppendUpstream((*b)[:0])
	r.upstream.during.Store(w)
	if status/100 == 2 && r.server.Final() >= 300 {
		r.upstream.Send(*b) // somebody took the call after all (RFC 3261 section 16.7 step 5)
	} else {
		r.server.Respond(*b, status)
	}
	r.upstream.during.Store(nil)
	buffers.Put(b)
	r.proxy.metrics.Response(status, r.proxy.now().Sub(r.began))
}
