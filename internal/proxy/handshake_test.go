package proxy

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"isthmus/internal/federation"
	"isthmus/internal/routing"
	"isthmus/internal/sip/transport"
)

// failures notes each handshake that the proxy tells of.
func (w *world) failures() *[]string {
	list := &[]string{}
	w.proxy.config.HandshakeFailed = func(f FailedHandshake) {
		line := fmt.Sprintf("to %s at %s: %v", f.Hop, f.Addr, f.Err)
		if f.Peer != nil {
			line = fmt.Sprintf("from %s, known %v: %v", f.Peer.Remote, f.Known, f.Err)
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		*list = append(*list, line)
	}
	return list
}

func (w *world) told(list *[]string) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(*list)
}

func TestAFailedHandshakeOfAClientIsToldWithWhetherItIsKnown(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		list, h, refused := w.failures(), w.proxy.Handler(), errors.New("as the test says")
		for _, from := range []string{"127.0.0.21:40000", "127.0.0.66:40000"} {
			h.HandshakeFailed(&transport.Peer{Remote: netip.MustParseAddrPort(from), Listener: "Lab"}, refused)
		}
		h.HandshakeFailed(&transport.Peer{Remote: netip.MustParseAddrPort("127.0.0.67:1"), Listener: "Lab"}, transport.ErrClosed)
		want := []string{"from 127.0.0.21:40000, known true: as the test says", "from 127.0.0.66:40000, known false: as the test says"}
		if got := w.told(list); !slices.Equal(got, want) {
			t.Errorf("told %q, want %q: a node that ends refuses nobody", got, want)
		}
	})
}

// Thousands may come in a second. All are counted; the log gets one of each reason, the page of refused handshakes
// as many as of others.
func TestHandshakesThatWereNotBegunAreCountedAndToldNowAndThen(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.proxy.config.HandshakeReason = func(err error) string { return err.(*transport.HandshakeRefusal).Reason }
		list, h := w.failures(), w.proxy.Handler()
		refuse := func(from string, why error) {
			h.HandshakeFailed(&transport.Peer{Remote: netip.MustParseAddrPort(from), Listener: "Lab"}, why)
		}
		for i := range 2000 {
			refuse(fmt.Sprintf("127.0.%d.%d:1", 1+i/250, i%250), transport.ErrHandshakesWaiting)
		}
		refuse("127.0.0.66:1", transport.ErrHandshakesFailed)
		refuse("127.0.0.21:1", transport.ErrHandshakesWaiting)
		const all = refusalsPerSecond + 2
		if got := w.told(list); len(got) != all || !strings.HasPrefix(got[all-1], "from 127.0.0.21:1, known true: too many TLS handshakes of unlisted peers") {
			t.Errorf("%d are told, want %d, one of the other reason and one of who is known: %q", len(got), all, got)
		}
		if n := strings.Count(w.log.String(), "TLS handshake failed"); n != 3 {
			t.Errorf("%d are logged, want one of each reason and one of who is known", n)
		}
		w.after(refusalsEvery)
		refuse("127.0.0.67:1", transport.ErrHandshakesWaiting)
		if got, n := w.told(list), strings.Count(w.log.String(), "TLS handshake failed"); len(got) != all+1 || n != 4 {
			t.Errorf("after a while %d are told and %d logged, want %d and 4", len(got), n, all+1)
		}
		w.counted(`tls_handshake_failures_total{reason="too many TLS handshakes of unlisted peers"} 2002`)
	})
}

// A client that leaves its hello half sent is told why it ended, and that there is a way out.
func TestAHandshakeThatWasCutOffIsARefusal(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		list, h := w.failures(), w.proxy.Handler()
		for i := range 88 {
			h.HandshakeFailed(&transport.Peer{Remote: netip.AddrPortFrom(netip.MustParseAddr("127.0.0.66"), uint16(i+1)), Listener: "Lab"}, transport.ErrStranger)
		}
		got := w.told(list)
		if len(got) != 88 || !strings.Contains(got[87], "handshake of an unlisted peer cut off: ") || !strings.Contains(got[87], "incoming ACL") {
			t.Errorf("%d are told: %q", len(got), got)
		}
		if n := strings.Count(w.log.String(), "cut off"); n != 1 {
			t.Errorf("%d are logged, want one", n)
		}
	})
}

