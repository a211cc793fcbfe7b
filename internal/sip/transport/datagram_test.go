package transport

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"isthmus/internal/sip"
)

// A sender is a UDP socket that somebody else has.
type sender struct {
	*net.UDPConn
	to netip.AddrPort
}

func senderTo(t testing.TB, to netip.AddrPort) *sender {
	t.Helper()
	return senderFrom(t, loopback, to)
}

func senderFrom(t testing.TB, local, to netip.AddrPort) *sender {
	t.Helper()
	c, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(local))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
	return &sender{c, to}
}

func (s *sender) at() netip.AddrPort { return addrPort(s.LocalAddr()) }

func (s *sender) write(t testing.TB, text string) {
	t.Helper()
	if _, err := s.WriteToUDPAddrPort([]byte(text), s.to); err != nil {
		t.Fatal(err)
	}
}

// receive returns the next datagram and who sent it.
func (s *sender) receive(t testing.TB) (string, netip.AddrPort) {
	t.Helper()
	b := make([]byte, 64<<10)
	n, from, err := s.ReadFromUDPAddrPort(b)
	if err != nil {
		t.Fatal(err)
	}
	return string(b[:n]), netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
}

func (s *sender) status(t testing.TB) string {
	t.Helper()
	text, _ := s.receive(t)
	return strings.Fields(text + " - -")[1]
}

// packet is a request as UDP has it; its Via asks for the answer at the port that it is sent from.
func packet(method, callID string, body int) string {
	return strings.Replace(message(method, callID, body), "SIP/2.0/TCP a.contoso.com", "SIP/2.0/UDP a.contoso.com;rport", 1)
}

func listenUDP(t testing.TB, l *Layer) netip.AddrPort {
	t.Helper()
	return fitOne(t, l, Listener{Name: "udp", Transport: sip.UDP, Addr: loopback})
}

func TestADatagramIsOneMessage(t *testing.T) {
	bodies := make(chan string, 1)
	r := newRecorder()
	r.receive = func(c *Conn, m *sip.Message) {
		bodies <- string(m.Body())
		_ = c.Send(answer(m, 200))
	}
	l := newLayer(t, r, Limits{})
	s := senderTo(t, listenUDP(t, l))
	whole := packet("MESSAGE", "a", 3)
	for _, c := range []struct{ promise, sent, status, body string }{
		{"whole", whole, "200", "xxx"},
		{"without Content-Length the body is the rest", strings.Replace(whole, "Content-Length: 3\r\n", "", 1) + "yy", "200", "xxxyy"},
		{"what follows the body is nothing", whole + "\r\n" + whole, "200", "xxx"},
		{"empty lines before it", "\r\n\r\n" + whole, "200", "xxx"},
		{"a body that did not come whole", whole[:len(whole)-1], "400", ""},
		{"no end of the headers", whole[:len(whole)-5], "400", ""},
		{"the largest there is", packet("MESSAGE", "a", 65000), "200", strings.Repeat("x", 65000)},
		{"a header section that is too long", strings.Replace(whole, "CSeq", "X: "+strings.Repeat("x", 33<<10)+"\r\nCSeq", 1), "513", ""},
	} {
		t.Run(c.promise, func(t *testing.T) {
			s.write(t, c.sent)
			if got := s.status(t); got != c.status {
				t.Fatalf("answered %s, want %s", got, c.status)
			}
			if c.status == "200" {
				if got := next(t, bodies); got != c.body {
					t.Errorf("the body is %.40q, want %.40q", got, c.body)
				}
			}
		})
	}
}

func TestKeepAlivesInDatagramsAreNothing(t *testing.T) {
	r := newRecorder()
	asked := make(chan string, 10)
	r.malformed = func(_ *Conn, _ *sip.Message, err *sip.Error) { asked <- err.Reason }
	l := newLayer(t, r, Limits{EmptyLines: 1})
	s := senderTo(t, listenUDP(t, l))
	for _, empty := range []string{"", "\r\n", "\r\n\r\n", strings.Repeat("\r\n", 100)} {
		s.write(t, empty)
	}
	s.write(t, packet("MESSAGE", "after", 0))
	if text, _ := s.receive(t); !strings.HasPrefix(text, "SIP/2.0 200") {
		t.Errorf("got %q", text)
	}
	if len(asked) > 0 {
		t.Errorf("malformed: %s", next(t, asked))
	}
}

