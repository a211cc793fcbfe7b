package proxy

import (
	"errors"
	"net/http/httptest"
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

func stranger(w *world) *end { return w.from("127.0.0.66:40010") }

// labels of methods in the metrics.
var labels = map[string]string{"SUBSCRIBE": "SUBSCRIBE", "INVITE": "INVITE", "MESSAGE": "MESSAGE", "OPTIONS": "OPTIONS", "BYE": "BYE", "CANCEL": "CANCEL", "UNHEARD": "other"}

// counted looks for lines of the metrics.
func (w *world) counted(lines ...string) {
	w.t.Helper()
	page := httptest.NewRecorder()
	w.proxy.metrics.Handler().ServeHTTP(page, httptest.NewRequest("GET", "/metrics", nil))
	for _, line := range lines {
		if !strings.Contains(page.Body.String(), "isthmus_"+line+"\n") {
			w.t.Errorf("the metrics do not say %s", line)
		}
	}
}

func TestAStrangerIsRefusedAndItsConnectionClosed(t *testing.T) {
	for _, method := range []string{"SUBSCRIBE", "INVITE", "MESSAGE", "OPTIONS", "BYE", "CANCEL", "UNHEARD"} {
		inWorld(t, func(t *testing.T, w *world) {
			s := stranger(w)
			r := siptest.NewRequest(method, "anna@synergy.com", "carla@synergy.com")
			r.To += ";tag=inside" // a To tag proves nothing
			s.asks(r)
			if got := value(s.expect("403"), "Warning"); got != `399 imp1.synergy.com "ACL - upstream not trusted: 127.0.0.66"` {
				t.Errorf("Warning: %s", got)
			}
			if !s.closed {
				t.Error("the connection stays open")
			}
			if !strings.Contains(w.log.String(), `"reason":"ACL - upstream not trusted`) {
				t.Errorf("the log:\n%s", w.log)
			}
			w.counted(`sip_requests_total{method="`+labels[method]+`",outcome="refused"} 1`,
				`sip_refusals_total{reason="ACL - upstream not trusted"} 1`, `sip_responses_total{class="4xx"} 1`)
			w.untouched(connectorAt)
		})
	}
}

func TestARefusedAckIsNotAnswered(t *testing.T) {
	for _, method := range []string{"ACK", "BENOTIFY"} {
		inWorld(t, func(t *testing.T, w *world) {
			s := stranger(w)
			s.asks(siptest.NewRequest(method, "anna@synergy.com", "carla@synergy.com"))
			s.quiet()
			if !s.closed {
				t.Error("the connection stays open")
			}
		})
	}
}

func TestAnAddressRefusedTooOftenIsNotHeard(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		addr := netip.MustParseAddr("127.0.0.66")
		refuse := func() {
			stranger(w).asks(siptest.NewRequest("OPTIONS", "anna@synergy.com", "carla@synergy.com"))
		}
		for range 5 {
			refuse()
		}
		if !w.proxy.accept(addr, sip.TCP) {
			t.Fatal("five refusals are not too many")
		}
		refuse()
		if w.proxy.accept(addr, sip.TCP) || w.proxy.accept(netip.MustParseAddr("::ffff:127.0.0.66"), sip.TCP) {
			t.Fatal("the sixth is")
		}
		if !w.proxy.accept(netip.MustParseAddr("127.0.0.67"), sip.TCP) {
			t.Error("another address pays for it")
		}
		w.after(59 * time.Second)
		if w.proxy.accept(addr, sip.TCP) {
			t.Error("the ban ends before a minute")
		}
		w.after(2 * time.Second)
		if !w.proxy.accept(addr, sip.TCP) {
			t.Error("the ban does not end after a minute")
		}
	})
}

func TestRefusalsFarApartAreNoReasonForABan(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		for range 20 {
			stranger(w).asks(siptest.NewRequest("OPTIONS", "anna@synergy.com", "carla@synergy.com"))
			w.after(2100 * time.Millisecond)
		}
		if !w.proxy.accept(netip.MustParseAddr("127.0.0.66"), sip.TCP) {
			t.Error("20 refusals in 42 seconds are a ban")
		}
	})
}