func TestFailedHandshakesOfStrangersFillNoLog(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		list, h := w.failures(), w.proxy.Handler()
		for i := range 2000 {
			h.HandshakeFailed(&transport.Peer{Remote: netip.AddrPortFrom(netip.MustParseAddr("127.0.0.66"), uint16(i+1)), Listener: "Lab"}, errors.New("x"))
		}
		h.HandshakeFailed(&transport.Peer{Remote: netip.MustParseAddrPort("127.0.0.21:1"), Listener: "Lab"}, errors.New("x"))
		if got, n := w.told(list), strings.Count(w.log.String(), "TLS handshake failed"); len(got) != refusalsPerSecond+1 || n != len(got) {
			t.Errorf("%d are told and %d logged", len(got), n)
		}
	})
}

// A listed server that tries without end must not hide the others, nor fill the disk.
func TestFailedHandshakesOfAKnownPeerAreLoggedAtOnceAndThenNowAndThenWithACount(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.proxy.config.HandshakeReason = func(err error) string { return err.Error() }
		list, h, port := w.failures(), w.proxy.Handler(), uint16(0)
		fails := func(n int, from, reason string) {
			for range n {
				port++
				h.HandshakeFailed(&transport.Peer{Remote: netip.AddrPortFrom(netip.MustParseAddr(from), port), Listener: "Lab"}, errors.New(reason))
			}
		}
		lines := func(want int, when string) {
			t.Helper()
			if n := strings.Count(w.log.String(), "TLS handshake failed"); n != want {
				t.Errorf("%s: %d lines, want %d:\n%s", when, n, want, w.log)
			}
		}
		fails(3000, "127.0.0.21", "no TLS")
		lines(1, "one peer, one reason")
		fails(1, "127.0.0.21", "expired")
		fails(1, "127.0.0.22", "no TLS")
		fails(1, "::ffff:127.0.0.22", "no TLS")
		lines(3, "another reason, another peer, and the same in another spelling")
		w.after(refusalsEvery)
		fails(2, "127.0.0.21", "no TLS")
		fails(1, "127.0.0.21", "expired")
		lines(5, "after a while")
		if n := strings.Count(w.log.String(), `"left_out"`); n != 1 || !strings.Contains(w.log.String(), `"left_out":2999`) {
			t.Errorf("what was left out is told %d times:\n%s", n, w.log)
		}
		if got := w.told(list); len(got) != 3006 {
			t.Errorf("the page is told %d of 3006", len(got))
		}
		w.counted(`tls_handshake_failures_total{reason="no TLS"} 3004`)
		w.counted(`tls_handshake_failures_total{reason="expired"} 2`)
	})
}

// A network may be listed whose addresses nobody could count.
func TestOfManyNamesAHundredASecondPass(t *testing.T) {
	var s seldom
	now, passed := time.Unix(1, 0), 0
	for i := range 10 * maxNames {
		if _, ok := s.passes(fmt.Sprint(i), now); ok {
			passed++
		}
	}
	if passed != maxNames+1 || len(s.last) > maxNames+1 {
		t.Errorf("%d pass and %d are remembered, want %d and one for all others", passed, len(s.last), maxNames)
	}
	now = now.Add(refusalsEvery)
	if _, ok := s.passes("new", now); !ok || len(s.last) > maxNames+1 {
		t.Errorf("after a while a new name passes: %v; %d are remembered", ok, len(s.last))
	}
	if left, ok := s.passes("0", now); !ok || left != 0 {
		t.Errorf("and so does an old one: %v, %d left out", ok, left)
	}
}

