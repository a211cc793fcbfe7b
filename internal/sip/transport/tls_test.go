package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"testing"
	"time"

	"isthmus/internal/sip"
)

func dialTLS(t testing.TB, to netip.AddrPort, config *tls.Config) *peer {
	t.Helper()
	c, err := tls.Dial("tcp", to.String(), config)
	if err != nil {
		t.Fatal(err)
	}
	return newPeer(t, c)
}

// alerted reports an alert that the far end sent.
func alerted(err error) bool {
	op, ok := errors.AsType[*net.OpError](err)
	return ok && op.Op == "remote error"
}

func TestTheSubjectIsThatOfAVerifiedCertificate(t *testing.T) {
	ca, stranger := newAuthority(t), newAuthority(t)
	byHook := func(s tls.ConnectionState) string { return "hook:" + s.PeerCertificates[0].Subject.CommonName }
	for _, c := range []struct {
		promise string
		auth    tls.ClientAuthType
		own     []tls.Certificate
		subject func(tls.ConnectionState) string
		want    string
	}{
		{"verified", tls.RequireAndVerifyClientCert, []tls.Certificate{ca.issue(t, "fe1.contoso.com")}, nil, "fe1.contoso.com"},
		{"shown but not verified", tls.RequireAnyClientCert, []tls.Certificate{stranger.issue(t, "fe1.contoso.com")}, nil, ""},
		{"none", tls.NoClientCert, nil, nil, ""},
		{"the listener's own reading", tls.RequireAnyClientCert, []tls.Certificate{stranger.issue(t, "fe1")}, byHook, "hook:fe1"},
	} {
		t.Run(c.promise, func(t *testing.T) {
			r := newRecorder()
			l := newLayer(t, r, Limits{})
			addr := fitOne(t, l, Listener{Name: "peer auth", Transport: sip.TLS, Addr: loopback, VerifyClient: true,
				TLS: ca.server(t, "node", c.auth), Subject: c.subject})
			before := time.Now()
			p := dialTLS(t, addr, ca.client("node", c.own...))
			p.write(t, message("MESSAGE", "a", 0))
			if got := p.status(t); got != "200" {
				t.Fatal(got)
			}
			got := l.Connections()[0].Peer()
			if got.Subject != c.want || len(got.Certificates) != len(c.own) {
				t.Errorf("subject %q and %d certificates, want %q and %d", got.Subject, len(got.Certificates), c.want, len(c.own))
			}
			if got.Since.Before(before) || got.Since.After(time.Now()) {
				t.Errorf("its handshake had succeeded at %v, not since %v", got.Since, before)
			}
			if got.Listener != "peer auth" || got.ListenerPort != int(addr.Port()) || !got.VerifyClient || got.Opened ||
				got.Transport != sip.TLS || got.Remote.String() != p.LocalAddr().String() || got.Local != addr {
				t.Errorf("peer is %+v", got)
			}
		})
	}
}

func TestAFailedHandshakeIsReportedAndTheClientHearsWhy(t *testing.T) {
	ca, stranger := newAuthority(t), newAuthority(t)
	for name, version := range map[string]uint16{"TLS 1.2": tls.VersionTLS12, "TLS 1.3": tls.VersionTLS13} {
		t.Run(name, func(t *testing.T) {
			r := newRecorder()
			l := newLayer(t, r, Limits{})
			addr := fitOne(t, l, Listener{Name: "tls", Transport: sip.TLS, Addr: loopback, TLS: ca.server(t, "node", tls.RequireAndVerifyClientCert)})
			config := ca.client("node", stranger.issue(t, "fe1"))
			config.MaxVersion = version
			p := tls.Client(connect(t, addr), config)
			err := p.Handshake()
			if version == tls.VersionTLS13 { // up, as far as the client knows
				_, err = p.Read(make([]byte, 1))
			}
			if !alerted(err) {
				t.Errorf("the client read %v, want an alert", err)
			}
			if err := next(t, r.shakes); err == nil {
				t.Error("reported without a reason")
			}
			if got := next(t, r.peers); got.Listener != "tls" || got.Remote.String() != p.LocalAddr().String() || got.Subject != "" {
				t.Errorf("the peer is told as %+v", got)
			}
			if len(r.closed) != 0 {
				t.Error("a connection that never was up was reported closed")
			}
		})
	}
}

