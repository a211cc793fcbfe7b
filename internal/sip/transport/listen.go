package transport

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"isthmus/internal/sip"
)

// Listener is a listener as it should be.
type Listener struct {
	Name         string
	Transport    sip.Transport
	Addr         netip.AddrPort // port 0: any, told in the ListenerState
	VerifyClient bool           // for Peer; what is asked of clients stands in TLS
	TLS          *tls.Config    // for TLS only
	TLSKey       string         // changes when TLS does
	// Subject reads the verified CN from a completed handshake; nil: the CN of the chain that crypto/tls verified.
	Subject func(tls.ConnectionState) string
}

// listening is a listener as it is. Its settings may be exchanged; each new connection, or datagram, is taken by those in
// force.
type listening struct {
	layer    *Layer
	asked    netip.AddrPort
	door     door
	settings atomic.Pointer[Listener]
	heir     func(fd uintptr) error // set before stopping, for whom the socket is; nil: nobody
	stopping chan struct{}
	stopped  chan struct{}
}

var errNoTLS = errors.New("no TLS configuration")

// check tells what no attempt to open would change.
func (want *Listener) check() error {
	if want.Transport == sip.TLS && want.TLS == nil {
		return errNoTLS
	}
	return nil
}

func (l *Layer) listen(want Listener) (*listening, error) {
	if err := want.check(); err != nil {
		return nil, err
	}
	d, err := l.openDoor(want)
	if err != nil {
		return nil, err
	}
	a := &listening{layer: l, asked: want.Addr, door: d, stopping: make(chan struct{}), stopped: make(chan struct{})}
	a.settings.Store(&want)
	go a.run()
	return a, nil
}

// fits reports whether the open socket is the one that is wanted. UDP and TCP may have the same port.
func (a *listening) fits(want Listener) bool {
	own := a.settings.Load()
	return a.asked == want.Addr && own.Transport.Reliable() == want.Transport.Reliable() && (want.Addr.Port() != 0 || own.Name == want.Name)
}

func (a *listening) addr() netip.AddrPort { return addrPort(a.door.Addr()) }

// run takes connections or datagrams until stop. Out of file descriptors, or with so few that other parts of this process
// need them, it waits and goes on: a listener that ended then would never come back.
func (a *listening) run() {
	defer close(a.stopped)
	defer a.door.Close()
	pause := time.Duration(0)
	for {
		err := a.next()
		switch {
		case err == nil:
			pause = 0
		case errors.Is(err, os.ErrDeadlineExceeded):
			a.drain()
			a.bequeath()
			return
		default:
			pause = min(max(2*pause, 5*time.Millisecond), time.Second)
			a.layer.dismiss()
			a.layer.log.Warn("listening failed for now", "listener", a.settings.Load().Name, "reason", err)
			a.rest(pause)
		}
	}
}

// next leaves who comes in the queue while the one before got a descriptor of the reserve and none before it is free.
// Datagrams take none.
func (a *listening) next() error {
	if a.settings.Load().Transport.Reliable() && a.layer.scarce.Load() {
		select {
		case <-a.stopping: // which the door tells
		default:
			if !plenty() {
				return errScarce
			}
			a.layer.scarce.Store(false)
		}
	}
	return a.door.next(a)
}

func (a *listening) rest(pause time.Duration) {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-a.stopping:
	}
}

// stop ends accepting. The queue is drained first, as closing a listener resets every connection in its queue.
func (a *listening) stop() {
	close(a.stopping)
	_ = a.door.SetDeadline(time.Unix(1, 0))
	<-a.stopped
}

// drainLimit bounds the draining of a queue that does not get empty because clients keep connecting: a change is in force
// within a second, and the port has to be closed by then.
const drainLimit = 300 * time.Millisecond

func (a *listening) drain() {
	for end := time.Now().Add(drainLimit); time.Now().Before(end); {
		_ = a.door.SetDeadline(time.Now().Add(a.layer.limits.Drain))
		if a.door.next(a) != nil {
			return
		}
	}
}

