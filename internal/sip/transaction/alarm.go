package transaction

import "time"

// alarm is a transaction's only one: it knows when the transaction ends and, until then, when to send again. Its owner's
// lock guards it.
type alarm struct {
	Alarm
	alarms *Alarms
	owner  Ringer
	end    time.Time
	again  time.Time     // next retransmission; zero: none
	pause  time.Duration // between the last retransmission and the next
	limit  time.Duration // what pause doubles up to
}

func (a *alarm) start(alarms *Alarms, life time.Duration, owner Ringer) {
	a.alarms, a.owner = alarms, owner
	a.endIn(life)
}

func (a *alarm) now() time.Time { return a.alarms.clock.Now() }

// endIn moves the hard end and stops retransmitting.
func (a *alarm) endIn(life time.Duration) {
	a.end, a.again = a.now().Add(life), time.Time{}
	a.arm()
}

// repeat lets the alarm ring after pause, and then each time after twice the pause but at most limit.
func (a *alarm) repeat(pause, limit time.Duration) {
	a.pause, a.limit = pause, limit
	a.again = a.now().Add(pause)
	a.arm()
}

// quiet stops retransmitting; the hard end stays.
func (a *alarm) quiet() {
	a.again = time.Time{}
	a.arm()
}

// due says what a ring is for, and sets the next. A ring that a change of the alarm overtook is for nothing.
func (a *alarm) due() (end, again bool) {
	now := a.now()
	if !now.Before(a.end) {
		return true, false
	}
	if again = !a.again.IsZero() && !now.Before(a.again); again {
		a.pause = min(2*a.pause, a.limit)
		a.again = now.Add(a.pause)
	}
	a.arm()
	return false, again
}

func (a *alarm) arm() {
	next := a.end
	if !a.again.IsZero() && a.again.Before(next) {
		next = a.again
	}
	a.alarms.Set(&a.Alarm, next, a.owner)
}