func TestAHandshakeThatTheNodeCutsOffIsToldAsSuch(t *testing.T) {
	ca, r := newAuthority(t), newRecorder()
	l := New(Config{Handler: r})
	addr := fitOne(t, l, Listener{Name: "tls", Transport: sip.TLS, Addr: loopback, TLS: ca.server(t, "node", 0)})
	connect(t, addr)
	if err := l.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := next(t, r.shakes); !errors.Is(err, ErrClosed) {
		t.Errorf("told as %v, want that this node closed it", err)
	}
}

func TestASilentClientIsClosedInItsHandshake(t *testing.T) {
	ca := newAuthority(t)
	r := newRecorder()
	l := newLayer(t, r, Limits{HandshakeIn: 50 * time.Millisecond})
	addr := fitOne(t, l, Listener{Name: "tls", Transport: sip.TLS, Addr: loopback, TLS: ca.server(t, "node", 0)})
	p := connect(t, addr)
	if err := next(t, r.shakes); !timesOut(errors.Unwrap(err)) {
		t.Errorf("reported %v, want a timeout", err)
	}
	p.end(t)
}

func TestALateAlertShowsAsClosed(t *testing.T) {
	ca, stranger := newAuthority(t), newAuthority(t)
	server := ca.server(t, "hop", tls.RequireAndVerifyClientCert)
	target := stub(t, func(c net.Conn) { _ = tls.Server(c, server).Handshake() })
	r := newRecorder()
	l := newLayer(t, r, Limits{})
	c, err := l.Dial(context.Background(), Target{Addr: target, Transport: sip.TLS, Name: "hop", TLS: ca.client("hop", stranger.issue(t, "node"))})
	if err != nil {
		t.Fatalf("TLS 1.3 counts as up after the handshake, but: %v", err)
	}
	got := next(t, r.closed)
	if got.conn != c || !alerted(got.err) {
		t.Errorf("closed for %v, want the server's alert", got.err)
	}
	if l.pool[c.peer.Target.key()] != nil {
		t.Error("the refused connection is still pooled")
	}
}

// What is written meanwhile meets the reset that follows the alert; the alert is the reason all the same.
func TestALateAlertIsHeardThoughTheServerResetOverWhatWasWritten(t *testing.T) {
	ca, stranger := newAuthority(t), newAuthority(t)
	server := ca.server(t, "hop", tls.RequireAndVerifyClientCert)
	reset := make(chan struct{})
	target := stub(t, func(c net.Conn) {
		_ = tls.Server(c, server).Handshake()
		_ = c.(*net.TCPConn).SetLinger(0)
		c.Close()
		close(reset)
	})
	r := newRecorder()
	r.up = func(c *Conn) { // before the connection is read from
		next(t, reset)
		for range 3 {
			_ = c.Send([]byte(message("MESSAGE", "a", 0)))
		}
	}
	l := newLayer(t, r, Limits{})
	_, err := l.Dial(t.Context(), Target{Addr: target, Transport: sip.TLS, Name: "hop", TLS: ca.client("hop", stranger.issue(t, "node"))})
	if err != nil {
		t.Fatal(err)
	}
	if got := next(t, r.closed); !alerted(got.err) {
		t.Errorf("closed for %v, want the server's alert", got.err)
	}
}

