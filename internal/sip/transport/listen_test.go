package transport

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"isthmus/internal/sip"
	"isthmus/internal/siptest"
)

func freePort(t *testing.T) netip.AddrPort { t.Helper(); return freePorts(t, 1)[0] }

// freePorts returns n different addresses of loopback whose ports nobody uses at any address.
func freePorts(t *testing.T, n int) (free []netip.AddrPort) {
	t.Helper()
	for _, port := range siptest.FreePorts(t, n) {
		free = append(free, netip.AddrPortFrom(loopback.Addr(), port))
	}
	return free
}

// Closing a listening socket resets every connection that waits in its queue; here all of them wait when the port moves.
func TestConnectionsInTheAcceptQueueSurviveAPortMove(t *testing.T) {
	r := newRecorder()
	first, release := make(chan struct{}), make(chan struct{})
	var once sync.Once
	r.accept = func(netip.Addr) bool {
		once.Do(func() { close(first) })
		<-release
		return true
	}
	l := newLayer(t, r, Limits{})
	addr := listenTCP(t, l)
	peers := []*peer{connect(t, addr)}
	next(t, first)
	for range 50 {
		peers = append(peers, connect(t, addr))
	}
	moved := make(chan []ListenerState)
	go func() { moved <- l.Fit([]Listener{{Name: "moved", Transport: sip.TCP, Addr: loopback}}) }()
	until(t, "the old listener is going", func() bool {
		select {
		case <-l.current()[0].stopping:
			return true
		default:
			return false
		}
	})
	close(release)
	if s := next(t, moved)[0]; !s.Open || s.Addr == addr {
		t.Errorf("the new listener is %+v", s)
	}
	for i, p := range peers {
		p.write(t, message("MESSAGE", "a", 0))
		if got := p.status(t); got != "200" {
			t.Errorf("connection %d was answered %s", i, got)
		}
	}
	if c, err := net.Dial("tcp", addr.String()); err == nil {
		c.Close()
		t.Error("the old port still accepts")
	}
}

func TestFitLeavesTheUnchangedAlone(t *testing.T) {
	r := newRecorder()
	l := newLayer(t, r, Limits{})
	ports := freePorts(t, 3)
	a, b, c := ports[0], ports[1], ports[2]
	l.Fit([]Listener{{Name: "a", Transport: sip.TCP, Addr: a}, {Name: "b", Transport: sip.TCP, Addr: b}})
	kept := l.current()[1]
	states := l.Fit([]Listener{{Name: "c", Transport: sip.TCP, Addr: c}, {Name: "b2", Transport: sip.TCP, Addr: b}})
	for i, want := range []ListenerState{{Name: "c", Addr: c, Open: true}, {Name: "b2", Addr: b, Open: true}} {
		if states[i] != want {
			t.Errorf("state %d is %+v, want %+v", i, states[i], want)
		}
	}
	if l.current()[1] != kept {
		t.Error("the unchanged listener was opened again")
	}
	p := connect(t, b)
	p.write(t, message("MESSAGE", "a", 0))
	if got := p.status(t); got != "200" || l.Connections()[0].Peer().Listener != "b2" {
		t.Errorf("answered %s by listener %q", got, l.Connections()[0].Peer().Listener)
	}
}

func TestAListenerThatCannotOpenSaysWhyAndIsTriedAgain(t *testing.T) {
	r := newRecorder()
	l := newLayer(t, r, Limits{})
	other, err := net.Listen("tcp", loopback.String())
	if err != nil {
		t.Fatal(err)
	}
	taken := Listener{Name: "taken", Transport: sip.TCP, Addr: addrPort(other.Addr())}
	free := freePorts(t, 2)
	want := []Listener{
		{Name: "good", Transport: sip.TCP, Addr: free[0]}, taken,
		{Name: "elsewhere", Transport: sip.TCP, Addr: netip.MustParseAddrPort("192.0.2.1:5060")},
		{Name: "bare", Transport: sip.TLS, Addr: free[1]},
	}
	states := l.Fit(want)
	for i, part := range []string{"", "by this node itself", "is not an address of this machine", "has no certificate"} {
		if s := states[i]; s.Open != (part == "") || !strings.Contains(s.Error, part) {
			t.Errorf("%s: open %v, %q, want %q", s.Name, s.Open, s.Error, part)
		}
	}
	other.Close()
	if s := l.Fit(want)[1]; !s.Open {
		t.Errorf("not open once the port is free: %s", s.Error)
	}
}

