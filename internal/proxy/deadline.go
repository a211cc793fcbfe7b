package proxy

import "isthmus/internal/sip/transaction"

// arm sets the alarm to what is due first. The lock is held.
func (r *relay) arm() {
	due := r.limit
	for _, t := range [...]transaction.Instant{r.tryingAt(), r.silence} {
		if t != 0 && t < due {
			due = t
		}
	}
	if r.due != 0 && due >= r.due {
		return // it rings before, and looks then
	}
	r.due = due
	r.proxy.table.Alarms().Set(&r.alarm, due, (*relayAlarm)(r))
}

// tryingAt is when to send 100; zero: not at all. The lock is held.
func (r *relay) tryingAt() transaction.Instant {
	if !r.trying {
		return 0
	}
	return r.began.Add(tryingAfter)
}

// relayAlarm is a relay to its alarm.
type relayAlarm relay

func (r *relayAlarm) Ring() { r.proxy.guard((*relay)(r).ring) }

// ring does what is due and sets the alarm again.
func (r *relay) ring() {
	now := r.proxy.now()
	due := func(t transaction.Instant) bool { return t != 0 && now >= t }
	r.mu.Lock()
	if r.done {
		r.mu.Unlock()
		return
	}
	if due(r.limit) {
		r.expires()
		return
	}
	trying, silent := due(r.tryingAt()), due(r.silence)
	if trying {
		r.trying = false
	}
	if silent {
		r.silence = 0
	}
	a := r.current
	r.due = 0
	r.arm()
	r.mu.Unlock()
	if silent && a != nil {
		a.silent()
	}
	if trying {
		r.respond(100, nil)
	}
}

// expire ends a request whose attempt was not answered for as long as a transaction lives, unless another one has begun.
func (r *relay) expire(a *attempt) {
	r.mu.Lock()
	if r.done || r.current != a {
		r.mu.Unlock()
		return
	}
	r.expires()
}

// expires ends a request that has waited as long as it may. The lock is held, and given back: whatever attempt it is that
// goes on when the limit is over ends with it.
func (r *relay) expires() {
	a := r.current
	r.current = nil
	if a != nil {
		r.taken = r.taken || a.written
		r.note(a.place, a.lacks())
	}
	cancelled := r.cancelled
	r.mu.Unlock()
	if a != nil {
		a.giveUp()
	}
	if cancelled {
		r.finish(487, nil)
		return
	}
	r.exhausted()
}

// extend moves the limit after a provisional answer. The lock is held.
func (r *relay) extend() {
	now := r.proxy.now()
	switch {
	case r.cancelled:
		r.limit = now.Add(cancelLimit)
	case r.server.Invite():
		r.limit = now.Add(timerC)
	default:
		r.limit = r.began.Add(finalLimit)
	}
	r.arm()
}