func TestNewSettingsAcceptTheNextConnection(t *testing.T) {
	ca, other := newAuthority(t), newAuthority(t)
	r := newRecorder()
	l := newLayer(t, r, Limits{})
	addr := fitOne(t, l, Listener{Name: "tls", Transport: sip.TLS, Addr: loopback, TLS: ca.server(t, "node", 0), TLSKey: "1"})
	before := dialTLS(t, addr, ca.client("node"))
	socket := l.current()[0]
	fixed := Listener{Name: "tls", Transport: sip.TLS, Addr: loopback, TLS: other.server(t, "node", 0), TLSKey: "2", VerifyClient: true}
	if again := fitOne(t, l, fixed); again != addr || l.current()[0] != socket {
		t.Errorf("the listener moved from %v to %v", addr, again)
	}
	after := dialTLS(t, addr, other.client("node"))
	for _, p := range []*peer{before, after} {
		p.write(t, message("MESSAGE", "a", 0))
		if got := p.status(t); got != "200" {
			t.Errorf("answered %s", got)
		}
	}
}

func TestAConnectionMayBeRefusedWhenItComesUp(t *testing.T) {
	r := newRecorder()
	l := newLayer(t, r, Limits{})
	refused, counted := errors.New("as the test says"), make(chan int, 2)
	r.up = func(c *Conn) {
		counted <- len(l.Connections())
		c.Close(refused)
	}
	addr := listenTCP(t, l)
	p := connect(t, addr)
	p.write(t, message("MESSAGE", "a", 0))
	if got := next(t, r.closed); !errors.Is(got.err, refused) {
		t.Errorf("closed for %v", got.err)
	}
	target := Target{Addr: stub(t, func(net.Conn) {}), Transport: sip.TCP}
	c, err := l.Dial(t.Context(), target)
	if err != nil || !errors.Is(c.Err(), refused) {
		t.Fatalf("Dial returned it before it was refused: %v", err)
	}
	next(t, r.closed)
	if one, two := next(t, counted), next(t, counted); one != 1 || two != 1 {
		t.Errorf("%d and %d connections are up when one comes up", one, two)
	}
	if len(r.got) != 0 {
		t.Error("a message was received all the same")
	}
}

func TestAFaultWhenAConnectionComesUpEndsIt(t *testing.T) {
	r := newRecorder()
	r.up = func(*Conn) { panic("as the test says") }
	l := newLayer(t, r, Limits{})
	connect(t, listenTCP(t, l))
	if got := next(t, r.closed); !errors.Is(got.err, ErrPanic) {
		t.Errorf("closed for %v, want ErrPanic", got.err)
	}
}

// heard keeps what came over a connection, as it stood on the wire.
type heard struct {
	net.Conn
	bytes []byte
}

func (h *heard) Read(b []byte) (int, error) {
	n, err := h.Conn.Read(b)
	h.bytes = append(h.bytes, b[:n]...)
	return n, err
}

// lastRecord is the type of the last TLS record (RFC 5246 section 6.2.1).
func (h *heard) lastRecord() (kind byte) {
	for rest := h.bytes; len(rest) >= 5; rest = rest[min(len(rest), 5+int(rest[3])<<8+int(rest[4])):] {
		kind = rest[0]
	}
	return kind
}

// A peer that saw no close_notify has to take what it received for cut off (RFC 5246 section 7.2.1). crypto/tls as a client
// tells no difference.
func TestTLSEndsWithACloseNotify(t *testing.T) {
	const alert = 21
	ca, r := newAuthority(t), newRecorder()
	l := newLayer(t, r, Limits{})
	at := fitOne(t, l, Listener{Name: "tls", Transport: sip.TLS, Addr: loopback, TLS: ca.server(t, "imp1.synergy.com", tls.NoClientCert)})
	wire, config := &heard{Conn: connect(t, at).Conn}, ca.client("imp1.synergy.com")
	config.MaxVersion = tls.VersionTLS12 // in which an alert's type is not hidden
	p := newPeer(t, tls.Client(wire, config))
	p.write(t, message("MESSAGE", "a", 0))
	if got := p.status(t); got != "200" {
		t.Fatalf("answered %s", got)
	}
	l.Connections()[0].Close(nil)
	if got := p.status(t); got != "closed" {
		t.Errorf("after the close it says %s", got)
	}
	if kind := wire.lastRecord(); kind != alert {
		t.Errorf("the last record is of type %d", kind)
	}
}
