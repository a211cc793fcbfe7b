package siptest

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync/atomic"
)

// post is a UDP socket to which anybody may send. What is written goes to whoever sent last.
type post struct {
	*net.UDPConn
	last atomic.Pointer[netip.AddrPort]
}

// Read implements net.Conn.
func (p *post) Read(b []byte) (int, error) {
	n, from, err := p.ReadFromUDPAddrPort(b)
	if err == nil {
		p.last.Store(&from)
	}
	return n, err
}

// Write implements net.Conn.
func (p *post) Write(b []byte) (int, error) {
	to := p.last.Load()
	if to == nil {
		return 0, errors.New("nobody has sent anything yet that could be answered")
	}
	return p.WriteToUDPAddrPort(b, *to)
}

// ListenUDP opens a UDP socket on an address, "127.0.0.21:5060", and answers there whoever sent last.
func ListenUDP(address string) (*Conn, error) {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return nil, err
	}
	udp, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(at))
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", address, err)
	}
	return NewConn(&post{UDPConn: udp}, Timeout), nil
}

// ServeUDP is ListenUDP in a test, which closes it.
func ServeUDP(t T, address string) *Peer {
	t.Helper()
	c, err := ListenUDP(address)
	if err != nil {
		t.Fatalf("%v", err)
	}
	return newPeer(t, c)
}