func TestAnAnswerGoesWhereTheRequestCameFrom(t *testing.T) {
	r := newRecorder()
	l := newLayer(t, r, Limits{})
	at := listenUDP(t, l)
	own := netip.AddrPortFrom(alone(), 0)
	source, other := senderFrom(t, own, at), senderFrom(t, own, at)
	standard := senderFrom(t, netip.AddrPortFrom(source.at().Addr(), 5060), at)
	plain := strings.Replace(packet("MESSAGE", "a", 0), ";rport", "", 1)
	port := func(p netip.AddrPort) string { return "UDP " + p.String() + ";" }
	for _, c := range []struct {
		promise, sent string
		gets          *sender
	}{
		{"rport: the port that it came from", strings.Replace(packet("MESSAGE", "a", 0), "UDP a.contoso.com;", port(other.at()), 1), source},
		{"without rport: the sent-by port", strings.Replace(plain, "UDP a.contoso.com;", port(other.at()), 1), other},
		{"without both: 5060", plain, standard},
		{"never another address", strings.Replace(plain, "UDP a.contoso.com;", port(netip.AddrPortFrom(netip.MustParseAddr("127.0.0.99"), other.at().Port()))+"maddr=127.0.0.98;received=127.0.0.97;", 1), other},
	} {
		t.Run(c.promise, func(t *testing.T) {
			source.write(t, c.sent)
			text, from := c.gets.receive(t)
			if !strings.HasPrefix(text, "SIP/2.0 200") || from != at {
				t.Errorf("got %q from %v, want a 200 from %v", text, from, at)
			}
		})
	}
}

func TestADatagramKnowsItsSenderAndListener(t *testing.T) {
	r := newRecorder()
	peers := make(chan *Conn, 2)
	r.receive = func(c *Conn, _ *sip.Message) { peers <- c }
	r.up = func(*Conn) { t.Error("a datagram came up") }
	l := newLayer(t, r, Limits{})
	at := listenUDP(t, l)
	s := senderTo(t, at)
	s.write(t, packet("MESSAGE", "a", 0))
	s.write(t, packet("MESSAGE", "a", 0))
	c, again := next(t, peers), next(t, peers)
	p := c.Peer()
	if p.Remote != s.at() || p.Local != at || p.Transport != sip.UDP || p.Listener != "udp" || p.ListenerPort != int(at.Port()) || p.Opened {
		t.Errorf("%+v", p)
	}
	if c.ID() == again.ID() {
		t.Error("two datagrams count as one connection")
	}
	if len(l.all()) > 0 {
		t.Error("a sender of datagrams is remembered")
	}
	c.Close(nil)
	if err := c.Send([]byte(packet("MESSAGE", "b", 0))); err != nil || c.Err() != nil {
		t.Errorf("there was something to close: %v", err)
	}
	s.receive(t)
}

func TestAFaultCostsOneDatagram(t *testing.T) {
	r := newRecorder()
	respond := r.receive
	r.receive = func(c *Conn, m *sip.Message) {
		if string(m.CallID()) == "bad" {
			panic("as the test says")
		}
		respond(c, m)
	}
	l := newLayer(t, r, Limits{})
	s := senderTo(t, listenUDP(t, l))
	s.write(t, packet("MESSAGE", "bad", 0))
	s.write(t, packet("MESSAGE", "good", 0))
	next(t, r.panicked)
	if got := s.status(t); got != "200" {
		t.Errorf("answered %s", got)
	}
}

func TestEveryDatagramIsAskedFor(t *testing.T) {
	r := newRecorder()
	var asked atomic.Int32
	r.accept = func(netip.Addr) bool { return asked.Add(1) != 2 }
	l := newLayer(t, r, Limits{})
	s := senderTo(t, listenUDP(t, l))
	for _, id := range []string{"first", "refused", "third"} {
		s.write(t, packet("MESSAGE", id, 0))
	}
	for _, want := range []string{"first", "third"} {
		if text, _ := s.receive(t); !strings.Contains(text, "Call-ID: "+want) {
			t.Errorf("got %q, want the answer to %s", text, want)
		}
	}
}

