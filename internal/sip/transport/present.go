package transport

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
)

// present reports whether an address is one of this machine, as the wildcard always is. Listening sockets do not tell: Linux
// leaves them as they are when their address goes, and they serve again when it comes back.
func present(a netip.Addr) bool {
	c, err := net.ListenUDP(network("udp", a), net.UDPAddrFromAddrPort(netip.AddrPortFrom(a, 0)))
	if err == nil {
		_ = c.Close() // it has sent nothing
	}
	return !errors.Is(err, syscall.EADDRNOTAVAIL)
}

// AddressGone reports whether a listener is open at an address that this machine has no more.
func (l *Layer) AddressGone() bool {
	for _, a := range l.current() {
		if !l.present(a.asked.Addr()) {
			return true
		}
	}
	return false
}

// absent says for people that a listener is open and cannot be reached.
func absent(want Listener) string {
	return fmt.Sprintf("%v is not an address of this machine at present; port %d answers again as soon as the address is back. Bring it back, or correct the node's address.",
		want.Addr.Addr(), want.Addr.Port())
}
