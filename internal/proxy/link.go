package proxy

import (
	"context"
	"net/netip"

	"isthmus/internal/sip"
	"isthmus/internal/sip/transport"
)

// A Link is one connection as the proxy uses it.
type Link interface {
	Peer() *transport.Peer
	ID() uint64
	Err() error // why nothing more is taken, nil while the link is open
	// Send copies b and writes it. An error means that b was not sent and, but for a message too long for UDP, that the
	// connection is closed.
	Send(b []byte) error
	// Queue is Send while a message of another link is handled: b may go out at the end of that, with what follows.
	Queue(during Link, b []byte) error
	Wait(f func())   // calls f, which waits, while a message of this link is handled
	Close(err error) // after what was sent before went out
	// Retire takes nothing more of the peer, whose requests are answered 503, and closes when those under way are answered, or
	// after a moment.
	Retire(err error)
}

// A Network opens connections and knows the open ones.
type Network interface {
	Dial(ctx context.Context, t transport.Target) (Link, error)
	Links() []Link
}

// conn is a Link of the transport layer.
type conn struct{ *transport.Conn }

func (c conn) Queue(during Link, b []byte) error {
	if d, ok := during.(conn); ok {
		return c.Conn.Queue(d.Conn, b)
	}
	return c.Conn.Send(b)
}

// layer is the Network of the transport layer.
type layer struct{ *transport.Layer }

// Over is the network of a transport layer.
func Over(l *transport.Layer) Network { return layer{l} }

func (l layer) Dial(ctx context.Context, t transport.Target) (Link, error) {
	c, err := l.Layer.Dial(ctx, t)
	if err != nil {
		return nil, err
	}
	return conn{c}, nil
}

func (l layer) Links() []Link {
	var links []Link
	for _, c := range l.Connections() {
		links = append(links, conn{c})
	}
	return links
}

// Handler is what the transport layer calls: transport.Config{Handler: p.Handler(), ...}.
func (p *Proxy) Handler() transport.Handler { return handler{p} }

type handler struct{ *Proxy }

func (h handler) Accept(remote netip.Addr, t sip.Transport) bool { return h.accept(remote, t) }

func (h handler) Known(peer *transport.Peer) bool { return h.known(peer) }

func (h handler) Undelivered(c *transport.Conn, b []byte) { h.giveBack(conn{c}, b) }

func (h handler) Up(c *transport.Conn) { h.up(conn{c}) }

func (h handler) Receive(c *transport.Conn, m *sip.Message) { h.receive(conn{c}, m) }

func (h handler) Late(c *transport.Conn, m *sip.Message) { h.late(conn{c}, m) }

func (h handler) Malformed(c *transport.Conn, m *sip.Message, err *sip.Error) {
	h.malformed(conn{c}, m, err)
}

func (h handler) Closed(c *transport.Conn, err error) { h.closed(conn{c}, err) }

func (h handler) HandshakeFailed(peer *transport.Peer, err error) { h.handshakeFailed(peer, err) }