func TestANodesAddressIsNeverShutOut(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		for range 9 {
			e := w.end(transport.Peer{Remote: netip.MustParseAddrPort("127.0.0.12:40020"), Transport: sip.TLS, Listener: "Default SIP Proxy TLS Listener - Server Auth"})
			e.asks(siptest.NewRequest("OPTIONS", "anna@synergy.com", "carla@synergy.com"))
			e.expect("403")
		}
		if !w.proxy.accept(netip.MustParseAddr("127.0.0.12"), sip.TCP) {
			t.Error("the other node is shut out")
		}
	})
}

func TestListingAnAddressEndsItsBan(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		for range 6 {
			stranger(w).asks(siptest.NewRequest("OPTIONS", "anna@synergy.com", "carla@synergy.com"))
		}
		w.set(func(s *federation.Snapshot) { s.ACL = append(s.ACL, federation.ACLEntry{Pattern: "127.0.0.66"}) })
		if !w.proxy.accept(netip.MustParseAddr("127.0.0.66"), sip.TCP) {
			t.Error("the ban holds on")
		}
	})
	inWorld(t, func(t *testing.T, w *world) {
		addr := netip.MustParseAddr("127.0.0.66")
		for range 6 {
			w.datagrams("127.0.0.66:40010").asks(siptest.NewRequest("OPTIONS", "anna@synergy.com", "carla@synergy.com"))
		}
		if w.proxy.accept(addr, sip.UDP) {
			t.Fatal("no ban over UDP to end")
		}
		w.set(overUDP, func(s *federation.Snapshot) { s.ACL = append(s.ACL, federation.ACLEntry{Pattern: "127.0.0.66"}) })
		if !w.proxy.accept(addr, sip.UDP) {
			t.Error("the ban over UDP holds on")
		}
	}, overUDP)
}

func TestCompressionTalkIsRefusedWithoutCounting(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		for range 9 {
			stranger(w).asks(siptest.Negotiate("imp1.synergy.com"))
		}
		if !w.proxy.accept(netip.MustParseAddr("127.0.0.66"), sip.TCP) {
			t.Error("NEGOTIATE led to a ban")
		}
		lync := w.lync()
		lync.asks(siptest.Negotiate("imp1.synergy.com"))
		if got := value(lync.expect("405"), "Allow"); !strings.Contains(got, "SUBSCRIBE") {
			t.Errorf("Allow: %s", got)
		}
		if lync.closed {
			t.Error("an admitted peer's connection was closed")
		}
	})
}

func TestOptionsToTheNodeIsAnswered(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		lync := w.lync()
		lync.asks(siptest.Probe("imp1.synergy.com"))
		m := lync.expect("200")
		if value(m, "Allow") == "" || m.To().Tag() == nil {
			t.Errorf("the answer:\n%s", m.Bytes())
		}
	})
}