// Nobody may be let in by a listener that has lost its certificate, at its port or at the one before.
func TestAListenerWithoutItsCertificateIsClosedWhereverItWas(t *testing.T) {
	ports := freePorts(t, 2)
	for promise, moves := range map[string]netip.AddrPort{"where it is": ports[0], "as it moves": ports[1]} {
		t.Run(promise, func(t *testing.T) {
			l := newLayer(t, newRecorder(), Limits{})
			secure := Listener{Name: "tls", Transport: sip.TLS, TLSKey: "1", TLS: newAuthority(t).server(t, "imp1", tls.NoClientCert), Addr: ports[0]}
			l.Fit([]Listener{secure})
			states := l.Fit([]Listener{{Name: "tls", Transport: sip.TLS, Addr: moves}})
			if s := states[0]; s.Open || len(l.current()) != 0 {
				t.Errorf("%+v, with %d sockets open", s, len(l.current()))
			}
		})
	}
}

func TestAListenerThatCannotOpenForAnotherReasonSaysWhatToDoToo(t *testing.T) {
	l := newLayer(t, newRecorder(), Limits{})
	want := Listener{Name: "tcp", Transport: sip.TCP, Addr: freePort(t)}
	restore := siptest.LimitDescriptors(t, 0)
	s := l.Fit([]Listener{want})[0]
	restore()
	begins := fmt.Sprintf("The system does not open port %d on 127.0.0.1 (", want.Addr.Port())
	if !strings.HasPrefix(s.Error, begins) || !strings.Contains(s.Error, "too many open files") || !strings.HasSuffix(s.Error, "; remove that cause, or choose another port or address.") {
		t.Errorf("open %v, %q", s.Open, s.Error)
	}
}

func TestAListenerWhoseNewPortIsTakenKeepsItsOldOneUntilItIsFree(t *testing.T) {
	r := newRecorder()
	l := newLayer(t, r, Limits{})
	other, err := net.Listen("tcp", loopback.String())
	if err != nil {
		t.Fatal(err)
	}
	free := freePorts(t, 2)
	moves := Listener{Name: "moves", Transport: sip.TCP, Addr: free[0]}
	fitOne(t, l, moves)
	moves.Addr = addrPort(other.Addr())
	stays := fmt.Sprintf("Port %d stays open until then.", free[0].Port())
	for range 2 {
		if s := l.Fit([]Listener{moves})[0]; s.Open || !strings.Contains(s.Error, "is in use") || !strings.HasSuffix(s.Error, stays) {
			t.Errorf("open %v, %q", s.Open, s.Error)
		}
		connect(t, free[0])
	}
	// A listener of another name takes no port over, and its own that is gone is closed.
	if s := l.Fit([]Listener{{Name: "other", Transport: sip.TCP, Addr: moves.Addr}})[0]; s.Open || strings.Contains(s.Error, "stays open") {
		t.Errorf("open %v, %q", s.Open, s.Error)
	}
	refuses(t, free[0])
	moves.Addr = free[1]
	fitOne(t, l, moves)
	moves.Addr = addrPort(other.Addr())
	l.Fit([]Listener{moves})
	other.Close()
	if s := l.Fit([]Listener{moves})[0]; !s.Open || s.Error != "" {
		t.Errorf("not open once the port is free: %s", s.Error)
	}
	connect(t, moves.Addr)
	refuses(t, free[1])
}

// What keeps a listener from its new port may go in the same change; then its old port does too, and what waits for that.
func TestAListenerThatMovesToAPortThatIsGivenUpLeavesItsOldOne(t *testing.T) {
	l := newLayer(t, newRecorder(), Limits{})
	ports := freePorts(t, 3)
	tcp := func(name string, addr netip.Addr, port netip.AddrPort) Listener {
		return Listener{Name: name, Transport: sip.TCP, Addr: netip.AddrPortFrom(addr, port.Port())}
	}
	one, wildcard := loopback.Addr(), netip.IPv4Unspecified()
	l.Fit([]Listener{tcp("moves", one, ports[0]), tcp("follows", wildcard, ports[1]), tcp("goes", wildcard, ports[2])})
	want := []Listener{tcp("follows", wildcard, ports[0]), tcp("moves", one, ports[2])}
	for i, s := range l.Fit(want) {
		if state := (ListenerState{Name: want[i].Name, Addr: want[i].Addr, Open: true}); s != state {
			t.Errorf("%+v, want %+v", s, state)
		}
	}
	if open := l.current(); len(open) != 2 {
		t.Errorf("%d listeners are open", len(open))
	}
	refuses(t, ports[1])
}

