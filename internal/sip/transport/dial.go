package transport

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"

	"isthmus/internal/sip"
)

// poolKey is what a connection must share to be used for a Target. The identity is part of it: that two names have one
// address does not make a certificate for one good for the other.
type poolKey struct {
	addr      netip.AddrPort
	transport sip.Transport
	name      string
	tlsKey    string
}

func (t Target) key() poolKey { return poolKey{t.Addr, t.Transport, t.Name, t.TLSKey} }

// pooled is a connection, or the attempt to open one, that everybody who wants it waits for. What follows done may be
// read once it is closed.
type pooled struct {
	done chan struct{}
	conn *Conn
	err  error
}

// usable reports an attempt going on or a connection that is good.
func (p *pooled) usable() bool {
	select {
	case <-p.done:
		return p.err == nil && p.conn.usable()
	default:
		return true
	}
}

// holds reports whether c is what the attempt led to.
func (p *pooled) holds(c *Conn) bool {
	select {
	case <-p.done:
		return p.conn == c
	default:
		return false // the next Dial will see that it is not usable
	}
}

// Dial returns the connection to a target, opened if there is none; callers of one target share one attempt, which is not
// ended by any of their contexts. The error is a *DialError, ErrClosed after Shutdown, or ctx's own. The connection counts as up when
// the handshake returned: a TLS 1.3 server that refuses our certificate says so afterwards, and Handler.Closed hears it.
func (l *Layer) Dial(ctx context.Context, t Target) (*Conn, error) {
	p := l.pooled(t)
	if p == nil {
		return nil, ErrClosed
	}
	select {
	case <-p.done:
		return p.conn, p.err
	default:
	}
	select {
	case <-p.done:
		return p.conn, p.err
	case <-ctx.Done():
	}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return nil, &DialError{Target: t, Kind: ErrTimeout, Cause: ctx.Err()}
	}
	return nil, fmt.Errorf("connect to %v: %w", t.Addr, ctx.Err())
}

// pooled returns what there is for a target, or begins an attempt; nil after Shutdown.
func (l *Layer) pooled(t Target) *pooled {
	key := t.key()
	l.mu.Lock()
	defer l.mu.Unlock()
	if p := l.pool[key]; p != nil && p.usable() {
		return p
	}
	if l.down {
		return nil
	}
	p := &pooled{done: make(chan struct{})}
	l.pool[key] = p
	l.running.Add(1)
	go l.open(key, p, t)
	return p
}

// open makes the attempt, and is the connection's goroutine when it succeeds.
func (l *Layer) open(key poolKey, p *pooled, t Target) {
	defer l.running.Done()
	c, err := l.connect(t)
	if err != nil {
		l.mu.Lock()
		if l.pool[key] == p {
			delete(l.pool, key)
		}
		l.mu.Unlock()
		p.err = err
		close(p.done)
		return
	}
	defer l.remove(c)
	c.rise()
	p.conn = c
	close(p.done)
	if c.Err() != nil {
		l.forget(c)
	}
	c.serve()
}

func (l *Layer) connect(t Target) (*Conn, error) {
	switch {
	case t.Transport == sip.UDP:
		return l.openDatagrams(t)
	case t.Transport == sip.TLS && t.TLS == nil:
		return nil, &DialError{Target: t, Kind: ErrUnreachable, Cause: errNoTLS}
	}
	tcp, err := l.dialer(t).Dial("tcp", t.Addr.String())
	if err != nil {
		return nil, &DialError{Target: t, Kind: kindOf(err), Cause: err}
	}
	c, err := l.newConn(tcp.(*net.TCPConn), Peer{Transport: t.Transport, Opened: true, Target: t})
	if err != nil || !l.add(c) {
		tcp.Close()
		return nil, ErrClosed
	}
	if err := c.secureOpened(t); err != nil {
		_ = c.socket.Close()
		l.remove(c)
		return nil, &DialError{Target: t, Kind: ErrHandshake, Cause: cmp.Or(c.Err(), err), Shown: c.tls.ConnectionState().PeerCertificates}
	}
	return c, nil
}

// dialer connects from the node's address, by which other nodes and next hops know it.
func (l *Layer) dialer(t Target) *net.Dialer {
	d := &net.Dialer{Timeout: cmp.Or(t.Connect, l.limits.Connect), KeepAlive: -1}
	d.SetMultipathTCP(false)
	if l.config.Local == nil {
		return d
	}
	local := l.config.Local()
	switch {
	case !local.IsValid() || local.Is4() != t.Addr.Addr().Is4():
	case t.Transport == sip.UDP:
		d.LocalAddr = net.UDPAddrFromAddrPort(netip.AddrPortFrom(local, 0))
	default:
		d.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(local, 0))
	}
	return d
}

func (c *Conn) secureOpened(t Target) error {
	if t.Transport != sip.TLS {
		return nil
	}
	c.secure(tls.Client(c.socket, t.TLS))
	return c.layer.guard(c, func() error { return c.shake(c.limits.HandshakeOut, t.Subject) })
}

// forget lets the next Dial open a new connection.
func (l *Layer) forget(c *Conn) {
	if !c.peer.Opened {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	key := c.peer.Target.key()
	if p := l.pool[key]; p != nil && p.holds(c) {
		delete(l.pool, key)
	}
}
