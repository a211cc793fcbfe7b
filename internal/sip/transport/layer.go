// Package transport owns the SIP connections of a node: listeners, TCP and TLS connections in and out, UDP sockets, who is at
// the other end, how bytes become messages and messages bytes, and every limit that keeps one peer from harming another.
//
// Each connection and each UDP socket has one goroutine at a time. It reads, frames and parses in place and hands each
// message to the Handler before it looks at the next, so that order is kept. Nobody waits for a slow reader but that
// reader's own connection.
//
// The package knows no transactions and no routing. Whom to admit is the Handler's to say, and what a certificate is
// worth is written in the tls.Config that it is given.
package transport

import (
	"context"
	"log/slog"
	"maps"
	"net/netip"
	"os"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"

	"isthmus/internal/sip"
)

// Handler is what the layer calls. Up, Receive, Malformed and Closed of a connection run one after the other.
// Each datagram that a UDP listener takes comes with a Conn of its own, which answers its sender; it is never up or closed.
type Handler interface {
	// Accept is asked before any byte is read or sent, over UDP for each datagram; false closes the connection, or drops
	// the datagram, unanswered. Over UDP the address may be forged.
	Accept(remote netip.Addr, t sip.Transport) bool
	// Known reports whether requests of a peer are likely to be taken, by what is known of it: at accept its address and
	// the listener, after the handshake its certificate too. It must not wait. Other peers' connections are few and short
	// until a request of theirs was taken.
	Known(peer *Peer) bool
	// Up is the first call for a connection, after its handshake and, on one that this node opened, before Dial returns.
	// It may close the connection; nothing is received then.
	Up(c *Conn)
	// Receive handles a message; m lives only during the call. It must not wait but in Conn.Wait, as what it sends goes
	// out after it.
	Receive(c *Conn, m *sip.Message)
	// Late may answer a request of a peer that was retired, and do nothing else with it; m lives only during the call.
	Late(c *Conn, m *sip.Message)
	// Malformed handles a message that broke a rule: it answers a request that can be answered, or closes. When err.Close is
	// set, nothing more is read, and the connection is closed when what was asked before is answered, what was sent in the
	// call going out at once.
	Malformed(c *Conn, m *sip.Message, err *sip.Error)
	// Closed is the last call for a connection, and made once for every one that Up was called for. On
	// a connection that this node opened it may come before Dial returns, as the alert of a TLS 1.3 peer may. err is io.EOF
	// when the peer closed in good order.
	Closed(c *Conn, err error)
	// Undelivered reports a final answer that the peer's system did not take, after the peer had closed its direction, lost
	// its framing or was retired.
	Undelivered(c *Conn, b []byte)
	// HandshakeFailed reports a TLS connection to a listener that never came up, with what is known of its peer without the
	// handshake. err is ErrClosed or ErrStranger when this node cut it off, and a *HandshakeRefusal when it did not begin it or go
	// on with it: thousands may come in a second, and accepting waits for calls about those not begun. Of one that this node
	// opened Dial tells.
	HandshakeFailed(peer *Peer, err error)
}

// Config is what a Layer is made of. Handler is required.
type Config struct {
	Handler Handler
	// Local returns the address that connections are opened from; the invalid address leaves it to the system.
	Local func() netip.Addr
	// Inherited returns a socket that a process before this one listened with, network being tcp or udp, for the Layer to
	// close; nil when there is none. Inherited may be nil.
	Inherited func(network string, addr netip.AddrPort) *os.File
	// Log takes what the Handler does not hear of: accept errors and panics. nil: nothing is logged.
	Log *slog.Logger
	// Recovered hears of a panic while a connection was handled; that connection is closed, and no other. c is nil when the
	// panic was in Handler.Accept, or at accept. Recovered may be nil.
	Recovered func(c *Conn, panicked any)
	// Limits in which what is zero is replaced by its default.
	Limits Limits
}

// Layer holds a node's listeners and connections.
type Layer struct {
	config Config
	limits Limits
	log    *slog.Logger
	lastID atomic.Uint64

	present func(netip.Addr) bool

	fitting    sync.Mutex // one Fit at a time; guards holders
	holders    map[seat]sighting
	mu         sync.Mutex
	listeners  []*listening
	conns      map[*Conn]struct{}
	pool       map[poolKey]*pooled
	strangers  strangers
	shed       atomic.Int32 // a Shed
	scarce     atomic.Bool  // the connection that was accepted last got a descriptor of the reserve
	handshakes handshakes
	down       bool
	running    sync.WaitGroup // goroutines of connections
}

// New returns a layer without listeners and connections.
func New(config Config) *Layer {
	if config.Log == nil {
		config.Log = slog.New(slog.DiscardHandler)
	}
	l := &Layer{
		config: config, limits: config.Limits.orDefaults(), log: config.Log, present: present,
		conns: make(map[*Conn]struct{}), pool: make(map[poolKey]*pooled),
	}
	l.handshakes = handshakes{limits: &l.limits, free: l.limits.Handshakes, peers: make(map[netip.Addr]*handshaker)}
	return l
}

// HandshakesWaiting is the number of strangers whose TLS handshakes wait to be worked on.
func (l *Layer) HandshakesWaiting() int { return l.handshakes.waiting() }

// Connections returns the connections that are up, in no order.
func (l *Layer) Connections() []*Conn {
	return slices.DeleteFunc(l.all(), func(c *Conn) bool { return !c.up.Load() })
}

// all includes connections in their handshake.
func (l *Layer) all() []*Conn {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Collect(maps.Keys(l.conns))
}

// add takes a connection in and counts its goroutine; false after Shutdown.
func (l *Layer) add(c *Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.down {
		return false
	}
	l.conns[c] = struct{}{}
	l.running.Add(1)
	return true
}

func (l *Layer) remove(c *Conn) {
	l.part(c)
	l.mu.Lock()
	delete(l.conns, c)
	l.mu.Unlock()
	l.running.Done()
}

// guard is the one place where a panic ends: that of a message costs its connection, not the process.
func (l *Layer) guard(c *Conn, f func() error) (err error) {
	defer func() {
		panicked := recover()
		if panicked == nil {
			return
		}
		err = ErrPanic
		l.log.Error("fault in handling a connection", "reason", panicked, "stack", string(debug.Stack()))
		if l.config.Recovered != nil {
			l.config.Recovered(c, panicked)
		}
	}()
	return f()
}

// Shutdown closes the listeners after their accept queues are drained, then every connection after what is queued for
// it went out. It returns when no goroutine of the layer is left, or when ctx ends, and then cuts off the rest.
func (l *Layer) Shutdown(ctx context.Context) error {
	l.Fit(nil)
	l.mu.Lock()
	l.down = true
	l.mu.Unlock()
	for _, c := range l.all() {
		c.Close(ErrClosed)
	}
	done := make(chan struct{})
	go func() {
		l.running.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
	}
	for _, c := range l.all() {
		c.fail(ErrClosed)
	}
	return ctx.Err()
}
