package certs

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"isthmus/internal/federation"
)

// handshakeFailure is the alert of that name (RFC 5246 section 7.2.2).
var handshakeFailure = []byte{21, 3, 3, 0, 2, 2, 40}

// A probedServer is a port of the loopback that somebody may probe.
type probedServer struct {
	address netip.AddrPort
	heard   chan int // octets that came after the handshake, once for each connection
}

// serveProbes lets do have each connection. What it returns is read to the end and counted.
func serveProbes(t *testing.T, do func(net.Conn) (io.ReadCloser, error)) probedServer {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	s := probedServer{listener.Addr().(*net.TCPAddr).AddrPort(), make(chan int, 4)}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			conn.SetDeadline(time.Now().Add(10 * time.Second))
			count := 0
			if rest, err := do(conn); err == nil {
				data, err := io.ReadAll(rest)
				if count = len(data); err != nil { // it did not take leave
					count = -1
				}
			}
			conn.Close()
			s.heard <- count
		}
	}()
	return s
}

func overTLS(config *tls.Config) func(net.Conn) (io.ReadCloser, error) {
	return func(conn net.Conn) (io.ReadCloser, error) {
		c := tls.Server(conn, config)
		return c, c.Handshake()
	}
}

// closedPort is a port that nothing listens at.
func closedPort(t *testing.T) netip.AddrPort {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).AddrPort()
}

func TestAProbeTellsHowAServerShakesHandsAndSendsNothingElse(t *testing.T) {
	ca, foreign := newAuthority(t, "Root"), newAuthority(t, "Somebody else")
	good, stranger := pair(ca.issue(t, peer, dnsNames("fe1.synergy.com"))), pair(foreign.issue(t, peer))
	own := pair(ca.issue(t, "imp1.synergy.com"))
	demanding := func(c *tls.Config) {
		c.ClientAuth, c.ClientCAs, c.Time = tls.RequireAndVerifyClientCert, TrustStore(trusting(t, ca).Certificates), clock
	}
	demandingAnother := func(c *tls.Config) { demanding(c); c.ClientCAs = TrustStore(trusting(t, foreign).Certificates) }
	asking := func(c *tls.Config) { c.ClientAuth = tls.RequestClientCert }
	failing := func(c *tls.Config) { // with an alert in clear, which no rule of a certificate is behind
		c.ClientAuth = tls.RequireAnyClientCert
		c.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
			failed := c.Clone()
			failed.VerifyConnection = func(tls.ConnectionState) error {
				_, err := hello.Conn.Write(handshakeFailure)
				return errors.Join(errors.New("it failed"), err)
			}
			return failed, nil
		}
	}
	for _, test := range []struct {
		promise   string
		version   uint16
		shows     tls.Certificate
		edit      func(*tls.Config)
		own       *tls.Certificate
		context   federation.TLSContext
		agreed    string // version
		asked     bool
		beyond    bool
		problem   string
		untrusted string
	}{
		{promise: "TLS 1.2, asking for nothing", version: tls.VersionTLS12, shows: good, own: &own, agreed: "TLS 1.2"},
		{promise: "TLS 1.3, asking for nothing", version: tls.VersionTLS13, shows: good, own: &own, agreed: "TLS 1.3"},
		{promise: "TLS 1.2, mutual", version: tls.VersionTLS12, shows: good, edit: demanding, own: &own, agreed: "TLS 1.2", asked: true},
		{promise: "TLS 1.3, mutual", version: tls.VersionTLS13, shows: good, edit: demanding, own: &own, agreed: "TLS 1.3", asked: true},
		{promise: "TLS 1.2, another CA demanded", version: tls.VersionTLS12, shows: good, edit: demandingAnother, own: &own, agreed: "TLS 1.2", asked: true, problem: "The peer does not trust the CA of this node's certificate"},
		{promise: "TLS 1.3, another CA demanded", version: tls.VersionTLS13, shows: good, edit: demandingAnother, own: &own, agreed: "TLS 1.3", asked: true, problem: "The peer does not trust the CA of this node's certificate"},
		{promise: "TLS 1.2, a certificate demanded of who has none", version: tls.VersionTLS12, shows: good, edit: demanding, agreed: "TLS 1.2", asked: true, problem: "The peer demands a certificate, and this node has none to show"},
		{promise: "TLS 1.3, a certificate demanded of who has none", version: tls.VersionTLS13, shows: good, edit: demanding, agreed: "TLS 1.3", asked: true, problem: "The peer demands a certificate, and this node has none to show"},
		{promise: "TLS 1.3, asked and content with none", version: tls.VersionTLS13, shows: good, edit: asking, agreed: "TLS 1.3", asked: true},
		{promise: "an unknown CA is judged, and no failure of the probe", version: tls.VersionTLS12, shows: stranger, own: &own, agreed: "TLS 1.2", untrusted: `was issued by "Somebody else"`},
		{promise: "TLS 1.0 alone", version: tls.VersionTLS10, shows: good, agreed: "TLS 1.0", beyond: true, problem: "The peer speaks none of the TLS versions that the TLS context sip-proxy-peer-auth allows"},
		{promise: "TLS 1.0, allowed", version: tls.VersionTLS10, shows: good, context: federation.TLSContext{MinVersion: "1.0"}, agreed: "TLS 1.0"},
		{promise: "no cipher in common", version: tls.VersionTLS12, shows: good, context: federation.TLSContext{MinVersion: "1.2", Ciphers: []string{"TLS_RSA_WITH_AES_128_GCM_SHA256"}},
			agreed: "TLS 1.2", beyond: true, problem: "The peer takes none of what the TLS context sip-proxy-peer-auth offers"},
		{promise: "a cipher that no context has", version: tls.VersionTLS12, shows: good, edit: func(c *tls.Config) { c.CipherSuites = []uint16{tls.TLS_ECDHE_ECDSA_WITH_RC4_128_SHA} },
			agreed: "TLS 1.2", beyond: true, problem: "The peer takes none of what the TLS context sip-proxy-peer-auth offers"},
		{promise: "a failure after both were agreed upon", version: tls.VersionTLS12, shows: good, edit: failing, own: &own, agreed: "TLS 1.2", asked: true, problem: "The peer takes none of what the TLS context sip-proxy-peer-auth offers"},
	} {
		config := &tls.Config{MinVersion: test.version, MaxVersion: test.version, Certificates: []tls.Certificate{test.shows}}
		if test.edit != nil {
			test.edit(config)
		}
		server := serveProbes(t, overTLS(config))
		p := Probe{Snapshot: trusting(t, ca), Own: test.own, Local: netip.MustParseAddr("127.0.0.1"), Now: clock}
		if test.context.MinVersion != "" {
			test.context.Name = federation.PeerAuthContext
			*p.Snapshot.TLSContext(federation.PeerAuthContext) = test.context
		}
		got := p.Run(t.Context(), []netip.AddrPort{server.address})
		if heard := <-server.heard; heard != 0 {
			t.Errorf("%s: the server heard %d octets", test.promise, heard)
		}
		if got.Version != test.agreed || got.Cipher == "" || got.Asked != test.asked || got.Shown != (test.asked && test.own != nil) || got.Beyond != test.beyond || got.Address != server.address.String() {
			t.Errorf("%s: %+v", test.promise, got)
		}
		if !strings.HasPrefix(got.Problem, test.problem) || (test.problem == "") != (got.Problem == "") {
			t.Errorf("%s: %q", test.promise, got.Problem)
		}
		if c := got.Candidate; c == nil || c.Subject != peer || c.Offered() != (test.untrusted == "") || !strings.Contains(c.Untrusted, test.untrusted) {
			t.Errorf("%s: %+v", test.promise, c)
		}
	}
}

