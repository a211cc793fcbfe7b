package siptest

import (
	"crypto/tls"
	"strconv"
	"time"

	"isthmus/internal/sip"
)

// T is the part of *testing.T that peers fail with; lyncsim needs none.
type T interface {
	Helper()
	Fatalf(format string, args ...any)
	Cleanup(func())
}

// Peer is a connection in a test: what goes wrong ends the test.
type Peer struct {
	*Conn
	t T
}

// Connect dials, and closes when the test ends.
func Connect(t T, remote string, o Options) *Peer {
	t.Helper()
	c, err := Dial(remote, o)
	if err != nil {
		t.Fatalf("%v", err)
	}
	return newPeer(t, c)
}

func newPeer(t T, c *Conn) *Peer {
	t.Cleanup(func() { c.Close() })
	return &Peer{Conn: c, t: t}
}

// Sends sends a request.
func (p *Peer) Sends(r Request) {
	p.t.Helper()
	p.check(p.Conn.Send(r))
}

// SendsRaw sends bytes.
func (p *Peer) SendsRaw(raw string) {
	p.t.Helper()
	p.check(p.Conn.Write(raw))
}

// Answers sends a response.
func (p *Peer) Answers(request *sip.Message, status int, lines ...string) {
	p.t.Helper()
	p.check(p.Conn.Answer(request, status, lines...))
}

func (p *Peer) check(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatalf("%v", err)
	}
}

// Expect returns the next message, which must be a request of that method or a response of that status: "INVITE", "200".
// A 100 that was not expected is passed over.
func (p *Peer) Expect(what string) *sip.Message {
	p.t.Helper()
	for {
		m, err := p.Receive()
		if err != nil {
			p.t.Fatalf("waiting for %s: %v", what, err)
		}
		if got := describe(m); got == what {
			return m
		} else if got != "100" {
			p.t.Fatalf("expected %s, got:\n%s", what, m.Bytes())
		}
	}
}

func describe(m *sip.Message) string {
	if m.IsRequest() {
		return m.Method()
	}
	return strconv.Itoa(m.Status())
}

// ExpectSilence waits d, in which nothing may come and the connection must stay open.
func (p *Peer) ExpectSilence(d time.Duration) {
	p.t.Helper()
	m, err := p.ReceiveWithin(d)
	if m != nil {
		p.t.Fatalf("expected nothing, got:\n%s", m.Bytes())
	}
	if !Quiet(err) {
		p.t.Fatalf("expected nothing, got: %v", err)
	}
}

// ExpectClosed waits until the other side closes.
func (p *Peer) ExpectClosed() {
	p.t.Helper()
	p.check(p.WaitClosed())
}

// Host is a listener in a test.
type Host struct {
	*Listener
	t T
}

// Serve listens, and closes when the test ends.
func Serve(t T, address string, config *tls.Config) *Host {
	t.Helper()
	l, err := Listen(address, config)
	if err != nil {
		t.Fatalf("%v", err)
	}
	t.Cleanup(func() { l.Close() })
	return &Host{Listener: l, t: t}
}

// Accepts returns the next connection.
func (h *Host) Accepts() *Peer {
	h.t.Helper()
	c, err := h.Accept()
	if err != nil {
		h.t.Fatalf("waiting for a connection on %s: %v", h.Addr(), err)
	}
	return newPeer(h.t, c)
}
