package proxy

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"isthmus/internal/routing"
	"isthmus/internal/siptest"
)

// moving are the methods that may go to another hop once they were written.
var moving = []string{"SUBSCRIBE", "NOTIFY", "INVITE"}

func TestOverSocketsAClosedPortCostsNothing(t *testing.T) {
	t.Parallel()
	node, first, second := labAddresses()
	b := newLab(t, node, second, netip.MustParseAddrPort(first+":5061"), nil)
	b.ask(every, 0, 200)
	b.ends(len(every))
}

// Of a request that breaks off in the middle not one byte follows on another connection: each begins with a start line.
func TestOverSocketsAResetWhileWritingStartsAnewElsewhere(t *testing.T) {
	t.Parallel()
	node, first, second := labAddresses()
	var mu sync.Mutex
	var begun []string
	f := newFront(t, first, func(c *net.TCPConn) {
		line := make([]byte, 100)
		n, _ := io.ReadFull(c, line)
		mu.Lock()
		begun = append(begun, string(line[:n]))
		mu.Unlock()
		_ = c.SetLinger(0)
	})
	b := newLab(t, node, second, f.addr, nil)
	for _, method := range moving {
		b.ask([]string{method}, 60_000, 200)
		b.settles()
		b.proxy.place(b.hop()).forget() // the hop is asked again
	}
	b.ask([]string{"MESSAGE"}, 60_000, 504)
	b.ends(len(moving))
	mu.Lock()
	defer mu.Unlock()
	for _, line := range begun {
		if _, after, ok := strings.Cut(line, " sip:"); line != "" && (!ok || !strings.Contains(after, " SIP/2.0\r\n")) {
			t.Errorf("a connection began with %q", line)
		}
	}
	if len(begun) < 4 {
		t.Errorf("the hop was asked %d times", len(begun))
	}
}

func TestOverSocketsHalfAResponseIsNone(t *testing.T) {
	t.Parallel()
	for promise, reset := range map[string]bool{"then the end": false, "then a reset": true} {
		t.Run(promise, func(t *testing.T) {
			t.Parallel()
			node, first, second := labAddresses()
			var b *lab
			ready := make(chan struct{})
			f := newFront(t, first, func(c *net.TCPConn) {
				<-ready
				m, err := siptest.NewConn(c, time.Minute).Receive()
				if err != nil || m.Method() == "OPTIONS" {
					return
				}
				if once(m.Method()) {
					b.ledger.Processed("first", m)
				}
				_, _ = io.WriteString(c, siptest.Response(m, 200)[:100])
				if reset {
					_ = c.SetLinger(0)
				}
			})
			b = newLab(t, node, second, f.addr, nil)
			close(ready)
			for _, method := range moving {
				b.ask([]string{method}, 0, 200)
				b.settles()
				b.proxy.place(b.hop()).forget()
			}
			b.ask([]string{"MESSAGE"}, 0, 504)
			b.ends(len(moving))
		})
	}
}

func TestOverSocketsAHopThatDoesNotReadDelaysItsOwnRequestsOnly(t *testing.T) {
	t.Parallel()
	node, first, second := labAddresses()
	f := newFront(t, first, func(c *net.TCPConn) {
		_ = c.SetReadBuffer(4096)
		<-t.Context().Done()
	})
	b := newLab(t, node, second, f.addr, nil)
	const n = 12
	for range n {
		b.ask([]string{"SUBSCRIBE"}, 60_000, 200) // 720 kB, of which the kernel and the queue take less
	}
	b.ends(n)
	if b.ledger.Slowest() > 16*time.Second {
		t.Errorf("the slowest took %v of the hasty clock", b.ledger.Slowest())
	}
	b.ask(every, 0, 200)
	b.ends(n + len(every))
}

func TestOverSocketsADrippingResponseIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	node, first, second := labAddresses()
	var b *lab
	ready := make(chan struct{})
	f := newFront(t, first, func(c *net.TCPConn) {
		<-ready
		m, err := siptest.NewConn(c, time.Minute).Receive()
		if err != nil {
			return
		}
		if once(m.Method()) {
			b.ledger.Processed("first", m)
		}
		pace := time.NewTicker(20 * time.Millisecond)
		defer pace.Stop()
		for _, ch := range []byte(siptest.Response(m, 200)) {
			if _, err := c.Write([]byte{ch}); err != nil {
				return
			}
			<-pace.C
		}
	})
	b = newLab(t, node, second, f.addr, nil)
	close(ready)
	b.ask([]string{"SUBSCRIBE"}, 0, 200)
	b.settles()
	b.proxy.place(b.hop()).forget()
	b.ask([]string{"MESSAGE"}, 0, 504)
	b.ends(1)
}