func refuses(t *testing.T, addr netip.AddrPort) {
	t.Helper()
	if c, err := net.Dial("tcp", addr.String()); err == nil {
		c.Close()
		t.Errorf("%v still accepts", addr)
	}
}

func TestTheWildcardGivesWayToOneAddress(t *testing.T) {
	r := newRecorder()
	l := newLayer(t, r, Limits{})
	port := freePort(t).Port()
	fitOne(t, l, Listener{Name: "any", Transport: sip.TCP, Addr: netip.AddrPortFrom(netip.IPv4Unspecified(), port)})
	fitOne(t, l, Listener{Name: "one", Transport: sip.TCP, Addr: netip.AddrPortFrom(loopback.Addr(), port)})
}

func TestARefusedAddressIsClosedUnanswered(t *testing.T) {
	r := newRecorder()
	r.accept = func(a netip.Addr) bool { return a != loopback.Addr() }
	l := newLayer(t, r, Limits{})
	p := connect(t, listenTCP(t, l))
	if got := p.end(t); got != "closed" && got != "reset" {
		t.Errorf("got %s", got)
	}
	if len(l.all()) != 0 || len(r.closed) != 0 {
		t.Error("a refused connection was taken in")
	}
}

func TestAFaultInAcceptRefusesThatConnectionOnly(t *testing.T) {
	r := newRecorder()
	faults := 1
	r.accept = func(netip.Addr) bool {
		if faults--; faults == 0 {
			panic("accept")
		}
		return true
	}
	l := newLayer(t, r, Limits{})
	addr := listenTCP(t, l)
	connect(t, addr).end(t)
	next(t, r.panicked)
	p := connect(t, addr)
	p.write(t, message("MESSAGE", "a", 0))
	if got := p.status(t); got != "200" {
		t.Errorf("answered %s", got)
	}
}

// The file descriptors run out while peers connect, and come back.
func TestAcceptGoesOnAfterDescriptorsRanOut(t *testing.T) {
	r := newRecorder()
	l := newLayer(t, r, Limits{})
	addr := listenTCP(t, l)
	p := connect(t, addr)
	until(t, "first connection", func() bool { return len(l.Connections()) == 1 })
	late := descriptor(t)
	restore := siptest.LimitDescriptors(t, 0)
	defer restore()
	if err := syscall.Connect(late, &syscall.SockaddrInet4{Addr: addr.Addr().As4(), Port: int(addr.Port())}); err != nil {
		t.Fatal(err)
	}
	for range 10 {
		p.write(t, message("MESSAGE", "served", 0))
		if got := p.status(t); got != "200" {
			t.Errorf("a connection there was is answered %s", got)
		}
	}
	if n := len(l.Connections()); n != 1 {
		t.Errorf("%d connections without descriptors for more than one", n)
	}
	restore()
	until(t, "the waiting connection is accepted", func() bool { return len(l.Connections()) == 2 })
}

func descriptor(t *testing.T) int {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Close(fd) })
	return fd
}

func TestShutdownAnswersThenClosesEverything(t *testing.T) {
	r := newRecorder()
	l := newLayer(t, r, Limits{})
	addr := listenTCP(t, l)
	p := connect(t, addr)
	p.write(t, message("MESSAGE", "a", 0))
	if got := p.status(t); got != "200" {
		t.Fatal(got)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := l.Shutdown(ctx); err != nil {
		t.Error(err)
	}
	if got := p.end(t); got != "closed" {
		t.Errorf("the peer saw it %s", got)
	}
	if _, err := l.Dial(ctx, Target{Addr: addr, Transport: sip.TCP}); err != ErrClosed {
		t.Errorf("Dial after Shutdown: %v", err)
	}
}

func TestShutdownCutsOffWhatTakesTooLong(t *testing.T) {
	r := newRecorder()
	l := newLayer(t, r, Limits{Linger: time.Minute})
	p := connect(t, listenTCP(t, l))
	p.write(t, message("MESSAGE", "a", 0))
	if got := p.status(t); got != "200" {
		t.Fatal(got)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if err := l.Shutdown(ctx); err != context.DeadlineExceeded {
		t.Errorf("Shutdown returned %v", err)
	}
	next(t, r.closed)
}
