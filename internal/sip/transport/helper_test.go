package transport

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"isthmus/internal/sip"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// closing is what Closed was told.
type closing struct {
	conn *Conn
	err  error
}

// recorder is a Handler that notes all it is told. Its functions may be set before the layer runs.
type recorder struct {
	accept    func(netip.Addr) bool
	known     func(*Peer) bool
	up        func(*Conn)
	receive   func(*Conn, *sip.Message)
	malformed func(*Conn, *sip.Message, *sip.Error)

	got      chan string // Call-ID of each message
	closed   chan closing
	shakes   chan error
	peers    chan *Peer // of failed handshakes
	panicked chan any
	returned chan string // undelivered answers
}

func newRecorder() *recorder {
	return &recorder{
		got: make(chan string, 20_000), closed: make(chan closing, 1000), shakes: make(chan error, 1000), peers: make(chan *Peer, 1000), panicked: make(chan any, 10), returned: make(chan string, 100),
		accept: func(netip.Addr) bool { return true },
		known:  func(*Peer) bool { return true },
		up:     func(*Conn) {},
		receive: func(c *Conn, m *sip.Message) {
			if m.IsRequest() {
				_ = c.Send(answer(m, 200))
			}
		},
		malformed: func(c *Conn, m *sip.Message, err *sip.Error) {
			if m.Answerable() {
				_ = c.Send(answer(m, err.Status))
			}
		},
	}
}

func answer(m *sip.Message, status int) []byte {
	return m.AppendAnswer(nil, sip.Answer{Status: status})
}

func (r *recorder) Accept(remote netip.Addr, _ sip.Transport) bool { return r.accept(remote) }

func (r *recorder) Known(peer *Peer) bool { return r.known(peer) }

func (r *recorder) Undelivered(_ *Conn, b []byte) { r.returned <- string(b) }

func (r *recorder) Up(c *Conn) { r.up(c) }

func (r *recorder) Receive(c *Conn, m *sip.Message) {
	r.got <- string(m.CallID())
	r.receive(c, m)
}

func (r *recorder) Late(c *Conn, m *sip.Message) {
	if m.Method() != "ACK" {
		_ = c.Send(answer(m, 503)) // the peer may be gone
	}
}

func (r *recorder) Malformed(c *Conn, m *sip.Message, err *sip.Error) { r.malformed(c, m, err) }

func (r *recorder) Closed(c *Conn, err error) { r.closed <- closing{c, err} }

func (r *recorder) HandshakeFailed(peer *Peer, err error) {
	r.peers <- peer
	r.shakes <- err
}

var loopback = netip.MustParseAddrPort("127.0.0.1:0")

// newLayer starts a layer that is shut down with the test.
func newLayer(t testing.TB, r *recorder, limits Limits) *Layer {
	t.Helper()
	if limits.Linger == 0 {
		limits.Linger = 50 * time.Millisecond
	}
	l := New(Config{Handler: r, Limits: limits, Recovered: func(_ *Conn, panicked any) { r.panicked <- panicked }})
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := l.Shutdown(ctx); err != nil {
			t.Errorf("shutdown: %v", err)
		}
	})
	return l
}

// listenTCP opens one TCP listener and returns its address.
func listenTCP(t testing.TB, l *Layer) netip.AddrPort {
	t.Helper()
	return fitOne(t, l, Listener{Name: "tcp", Transport: sip.TCP, Addr: loopback})
}

func fitOne(t testing.TB, l *Layer, want Listener) netip.AddrPort {
	t.Helper()
	s := l.Fit([]Listener{want})[0]
	if !s.Open {
		t.Fatalf("listener %s is not open: %s", want.Name, s.Error)
	}
	return s.Addr
}

// peer is the far end of a connection, a plain socket.
type peer struct {
	net.Conn
	lines *bufio.Reader
}

func connect(t testing.TB, to netip.AddrPort) *peer {
	t.Helper()
	c, err := net.Dial("tcp", to.String())
	if err != nil {
		t.Fatal(err)
	}
	return newPeer(t, c)
}

func newPeer(t testing.TB, c net.Conn) *peer {
	t.Helper()
	t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	return &peer{c, bufio.NewReader(c)}
}

func (p *peer) write(t testing.TB, s string) {
	t.Helper()
	if _, err := io.WriteString(p, s); err != nil {
		t.Fatal(err)
	}
}

// status reads a response without body and returns its status line's code, "closed" at the end of the stream.
func (p *peer) status(t testing.TB) string {
	t.Helper()
	first, err := p.lines.ReadString('\n')
	if err != nil {
		return ending(t, err)
	}
	for line := first; line != "\r\n"; {
		if line, err = p.lines.ReadString('\n'); err != nil {
			t.Fatalf("after %q: %v", first, err)
		}
	}
	return strings.Fields(first + " -")[1]
}

// end reads to the end of the stream.
func (p *peer) end(t testing.TB) string {
	t.Helper()
	_, err := io.Copy(io.Discard, p.lines)
	return ending(t, err)
}

func ending(t testing.TB, err error) string {
	t.Helper()
	if errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatal("nothing came and the connection stayed open")
	}
	if err == nil || errors.Is(err, io.EOF) {
		return "closed"
	}
	return "reset"
}

func message(method, callID string, body int) string {
	return fmt.Sprintf("%s sip:bob@contoso.com SIP/2.0\r\nVia: SIP/2.0/TCP a.contoso.com;branch=z9hG4bK%s\r\nMax-Forwards: 70\r\n"+
		"From: <sip:alice@contoso.com>;tag=1\r\nTo: <sip:bob@contoso.com>\r\nCall-ID: %s\r\nCSeq: 1 %s\r\nContent-Length: %d\r\n\r\n%s",
		method, callID, callID, method, body, strings.Repeat("x", body))
}

// next receives from a channel, or fails when nothing comes.
func next[T any](t testing.TB, ch <-chan T) T {
	t.Helper()
	select {
	case v := <-ch:
		return v
	case <-time.After(10 * time.Second):
		t.Fatal("nothing came within 10 s")
		panic("unreachable")
	}
}

// until polls a condition that another goroutine brings about.
func until(t testing.TB, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(10 * time.Second); !holds(); <-tick.C {
		if time.Now().After(end) {
			t.Fatalf("%s: not within 10 s", what)
		}
	}
}

// stub is a server that does with each connection what it is told. Its connections are closed with the test.
func stub(t testing.TB, serve func(net.Conn)) netip.AddrPort {
	t.Helper()
	ln, err := net.Listen("tcp", loopback.String())
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	conns := make(chan net.Conn, 1000)
	group.Go(func() {
		defer close(conns)
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			conns <- c
			group.Go(func() {
				defer c.Close()
				serve(c)
			})
		}
	})
	t.Cleanup(func() {
		ln.Close()
		for c := range conns {
			c.Close()
		}
		group.Wait()
	})
	return addrPort(ln.Addr())
}
