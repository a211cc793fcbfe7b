package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"isthmus/internal/sip"
)

func TestWhyAConnectionCouldNotBeOpened(t *testing.T) {
	ca, stranger := newAuthority(t), newAuthority(t)
	shake := func(config *tls.Config) func(net.Conn) {
		return func(c net.Conn) { _ = tls.Server(c, config).Handshake() }
	}
	silent := stub(t, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })
	plain := stub(t, func(c net.Conn) { _, _ = io.WriteString(c, "SIP/2.0 400 Bad Request\r\n\r\n") })
	old := ca.server(t, "hop", 0)
	old.MaxVersion = tls.VersionTLS11
	old.MinVersion = tls.VersionTLS10
	for _, c := range []struct {
		promise string
		target  Target
		want    error
		says    string
	}{
		{"closed port", Target{Addr: freePort(t), Transport: sip.TCP}, ErrRefused, "connection refused"},
		{"black hole", Target{Addr: fullQueue(t), Transport: sip.TCP}, ErrTimeout, "connect timed out"},
		{"accepts and says nothing", Target{Addr: silent, Transport: sip.TLS, TLS: ca.client("hop")}, ErrHandshake, "not completed within 300ms"},
		{"no TLS there", Target{Addr: plain, Transport: sip.TLS, TLS: ca.client("hop")}, ErrHandshake, "does not look like a TLS handshake"},
		{"unknown CA", Target{Addr: stub(t, shake(stranger.server(t, "hop", 0))), Transport: sip.TLS, TLS: ca.client("hop")}, ErrHandshake, "unknown authority"},
		{"another name", Target{Addr: stub(t, shake(ca.server(t, "other", 0))), Transport: sip.TLS, TLS: ca.client("hop")}, ErrHandshake, "valid for other"},
		{"no common version", Target{Addr: stub(t, shake(old)), Transport: sip.TLS, TLS: ca.client("hop")}, ErrHandshake, "protocol version"},
		{"no certificates", Target{Addr: silent, Transport: sip.TLS}, ErrUnreachable, "no TLS configuration"},
	} {
		t.Run(c.promise, func(t *testing.T) {
			r := newRecorder()
			l := newLayer(t, r, Limits{Connect: 100 * time.Millisecond, HandshakeOut: 300 * time.Millisecond})
			_, err := l.Dial(context.Background(), c.target)
			failed, ok := errors.AsType[*DialError](err)
			if !ok || !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) || failed.Target.Addr != c.target.Addr {
				t.Errorf("got %v, want %v with %q", err, c.want, c.says)
			}
			for _, kind := range []error{ErrRefused, ErrTimeout, ErrHandshake, ErrUnreachable} {
				if kind != c.want && errors.Is(err, kind) {
					t.Errorf("%v is %v too", err, kind)
				}
			}
			if len(l.pool) != 0 || len(l.all()) != 0 {
				t.Error("something was left behind")
			}
			if len(r.closed)+len(r.shakes) != 0 {
				t.Error("the handler was told of a connection that never was")
			}
		})
	}
}

// In TLS 1.2 a server refuses our certificate within the handshake, when it has shown its own long since.
func TestAFailedHandshakeTellsWhatThePeerShowedBefore(t *testing.T) {
	ca, stranger := newAuthority(t), newAuthority(t)
	server := ca.server(t, "hop", tls.RequireAndVerifyClientCert)
	server.MaxVersion = tls.VersionTLS12
	target := stub(t, func(c net.Conn) { _ = tls.Server(c, server).Handshake() })
	l := newLayer(t, newRecorder(), Limits{})
	_, err := l.Dial(context.Background(), Target{Addr: target, Transport: sip.TLS, Name: "hop", TLS: ca.client("hop", stranger.issue(t, "node"))})
	failed, ok := errors.AsType[*DialError](err)
	if !ok || len(failed.Shown) != 1 || failed.Shown[0].Subject.CommonName != "hop" {
		t.Errorf("of %v is told %+v", err, failed)
	}
}

// fullQueue is a listener that never accepts and whose queue is full, so that further SYNs stay unanswered.
func fullQueue(t *testing.T) netip.AddrPort {
	t.Helper()
	addr, err := listenWithoutQueue(t)
	if err != nil {
		t.Fatal(err)
	}
	for {
		c, err := net.DialTimeout("tcp", addr.String(), 100*time.Millisecond)
		if err != nil {
			return addr
		}
		t.Cleanup(func() { c.Close() })
	}
}

func TestConcurrentDialsShareOneConnect(t *testing.T) {
	var connects atomic.Int32
	target := stub(t, func(c net.Conn) {
		connects.Add(1)
		_, _ = io.Copy(io.Discard, c)
	})
	r := newRecorder()
	l := newLayer(t, r, Limits{})
	var group sync.WaitGroup
	conns := make([]*Conn, 50)
	for i := range conns {
		group.Go(func() {
			conns[i], _ = l.Dial(context.Background(), Target{Addr: target, Transport: sip.TCP, Name: "hop"})
		})
	}
	group.Wait()
	for i, c := range conns {
		if c == nil || c != conns[0] {
			t.Fatalf("dial %d got %v, want %v", i, c, conns[0])
		}
	}
	until(t, "accepted", func() bool { return connects.Load() > 0 })
	if n := connects.Load(); n != 1 {
		t.Errorf("%d connects for one target", n)
	}
}