func TestMalformedRequestsAreAnsweredAndConnectionsLiveOn(t *testing.T) {
	good := func(w *world) string {
		r := siptest.NewRequest("MESSAGE", "anna@synergy.com", "carla@synergy.com")
		r.SentBy, r.Transport = "127.0.0.21:40002", sip.TCP
		return r.String()
	}
	for _, c := range []struct {
		name         string
		spoil        func(string) string
		want         string // status, "" for none
		closed       bool
		strangerGets string
	}{
		{"no To", func(s string) string { return strings.Replace(s, "\r\nTo:", "\r\nX-To:", 1) }, "400", false, "403"},
		{"no address", func(s string) string { return strings.Replace(s, "sip:carla@synergy.com SIP", "sip SIP", 1) }, "400", false, "403"},
		{"an empty parameter", func(s string) string {
			return strings.Replace(s, "sip:carla@synergy.com SIP", "sip:carla@synergy.com;=x SIP", 1)
		}, "400", false, "403"},
		{"another version", func(s string) string { return strings.Replace(s, "SIP/2.0\r\nVia", "SIP/7.0\r\nVia", 1) }, "505", false, "403"},
		{"no Call-ID", func(s string) string { return strings.Replace(s, "\r\nCall-ID:", "\r\nX-Call-ID:", 1) }, "", true, ""},
		{"no Via", func(s string) string { return strings.Replace(s, "\r\nVia:", "\r\nX-Via:", 1) }, "", true, ""},
		{"an ACK without To", func(s string) string {
			return strings.Replace(strings.ReplaceAll(s, "MESSAGE", "ACK"), "\r\nTo:", "\r\nX-To:", 1)
		}, "", false, ""},
		{"a BENOTIFY without To", func(s string) string {
			return strings.Replace(strings.ReplaceAll(s, "MESSAGE", "BENOTIFY"), "\r\nTo:", "\r\nX-To:", 1)
		}, "", false, ""},
		{"a broken response", func(s string) string {
			return strings.Replace(strings.Replace(s, "MESSAGE sip:carla@synergy.com SIP/2.0", "SIP/2.0 200 OK", 1), "\r\nTo:", "\r\nX-To:", 1)
		}, "", false, ""},
		{"a BENOTIFY whose Route is no address", func(s string) string {
			return strings.Replace(strings.ReplaceAll(s, "MESSAGE", "BENOTIFY"), "\r\nCall-ID:", "\r\nRoute: <sip:@>\r\nCall-ID:", 1)
		}, "", false, ""},
		{"a Route that is no address", func(s string) string { return strings.Replace(s, "\r\nCall-ID:", "\r\nRoute: <sip:@>\r\nCall-ID:", 1) }, "400", false, "403"},
	} {
		t.Run(c.name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				lync := w.lync()
				lync.sends(c.spoil(good(w)))
				if c.want == "" {
					lync.quiet()
				} else if m := lync.expect(c.want); m.Status() == 400 && value(m, "Warning") == "" {
					t.Errorf("no sentence says why:\n%s", m.Bytes())
				} else {
					w.counted(`sip_responses_total{class="` + c.want[:1] + `xx"} 1`)
				}
				if log := w.log.String(); !strings.Contains(log, `"level":"WARN"`) || !strings.Contains(log, `"reason":"`) {
					t.Errorf("no line tells of it:\n%s", log)
				}
				if !strings.Contains(c.name, "Route") { // which is read later
					w.counted("sip_malformed_total 1")
				}
				before := strings.Count(w.log.String(), "\n")
				if lync.closed != c.closed {
					t.Errorf("closed: %v", lync.closed)
				}
				s := stranger(w)
				s.sends(c.spoil(good(w)))
				if c.strangerGets == "" {
					s.quiet()
				} else {
					s.expect(c.strangerGets)
					s.quiet()
				}
				if n := strings.Count(w.log.String(), "\n") - before; n != 1 {
					t.Errorf("%d lines tell of the stranger:\n%s", n, w.log)
				}
				w.untouched(connectorAt)
			})
		})
	}
}

func TestAChangeBitesOnOpenConnections(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		lync, other, here := w.lync(), w.from("127.0.0.22:40004"), w.connector()
		here.asks(request("SUBSCRIBE"))
		m := w.at(fe1At).expect("SUBSCRIBE")
		w.set(func(s *federation.Snapshot) { s.ACL = s.ACL[1:] })
		if !lync.closed || other.closed || here.closed {
			t.Errorf("closed: the removed %v, the listed %v, the connector %v", lync.closed, other.closed, here.closed)
		}
		if w.at(fe1At).closed {
			t.Error("a connection that the node opened serves its own requests")
		}
		w.at(fe1At).answers(m, 200)
		here.expect("200")
	})
}

func TestARequestKeepsThePolicyItBeganWith(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		client := w.connector()
		client.asks(request("SUBSCRIBE"))
		m := w.at(fe1At).expect("SUBSCRIBE")
		w.set(func(s *federation.Snapshot) { s.StaticRoutes = nil })
		w.at(fe1At).answers(m, 503)
		w.at(fe2At).answers(w.at(fe2At).expect("SUBSCRIBE"), 200)
		client.expect("200")
		client.asks(request("SUBSCRIBE"))
		if got := value(client.expect("404"), "Warning"); got != `399 imp1.synergy.com "no static route for synergy.com"` {
			t.Errorf("Warning: %s", got)
		}
	})
}