func TestAProbeOfWhatIsNoTLSSaysWhatItMet(t *testing.T) {
	talking := serveProbes(t, func(c net.Conn) (io.ReadCloser, error) {
		io.WriteString(c, "220 mail.synergy.com ESMTP\r\n")
		return nil, net.ErrClosed
	})
	hangingUp := serveProbes(t, func(net.Conn) (io.ReadCloser, error) { return nil, net.ErrClosed })
	released := make(chan struct{})
	silent := serveProbes(t, func(net.Conn) (io.ReadCloser, error) { <-released; return nil, net.ErrClosed })
	defer close(released)
	closed := closedPort(t)
	p := Probe{Snapshot: trusting(t), Local: netip.MustParseAddr("127.0.0.1"), Now: clock}
	for promise, test := range map[string]struct {
		p    Probe
		at   []netip.AddrPort
		want string
	}{
		"a talking server":              {p, []netip.AddrPort{talking.address}, "The peer does not speak TLS on this port"},
		"one that hangs up":             {p, []netip.AddrPort{hangingUp.address}, "The peer closed the connection without saying why"},
		"a silent one":                  {p, []netip.AddrPort{silent.address}, "The peer did not complete the handshake in time"},
		"a closed port":                 {p, []netip.AddrPort{closed}, "Nothing listens at " + closed.String()},
		"no address":                    {p, nil, "Its name leads to no address"},
		"an address that is not ours":   {Probe{Snapshot: p.Snapshot, Local: netip.MustParseAddr("192.0.2.1"), Now: clock}, []netip.AddrPort{closed}, "This node's own address is not on this machine"},
		"the fourth address is not one": {p, []netip.AddrPort{closed, closed, closed, talking.address}, "Nothing listens at " + closed.String()},
	} {
		began := time.Now()
		got := test.p.Run(t.Context(), test.at)
		if !strings.HasPrefix(got.Problem, test.want) || got.Version != "" || got.Candidate != nil || got.Asked {
			t.Errorf("%s: %+v", promise, got)
		}
		if took := time.Since(began); took > probeConnect+probeHandshake {
			t.Errorf("%s took %v", promise, took)
		}
	}
}