func TestConcurrentDialsShareOneFailure(t *testing.T) {
	r := newRecorder()
	l := newLayer(t, r, Limits{Connect: 200 * time.Millisecond})
	target := Target{Addr: fullQueue(t), Transport: sip.TCP}
	errs := make(chan error, 10)
	begin := time.Now()
	for range 10 {
		go func() {
			_, err := l.Dial(context.Background(), target)
			errs <- err
		}()
	}
	first := next(t, errs)
	for range 9 {
		if err := next(t, errs); err != first {
			t.Errorf("another failure: %v", err)
		}
	}
	if took := time.Since(begin); took > time.Second {
		t.Errorf("ten waiters took %v", took)
	}
}

func TestTheIdentityIsPartOfThePool(t *testing.T) {
	target := stub(t, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })
	r := newRecorder()
	l := newLayer(t, r, Limits{})
	seen := map[*Conn]bool{}
	for _, want := range []Target{
		{Addr: target, Transport: sip.TCP, Name: "a"}, {Addr: target, Transport: sip.TCP, Name: "b"}, {Addr: target, Transport: sip.TCP, Name: "a", TLSKey: "2"},
	} {
		for range 2 {
			c, err := l.Dial(context.Background(), want)
			if err != nil {
				t.Fatal(err)
			}
			seen[c] = true
			if p := c.Peer(); !p.Opened || p.Target.Name != want.Name || p.Remote != target || p.Listener != "" {
				t.Errorf("peer is %+v", p)
			}
		}
	}
	if len(seen) != 3 {
		t.Errorf("%d connections, want one for each identity", len(seen))
	}
}

func TestAClosedConnectionIsOpenedAnew(t *testing.T) {
	r := newRecorder()
	l := newLayer(t, r, Limits{})
	leave := make(chan struct{})
	target := Target{Transport: sip.TCP, Addr: stub(t, func(c net.Conn) { <-leave })}
	first, err := l.Dial(context.Background(), target)
	if err != nil {
		t.Fatal(err)
	}
	leave <- struct{}{}
	if got := next(t, r.closed); got.conn != first || got.err != io.EOF {
		t.Errorf("closed for %v, want io.EOF", got.err)
	}
	second, err := l.Dial(context.Background(), target)
	if err != nil || second == first {
		t.Errorf("got %v, %v, want a new connection", second, err)
	}
	close(leave)
	next(t, r.closed)
}

func TestACallerWaitsNoLongerThanItWants(t *testing.T) {
	r := newRecorder()
	l := newLayer(t, r, Limits{Connect: 300 * time.Millisecond})
	target := Target{Addr: fullQueue(t), Transport: sip.TCP}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if _, err := l.Dial(ctx, target); !errors.Is(err, ErrTimeout) {
		t.Errorf("got %v, want ErrTimeout", err)
	}
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := l.Dial(cancelled, target); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
}

func TestConnectionsAreOpenedFromTheNodesAddress(t *testing.T) {
	target := stub(t, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })
	own := netip.MustParseAddr("127.0.0.7")
	r := newRecorder()
	l := New(Config{Handler: r, Local: func() netip.Addr { return own }})
	c, err := l.Dial(context.Background(), Target{Addr: target, Transport: sip.TCP})
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Peer().Local.Addr(); got != own {
		t.Errorf("opened from %v, want %v", got, own)
	}
	if err := l.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
}

func TestRequestsAreTakenOnAConnectionOfOurs(t *testing.T) {
	answered := make(chan string, 1)
	target := stub(t, func(c net.Conn) {
		_, _ = io.WriteString(c, message("OPTIONS", "from-hop", 0))
		b := make([]byte, 12)
		_, _ = io.ReadFull(c, b)
		answered <- string(b)
	})
	r := newRecorder()
	l := newLayer(t, r, Limits{})
	if _, err := l.Dial(context.Background(), Target{Addr: target, Transport: sip.TCP}); err != nil {
		t.Fatal(err)
	}
	if got := next(t, answered); got != "SIP/2.0 200 " {
		t.Errorf("answered %q", got)
	}
}

// listenWithoutQueue listens with room for one connection that is not accepted.
func listenWithoutQueue(t *testing.T) (netip.AddrPort, error) {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return netip.AddrPort{}, err
	}
	t.Cleanup(func() { syscall.Close(fd) })
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: loopback.Addr().As4()}); err != nil {
		return netip.AddrPort{}, err
	}
	if err := syscall.Listen(fd, 0); err != nil {
		return netip.AddrPort{}, err
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		return netip.AddrPort{}, err
	}
	return netip.AddrPortFrom(loopback.Addr(), uint16(name.(*syscall.SockaddrInet4).Port)), nil
}
