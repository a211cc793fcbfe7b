package transaction

import (
	"sync"
	"sync/atomic"
	"time"
)

// Alarms ring at their times. A transaction has its alarm within itself, and many share one timer of the clock: to set and
// stop one costs no allocation and hardly ever touches a timer, as nearly all are stopped before they are due.
type Alarms struct {
	clock  Clock
	began  time.Time
	last   atomic.Uint32
	hush   atomic.Int64  // the Instant before which none rings after the process stood still
	pieces [16]alarmHeap // with a lock each
}

// A process that was stopped finds its timers due and the answers that came meanwhile unread. These count as given in time.
const (
	stoodStill = 500 * time.Millisecond // a timer that is so late was stopped
	catchUp    = 250 * time.Millisecond // for reading, before anything rings
)

// An Instant is a time by the clock of Alarms, from shortly before they began. Zero is no time. It is a third of a time.Time,
// and holds no pointer: each transaction has many.
type Instant time.Duration

// Add returns the instant d later.
func (i Instant) Add(d time.Duration) Instant { return i + Instant(d) }

// Sub returns how much later than j it is.
func (i Instant) Sub(j Instant) time.Duration { return time.Duration(i - j) }

// An Alarm is set by Alarms.Set. The zero value is ready; it must not be copied.
type Alarm struct {
	on    *alarmHeap
	owner Ringer
	place int // in the heap, from 1; 0: it is not set
}

// A Ringer owns an alarm. Ring runs on a goroutine that is there for alarms, and may wait for a moment. As it may have begun when
// the alarm is stopped or set anew, it looks what is due.
type Ringer interface{ Ring() }

// NewAlarms returns alarms by a clock.
func NewAlarms(clock Clock) *Alarms {
	as := &Alarms{clock: clock, began: clock.Now().Add(-1)}
	for i := range as.pieces {
		as.pieces[i].alarms = as
	}
	return as
}

// Now returns the time.
func (as *Alarms) Now() Instant { return Instant(as.clock.Now().Sub(as.began)) }

// Set lets an alarm ring at a time, instead of when it was set for before.
func (as *Alarms) Set(a *Alarm, at Instant, owner Ringer) {
	if a.on == nil {
		as.join(a, owner)
	}
	a.on.set(a, at)
}

// join gives an alarm its owner and its heap for good.
func (as *Alarms) join(a *Alarm, owner Ringer) {
	a.on, a.owner = &as.pieces[int(as.last.Add(1))%len(as.pieces)], owner
}

// Stop unsets an alarm.
func (a *Alarm) Stop() {
	if a.on != nil {
		a.on.stop(a)
	}
}

// An alarmHeap is a binary heap: no alarm is before the one at half its place. Alarms mostly come in the order of their
// times, and stay at the end where they are put.
type alarmHeap struct {
	alarms *Alarms
	mu     sync.Mutex
	list   settings
	timer  Timer
	armed  bool    // the timer is set
	rings  Instant // when it rings: at the first alarm; where that was stopped, before, and where it was put off, after it
}

// A setting is an alarm in a heap, and when it rings.
type setting struct {
	at    Instant
	alarm *Alarm
}

func (h *alarmHeap) set(a *Alarm, at Instant) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if a.place == 0 {
		a.place = h.list.grow()
	}
	h.settle(setting{at, a}, a.place)
	h.arm()
}

func (h *alarmHeap) stop(a *Alarm) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if a.place > 0 {
		h.remove(a)
	}
}

// arm sets the timer if it would ring after the first alarm.
func (h *alarmHeap) arm() {
	if h.list.count == 0 {
		return
	}
	at := max(h.list.at(1).at, Instant(h.alarms.hush.Load()))
	if h.armed && h.rings <= at {
		return
	}
	h.armed, h.rings = true, at
	wait := at.Sub(h.alarms.Now())
	if h.timer == nil {
		h.timer = h.alarms.clock.AfterFunc(wait, h.ring)
		return
	}
	h.timer.Reset(wait)
}

// ringing is how many alarms of a heap that are due at one time ring at once. Each on a goroutine of its own would take
// more memory after a burst of requests than the requests do, and the runtime keeps part of that for good.
const ringing = 64

// ring lets what is due ring. None waits for another, unless very many are due.
func (h *alarmHeap) ring() {
	list := h.due()
	var begun atomic.Int64
	for range min(len(list), ringing) {
		go func() {
			for i := begun.Add(1); i <= int64(len(list)); i = begun.Add(1) {
				list[i-1].Ring()
			}
		}()
	}
}

func (h *alarmHeap) due() (list []Ringer) {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := h.alarms.Now()
	h.putOff(now)
	hushed := now < Instant(h.alarms.hush.Load())
	for h.list.count > 0 {
		first := *h.list.at(1)
		if first.at > now || hushed && first.at >= h.rings { // of what is before that the timer was put off already
			break
		}
		list = append(list, first.alarm.owner)
		h.remove(first.alarm)
	}
	h.armed = false
	h.arm()
	return list
}

// putOff puts off what is due when the process stood still. One alarm is put off once, however slow the machine is.
func (h *alarmHeap) putOff(now Instant) {
	if now.Sub(h.rings) > stoodStill && h.list.count > 0 && h.list.at(1).at > Instant(h.alarms.hush.Load()) {
		h.alarms.hush.Store(int64(now.Add(catchUp)))
	}
}

func (h *alarmHeap) remove(a *Alarm) {
	if last := h.list.shrink(); last.alarm != a {
		h.settle(last, a.place)
	}
	a.place = 0
}

func (h *alarmHeap) put(s setting, place int) {
	*h.list.at(place) = s
	s.alarm.place = place
}

// settle puts an alarm where it belongs, up or down from a place that is free for it.
func (h *alarmHeap) settle(s setting, place int) {
	for ; place > 1 && s.at < h.list.at(place/2).at; place /= 2 {
		h.put(*h.list.at(place / 2), place)
	}
	for {
		child := 2 * place
		if child < h.list.count && h.list.at(child+1).at < h.list.at(child).at {
			child++
		}
		if child > h.list.count || s.at <= h.list.at(child).at {
			break
		}
		h.put(*h.list.at(child), place)
		place = child
	}
	h.put(s, place)
}
