package transport

import (
	"context"
	"io"
	"net"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"isthmus/internal/sip"
)

func option(t *testing.T, c *Conn, level, name int) int {
	t.Helper()
	var value int
	var failed error
	if err := c.socket.raw.Control(func(fd uintptr) { value, failed = unix.GetsockoptInt(int(fd), level, name) }); err != nil || failed != nil {
		t.Fatal(err, failed)
	}
	return value
}

// A next hop that disappears is noticed by nothing else while data is under way.
func TestEverySocketHasItsOptions(t *testing.T) {
	r := newRecorder()
	l := newLayer(t, r, Limits{UserTimeout: 3 * time.Second})
	target := stub(t, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })
	opened, err := l.Dial(context.Background(), Target{Addr: target, Transport: sip.TCP})
	if err != nil {
		t.Fatal(err)
	}
	connect(t, listenTCP(t, l))
	until(t, "accepted", func() bool { return len(l.Connections()) == 2 })
	for _, c := range l.Connections() {
		if got := option(t, c, unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT); got != 3000 {
			t.Errorf("opened %v: TCP_USER_TIMEOUT is %d ms, want 3000", c == opened, got)
		}
		if got := option(t, c, unix.SOL_SOCKET, unix.SO_SNDBUF); got != 2*64<<10 { // the kernel doubles it
			t.Errorf("opened %v: SO_SNDBUF is %d, want %d", c == opened, got, 2*64<<10)
		}
		if got := option(t, c, unix.SOL_SOCKET, unix.SO_KEEPALIVE); got != 1 {
			t.Errorf("opened %v: no keep-alive", c == opened)
		}
	}
}

func TestTheWildcardOfIPv4IsNotThatOfIPv6(t *testing.T) {
	l := newLayer(t, newRecorder(), Limits{})
	any := netip.AddrPortFrom(netip.IPv4Unspecified(), freePort(t).Port())
	if got := fitOne(t, l, Listener{Name: "any", Transport: sip.TCP, Addr: any}); got != any {
		t.Errorf("asked for %v, it listens on %v", any, got)
	}
}
