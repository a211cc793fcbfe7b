package proxy

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"isthmus/internal/routing"
	"isthmus/internal/sip"
	"isthmus/internal/sip/transport"
)

// A place is one hop as this node knows it now: the connection to it, who waits for one, and whether it is up.
type place struct {
	proxy *Proxy
	key   string
	label string // in metrics: tls:10.1.20.21:5061

	mu        sync.Mutex
	hop       *routing.Hop
	tlsKey    string
	wire      *wire
	dialing   bool
	waiting   []func(w *wire, err error)
	health    health
	addresses addresses
	dialled   int // era of the health when the last attempt to connect began; of the goroutine that dials
}

// place finds the place of a hop.
func (p *Proxy) place(h *routing.Hop) *place {
	if pl, ok := p.places.Load(h.Key()); ok {
		return pl.(*place)
	}
	label := h.Transport.Param() + ":" + h.String()
	pl, _ := p.places.LoadOrStore(h.Key(), &place{proxy: p, key: h.Key(), label: label, hop: h, health: health{since: p.clock.Now()}})
	return pl.(*place)
}

func (p *Proxy) allPlaces() []*place {
	var list []*place
	p.places.Range(func(_, pl any) bool {
		list = append(list, pl.(*place))
		return true
	})
	return list
}

// connect gives a connection to use, now when there is one, else as soon as there is: everybody who wants one waits for
// the same attempt, and is served in the order of asking. keep is called before it waits, on the caller's goroutine.
func (pl *place) connect(keep func(), use func(w *wire, err error)) {
	if w := pl.ready(); w != nil {
		use(w, nil)
		return
	}
	keep()
	pl.mu.Lock()
	pl.waiting = append(pl.waiting, use)
	begins := !pl.dialing
	pl.dialing = true
	pl.mu.Unlock()
	if begins {
		go pl.proxy.guard(pl.dial)
	}
}

// dial opens the connection and serves those who wait. Who comes meanwhile queues behind them, so that no message
// overtakes another.
func (pl *place) dial() {
	w, err := pl.try()
	if err != nil && pl.still(pl.dialled) {
		pl.markDown(reasonOf(err))
	}
	for {
		waiting := pl.waiters(w)
		if waiting == nil {
			break
		}
		for _, use := range waiting {
			pl.proxy.guard(func() { use(w, err) })
		}
	}
	if pl.outdated() { // changed since, and refit did not see this connection yet
		pl.abandon(w)
		pl.proxy.leaveUnused()
	}
}

var errFault = errors.New("a fault inside Isthmus")

// try opens the connection, and once more when the TLS settings changed meanwhile. A fault in it is a failed attempt:
// who waits moves on, and a later request tries again.
func (pl *place) try() (w *wire, err error) {
	err = errFault
	pl.proxy.guard(func() {
		if w, err = pl.open(); pl.outdated() {
			w, err = pl.open()
		}
	})
	return w, err
}

// outdated reports whether the last attempt was made by TLS settings that are in force no more.
func (pl *place) outdated() bool {
	pl.mu.Lock()
	dialled := pl.tlsKey
	pl.mu.Unlock()
	return dialled != pl.keyNow()
}

// waiters takes those who wait; nil ends the dialling.
func (pl *place) waiters(w *wire) []func(*wire, error) {
	pl.mu.Lock()
	defer pl.mu.Unlock()
	waiting := pl.waiting
	pl.waiting = nil
	if len(waiting) == 0 {
		pl.dialing = false
		if w != nil && w.open() {
			pl.wire = w
		}
		return nil
	}
	return waiting
}

// What opening may take: all connects together, and with the handshakes, little more than one address may take. The
// first look-up of a name comes before.
const (
	connectLimit = time.Second
	openLimit    = 3500 * time.Millisecond
	maxAddresses = 4 // of one name that are tried
)

func (pl *place) open() (*wire, error) {
	pl.dialled = pl.era()
	hop := pl.current()
	t, err := pl.proxy.target(hop)
	pl.mu.Lock()
	pl.tlsKey = t.TLSKey
	pl.mu.Unlock()
	if err != nil {
		return nil, err
	}
	addrs, err := pl.proxy.resolve(hop)
	if err != nil {
		return nil, err
	}
	pl.mu.Lock()
	addrs = pl.addresses.order(addrs)
	pl.mu.Unlock()
	for {
		l, failed, err := pl.proxy.dialOne(hop, t, addrs)
		pl.passedOver(failed)
		if err != nil {
			return nil, err
		}
		w, err := pl.proxy.wires.register(l, pl)
		switch {
		case err == nil && !w.awaitLeft():
			return w, nil
		case err != nil && l.Err() != transport.ErrClosed: // else this node was just leaving it, as above
			_ = pl.proxy.hopRefused(late(hop, l, l.Err()))
			return nil, errors.New(pl.lossOf(l, err, false).reason)
		}
	}
}

