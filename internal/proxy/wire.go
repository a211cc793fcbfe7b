package proxy

import (
	"errors"
	"net"
	"sync"
	"sync/atomic"
)

// A wire is a connection that this node opened to a hop, with the attempts on it that nobody answered yet.
type wire struct {
	Link
	place *place
	heard atomic.Bool // something came back over it

	mu     sync.Mutex
	first  *attempt // a list linked through the attempts: a message costs no allocation
	closed bool
}

// add notes an attempt that is about to be written; false when the connection is closed.
func (w *wire) add(a *attempt) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return false
	}
	a.listed, a.prev, a.next = true, nil, w.first
	if w.first != nil {
		w.first.prev = a
	}
	w.first = a
	return true
}

// remove takes an attempt off that was answered or given up.
func (w *wire) remove(a *attempt) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !a.listed {
		return
	}
	a.listed = false
	if a.prev != nil {
		a.prev.next = a.next
	} else {
		w.first = a.next
	}
	if a.next != nil {
		a.next.prev = a.prev
	}
}

// close ends the wire and returns the attempts that are left without an answer.
func (w *wire) close() []*attempt {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	var left []*attempt
	for a := w.first; a != nil; a = a.next {
		a.listed = false
		left = append(left, a)
	}
	w.first = nil
	return left
}

func (w *wire) open() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return !w.closed
}

// wires finds the wire of a connection. Its zero value is ready.
type wires struct {
	mu   sync.Mutex
	byID map[uint64]*wire
}

// register makes the wire of a connection that Dial returned, or finds it; the error says why it is closed already. One
// that is still open here is heard of by take when it closes, which comes after.
func (ws *wires) register(l Link, pl *place) (*wire, error) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	if err := l.Err(); err != nil {
		reason, _ := lossOf(err, false)
		return nil, errors.New(reason)
	}
	if w := ws.byID[l.ID()]; w != nil {
		return w, nil
	}
	if ws.byID == nil {
		ws.byID = map[uint64]*wire{}
	}
	w := &wire{Link: l, place: pl}
	ws.byID[l.ID()] = w
	return w, nil
}

// take forgets the wire of a connection that closed; nil when it has none.
func (ws *wires) take(id uint64) *wire {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	w := ws.byID[id]
	delete(ws.byID, id)
	return w
}

// closed hears of every connection's end. What was asked over it and not answered is tried elsewhere.
func (p *Proxy) closed(l Link, err error) {
	if !l.Peer().Opened {
		return
	}
	w := p.wires.take(l.ID())
	if w == nil {
		return
	}
	left := w.close()
	reason, refused := lossOf(err, w.heard.Load())
	w.place.lost(w, reason, len(left) > 0)
	for _, a := range left {
		a.lost(reason, refused)
	}
}

// lossOf says how a connection ended. A TLS 1.3 server that refuses our certificate says so after the handshake: its
// alert is the first thing that comes back, and nothing was read there.
func lossOf(err error, heard bool) (reason string, refused bool) {
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "remote error" && !heard {
		return "TLS handshake failed: " + op.Error(), true
	}
	return "connection lost", false
}
