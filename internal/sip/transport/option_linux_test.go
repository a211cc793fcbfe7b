package transport

import (
	"context"
	"io"
	"net"
	"net/netip"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"isthmus/internal/sip"
)

func option(t *testing.T, c *Conn, level, name int) int {
	t.Helper()
	var value int
	var failed error
	if err := c.socket.Raw().Control(func(fd uintptr) { value, failed = unix.GetsockoptInt(int(fd), level, name) }); err != nil || failed != nil {
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

// blackHole has the kernel drop every packet that arrives for a socket.
func blackHole(t *testing.T, socket syscall.Conn) {
	t.Helper()
	raw, err := socket.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	drop := unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K}
	attach := func(fd uintptr) {
		err = unix.SetsockoptSockFprog(int(fd), unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: 1, Filter: &drop})
	}
	if failed := raw.Control(attach); failed != nil || err != nil {
		t.Fatal(failed, err)
	}
}

func TestAnAnswerThatNobodyAcknowledgesIsHandedBack(t *testing.T) {
	r := newRecorder()
	pending := make(chan []byte, 1)
	r.receive = func(c *Conn, m *sip.Message) { pending <- answer(m, 200) }
	l := newLayer(t, r, Limits{})
	c, p := accepted(t, l, r)
	p.write(t, message("MESSAGE", "a", 0))
	late := next(t, pending)
	tcp := p.Conn.(*net.TCPConn)
	if err := tcp.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	until(t, "the end of its requests was seen", func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.settled != nil
	})
	blackHole(t, tcp)
	if err := c.Send(late); err != nil {
		t.Fatal(err)
	}
	if got := next(t, r.returned); got != string(late) {
		t.Errorf("handed back %q", got)
	}
}

func TestAPathThatEndsIsNoticedWithinTheUserTimeout(t *testing.T) {
	r := newRecorder()
	l := newLayer(t, r, Limits{UserTimeout: 300 * time.Millisecond})
	c, p := accepted(t, l, r)
	blackHole(t, p.Conn.(*net.TCPConn))
	began := time.Now()
	if err := c.Send([]byte("SIP/2.0 100 Trying\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	next(t, r.closed)
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("closed after %v", took)
	}
}
