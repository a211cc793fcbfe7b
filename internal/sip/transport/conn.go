package transport

import (
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"isthmus/internal/sip"
)

// Conn is one SIP connection. Its methods may be called from any goroutine.
type Conn struct {
	layer  *Layer
	limits *Limits
	id     uint64
	peer   Peer
	udp    *datagrams     // on UDP, instead of socket; of what else writes and reads only up, closing and done are used then
	to     netip.AddrPort // where datagrams go; invalid: to where udp is connected
	socket *socket
	tls    *tls.Conn // nil on TCP
	in     io.Reader
	out    io.Writer
	batch  batch
	up     atomic.Bool // the Handler knows of it

	stranger atomic.Bool // the Handler does not know the peer
	spoke    bool        // a message came; for the connection's goroutine
	retired  atomic.Bool // nothing more is heard of the peer

	mu      sync.Mutex
	pending *[]byte   // to be written next, nil: nothing
	writing bool      // a goroutine is in flush, and takes what is pending
	written sync.Cond // signalled when it leaves; its lock is mu
	closing error     // why nothing more is taken, nil: open
	silent  bool      // nothing more is written but what is pending
	done    chan struct{}
	owed    int           // requests received and not answered finally
	settled chan struct{} // closed when nothing is owed; nil while nobody waits for it
	unsure  [][]byte      // answers since then
	told    bool          // the Handler was told of those that were not taken
}

// newConn wraps a connected socket; the caller adds the TLS side and starts it.
func (l *Layer) newConn(tcp *net.TCPConn, peer Peer) (*Conn, error) {
	s, err := newSocket(tcp, &l.limits)
	if err != nil {
		return nil, err
	}
	peer.Remote, peer.Local = addrPort(tcp.RemoteAddr()), addrPort(tcp.LocalAddr())
	c := &Conn{
		layer: l, limits: &l.limits, id: l.lastID.Add(1), peer: peer, socket: s, in: s, out: s,
		done: make(chan struct{}),
	}
	c.written.L = &c.mu
	return c, nil
}

// secure puts TLS on top; shake performs the handshake.
func (c *Conn) secure(t *tls.Conn) { c.tls, c.in, c.out = t, t, t }

func (c *Conn) shake(limit time.Duration, subject func(tls.ConnectionState) string) error {
	_ = c.socket.SetReadDeadline(time.Now().Add(limit))
	if err := c.Err(); err != nil {
		return err
	}
	if err := c.tls.Handshake(); err != nil {
		if timesOut(err) {
			return fmt.Errorf("not completed within %v: %w", limit, err)
		}
		return err
	}
	c.peer.identify(c.tls.ConnectionState(), subject)
	return nil
}

// Peer returns who is at the other end. It does not change.
func (c *Conn) Peer() *Peer { return &c.peer }

// ID returns a number that no other connection of this layer has.
func (c *Conn) ID() uint64 { return c.id }

// Close sends what is queued, for a bounded time, and closes. err is what Handler.Closed is told, nil means ErrClosed. Nothing more is
// taken from now on, nor is anything received; the first reason given stands. The sender of a datagram has nothing that
// could be closed.
func (c *Conn) Close(err error) {
	err = cmp.Or(err, ErrClosed)
	if c.udp != nil {
		c.fail(err) // nothing is queued
		return
	}
	c.stop(err)
	_ = c.socket.SetReadDeadline(time.Unix(1, 0)) // wakes the reader, which sees to the rest
}

// fail resets the connection; what is queued is lost.
func (c *Conn) fail(err error) {
	switch {
	case c.udp == nil:
		c.stop(err)
		c.socket.reset()
	case c.peer.Opened:
		c.stop(err)
		_ = c.udp.Close()
	}
}

// writeFailed ends the connection. Over TLS a server may have said why before it reset the connection, as TLS 1.3 servers do
// that refuse our certificate while a request is on its way: the reader finds that, and then the end.
func (c *Conn) writeFailed(err error) {
	if c.tls == nil || !c.peer.Opened {
		c.fail(err)
		return
	}
	_ = c.socket.SetReadDeadline(time.Now().Add(c.limits.Linger))
}