// admit starts a connection by the settings in force, or closes it. The Handler is asked before it costs anything.
func (a *listening) admit(tcp *net.TCPConn) {
	settings, remote := a.settings.Load(), addrPort(tcp.RemoteAddr())
	if a.layer.sheds(ShedConnections) || !a.layer.welcomes(remote.Addr(), settings.Transport) {
		tcp.Close()
		return
	}
	peer := Peer{
		Remote: remote, Transport: settings.Transport, Listener: settings.Name, ListenerPort: int(a.addr().Port()), VerifyClient: settings.VerifyClient,
	}
	known := a.layer.knowsPeer(nil, &peer)
	if !known && a.layer.sheds(ShedStrangers) {
		tcp.Close()
		return
	}
	var shaking *handshake // nil on TCP
	if settings.Transport == sip.TLS {
		var err error
		if shaking, err = a.layer.handshakes.begin(remote.Addr(), known); err != nil {
			tcp.Close()
			a.layer.tellFailed(nil, &peer, err)
			return
		}
	}
	a.start(tcp, peer, known, settings, shaking)
}

func (a *listening) start(tcp *net.TCPConn, peer Peer, known bool, settings *Listener, shaking *handshake) {
	c, err := a.layer.newConn(tcp, peer)
	if err != nil || !a.layer.add(c) {
		tcp.Close()
		if shaking != nil {
			shaking.end()
		}
		return
	}
	if !known {
		a.layer.meet(c)
	}
	go c.riseAccepted(settings, shaking)
}

func (l *Layer) welcomes(remote netip.Addr, t sip.Transport) (accepted bool) {
	_ = l.guard(nil, func() error {
		accepted = l.config.Handler.Accept(remote, t)
		return nil
	})
	return accepted
}

// riseAccepted brings an accepted connection up; shaking is nil on TCP. What follows has a goroutine of its own: it needs a stack
// of 4 KiB while it waits, and this one may have grown to 32 over certificates, of which it would never give all back.
func (c *Conn) riseAccepted(settings *Listener, shaking *handshake) {
	if shaking != nil {
		if err := c.shakeAccepted(settings, shaking); err != nil {
			c.handshakeFailed(err)
			c.layer.remove(c)
			return
		}
	}
	c.rise()
	go c.serveAccepted(shaking)
}

func (c *Conn) serveAccepted(shaking *handshake) {
	defer c.layer.remove(c)
	c.serve()
	if shaking != nil && c.stranger.Load() && !c.spoke {
		shaking.failed() // it was for nothing
	}
}

func (c *Conn) shakeAccepted(settings *Listener, shaking *handshake) error {
	shaking.Conn, shaking.done = c.socket, c.done
	c.secure(tls.Server(shaking, settings.TLS))
	err := c.layer.guard(c, func() error { return c.shake(c.limits.HandshakeIn, settings.Subject) })
	shaking.end()
	if err != nil {
		if !refused(err) {
			shaking.failed()
		}
		return shaking.alert.meant(err)
	}
	if c.stranger.Load() && c.layer.knows(c) {
		c.layer.part(c)
		shaking.proved()
	}
	return nil
}

// handshakeFailed closes gently, so that the alert that says why reaches the peer.
func (c *Conn) handshakeFailed(err error) {
	c.stop(err)
	if !broken(err) && !refused(err) {
		c.socket.flush(c.limits.Write)
		_ = c.socket.CloseWrite()
		c.linger()
	}
	_ = c.socket.Close()
	c.layer.tellFailed(c, &c.peer, c.Err())
}

func (l *Layer) tellFailed(c *Conn, peer *Peer, err error) {
	_ = l.guard(c, func() error {
		l.config.Handler.HandshakeFailed(peer, err)
		return nil
	})
}

// sentence says for people why a listener does not open.
func sentence(want Listener, err error) string {
	switch {
	case err == nil:
		return ""
	case errors.Is(err, errNoTLS):
		return "This node has no certificate to show on a TLS listener; import one."
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return fmt.Sprintf("%v is not an address of this machine; correct the node's address.", want.Addr.Addr())
	case errors.Is(err, syscall.EACCES):
		return fmt.Sprintf("The system does not let this program open port %d; choose a port above 1023.", want.Addr.Port())
	}
	return fmt.Sprintf("The system does not open port %d on %v (%v); remove that cause, or choose another port or address.", want.Addr.Port(), want.Addr.Addr(), err)
}