// hop is the first front end's.
func (b *lab) hop() *routing.Hop { return b.proxy.policy.Load().Hops()[0] }

// tlsFault is a lab whose first front end is a server whose handshake fails.
func tlsFault(t *testing.T, ca *siptest.Authority, server *tls.Config) *lab {
	t.Helper()
	node, first, second := labAddresses()
	f := newFront(t, first, func(c *net.TCPConn) {
		if server == nil {
			_, _ = io.Copy(io.Discard, c) // accepts and says nothing
			return
		}
		s := tls.Server(c, server)
		b, err := bufio.NewReader(s).Peek(1)
		if err == nil {
			t.Errorf("the hop got %q", b)
		}
	})
	own := ca.Leaf("imp1.synergy.com")
	out := &tls.Config{RootCAs: ca.Pool(), ServerName: "fe1.synergy.com", GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &own, nil }}
	b := newLab(t, node, second, f.addr, out)
	b.ask(every, 0, 200) // nothing of SIP was sent, so that every method moves on
	b.settles()
	b.ask(every, 0, 200)
	b.ends(2 * len(every))
	return b
}

// expectLog holds that the log says why the hop is down.
func (b *lab) expectLog(words string) {
	b.t.Helper()
	if !strings.Contains(b.log.String(), `"reason":"next hop down: TLS handshake failed: `+words) {
		b.t.Errorf("the log does not say %q:\n%s", words, b.log)
	}
}

func TestAServerThatIsSilentInItsHandshakeGetsNothing(t *testing.T) {
	t.Parallel()
	tlsFault(t, siptest.NewAuthority("Lab CA"), nil).expectLog("not completed within 300ms")
}

func TestAServerWithAnExpiredCertificateGetsNothing(t *testing.T) {
	t.Parallel()
	ca := siptest.NewAuthority("Lab CA")
	tlsFault(t, ca, &tls.Config{Certificates: []tls.Certificate{ca.Expired("fe1.synergy.com")}}).
		expectLog("tls: failed to verify certificate: x509: certificate has expired")
}

func TestAServerOfAnotherNameGetsNothing(t *testing.T) {
	t.Parallel()
	ca := siptest.NewAuthority("Lab CA")
	tlsFault(t, ca, &tls.Config{Certificates: []tls.Certificate{ca.Leaf("evil.synergy.com")}}).
		expectLog("tls: failed to verify certificate: x509: certificate is valid for evil.synergy.com")
}

func TestAServerOfAnUnknownCAGetsNothing(t *testing.T) {
	t.Parallel()
	other := siptest.NewAuthority("Other CA")
	tlsFault(t, siptest.NewAuthority("Lab CA"), &tls.Config{Certificates: []tls.Certificate{other.Leaf("fe1.synergy.com")}}).
		expectLog("tls: failed to verify certificate: x509: certificate signed by unknown authority")
}

// A TLS 1.3 server says so after the handshake, when the request is written already: it read nothing of it.
func TestAServerThatRefusesOurCertificateTookNoRequest(t *testing.T) {
	t.Parallel()
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		ca, other := siptest.NewAuthority("Lab CA"), siptest.NewAuthority("Other CA")
		server := &tls.Config{Certificates: []tls.Certificate{ca.Leaf("fe1.synergy.com")}, ClientCAs: other.Pool(), ClientAuth: tls.RequireAndVerifyClientCert,
			MaxVersion: version}
		tlsFault(t, ca, server).expectLog("remote error: tls: unknown certificate authority")
	}
}

func TestAServerWithoutACommonVersionGetsNothing(t *testing.T) {
	t.Parallel()
	ca := siptest.NewAuthority("Lab CA")
	server := &tls.Config{Certificates: []tls.Certificate{ca.Leaf("fe1.synergy.com")}, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}
	tlsFault(t, ca, server).expectLog("remote error: tls: protocol version not supported")
}
