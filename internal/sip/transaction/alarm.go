package transaction

import "time"

// alarm is a transaction's only timer: it knows when the transaction ends and, until then, when to send again. Its owner's
// lock guards it.
type alarm struct {
	clock Clock
	timer Timer
	end   time.Time
	again time.Time     // next retransmission; zero: none
	pause time.Duration // between the last retransmission and the next
	limit time.Duration // what pause doubles up to
}

func (a *alarm) start(clock Clock, life time.Duration, ring func()) {
	a.clock = clock
	a.end = clock.Now().Add(life)
	a.timer = clock.AfterFunc(life, ring)
}

// endIn moves the hard end and stops retransmitting.
func (a *alarm) endIn(life time.Duration) {
	a.end = a.clock.Now().Add(life)
	a.again = time.Time{}
	a.timer.Reset(life)
}

// repeat lets the alarm ring after pause, and then each time after twice the pause but at most limit.
func (a *alarm) repeat(pause, limit time.Duration) {
	now := a.clock.Now()
	a.pause, a.limit = pause, limit
	a.again = now.Add(pause)
	a.arm(now)
}

// quiet stops retransmitting; the hard end stays.
func (a *alarm) quiet() {
	a.again = time.Time{}
	a.arm(a.clock.Now())
}

func (a *alarm) stop() { a.timer.Stop() }

// due says what a ring is for, and sets the next. A ring that a change of the alarm overtook is for nothing.
func (a *alarm) due() (end, again bool) {
	now := a.clock.Now()
	if !now.Before(a.end) {
		return true, false
	}
	if again = !a.again.IsZero() && !now.Before(a.again); again {
		a.pause = min(2*a.pause, a.limit)
		a.again = now.Add(a.pause)
	}
	a.arm(now)
	return false, again
}

func (a *alarm) arm(now time.Time) {
	next := a.end
	if !a.again.IsZero() && a.again.Before(next) {
		next = a.again
	}
	a.timer.Reset(next.Sub(now))
}
