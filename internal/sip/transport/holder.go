package transport

import (
	"cmp"
	"fmt"
	"net/netip"
	"time"

	"isthmus/internal/sip"
)

// A holding is what the system tells of the socket that is in the way of a listener.
type holding struct {
	found      bool
	own        bool   // it is this process's
	program    string // that has it; "": this process may not see which
	pid        int
	user       string // who runs it, by name where there is one; "": not told
	connection bool   // it is a connection's own end, which ends by itself
}

const (
	holderAgain = 10 * time.Second       // between two looks for the holder of one port: each reads through all processes
	holderLimit = 200 * time.Millisecond // of one look, as a change waits for it
)

// A sighting is when the holder of an address was looked for, and what was found.
type sighting struct {
	at time.Time
	holding
}

// A seat is what only one socket can have.
type seat struct {
	addr netip.AddrPort
	udp  bool
}

func seatOf(want Listener) seat { return seat{want.Addr, want.Transport == sip.UDP} }

// holderOf looks for who has a listener's address, but not again before a while. The caller holds fitting.
func (l *Layer) holderOf(want Listener, before map[seat]sighting) sighting {
	s, known := before[seatOf(want)]
	if !known || time.Since(s.at) >= holderAgain {
		s = sighting{time.Now(), s.confirmed(holder(seatOf(want), time.Now().Add(holderLimit)))}
	}
	return s
}

// confirmed is what a later look says of the same socket. One that had no time to come to its process takes nothing back.
func (h holding) confirmed(later holding) holding {
	if h.program != "" && later.found && later.program == "" {
		return h
	}
	return later
}

// Holder says for people who has a TCP address that does not open, to stand after "in use by". It takes some seconds at
// most: whoever asks has nothing else to do.
func Holder(addr netip.AddrPort) string {
	return holder(seat{addr: addr}, time.Now().Add(3*time.Second)).String()
}

// String names the holder as far as the system tells.
func (h holding) String() string {
	whose := fmt.Sprintf("process %d, user %s", h.pid, cmp.Or(h.user, "not known"))
	switch {
	case h.own && !h.connection:
		return "this node itself"
	case h.program != "" && h.connection:
		return fmt.Sprintf("a connection of %s (%s)", h.program, whose)
	case h.program != "":
		return fmt.Sprintf("%s (%s)", h.program, whose)
	case h.user != "":
		return fmt.Sprintf("a program of the user %s, which this node may not look at", h.user)
	}
	return "another program, which ss -lntup names to root"
}

// taken says for people who has the port of a listener. by names the listener of this layer that has it, if one has.
func taken(want Listener, h holding, by string) string {
	port, addr := want.Addr.Port(), want.Addr.Addr()
	switch {
	case by != "":
		return fmt.Sprintf("Port %d is in use by this node's listener %s, which cannot leave it yet; choose another port, or see to that one first.", port, by)
	case h.own && !h.connection:
		return fmt.Sprintf("Port %d is in use on %v by %v, as its console's; choose another port here, or for the console (--http, --https).", port, addr, h)
	case h.program != "" && h.connection:
		return fmt.Sprintf("Port %d is in use on %v by %v; it opens when that ends, or choose another port.", port, addr, h)
	case h.program != "" || h.user != "":
		return fmt.Sprintf("Port %d is in use on %v by %v; stop that program or choose another port.", port, addr, h)
	}
	return fmt.Sprintf("Port %d is in use by another program on %v, which ss -lntup names to root; stop that program or choose another port.", port, addr)
}

// collides reports whether a socket is in the way of an address: it has it, or one of the two is the wildcard.
func collides(held, want netip.AddrPort) bool {
	if held.Port() != want.Port() {
		return false
	}
	h, w := held.Addr().Unmap(), want.Addr().Unmap().WithZone("")
	switch {
	case h == w:
		return true
	case h.IsUnspecified():
		return h.Is6() || w.Is4()
	}
	return w.IsUnspecified() && (w.Is6() || h.Is4())
}