// dialOne connects to the first address that can be connected to, and tells which could not be. Each gets its share of the
// time that is left, so that a name of many addresses takes no longer than one; none is begun when that is over. The error
// is the last one, but never that the time ran out where another says more.
func (p *Proxy) dialOne(hop *routing.Hop, t transport.Target, addrs []netip.AddrPort) (l Link, failed []netip.AddrPort, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), openLimit)
	defer cancel()
	left := connectLimit
	for i, addr := range addrs {
		t.Addr, t.Connect = addr, left/time.Duration(len(addrs)-i)
		began := time.Now()
		l, e := p.network.Dial(ctx, t)
		if e == nil {
			return l, addrs[:i], nil
		}
		e = p.hopRefused(FailedHandshake{Hop: hop, Addr: addr, Err: e})
		if err == nil || ctx.Err() == nil {
			err = e
		}
		if ctx.Err() != nil {
			return nil, addrs[:i+1], err
		}
		left -= min(time.Since(began), t.Connect)
	}
	return nil, addrs, err
}

func (pl *place) current() *routing.Hop {
	pl.mu.Lock()
	defer pl.mu.Unlock()
	return pl.hop
}

// target is how to connect to a hop, without the address.
func (p *Proxy) target(hop *routing.Hop) (transport.Target, error) {
	t := transport.Target{Transport: hop.Transport, Name: hop.Identity(), Host: hop.Host}
	if hop.Transport != sip.TLS {
		return t, nil
	}
	config, err := p.tlsFor(hop)
	t.TLS, t.TLSKey, t.Subject = config.Config, config.Key, config.Subject
	return t, err
}

func (p *Proxy) tlsFor(hop *routing.Hop) (TLS, error) {
	if p.config.TLS == nil {
		return TLS{}, errors.New("this node has no certificate to show")
	}
	return p.config.TLS(hop)
}

// lost takes the connection away. That the hop failed is said by requests that were waiting on it, or a refusal; an idle connection
// may close, and one that a change has replaced, or had this node close, says nothing of the hop as it is now. It reports whether
// another address of the hop is worth trying.
func (pl *place) lost(w *wire, reason string, failed bool) (turned bool) {
	pl.mu.Lock()
	own := pl.wire == w
	if own {
		pl.wire = nil
	}
	pl.mu.Unlock()
	if !failed || !own && !pl.still(w.era) {
		return false
	}
	if turned = pl.turn(w); !turned {
		pl.markDown(reason)
	}
	return turned
}

func (pl *place) era() int {
	pl.mu.Lock()
	defer pl.mu.Unlock()
	return pl.health.era
}

// still reports whether nothing has cleared the mark since.
func (pl *place) still(era int) bool { return pl.era() == era }

// abandon lets the next request open a connection of its own.
func (pl *place) abandon(w *wire) {
	pl.mu.Lock()
	defer pl.mu.Unlock()
	if pl.wire == w {
		pl.wire = nil
	}
}

// reasonOf is why a connection could not be opened, as Warning headers and the console say it.
func reasonOf(err error) string {
	d, ok := errors.AsType[*transport.DialError](err)
	switch {
	case !ok:
		return err.Error()
	case d.Kind == transport.ErrRefused || d.Kind == transport.ErrTimeout:
		return d.Kind.Error()
	}
	return fmt.Sprintf("%v: %v", d.Kind, d.Cause)
}

// kindOf is the same as one of a few texts, for metrics.
func kindOf(err error) string {
	for _, kind := range []error{transport.ErrRefused, transport.ErrTimeout, transport.ErrHandshake, transport.ErrUnreachable} {
		if errors.Is(err, kind) {
			return kind.Error()
		}
	}
	return "not connected"
}

// ready is the connection that can be used at once, nil for none.
func (pl *place) ready() *wire {
	pl.mu.Lock()
	defer pl.mu.Unlock()
	if pl.dialing {
		return nil
	}
	return pl.wire
}
