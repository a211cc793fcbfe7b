package transport

import (
	"context"
	"net"
	"net/netip"
	"syscall"
	"time"

	"isthmus/internal/sip"
)

// A door is the open socket of a listener.
type door interface {
	// next waits for a connection or a datagram and starts on it.
	next(*listening) error
	// SetDeadline is that of next.
	SetDeadline(time.Time) error
	Addr() net.Addr
	SyscallConn() (syscall.RawConn, error)
	Close() error
}

func (l *Layer) openDoor(want Listener) (door, error) {
	if d := l.inherit(want); d != nil {
		return d, nil
	}
	if want.Transport == sip.UDP {
		return openUDP(want.Addr)
	}
	return openTCP(want.Addr)
}

// tcpDoor accepts connections.
type tcpDoor struct{ *net.TCPListener }

func openTCP(addr netip.AddrPort) (door, error) {
	config := net.ListenConfig{KeepAlive: -1}
	config.SetMultipathTCP(false) // its sockets lack options that are relied on here
	ln, err := config.Listen(context.Background(), network("tcp", addr.Addr()), addr.String())
	if err != nil {
		return nil, err
	}
	return tcpDoor{ln.(*net.TCPListener)}, nil
}

// network keeps 0.0.0.0 from meaning IPv6 too.
func network(name string, a netip.Addr) string {
	if a.Is4() {
		return name + "4"
	}
	return name
}

func (d tcpDoor) next(a *listening) error {
	tcp, err := d.AcceptTCP()
	if err != nil {
		return err
	}
	if !takes(tcp) {
		a.layer.scarce.Store(true)
	}
	a.admit(tcp)
	return nil
}

// udpDoor takes datagrams. Each is handled before the next is read, and nothing is kept of who sent it, so that forged
// addresses fill nothing.
type udpDoor struct {
	*datagrams
	buffer
}

func openUDP(addr netip.AddrPort) (door, error) {
	config := net.ListenConfig{}
	pc, err := config.ListenPacket(context.Background(), network("udp", addr.Addr()), addr.String())
	if err != nil {
		return nil, err
	}
	return newUDPDoor(pc)
}

func newUDPDoor(pc net.PacketConn) (door, error) {
	udp, err := newDatagrams(pc.(*net.UDPConn))
	if err != nil {
		pc.Close()
		return nil, err
	}
	return &udpDoor{datagrams: udp, buffer: buffer{bytes: make([]byte, bufferSize)}}, nil
}

// Addr is the socket's own, as a net.Listener has it.
func (d *udpDoor) Addr() net.Addr { return d.LocalAddr() }

func (d *udpDoor) next(a *listening) error {
	n, from, err := d.ReadFromUDPAddrPort(d.bytes)
	if err != nil {
		return err
	}
	from = netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
	if !a.layer.welcomes(from.Addr(), sip.UDP) {
		return nil
	}
	settings := a.settings.Load()
	c := a.layer.datagramConn(d.datagrams, Peer{
		Remote: from, Local: a.addr(), Transport: sip.UDP, Listener: settings.Name, ListenerPort: int(a.addr().Port()),
	})
	c.receiveDatagram(&d.message, d.bytes[:n])
	return nil
}