func TestAHopThatFailsInItsHandshakeIsToldAtEachAttempt(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		list := w.failures()
		w.fails(fe1At, transport.ErrHandshake)
		client := w.connector()
		client.asks(request("SUBSCRIBE"))
		w.at(fe2At).answers(w.at(fe2At).expect("SUBSCRIBE"), 200)
		client.expect("200")
		w.after(6 * time.Second) // a probe
		got := w.told(list)
		if len(got) < 2 || len(got) != w.dials(fe1At) || !strings.HasPrefix(got[0], "to 127.0.0.21:5061 at 127.0.0.21:5061: ") {
			t.Errorf("told %q of %d attempts", got, w.dials(fe1At))
		}
		if n := strings.Count(w.log.String(), "TLS handshake failed"); n != 1 {
			t.Errorf("the log says it %d times, want once:\n%s", n, w.log)
		}
	})
}

// The page of refused handshakes and the log must not find different reasons for one failure.
func TestPageAndLogAreToldTheSameOfAHopThatFailed(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		cause, leaf := errors.New("as the test says"), &x509.Certificate{}
		var page, log FailedHandshake
		w.proxy.config.HandshakeFailed = func(f FailedHandshake) { page = f }
		w.proxy.config.HandshakeCause = func(f FailedHandshake) error { log = f; return f.Err }
		w.proxy.hopRefused(FailedHandshake{Err: &transport.DialError{Kind: transport.ErrHandshake, Cause: cause, Shown: []*x509.Certificate{leaf}}})
		for name, got := range map[string]FailedHandshake{"page": page, "log": log} {
			if got.Err != cause || len(got.Shown) != 1 || got.Shown[0] != leaf {
				t.Errorf("the %s gets %v and %d certificates, want the cause alone and the one shown", name, got.Err, len(got.Shown))
			}
		}
	})
}

func TestAHopThatIsNotThereFailedNoHandshake(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		list := w.failures()
		for _, kind := range []error{transport.ErrRefused, transport.ErrTimeout, transport.ErrUnreachable, transport.ErrClosed} {
			w.proxy.hopRefused(FailedHandshake{Err: &transport.DialError{Kind: kind, Cause: kind}})
		}
		w.proxy.hopRefused(FailedHandshake{Err: &transport.DialError{Kind: transport.ErrHandshake, Cause: transport.ErrClosed}})
		if got := w.told(list); len(got) > 0 {
			t.Errorf("told %q", got)
		}
	})
}

// In TLS 1.3 a server refuses our certificate when the connection is up already, or even before Dial returns.
func TestALateAlertIsAFailedHandshake(t *testing.T) {
	alert := &net.OpError{Op: "remote error", Err: errors.New("tls: unknown certificate authority")}
	inWorld(t, func(t *testing.T, w *world) {
		list, client := w.failures(), w.connector()
		client.asks(request("MESSAGE"))
		w.at(fe1At).expect("MESSAGE")
		w.at(fe1At).breaks(alert)
		w.at(fe2At).answers(w.at(fe2At).expect("MESSAGE"), 200)
		client.expect("200")
		client.asks(request("MESSAGE"))
		w.at(fe2At).answers(w.at(fe2At).expect("MESSAGE"), 200)
		client.expect("200")
		w.at(fe2At).breaks(alert) // after an answer it is the end of a connection that was good
		if got := w.told(list); len(got) != 1 || !strings.HasPrefix(got[0], "to 127.0.0.21:5061 at ") || !strings.Contains(got[0], "unknown certificate authority") {
			t.Errorf("told %q", got)
		}
	})
}

