package transport

import (
	"fmt"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"

	"isthmus/internal/sip"
	"isthmus/internal/siptest"
)

func TestOnlyAnAddressOfThisMachineIsPresent(t *testing.T) {
	for address, want := range map[string]bool{"127.0.0.1": true, "192.0.2.1": false, "2001:db8::1": false} {
		if got := present(netip.MustParseAddr(address)); got != want {
			t.Errorf("%s: %t", address, got)
		}
	}
}

// Without a descriptor nothing can be asked, and an address is not called gone for that.
func TestAnAddressIsNotGoneForWantOfADescriptor(t *testing.T) {
	restore := siptest.LimitDescriptors(t, 0)
	defer restore()
	if !present(loopback.Addr()) {
		t.Error("127.0.0.1 is gone")
	}
}

func TestAListenerWhoseAddressIsGoneSaysSoUntilItIsBack(t *testing.T) {
	l := newLayer(t, newRecorder(), Limits{})
	var gone atomic.Bool
	l.present = func(a netip.Addr) bool { return a != loopback.Addr() || !gone.Load() }
	ports := freePorts(t, 2)
	want := []Listener{
		{Name: "tcp", Transport: sip.TCP, Addr: ports[0]},
		{Name: "any", Transport: sip.TCP, Addr: netip.AddrPortFrom(netip.IPv4Unspecified(), ports[1].Port())},
	}
	l.Fit(want)
	socket := l.current()[0]
	for _, away := range []bool{false, true, false} {
		gone.Store(away)
		if l.AddressGone() != away {
			t.Errorf("away: %t, and it says %t", away, !away)
		}
		states := l.Fit(want)
		said := strings.HasPrefix(states[0].Error, "127.0.0.1 is not an address of this machine at present;") && strings.Contains(states[0].Error, fmt.Sprintf("port %d answers again", ports[0].Port()))
		if s := states[0]; s.Open == away || said != away || s.Addr != ports[0] {
			t.Errorf("away: %t, and it says %+v", away, s)
		}
		if s := states[1]; !s.Open || s.Error != "" {
			t.Errorf("the wildcard is no address that could go: %+v", s)
		}
		if l.current()[0] != socket {
			t.Error("the socket was given up")
		}
	}
	connect(t, ports[0])
}
