package siptest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"time"

	"isthmus/internal/sip"
)

// Options say how to connect.
type Options struct {
	Local   string        // source address, "127.0.0.21"; "": the system's choice
	TLS     *tls.Config   // nil: plain TCP
	UDP     bool          // datagrams instead
	Timeout time.Duration // for connecting and for each wait; 0: Timeout
}

func (o Options) timeout() time.Duration {
	if o.Timeout > 0 {
		return o.Timeout
	}
	return Timeout
}

// Conn is one signalling connection. One goroutine may receive while others send.
type Conn struct {
	net     net.Conn
	timeout time.Duration
	framer  sip.Framer
	buf     []byte // read and not yet taken
}

// Dial connects to host:port, with the TLS handshake done. In TLS 1.3 a refusal of our certificate comes only after
// that: the first Receive returns it.
func Dial(remote string, o Options) (*Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), o.timeout())
	defer cancel()
	c, err := o.dial(ctx, remote)
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", remote, err)
	}
	if o.TLS == nil {
		return NewConn(c, o.timeout()), nil
	}
	secure := tls.Client(c, o.TLS)
	if err := secure.HandshakeContext(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("TLS handshake with %s: %w", remote, err), c.Close())
	}
	return NewConn(secure, o.timeout()), nil
}

func (o Options) dial(ctx context.Context, remote string) (net.Conn, error) {
	network, dialer := "tcp", net.Dialer{}
	if o.UDP {
		network = "udp"
	}
	switch {
	case o.Local == "":
	case o.UDP:
		dialer.LocalAddr = &net.UDPAddr{IP: net.ParseIP(o.Local)}
	default:
		dialer.LocalAddr = &net.TCPAddr{IP: net.ParseIP(o.Local)}
	}
	return dialer.DialContext(ctx, network, remote)
}

// NewConn speaks over a connection that is open already.
func NewConn(c net.Conn, timeout time.Duration) *Conn {
	return &Conn{net: c, timeout: timeout}
}

// Close closes the connection.
func (c *Conn) Close() error { return c.net.Close() }

// Reset cuts the connection off: the other side hears no end of the stream, but a reset.
func (c *Conn) Reset() error {
	tcp := c.net
	if secure, ok := tcp.(*tls.Conn); ok {
		tcp = secure.NetConn()
	}
	return errors.Join(tcp.(*net.TCPConn).SetLinger(0), tcp.Close())
}

// LocalAddr returns this side's address and port.
func (c *Conn) LocalAddr() net.Addr { return c.net.LocalAddr() }

// RemoteAddr returns the other side's address and port.
func (c *Conn) RemoteAddr() net.Addr { return c.net.RemoteAddr() }

// Transport tells TLS, TCP and UDP from each other.
func (c *Conn) Transport() sip.Transport {
	switch c.net.(type) {
	case *tls.Conn:
		return sip.TLS
	case *net.UDPConn, *post:
		return sip.UDP
	}
	return sip.TCP
}

// Certificate returns the certificate that the other side showed in the handshake, nil for none.
func (c *Conn) Certificate() *x509.Certificate {
	secure, ok := c.net.(*tls.Conn)
	if !ok || len(secure.ConnectionState().PeerCertificates) == 0 {
		return nil
	}
	return secure.ConnectionState().PeerCertificates[0]
}

// handshake does what the first read would do, TLS only.
func (c *Conn) handshake() error {
	secure, ok := c.net.(*tls.Conn)
	if !ok {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), c.timeout)
	defer cancel()
	return secure.HandshakeContext(ctx)
}

// Write sends bytes as they are.
func (c *Conn) Write(raw string) error {
	if err := c.net.SetWriteDeadline(time.Now().Add(c.timeout)); err != nil {
		return err
	}
	_, err := io.WriteString(c.net, raw)
	return err
}

// Send sends a request; where it names no sent-by, its Via names this connection.
func (c *Conn) Send(r Request) error {
	if r.SentBy == "" {
		r.SentBy, r.Transport = c.LocalAddr().String(), c.Transport()
	}
	return c.Write(r.String())
}

// Answer sends a response to a received request, as Response builds it.
func (c *Conn) Answer(request *sip.Message, status int, lines ...string) error {
	return c.Write(Response(request, status, lines...))
}

// Receive returns the next message, within the connection's timeout. The message is the caller's own.
func (c *Conn) Receive() (*sip.Message, error) { return c.ReceiveWithin(c.timeout) }

// ReceiveWithin returns the next message, or an error that is os.ErrDeadlineExceeded when none came in time.
func (c *Conn) ReceiveWithin(d time.Duration) (*sip.Message, error) {
	deadline := time.Now().Add(d)
	for {
		if m, err := c.next(); m != nil || err != nil {
			return m, err
		}
		if err := c.read(deadline); err != nil {
			return nil, err
		}
	}
}

// next takes a whole message from what was read.
func (c *Conn) next() (*sip.Message, error) {
	skip, length, lost := c.framer.Next(c.buf)
	if lost != nil {
		return nil, fmt.Errorf("what was received cannot be framed: %w: %q", lost, c.buf)
	}
	raw := c.buf[skip : skip+length]
	c.buf = c.buf[skip+length:]
	if length == 0 {
		return nil, nil
	}
	m := new(sip.Message)
	if err := m.Parse(append([]byte(nil), raw...)); err != nil {
		return nil, fmt.Errorf("what was received is malformed: %w: %q", err, raw)
	}
	return m, nil
}

func (c *Conn) read(deadline time.Time) error {
	if err := c.net.SetReadDeadline(deadline); err != nil {
		return err
	}
	chunk := make([]byte, c.chunk())
	n, err := c.net.Read(chunk)
	c.buf = append(c.buf, chunk[:n]...)
	if n > 0 {
		return nil
	}
	return err
}

// chunk is how much to read at once. What of a datagram is not read is lost.
func (c *Conn) chunk() int {
	if c.Transport() == sip.UDP {
		return 64 << 10
	}
	return 4 << 10
}

// ReadRaw returns bytes as they come, what was read but not yet taken first: for keep-alives and broken input.
func (c *Conn) ReadRaw(d time.Duration) (string, error) {
	if len(c.buf) == 0 {
		if err := c.read(time.Now().Add(d)); err != nil {
			return "", err
		}
	}
	raw := string(c.buf)
	c.buf = nil
	return raw, nil
}

// WaitClosed waits until the other side closes, by FIN, reset or a TLS alert, and returns nil then. A message that comes
// instead is an error.
func (c *Conn) WaitClosed() error {
	m, err := c.Receive()
	switch {
	case m != nil:
		return fmt.Errorf("instead of closing, the other side sent %q", m.Bytes())
	case Closed(err):
		return nil
	}
	return fmt.Errorf("the other side did not close: %w", err)
}

// Closed tells the errors of a connection that the other side ended from those of a quiet or broken one.
func Closed(err error) bool {
	var operation *net.OpError
	alert := errors.As(err, &operation) && operation.Op == "remote error"
	return alert || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) ||
		errors.Is(err, syscall.EPIPE)
}

// Quiet reports that an error means: nothing came in time.
func Quiet(err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) }