// The server has reset the connection over what it was sent, and only who reads on finds what it had said before.
func TestALateAlertIsHeardThoughNothingCouldBeSent(t *testing.T) {
	alert := &net.OpError{Op: "remote error", Err: errors.New("tls: unknown certificate authority")}
	const why = "TLS handshake failed: remote error: tls: unknown certificate authority"
	inWorld(t, func(t *testing.T, w *world) {
		w.proxy.config.TLS = func(*routing.Hop) (TLS, error) { return TLS{Key: "1"}, nil }
		list, client := w.failures(), w.connector()
		w.fails(fe1At, transport.ErrRefused)
		client.asks(request("SUBSCRIBE"))
		w.at(fe2At).answers(w.at(fe2At).expect("SUBSCRIBE"), 200)
		client.expect("200")
		w.fails(fe1At, nil)
		w.refuses(fe1At, alert)
		for range 10 {
			w.after(6 * time.Second)
			w.expectState("down " + why)
		}
		if got := w.told(list); len(got) < 8 {
			t.Errorf("told %q", got)
		}
	}, func(s *federation.Snapshot) { s.StaticRoutes[0].Transport = federation.TLS })
}

// The alert was read before the request was written. Over another connection it would come again.
func TestAHopThatHasRefusedTheCertificateIsDownAtOnce(t *testing.T) {
	alert := &net.OpError{Op: "remote error", Err: errors.New("tls: unknown certificate authority")}
	inWorld(t, func(t *testing.T, w *world) {
		w.proxy.config.TLS = func(*routing.Hop) (TLS, error) { return TLS{Key: "1"}, nil }
		w.refuses(fe1At, alert)
		w.hosts[fe1At].knows = true
		list, client := w.failures(), w.connector()
		client.asks(request("SUBSCRIBE"))
		w.at(fe2At).answers(w.at(fe2At).expect("SUBSCRIBE"), 200)
		client.expect("200")
		w.after(time.Second)
		if got := w.told(list); len(got) != 1 || w.dials(fe1At) != 1 {
			t.Errorf("told %q after %d connections", got, w.dials(fe1At))
		}
		w.expectState("down TLS handshake failed: remote error: tls: unknown certificate authority")
	}, func(s *federation.Snapshot) { s.StaticRoutes[0].Transport = federation.TLS })
}

// Nothing was asked over the connection that would have been answered: how the hop took it shows otherwise.
func TestAnAlertIsARefusalOnlyAtFirst(t *testing.T) {
	alert := &net.OpError{Op: "remote error", Err: errors.New("tls: internal error")}
	for name, c := range map[string]struct {
		then func(w *world)
		want string
	}{
		"at once": {func(*world) {}, "down TLS handshake failed: remote error: tls: internal error"},
		"later":   {func(w *world) { w.after(mostRefusing + time.Second) }, "unknown"},
		"after it asked us": {func(w *world) {
			w.at(fe1At).asks(toCarla("OPTIONS"))
			w.at(connectorAt).answers(w.at(connectorAt).expect("OPTIONS"), 200)
			w.at(fe1At).expect("200")
		}, "unknown"},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				list, client := w.failures(), w.connector()
				client.asks(request("BENOTIFY"))
				w.at(fe1At).expect("BENOTIFY")
				c.then(w)
				w.at(fe1At).breaks(alert)
				w.expectState(c.want)
				if got := w.told(list); len(got) > 0 != (c.want != "unknown") {
					t.Errorf("told %q", got)
				}
			})
		})
	}
}

func TestARequestThatCouldNotBeSentIsToldOfALateAlertToo(t *testing.T) {
	alert := &net.OpError{Op: "remote error", Err: errors.New("tls: unknown certificate authority")}
	inWorld(t, func(t *testing.T, w *world) {
		w.proxy.config.TLS = func(*routing.Hop) (TLS, error) { return TLS{Key: "1"}, nil }
		w.refuses(fe1At, alert)
		w.refuses(fe2At, alert)
		client := w.connector()
		client.asks(request("SUBSCRIBE"))
		w.after(3 * time.Second)
		if got := value(client.expect("504"), "Warning"); strings.Contains(got, "connection lost") || strings.Count(got, "unknown certificate authority") != 2 {
			t.Errorf("Warning: %s", got)
		}
	}, func(s *federation.Snapshot) {
		for i := range s.StaticRoutes {
			s.StaticRoutes[i].Transport = federation.TLS
		}
	})
}
