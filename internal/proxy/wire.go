package proxy

import (
	"cmp"
	"sync"
	"sync/atomic"
	"time"

	"isthmus/internal/sip"
	"isthmus/internal/sip/transaction"
	"isthmus/internal/sip/transport"
)

// A wire is a connection that this node opened to a hop, with the attempts on it that nobody answered yet.
type wire struct {
	Link
	place     *place
	heard     atomic.Bool // something came over it
	opened    time.Time
	era       int  // of the place's health when it was opened
	datagrams bool // it is a UDP socket
	spare     bool // nothing needed it when that was looked at last
	live      transaction.Tally
	over      chan struct{} // closed when the connection is

	mu     sync.Mutex
	first  *attempt // a list linked through the attempts: a message costs no allocation
	closed bool
	asked  time.Time     // when the hop sent a request over it last
	left   chan struct{} // closed when it has been left; nil before
	last   *attempt      // over UDP: whose request went out last; nil when something else did, or the same request again
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

// exit is that of a request with this number.
func (w *wire) exit(s serial) exit {
	return exit{link: w.ID(), transport: w.Peer().Transport, serial: s}
}

// write sends what the transaction of an attempt has to send. Over UDP only the request's first datagram may fail: what is sent
// again may have arrived before, and is lost as datagrams are. The lock is held so that last is true; writing a datagram
// does not wait.
func (w *wire) write(a *attempt, b []byte) error {
	if !w.datagrams {
		return w.Link.Queue(a.relay.link, b)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if a.posted {
		w.last = nil
		_ = w.Link.Send(b)
		return nil
	}
	if err := w.Link.Send(b); err != nil {
		return err // what went out last went out before
	}
	a.posted, w.last = true, a
	return nil
}

// Send and Queue are for what is no attempt's: a probe, an ACK, a BENOTIFY.
func (w *wire) Send(b []byte) error { return w.Queue(nil, b) }

// Queue implements Link.
func (w *wire) Queue(during Link, b []byte) error {
	if !w.datagrams {
		return w.Link.Queue(during, b)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.last = nil
	return w.Link.Send(b)
}

// close ends the wire and returns the attempts that are left without an answer, and that which was last.
func (w *wire) close() (left []*attempt, last *attempt) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	for a := w.first; a != nil; a = a.next {
		a.listed = false
		left = append(left, a)
	}
	w.first = nil
	return left, w.last
}

func (w *wire) open() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return !w.closed
}

// wires finds the wire of a connection. Its zero value is ready.
type wires struct {
	mu     sync.Mutex
	byID   map[uint64]*wire
	leaver leaver
}

// register makes the wire of a connection that Dial returned, or finds it; the error says why it is closed already. One
// that is still open here is heard of by take when it closes, which comes after.
func (ws *wires) register(l Link, pl *place) (*wire, error) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	if err := l.Err(); err != nil {
		return nil, err
	}
	if w := ws.byID[l.ID()]; w != nil {
		return w, nil
	}
	if ws.byID == nil {
		ws.byID = map[uint64]*wire{}
	}
	w := &wire{Link: l, place: pl, era: pl.dialled, opened: pl.proxy.clock.Now(), datagrams: !l.Peer().Transport.Reliable(), over: make(chan struct{})}
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
	left, last := w.close()
	close(w.over)
	end := w.place.lossOf(l, err, w.accepted())
	if end.refused {
		_ = p.hopRefused(late(w.place.current(), l, err))
	}
	end.turned = w.place.lost(w, end.reason, len(left) > 0 || end.closed || end.refused)
	for _, a := range left {
		a.lost(end, end.unread || end.closed && a == last)
	}
}

// mostReading is how long a connection is read on that could not be written to: as long as the transport does, and a little.
const mostReading = time.Second

// lossAfter says how a connection ended that could not be written to, which err says. A TLS 1.3 server that refuses our
// certificate may have reset it over what it was sent: who reads on finds why. It waits for that, unless nothing
// was written at all.
func (w *wire) lossAfter(err error) loss {
	if w.Peer().Transport == sip.TLS && err != transport.ErrClosed && w.Err() == nil && !w.accepted() {
		late := make(chan struct{})
		timer := w.place.proxy.clock.AfterFunc(mostReading, func() { close(late) })
		select {
		case <-w.over:
			timer.Stop()
		case <-late:
		}
	}
	return w.lossNow(err)
}

// lossNow says it as far as it is known.
func (w *wire) lossNow(err error) loss {
	return w.place.lossOf(w, cmp.Or(w.Err(), err), w.accepted())
}

// mostRefusing is how long after the handshake a server may still say that it refuses our certificate.
const mostRefusing = 10 * time.Second

// accepted reports whether the hop has accepted our certificate: something came, or it has been silent about it.
func (w *wire) accepted() bool {
	return w.heard.Load() || w.place.proxy.clock.Now().Sub(w.opened) > mostRefusing
}

// A loss is how a connection ended.
type loss struct {
	reason string
	kind   string // the same as one of a few texts, for metrics
	unread bool   // the hop read nothing of what it was sent
	closed bool   // the hop's UDP port is closed
	turned bool   // another address of the hop is worth trying

	refused bool // in the handshake
}

// lossOf: a TLS 1.3 server that refuses our certificate says so after the handshake: its alert is the first thing that comes
// back, and nothing was read there. That a UDP port is closed is said of one datagram, and not of which: surely not
// taken is only the last one, since the port may have closed after others were taken.
func (pl *place) lossOf(l Link, err error, accepted bool) loss {
	const lost = "connection lost"
	if !accepted && lateAlert(err) {
		cause := pl.proxy.config.HandshakeCause(late(pl.current(), l, err))
		return loss{reason: "TLS handshake failed: " + cause.Error(), kind: lost, unread: true, refused: true}
	}
	if err == transport.ErrRefused {
		return loss{reason: err.Error(), kind: err.Error(), closed: true}
	}
	return loss{reason: lost, kind: lost}
}