// alert reports what the peer said as its last word over TLS.
func alert(err error) bool {
	op, ok := errors.AsType[*net.OpError](err)
	return ok && op.Op == "remote error"
}

// stop lets nothing more in, and lets no Dial return this connection.
func (c *Conn) stop(err error) {
	c.mu.Lock()
	first := c.closing == nil
	if first {
		c.closing = err
		close(c.done)
	}
	c.mu.Unlock()
	if first {
		c.layer.forget(c)
	}
}

// Err returns why the connection takes nothing more, nil while it does.
func (c *Conn) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closing
}

func (c *Conn) usable() bool { return c.Err() == nil && (c.udp != nil || c.socket.failure() == nil) }

// rise makes the connection one that is up. It counts among Connections before the Handler hears of it: whoever judges
// those after a change, and the Handler that judges this one, leave no gap between them.
func (c *Conn) rise() {
	c.up.Store(true)
	err := c.layer.guard(c, func() error {
		c.layer.config.Handler.Up(c)
		return nil
	})
	if err != nil {
		c.Close(err)
	}
}

// serve is the connection's goroutine from when it is up.
func (c *Conn) serve() {
	if c.udp != nil {
		c.fail(c.receiveDatagrams())
		c.up.Store(false)
	} else {
		r := reader{c: c}
		err := c.layer.guard(c, r.run)
		r.release()
		c.finish(err)
	}
	_ = c.layer.guard(c, func() error {
		c.layer.config.Handler.Closed(c, c.Err())
		return nil
	})
}

// finish says goodbye in good order where that is possible and closes. What a write met is the better reason than the read
// error that follows from it.
func (c *Conn) finish(err error) {
	if alert(err) {
		c.stop(err)
	}
	c.stop(cmp.Or(c.socket.failure(), err))
	c.fallSilent()
	c.up.Store(false)
	if c.socket.failure() == nil && !broken(err) {
		c.sayGoodbye(err == io.EOF)
	}
	c.undelivered()
	_ = c.socket.Close()
}

// sayGoodbye: a close with unread input resets the connection, and the reset could overtake our last answer. So our direction is
// closed first, and what the peer still sends is read for a moment.
func (c *Conn) sayGoodbye(peerDone bool) {
	c.flushAll()
	if c.tls != nil {
		_ = c.tls.CloseWrite()
	}
	c.socket.flush(c.limits.Write)
	_ = c.socket.CloseWrite()
	if peerDone {
		return
	}
	c.linger()
}

const lingerBytes = 1 << 20

func (c *Conn) linger() {
	_ = c.socket.SetReadDeadline(time.Now().Add(c.limits.Linger))
	_, _ = io.Copy(io.Discard, io.LimitReader(c.socket.Conn, lingerBytes))
}

// broken reports an error of the connection itself, after which nothing can be sent. What crypto/tls reports of its peer is a
// net.OpError too.
func broken(err error) bool {
	op, ok := errors.AsType[*net.OpError](err)
	return ok && !timesOut(err) && (op.Op == "read" || op.Op == "write")
}

// owe counts a request that the Handler will answer, so that a peer which closes its direction still hears the answer.
func (c *Conn) owe(m *sip.Message) {
	if !m.IsRequest() || m.Method() == "ACK" || m.Method() == "BENOTIFY" {
		return
	}
	c.mu.Lock()
	c.owed++
	c.mu.Unlock()
}

// paid takes note of a final response among what is sent. The lock is held.
func (c *Conn) paid(b []byte) {
	const head = "SIP/2.0 "
	if c.owed == 0 || len(b) <= len(head) || string(b[:len(head)]) != head || b[len(head)] < '2' {
		return
	}
	c.owed--
	c.late(b)
	if c.owed == 0 && c.settled != nil {
		close(c.settled)
		c.settled = nil
	}
}

// settle waits until the peer has what it is owed. On a connection of our own there is no point in that: whoever closes a
// connection that it accepted is leaving.
func (c *Conn) settle(limit time.Duration) {
	settled := c.settling()
	if settled == nil {
		return
	}
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-settled:
	case <-c.done:
	case <-timer.C:
	}
}