func TestAProbeGoesOnToTheNextAddressAndConnectsFromTheNodes(t *testing.T) {
	ca := newAuthority(t, "Root")
	from := make(chan string, 1)
	good := pair(ca.issue(t, peer))
	server := serveProbes(t, func(c net.Conn) (io.ReadCloser, error) {
		from <- c.RemoteAddr().(*net.TCPAddr).IP.String()
		return overTLS(&tls.Config{Certificates: []tls.Certificate{good}})(c)
	})
	p := Probe{Snapshot: trusting(t, ca), Local: netip.MustParseAddr("127.0.0.11"), Now: clock}
	if got := p.Run(t.Context(), []netip.AddrPort{closedPort(t), server.address}); got.Problem != "" || got.Candidate == nil || !got.Candidate.Offered() {
		t.Errorf("%+v", got)
	}
	if got := <-from; got != "127.0.0.11" {
		t.Errorf("it came from %s", got)
	}
	p.Local, p.Snapshot.TLSContexts = netip.MustParseAddr("::1"), nil
	if got := p.Run(t.Context(), []netip.AddrPort{server.address}); got.Problem != "" {
		t.Errorf("from a node at an IPv6 address, without a context: %+v", got)
	}
	<-from
}

func TestAServerThatTakesNothingAtAllIsNotSaidToTakeMore(t *testing.T) {
	server := serveProbes(t, func(c net.Conn) (io.ReadCloser, error) {
		c.Read(make([]byte, 16<<10))
		_, err := c.Write(handshakeFailure)
		return c, err
	})
	began := time.Now()
	got := Probe{Snapshot: trusting(t), Now: clock}.Run(t.Context(), []netip.AddrPort{server.address})
	if got.Beyond || got.Version != "" || !strings.HasPrefix(got.Problem, "The peer takes none of what") {
		t.Errorf("%+v", got)
	}
	for range 2 { // as a node, and with everything offered
		if heard := <-server.heard; heard != 0 || time.Since(began) > 8*time.Second {
			t.Errorf("%d octets after %v: the connection was left open", heard, time.Since(began))
		}
	}
}

func TestAServerThatResetsTheConnectionAfterAHandshakeRefusedIt(t *testing.T) {
	good := pair(newAuthority(t, "Root").issue(t, peer))
	server := serveProbes(t, func(c net.Conn) (io.ReadCloser, error) {
		err := tls.Server(c, &tls.Config{MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{good}}).Handshake()
		c.(*net.TCPConn).SetLinger(0)
		return nil, errors.Join(err, net.ErrClosed)
	})
	if got := (Probe{Snapshot: trusting(t), Now: clock}).Run(t.Context(), []netip.AddrPort{server.address}); !strings.HasPrefix(got.Problem, "The peer closed the connection without saying why") {
		t.Errorf("%+v", got)
	}
}

func TestWhyAServerIsNotReachedIsSaidInASentence(t *testing.T) {
	for err, want := range map[error]string{
		os.ErrDeadlineExceeded:                              "10.0.0.1:5061 does not answer within ",
		os.NewSyscallError("connect", syscall.EHOSTUNREACH): "10.0.0.1:5061 cannot be reached (connect: no route to host); see whether",
	} {
		if got := unreachable("10.0.0.1:5061", err); !strings.HasPrefix(got, want) || !strings.HasSuffix(got, ".") {
			t.Errorf("%v: %q", err, got)
		}
	}
}

// A server that gives no chain still leads to the CA whose certificate is here.
func TestAProbeIsJudgedByTheTrustStoreAlone(t *testing.T) {
	ca := newAuthority(t, "Root")
	leaf, k := ca.issue(t, peer, usages(x509.ExtKeyUsageServerAuth))
	server := serveProbes(t, overTLS(&tls.Config{Certificates: []tls.Certificate{pair(leaf, k)}}))
	got := Probe{Snapshot: trusting(t, ca), Now: clock}.Run(t.Context(), []netip.AddrPort{server.address})
	if c := got.Candidate; c == nil || !c.Offered() || c.AsServer != "" || !strings.Contains(c.AsClient, "lacks the enhanced key usage client authentication") {
		t.Errorf("%+v", got)
	}
}
