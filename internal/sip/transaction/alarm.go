package transaction

import "time"

// alarm is a transaction's only one: it knows when the transaction ends and, until then, when to send again. Its owner's
// lock guards it.
type alarm struct {
	Alarm
	end   Instant
	again Instant       // next retransmission; zero: none
	pause time.Duration // between the last retransmission and the next
}

func (a *alarm) start(alarms *Alarms, life time.Duration, owner Ringer) {
	alarms.join(&a.Alarm, owner)
	a.endIn(life)
}

func (a *alarm) now() Instant { return a.on.alarms.Now() }

// endIn moves the hard end and stops retransmitting.
func (a *alarm) endIn(life time.Duration) {
	a.end, a.again = a.now().Add(life), 0
	a.arm()
}

// repeat lets the alarm ring after pause, and then each time after twice the pause.
func (a *alarm) repeat(pause time.Duration) {
	a.pause = pause
	a.again = a.now().Add(pause)
	a.arm()
}

// quiet stops retransmitting; the hard end stays.
func (a *alarm) quiet() {
	a.again = 0
	a.arm()
}

// due says what a ring is for, and sets the next: a pause gets no longer than limit. A ring that a change of the alarm overtook
// is for nothing.
func (a *alarm) due(limit time.Duration) (end, again bool) {
	now := a.now()
	if now >= a.end {
		return true, false
	}
	if again = a.again != 0 && now >= a.again; again {
		a.pause = min(2*a.pause, limit)
		a.again = now.Add(a.pause)
	}
	a.arm()
	return false, again
}

func (a *alarm) arm() {
	next := a.end
	if a.again != 0 && a.again < next {
		next = a.again
	}
	a.on.set(&a.Alarm, next)
}