func TestUDPListenersOpenMoveAndClose(t *testing.T) {
	r := newRecorder()
	l := newLayer(t, r, Limits{})
	tcp := listenTCP(t, l)
	both := []Listener{{Name: "tcp", Transport: sip.TCP, Addr: tcp}, {Name: "udp", Transport: sip.UDP, Addr: tcp}}
	for i, s := range l.Fit(both) {
		if !s.Open || s.Addr != tcp {
			t.Fatalf("%s: %+v", both[i].Name, s)
		}
	}
	kept := l.current()
	both[1].Name = "renamed"
	l.Fit(both)
	if now := l.current(); now[0] != kept[0] || now[1] != kept[1] {
		t.Error("an unchanged listener was opened again")
	}
	s := senderTo(t, tcp)
	s.write(t, packet("MESSAGE", "a", 0))
	if got := s.status(t); got != "200" {
		t.Errorf("beside TCP: %s", got)
	}
	moved := fitOne(t, l, Listener{Name: "udp", Transport: sip.UDP, Addr: freePort(t)})
	if taken, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(tcp)); err != nil {
		t.Errorf("the old port is not closed: %v", err)
	} else {
		taken.Close()
	}
	s.to = moved
	s.write(t, packet("MESSAGE", "a", 0))
	if got := s.status(t); got != "200" {
		t.Errorf("after the move: %s", got)
	}
	if s := l.Fit([]Listener{{Name: "tcp", Transport: sip.TCP, Addr: moved}})[0]; !s.Open || l.current()[0].settings.Load().Transport != sip.TCP {
		t.Errorf("TCP in place of UDP: %+v", s)
	}
	connect(t, moved)
}

func TestAUDPPortThatIsTakenIsToldAndTriedAgain(t *testing.T) {
	l := newLayer(t, newRecorder(), Limits{})
	other := senderTo(t, loopback)
	want := []Listener{{Name: "udp", Transport: sip.UDP, Addr: other.at()}}
	if s := l.Fit(want)[0]; s.Open || !strings.Contains(s.Error, "by this node itself") {
		t.Errorf("%+v", s)
	}
	other.Close()
	if s := l.Fit(want)[0]; !s.Open {
		t.Errorf("not open once the port is free: %s", s.Error)
	}
}

// What waits when a listener closes is answered, and so is what was asked before and is answered later.
func TestRequestsOutliveTheirUDPListener(t *testing.T) {
	r := newRecorder()
	begun, release := make(chan *Conn), make(chan struct{})
	respond := r.receive
	r.receive = func(c *Conn, m *sip.Message) {
		if string(m.CallID()) == "first" {
			begun <- c
			<-release
			return
		}
		respond(c, m)
	}
	l := newLayer(t, r, Limits{})
	s := senderTo(t, listenUDP(t, l))
	s.write(t, packet("MESSAGE", "first", 0))
	first := next(t, begun)
	s.write(t, packet("MESSAGE", "queued", 0))
	closed := make(chan struct{})
	stopping := l.current()[0].stopping
	go func() {
		l.Fit(nil)
		close(closed)
	}()
	next(t, stopping)
	close(release)
	next(t, closed)
	if text, _ := s.receive(t); !strings.Contains(text, "Call-ID: queued") {
		t.Errorf("got %q", text)
	}
	if err := first.Send([]byte("SIP/2.0 200 late")); err != nil {
		t.Error(err)
	}
	if text, from := s.receive(t); text != "SIP/2.0 200 late" || from.Addr() != s.to.Addr() {
		t.Errorf("got %q from %v", text, from)
	}
}

