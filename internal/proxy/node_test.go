package proxy

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"isthmus/internal/federation"
	"isthmus/internal/routing"
	"isthmus/internal/sip"
	"isthmus/internal/sip/transport"
	"isthmus/internal/siptest"
)

func TestAFaultInsideCostsOneRequest(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.proxy.guard(func() { panic("what should not be") })
		if log := w.log.String(); !strings.Contains(log, "what should not be") || !strings.Contains(log, "stack") {
			t.Errorf("the log:\n%s", log)
		}
	})
}

func TestAFailedHandshakeIsLoggedWithItsReason(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		h := w.proxy.Handler()
		h.HandshakeFailed(&transport.Peer{Remote: netip.MustParseAddrPort("127.0.0.66:1"), Listener: "Lab"}, errors.New("TLS peer subject not listed: x.com is in no list"))
		if !strings.Contains(w.log.String(), `"reason":"TLS peer subject not listed: x.com`) {
			t.Errorf("the log:\n%s", w.log)
		}
		if !h.Accept(netip.MustParseAddr("127.0.0.66"), sip.TCP) {
			t.Error("a failed handshake is no refusal by the list")
		}
	})
}

func TestStopEndsTheProbes(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.fails(fe1At, transport.ErrRefused)
		client := w.connector()
		client.asks(request("SUBSCRIBE"))
		w.at(fe2At).answers(w.at(fe2At).expect("SUBSCRIBE"), 200)
		dials := w.dials(fe1At)
		w.proxy.Stop()
		w.after(time.Minute)
		if w.dials(fe1At) != dials {
			t.Error("the hop is probed on")
		}
		client.expect("200")
	})
}

func TestAConnectionThatClosesBeforeDialReturnsIsAFailedOne(t *testing.T) {
	w := &world{t: t, proxy: New(Config{})}
	early, shared := w.end(transport.Peer{Opened: true}), w.end(transport.Peer{Opened: true})
	early.ends(&net.OpError{Op: "remote error", Err: errors.New("tls: bad certificate")})
	ws := &w.proxy.wires
	_, err := ws.register(early, nil)
	if got := (&place{proxy: w.proxy}).lossOf(early, err, false).reason; err == nil || got != "TLS handshake failed: remote error: tls: bad certificate" {
		t.Errorf("register: %v, which is told as %s", err, got)
	}
	first, err := ws.register(shared, &place{proxy: w.proxy})
	if again, _ := ws.register(shared, nil); err != nil || again != first {
		t.Error("one connection has two wires")
	}
	shared.ends(io.EOF)
	if _, err := ws.register(shared, nil); err == nil {
		t.Error("a second hop of the same target is given a connection that is closed")
	}
	if len(ws.byID) != 0 {
		t.Errorf("of closed connections %d are remembered", len(ws.byID))
	}
}

func TestManyRefusingAddressesAreForgotten(t *testing.T) {
	var b bans
	now := time.Unix(1_000_000, 0)
	addr := netip.MustParseAddr("10.0.0.0")
	for range 3 * maxBans {
		addr = addr.Next()
		b.count(addr, now)
		now = now.Add(time.Millisecond)
	}
	if len(b.records) > maxBans {
		t.Errorf("%d addresses are remembered", len(b.records))
	}
}

// secureNode is a node on real sockets with mutual TLS in and out.
func secureNode(t *testing.T, ca *siptest.Authority, s federation.Snapshot) (tlsAddress, tcpAddress string) {
	t.Helper()
	own := ca.Leaf("imp1.synergy.com")
	out := &tls.Config{Certificates: []tls.Certificate{own}, RootCAs: ca.Pool(), ServerName: "fe1.synergy.com"}
	p := New(Config{Directory: people, Key: []byte("secret"), TLS: func(*routing.Hop) (TLS, error) { return TLS{Config: out, Key: "1"}, nil }})
	local := netip.MustParseAddr(s.Nodes[0].Address)
	layer := transport.New(transport.Config{Handler: p.Handler(), Local: func() netip.Addr { return local }})
	p.Start(Over(layer))
	states := layer.Fit([]transport.Listener{
		{Name: "Default SIP Proxy TLS Listener - Peer Auth", Transport: sip.TLS, Addr: netip.AddrPortFrom(local, 0), VerifyClient: true, TLS: ca.Server(own), TLSKey: "1"},
		{Name: "Default SIP Proxy TCP Listener", Transport: sip.TCP, Addr: netip.AddrPortFrom(local, 0)},
	})
	policy, err := routing.Compile(s, "imp1.synergy.com")
	if err != nil || !states[0].Open || !states[1].Open {
		t.Fatal(err, states)
	}
	p.SetPolicy(policy)
	t.Cleanup(func() { p.Stop(); shut(layer) })
	return states[0].Addr.String(), states[1].Addr.String()
}

func TestMutualTLSBothWays(t *testing.T) {
	ca := siptest.NewAuthority("Lab CA")
	cert := ca.Leaf("fe1.synergy.com")
	connector := siptest.Serve(t, "127.0.82.1:0", nil)
	front := siptest.Serve(t, "127.0.82.2:0", ca.Server(cert))
	s := snapshot("127.0.82.1", connector.Addr(), front.Addr())
	s.StaticRoutes[0].Transport = federation.TLS
	s.TLSContexts[0].PeerSubjects = []string{"fe1.synergy.com"}
	secure, plain := secureNode(t, ca, s)

	lync := siptest.Connect(t, secure, siptest.Options{Local: "127.0.82.2", TLS: ca.Client(cert, "imp1.synergy.com")})
	lync.Sends(siptest.Message("anna@synergy.com", "carla@synergy.com", "in"))
	here := connector.Accepts()
	here.Answers(here.Expect("MESSAGE"), 200)
	lync.Expect("200")

	ours := siptest.Connect(t, plain, siptest.Options{Local: "127.0.82.1"})
	ours.Sends(siptest.Message("carla@synergy.com", "bob@synergy.com", "out"))
	there := front.Accepts()
	there.Answers(there.Expect("MESSAGE"), 200)
	ours.Expect("200")

	other := siptest.Connect(t, secure, siptest.Options{Local: "127.0.82.2", TLS: ca.Client(ca.Leaf("fe9.synergy.com"), "imp1.synergy.com")})
	other.Sends(siptest.Message("anna@synergy.com", "carla@synergy.com", "in"))
	if got := value(other.Expect("403"), "Warning"); !strings.Contains(got, "TLS peer subject not listed: fe9.synergy.com") {
		t.Errorf("Warning: %s", got)
	}
	other.ExpectClosed()
}
