package transport

import (
	"errors"
	"net"
	"net/netip"
	"syscall"
	"time"

	"isthmus/internal/sip"
)

// datagrams is a UDP socket: a listener's, or one that is connected to a hop.
type datagrams struct {
	*net.UDPConn
	raw syscall.RawConn
	ip4 bool // the family of the socket, in which the kernel wants its addresses
}

// receiveBuffer is the kernel's queue of datagrams that nobody has read yet; the system may grant less.
const receiveBuffer = 1 << 20

func newDatagrams(udp *net.UDPConn) (*datagrams, error) {
	raw, err := udp.SyscallConn()
	if err != nil {
		return nil, err
	}
	_ = udp.SetReadBuffer(receiveBuffer)
	return &datagrams{UDPConn: udp, raw: raw, ip4: addrPort(udp.LocalAddr()).Addr().Is4()}, nil
}

// send writes one datagram, to the invalid address for where the socket is connected to. It never waits: what the kernel
// has no room for is lost, as datagrams may be, since one unreachable peer must not hold up those who share the socket.
func (d *datagrams) send(b []byte, to netip.AddrPort) (err error) {
	closed := d.raw.Write(func(fd uintptr) bool {
		err = d.try(int(fd), b, to)
		return true
	})
	switch {
	case closed != nil:
		return closed
	case err == syscall.EAGAIN, err == syscall.ENOBUFS:
		return nil
	}
	return err
}

func (d *datagrams) try(fd int, b []byte, to netip.AddrPort) error {
	switch {
	case !to.IsValid():
		_, err := syscall.Write(fd, b)
		return err
	case d.ip4:
		return syscall.Sendto(fd, b, 0, &syscall.SockaddrInet4{Port: int(to.Port()), Addr: to.Addr().As4()})
	}
	return syscall.Sendto(fd, b, 0, &syscall.SockaddrInet6{Port: int(to.Port()), Addr: to.Addr().As16()})
}

// SetDeadline sets that of reads, as writes have none.
func (d *datagrams) SetDeadline(t time.Time) error { return d.SetReadDeadline(t) }

// sendDatagram sends one message. An error means that it was not sent; on a socket of this node's own it closes that too, unless
// the message alone was at fault.
func (c *Conn) sendDatagram(b []byte) error {
	if err := c.Err(); err != nil {
		return err
	}
	err := c.udp.send(b, c.to)
	switch {
	case err == nil:
		return nil
	case !c.peer.Opened && errors.Is(err, net.ErrClosed):
		return c.layer.sendOnce(b, c.to)
	case err == syscall.EMSGSIZE:
		return ErrTooLong
	case !c.peer.Opened:
		return err
	}
	c.fail(lossOf(err))
	return c.Err()
}

// sendOnce answers a request whose listener has gone since. The port is no longer this node's, the transaction still is.
func (l *Layer) sendOnce(b []byte, to netip.AddrPort) error {
	conn, err := l.dialer(Target{Addr: to, Transport: sip.UDP}).Dial("udp", to.String())
	if err != nil {
		return err
	}
	defer conn.Close()
	_, err = conn.Write(b)
	return err
}

// lossOf says what an error of a connected socket means: that the hop's port is closed comes back as an ICMP message.
func lossOf(err error) error {
	if errors.Is(err, syscall.ECONNREFUSED) {
		return ErrRefused
	}
	return err
}

// receiveDatagrams is the goroutine of a socket that is connected to a hop.
func (c *Conn) receiveDatagrams() error {
	b := readBuffers.Get().(*buffer)
	defer readBuffers.Put(b)
	for {
		n, err := c.udp.Read(b.bytes)
		switch {
		case c.Err() != nil:
			return c.Err()
		case err == nil:
			c.receiveDatagram(&b.message, b.bytes[:n])
		case !errors.Is(err, syscall.EMSGSIZE): // which is news of the path: from now on the kernel cuts what it sends
			return lossOf(err)
		}
	}
}

// receiveDatagram hands over what should be one message. A fault in that costs this datagram alone. There is no framing
// to lose, and empty lines keep a NAT's binding alive and want no answer.
func (c *Conn) receiveDatagram(m *sip.Message, b []byte) {
	if blank(b) {
		return
	}
	_ = c.layer.guard(c, func() error {
		refused, ok := m.Parse(b).(*sip.Error)
		if !c.peer.Opened {
			c.to = answerTo(c.peer.Remote, m)
		}
		if ok {
			c.layer.config.Handler.Malformed(c, m, refused)
		} else {
			c.layer.config.Handler.Receive(c, m)
		}
		return nil
	})
}

func blank(b []byte) bool {
	for _, ch := range b {
		if ch != '\r' && ch != '\n' {
			return false
		}
	}
	return true
}

// answerTo is where the responses to a request go: the address that it came from, never one that its headers name; the
// port that it came from when it asks for that (RFC 3581 section 4), else its sent-by port (RFC 3261 section 18.2.2).
func answerTo(from netip.AddrPort, m *sip.Message) netip.AddrPort {
	if !m.IsRequest() || m.ViaCount() == 0 {
		return from
	}
	via := m.Via(0)
	switch {
	case via.RPort:
		return from
	case via.Port == 0:
		return netip.AddrPortFrom(from.Addr(), uint16(sip.UDP.DefaultPort()))
	}
	return netip.AddrPortFrom(from.Addr(), uint16(via.Port))
}

// openDatagrams opens a socket to a hop. Being connected, it hears that the hop's port is closed, and nothing of anybody else.
func (l *Layer) openDatagrams(t Target) (*Conn, error) {
	opened, err := l.dialer(t).Dial("udp", t.Addr.String())
	if err != nil {
		return nil, &DialError{Target: t, Kind: kindOf(err), Cause: err}
	}
	udp, err := newDatagrams(opened.(*net.UDPConn))
	if err != nil {
		opened.Close()
		return nil, &DialError{Target: t, Kind: ErrUnreachable, Cause: err}
	}
	c := l.datagramConn(udp, Peer{
		Remote: addrPort(udp.RemoteAddr()), Local: addrPort(udp.LocalAddr()), Transport: t.Transport, Opened: true, Target: t,
	})
	c.done = make(chan struct{})
	if !l.add(c) {
		opened.Close()
		return nil, ErrClosed
	}
	return c, nil
}

func (l *Layer) datagramConn(udp *datagrams, peer Peer) *Conn {
	return &Conn{layer: l, limits: &l.limits, id: l.lastID.Add(1), peer: peer, udp: udp}
}
