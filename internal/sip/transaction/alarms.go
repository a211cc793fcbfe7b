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
	last   atomic.Uint32
	pieces [16]alarmHeap // with a lock each
}

// An Alarm is set by Alarms.Set. The zero value is ready; it must not be copied.
type Alarm struct {
	on    *alarmHeap
	owner Ringer
	at    time.Time
	place int // in the heap, from 1; 0: it is not set
}

// A Ringer owns an alarm. Ring runs on a goroutine of its own. As it may have begun when the alarm is stopped or set anew, it looks
// what is due.
type Ringer interface{ Ring() }

// NewAlarms returns alarms by a clock.
func NewAlarms(clock Clock) *Alarms { return &Alarms{clock: clock} }

// Set lets an alarm ring at a time, instead of when it was set for before.
func (as *Alarms) Set(a *Alarm, at time.Time, owner Ringer) {
	if a.on == nil {
		a.on, a.owner = &as.pieces[int(as.last.Add(1))%len(as.pieces)], owner
	}
	a.on.set(a, at, as.clock)
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
	mu    sync.Mutex
	list  []*Alarm // place 1 is the first
	timer Timer
	rings time.Time // when the timer does, at the first alarm or, where that was stopped, before it; zero: not at all
}

func (h *alarmHeap) set(a *Alarm, at time.Time, clock Clock) {
	h.mu.Lock()
	defer h.mu.Unlock()
	a.at = at
	if a.place == 0 {
		h.list = append(h.list, a)
		a.place = len(h.list)
	}
	h.settle(a)
	h.arm(clock)
}

func (h *alarmHeap) stop(a *Alarm) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if a.place > 0 {
		h.remove(a)
	}
}

// arm sets the timer if it would ring after the first alarm.
func (h *alarmHeap) arm(clock Clock) {
	if len(h.list) == 0 {
		return
	}
	first := h.list[0].at
	if !h.rings.IsZero() && !first.Before(h.rings) {
		return
	}
	h.rings = first
	wait := first.Sub(clock.Now())
	if h.timer == nil {
		h.timer = clock.AfterFunc(wait, func() { h.ring(clock) })
		return
	}
	h.timer.Reset(wait)
}

// ring lets what is due ring. None waits for another.
func (h *alarmHeap) ring(clock Clock) {
	for _, owner := range h.due(clock) {
		go owner.Ring()
	}
}

func (h *alarmHeap) due(clock Clock) (list []Ringer) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for now := clock.Now(); len(h.list) > 0 && !now.Before(h.list[0].at); {
		list = append(list, h.list[0].owner)
		h.remove(h.list[0])
	}
	h.rings = time.Time{}
	h.arm(clock)
	return list
}

func (h *alarmHeap) remove(a *Alarm) {
	end := len(h.list)
	last := h.list[end-1]
	h.list[end-1] = nil
	h.list = h.list[:end-1]
	if last != a {
		h.put(last, a.place)
		h.settle(last)
	}
	a.place = 0
}

func (h *alarmHeap) put(a *Alarm, place int) { h.list[place-1], a.place = a, place }

// settle moves an alarm up or down to where it belongs.
func (h *alarmHeap) settle(a *Alarm) {
	for a.place > 1 && a.at.Before(h.list[a.place/2-1].at) {
		h.swap(a, h.list[a.place/2-1])
	}
	for {
		next := a
		for child := 2 * a.place; child <= min(2*a.place+1, len(h.list)); child++ {
			if h.list[child-1].at.Before(next.at) {
				next = h.list[child-1]
			}
		}
		if next == a {
			return
		}
		h.swap(a, next)
	}
}

func (h *alarmHeap) swap(a, b *Alarm) {
	at := a.place
	h.put(a, b.place)
	h.put(b, at)
}
