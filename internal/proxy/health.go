package proxy

import (
	"fmt"
	"time"

	"isthmus/internal/federation"
	"isthmus/internal/sip/transaction"
)

const (
	probePause = 5 * time.Second // between probes of a hop that is down
	probeLimit = 2 * time.Second // an answer that takes longer is none
	probesDown = 2               // bad ones in a row that mark a hop down
	probesUp   = 2               // good ones in a row that bring it back

	// A hop that falls soon after it rose is held down, each time twice as long, so that a flapping one does not take
	// requests to drop them again. The first two holds are over when two good probes are.
	heldFirst = 5 * time.Second
	heldMost  = time.Minute
	soon      = time.Minute
)

// health is whether a hop is up, and the probes that find out. The place's lock guards it.
type health struct {
	down    bool
	up      bool // something was answered
	reason  string
	since   time.Time
	rose    time.Time     // when it came back last
	held    time.Duration // how long it stays down at least
	good    int
	bad     int
	probing bool
	timer   transaction.Timer
	era     int // raised when the mark is cleared: what began before counts no more
}

func (h *health) state() string {
	switch {
	case h.down:
		return federation.HopDown
	case h.up:
		return federation.HopUp
	}
	return federation.HopUnknown
}

func (pl *place) usable() bool {
	pl.mu.Lock()
	defer pl.mu.Unlock()
	return !pl.health.down
}

// why is the reason of a hop that is down.
func (pl *place) why() string {
	pl.mu.Lock()
	defer pl.mu.Unlock()
	return "down: " + pl.health.reason
}

// heard notes an answer of ordinary traffic. A hop that is marked down comes back by its probes only.
func (pl *place) heard() {
	pl.mu.Lock()
	defer pl.mu.Unlock()
	if h := &pl.health; !h.up && !h.down {
		h.up, h.since, h.reason = true, pl.proxy.clock.Now(), ""
	}
}

// markDown takes a hop out of use and has it probed.
func (pl *place) markDown(reason string) {
	pl.mu.Lock()
	h := &pl.health
	news := !h.down
	h.reason, h.good = reason, 0
	if news {
		h.fall(pl.proxy.clock.Now())
		pl.schedule()
	}
	pl.mu.Unlock()
	if news {
		pl.log("next hop down", ": "+reason)
	}
}

func (h *health) fall(now time.Time) {
	h.held = min(2*h.held, heldMost)
	if h.rose.IsZero() || now.Sub(h.rose) >= soon {
		h.held = heldFirst
	}
	h.down, h.up, h.since = true, false, now
}

// suspect has a hop probed that answered 503 or not at all.
func (pl *place) suspect() {
	pl.mu.Lock()
	begins := !pl.health.down && !pl.health.probing && !pl.proxy.stopped.Load()
	if begins {
		pl.health.probing, pl.health.bad = true, 0
	}
	era := pl.health.era
	pl.mu.Unlock()
	if begins {
		go pl.proxy.guard(func() { pl.probe(era) })
	}
}

// schedule sets the next probe of a hop that is down. The lock is held.
func (pl *place) schedule() {
	h := &pl.health
	if pl.proxy.stopped.Load() || h.probing {
		return
	}
	h.probing = true
	era := h.era
	h.timer = pl.proxy.clock.AfterFunc(probePause, func() { pl.proxy.guard(func() { pl.probe(era) }) })
}

// judged takes the outcome of a probe.
func (pl *place) judged(era int, good bool, reason string) {
	pl.mu.Lock()
	h := &pl.health
	if era != h.era {
		pl.mu.Unlock()
		return
	}
	h.probing = false
	var turned, again, fell bool
	if good {
		turned = pl.wentWell()
	} else {
		again, fell = pl.wentBadly(reason)
	}
	pl.mu.Unlock()
	switch {
	case turned:
		pl.log("next hop up", "")
	case again:
		pl.probe(era)
	case fell:
		pl.markDown(reason)
	}
}

// wentWell reports whether the hop came back.
func (pl *place) wentWell() (turned bool) {
	h := &pl.health
	h.bad = 0
	h.good++
	now := pl.proxy.clock.Now()
	if h.down && (h.good < probesUp || now.Sub(h.since) < h.held) {
		if h.good >= probesUp {
			h.reason = fmt.Sprintf("answers again, but is held down for %v because it fails so often", h.held)
		}
		pl.schedule()
		return false
	}
	turned = h.down
	if turned {
		h.rose = now
	}
	if turned || !h.up {
		h.since = now
	}
	h.down, h.up, h.reason = false, true, ""
	return turned
}

// wentBadly says whether to probe again at once, or to mark the hop down.
func (pl *place) wentBadly(reason string) (again, fell bool) {
	h := &pl.health
	h.good = 0
	if h.down {
		h.reason = reason
		pl.schedule()
		return false, false
	}
	if h.bad++; h.bad < probesDown {
		h.probing = true
		return true, false
	}
	return false, true
}

// forget clears the mark and ends the probes.
func (pl *place) forget() {
	pl.mu.Lock()
	defer pl.mu.Unlock()
	pl.clear()
}

func (pl *place) clear() {
	if t := pl.health.timer; t != nil {
		t.Stop()
	}
	pl.addresses.failed = nil
	pl.health = health{since: pl.proxy.clock.Now(), era: pl.health.era + 1}
}