func dialUDP(t *testing.T, l *Layer, to netip.AddrPort) *Conn {
	t.Helper()
	c, err := l.Dial(context.Background(), Target{Addr: to, Transport: sip.UDP})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestAHopOverUDPHasOneSocket(t *testing.T) {
	r := newRecorder()
	r.receive = func(*Conn, *sip.Message) {}
	up := make(chan *Conn, 2)
	r.up = func(c *Conn) { up <- c }
	l := newLayer(t, r, Limits{})
	l.config.Local = func() netip.Addr { return netip.MustParseAddr("127.0.0.3") }
	hop := senderTo(t, loopback)
	c := dialUDP(t, l, hop.at())
	if dialUDP(t, l, hop.at()) != c || next(t, up) != c || len(up) > 0 || len(l.Connections()) != 1 {
		t.Error("the hop has not one socket that is up")
	}
	if err := c.Send([]byte(packet("MESSAGE", "a", 60_000))); err != nil {
		t.Fatal(err)
	}
	text, from := hop.receive(t)
	if text != packet("MESSAGE", "a", 60_000) || from.Addr().String() != "127.0.0.3" || c.Peer().Local != from || !c.Peer().Opened {
		t.Errorf("%d bytes from %v", len(text), from)
	}
	stranger := senderTo(t, from)
	stranger.write(t, packet("MESSAGE", "stranger", 0))
	hop.to = from
	hop.write(t, packet("MESSAGE", "hop", 0))
	if got := next(t, r.got); got != "hop" {
		t.Errorf("received from %s", got)
	}
	c.Close(errors.New("enough"))
	if end := next(t, r.closed); end.conn != c || end.err.Error() != "enough" {
		t.Errorf("%+v", end)
	}
	if dialUDP(t, l, hop.at()) == c {
		t.Error("a closed socket is used again")
	}
}

// alone is a loopback address that no other process uses, not even another run of these tests.
func alone() netip.Addr {
	pid := os.Getpid()
	return netip.AddrFrom4([4]byte{127, 128 | byte(pid>>16), byte(pid >> 8), byte(pid)})
}

// closedPort is an address where nobody listens.
func closedPort(t *testing.T) netip.AddrPort {
	t.Helper()
	s := senderFrom(t, netip.AddrPortFrom(alone(), 0), loopback)
	s.Close()
	return s.at()
}

func TestAClosedPortEndsTheSocketAsRefused(t *testing.T) {
	r := newRecorder()
	l := newLayer(t, r, Limits{})
	c := dialUDP(t, l, closedPort(t))
	_ = c.Send([]byte(packet("MESSAGE", "a", 0)))
	if end := next(t, r.closed); end.conn != c || end.err != ErrRefused {
		t.Errorf("%+v", end)
	}
	if err := c.Send(nil); err != ErrRefused || len(l.Connections()) > 0 {
		t.Errorf("the socket lives on: %v", err)
	}
}

// Only a closed port proves that nothing was taken.
func TestWhatElseEndsASocketIsNoRefusal(t *testing.T) {
	r := newRecorder()
	l := newLayer(t, r, Limits{})
	c := dialUDP(t, l, senderTo(t, loopback).at())
	if err := c.udp.raw.Control(func(fd uintptr) { _ = syscall.Shutdown(int(fd), syscall.SHUT_WR) }); err != nil {
		t.Fatal(err)
	}
	if err := c.Send([]byte("a")); err != syscall.EPIPE {
		t.Errorf("sending ends with %v", err)
	}
	if end := next(t, r.closed); end.conn != c || end.err != syscall.EPIPE {
		t.Errorf("%+v", end)
	}
}

// The kernel tells a closed port to whoever asks the socket first, and that may be who writes next.
func TestAWriteThatHearsOfTheClosedPortSaysThatNothingWasSent(t *testing.T) {
	r := newRecorder()
	l := newLayer(t, r, Limits{})
	to := closedPort(t)
	for range 100 {
		c := dialUDP(t, l, to)
		for c.Send([]byte(packet("MESSAGE", "a", 0))) == nil {
		}
		if err := c.Send(nil); err != ErrRefused {
			t.Fatalf("writing ends with %v", err)
		}
		next(t, r.closed)
	}
}

func TestASocketThatDoesNotOpenSaysSo(t *testing.T) {
	l := newLayer(t, newRecorder(), Limits{})
	l.config.Local = func() netip.Addr { return netip.MustParseAddr("192.0.2.1") }
	_, err := l.Dial(context.Background(), Target{Addr: closedPort(t), Transport: sip.UDP})
	if !errors.Is(err, ErrUnreachable) || !strings.Contains(err.Error(), "assign requested address") || len(l.all()) > 0 {
		t.Errorf("opening ends with %v", err)
	}
}

func TestAMessageThatIsTooLongForADatagramHurtsNoOther(t *testing.T) {
	l := newLayer(t, newRecorder(), Limits{})
	hop := senderTo(t, loopback)
	c := dialUDP(t, l, hop.at())
	if err := c.Send(bytes.Repeat([]byte("x"), 70_000)); err != ErrTooLong {
		t.Errorf("sending ends with %v", err)
	}
	if err := c.Send([]byte("next")); err != nil {
		t.Error(err)
	}
	if text, _ := hop.receive(t); text != "next" {
		t.Errorf("got %.20q", text)
	}
}

func TestAFaultCostsOneDatagramOfAHop(t *testing.T) {
	r := newRecorder()
	r.receive = func(_ *Conn, m *sip.Message) {
		if string(m.CallID()) == "bad" {
			panic("as the test says")
		}
	}
	l := newLayer(t, r, Limits{})
	hop := senderTo(t, loopback)
	hop.to = dialUDP(t, l, hop.at()).Peer().Local
	hop.write(t, packet("MESSAGE", "bad", 0))
	hop.write(t, packet("MESSAGE", "good", 0))
	next(t, r.panicked)
	if first, second := next(t, r.got), next(t, r.got); first != "bad" || second != "good" {
		t.Errorf("received %s and %s", first, second)
	}
}
