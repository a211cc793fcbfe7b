package proxy

import (
	"sync"
	"sync/atomic"
	"time"

	"isthmus/internal/routing"
)

const (
	leavePause  = 5 * time.Second  // between two looks for connections that nothing needs any more
	quietBefore = 32 * time.Second // since the last request of the hop itself, whose answer it awaits for 64*T1
)

// A leaver closes the connections that this node opened to hops which a change took away, or which are reached by other
// TLS settings since. Each goes once its requests have ended; without it, every change of a certificate would leave a
// connection behind. Its zero value is ready.
type leaver struct {
	set     atomic.Bool // a look is to come
	looking sync.Mutex  // one look at a time; guards the wires' spare
}

// leaveUnused looks for such connections a little later, when the requests on them may have been answered.
func (p *Proxy) leaveUnused() {
	if p.wires.leaver.set.CompareAndSwap(false, true) {
		p.clock.AfterFunc(leavePause, func() { p.guard(p.lookForUnused) })
	}
}

// lookForUnused closes what nothing has needed since the last look, and looks again while there is something left.
func (p *Proxy) lookForUnused() {
	p.wires.leaver.looking.Lock()
	defer p.wires.leaver.looking.Unlock()
	p.wires.leaver.set.Store(false)
	if p.stopped.Load() {
		return // the transport closes everything soon
	}
	policy := p.policy.Load()
	needed := p.neededWires(policy)
	again := false
	for _, w := range p.wires.all() {
		switch {
		case needed[w]:
			w.spare = false
		case !w.spare:
			w.spare, again = true, true // a request may just be taking it
		case w.leave(p.clock.Now()):
			w.Close(nil)
			close(w.left)
		default:
			again = true
		}
	}
	if p.forgetPlaces(policy) || again {
		p.leaveUnused()
	}
}

// neededWires are those over which the next request to a hop of the policy goes.
func (p *Proxy) neededWires(policy *routing.Policy) map[*wire]bool {
	needed := map[*wire]bool{}
	for _, pl := range p.allPlaces() {
		if policy.Leads(pl.key) {
			needed[pl.ready()] = true
		}
	}
	return needed
}

// forgetPlaces drops what is known of hops that are gone, and reports whether some have to wait.
func (p *Proxy) forgetPlaces(policy *routing.Policy) (again bool) {
	for _, pl := range p.allPlaces() {
		switch {
		case policy.Leads(pl.key):
		case pl.empty():
			p.places.CompareAndDelete(pl.key, pl)
			p.metrics.Gone(pl.label)
		default:
			again = true
		}
	}
	return again
}

// empty reports whether a hop that is gone has no connection, and nobody waits for one.
func (pl *place) empty() bool {
	pl.mu.Lock()
	defer pl.mu.Unlock()
	if pl.wire != nil && !pl.wire.open() {
		pl.wire = nil
	}
	return pl.wire == nil && !pl.dialing && len(pl.waiting) == 0
}

// leave lets no request take a connection any more, unless there is one on it. The caller closes the connection, and left
// after that.
func (w *wire) leave(now time.Time) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed || w.first != nil || w.live.Open() > 0 || now.Sub(w.asked) < quietBefore {
		return false
	}
	w.closed, w.left = true, make(chan struct{})
	return true
}

// awaitLeft waits while a connection is being left.
func (w *wire) awaitLeft() (leaving bool) {
	w.mu.Lock()
	left := w.left
	w.mu.Unlock()
	if left == nil {
		return false
	}
	<-left
	return true
}

// asksHere notes a request that a hop sends over a connection of ours.
func (ws *wires) asksHere(id uint64, now time.Time) {
	ws.mu.Lock()
	w := ws.byID[id]
	ws.mu.Unlock()
	if w == nil {
		return
	}
	w.heard.Store(true)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked = now
}

func (ws *wires) all() []*wire {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	list := make([]*wire, 0, len(ws.byID))
	for _, w := range ws.byID {
		list = append(list, w)
	}
	return list
}