func TestCertificatesAreJudgedAgain(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		peer := transport.Peer{Remote: netip.MustParseAddrPort("127.0.0.21:40005"), Transport: sip.TLS, Listener: "Default SIP Proxy TLS Listener - Peer Auth",
			ListenerPort: 5061, VerifyClient: true, Subject: "pool.synergy.com"}
		good, bad := w.end(peer), w.end(peer)
		plain := w.lync()
		w.proxy.config.Recheck = func(p *transport.Peer) (until time.Time, err error) {
			if p == &bad.peer || p == &plain.peer {
				return until, errors.New("its CA is trusted no more")
			}
			return until, nil
		}
		w.set(func(s *federation.Snapshot) { s.TLSContexts[0].PeerSubjects = []string{"pool.synergy.com"} })
		if good.closed || !bad.closed || plain.closed {
			t.Errorf("closed: the good %v, the bad %v, the plain %v", good.closed, bad.closed, plain.closed)
		}
		if n := strings.Count(w.log.String(), "connection closed"); n != 1 {
			t.Errorf("%d lines tell of one connection", n)
		}
		both := w.end(peer) // neither its certificate nor its address is good
		w.proxy.config.Recheck = func(p *transport.Peer) (until time.Time, err error) {
			if p == &both.peer {
				return until, errors.New("its CA is trusted no more")
			}
			return until, nil
		}
		w.set(func(s *federation.Snapshot) {
			s.ACL, s.TLSContexts[0].PeerSubjects = s.ACL[1:], []string{"pool.synergy.com"}
		})
		if !good.closed || !both.closed {
			t.Error("a good certificate makes up for an address that is listed no more")
		}
		if n := strings.Count(w.log.String(), "its CA is trusted no more"); n != 2 || strings.Count(w.log.String(), "connection closed") != 4 {
			t.Errorf("lines of the log:\n%s", w.log)
		}
	})
}

// A change may come while a peer is in its handshake: it is let in by the configuration before.
func TestACertificateIsJudgedWhenItsConnectionComesUp(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		peer := transport.Peer{Remote: netip.MustParseAddrPort("127.0.0.21:40005"), Transport: sip.TLS, ListenerPort: 5061, VerifyClient: true, Subject: "pool.synergy.com"}
		good, bad, stranger := w.end(peer), w.end(peer), w.from("127.0.0.99:40001")
		w.proxy.config.Recheck = func(p *transport.Peer) (until time.Time, err error) {
			if p == &bad.peer {
				return until, errors.New("its CA is trusted no more")
			}
			return until, nil
		}
		for _, e := range []*end{good, bad, stranger} {
			w.proxy.up(e)
		}
		if good.closed || !bad.closed {
			t.Errorf("closed: the good %v, the bad %v", good.closed, bad.closed)
		}
		if !strings.Contains(w.log.String(), "its CA is trusted no more") {
			t.Errorf("the log:\n%s", w.log)
		}
		stranger.asks(request("SUBSCRIBE"))
		stranger.expect("403") // an address is refused with an answer
	})
}

func TestAHopThatIsTrustedNoMoreWhenItsConnectionComesUpGetsNothing(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.proxy.config.TLS = func(*routing.Hop) (TLS, error) { return TLS{Key: "1"}, nil }
		w.proxy.config.Recheck = func(*transport.Peer) (time.Time, error) { return time.Time{}, errors.New("its CA is trusted no more") }
		client := w.connector()
		client.asks(request("MESSAGE"))
		w.at(fe1At).quiet()
		w.at(fe2At).answers(w.at(fe2At).expect("MESSAGE"), 200)
		client.expect("200")
	}, func(s *federation.Snapshot) { s.StaticRoutes[0].Transport = federation.TLS })
}

func TestWithoutAPolicyNothingIsHeard(t *testing.T) {
	p := New(Config{Directory: everybody})
	w := &world{t: t, proxy: p, log: &logBook{}}
	p.Start(w)
	e := w.lync()
	p.receive(e, message(t))
	if !e.closed || p.HopStates() != nil {
		t.Error("the connection stays open")
	}
	broken := w.lync()
	p.malformed(broken, message(t), &sip.Error{Status: 400, Reason: "No To."})
	if !broken.closed || len(broken.got) != 0 {
		t.Error("what cannot be read is answered by nobody's rules")
	}
	p.config.Recheck = func(*transport.Peer) (time.Time, error) { return time.Time{}, errors.New("by whose trust store?") }
	early := w.end(transport.Peer{Remote: netip.MustParseAddrPort("127.0.0.21:40005"), Transport: sip.TLS})
	p.up(early)
	p.namesChanged()
	w.counted("sip_panics_total 0")
	if early.closed {
		t.Error("a connection is judged by no policy")
	}
}

func message(t *testing.T) *sip.Message {
	t.Helper()
	r := siptest.Message("a@synergy.com", "b@synergy.com", "hi")
	r.SentBy = "127.0.0.21:1"
	m := new(sip.Message)
	if err := m.Parse([]byte(r.String())); err != nil {
		t.Fatal(err)
	}
	return m
}
