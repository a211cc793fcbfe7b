package proxy

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"isthmus/internal/federation"
	"isthmus/internal/routing"
	"isthmus/internal/sip/transport"
	"isthmus/internal/siptest"
)

// state is the state of the first front end as the console sees it.
func (w *world) state() string {
	for _, s := range w.proxy.HopStates() {
		if s.Host == "127.0.0.21" {
			return strings.TrimSuffix(s.State+" "+s.Reason, " ")
		}
	}
	return "not listed"
}

func (w *world) expectState(want string) {
	w.t.Helper()
	if got := w.state(); got != want {
		w.t.Fatalf("the hop is %q, not %q\n%s", got, want, w.log)
	}
}

func TestAHopThatAnswersIsUp(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.expectState("unknown")
		client := w.connector()
		client.asks(request("SUBSCRIBE"))
		w.expectState("unknown")
		w.at(fe1At).answers(w.at(fe1At).expect("SUBSCRIBE"), 486)
		w.expectState("up")
		if states := w.proxy.HopStates(); len(states) != 4 || states[0].Transport != "tcp" || states[0].Port != 5061 || states[0].Since.IsZero() {
			t.Errorf("%+v", states)
		}
	})
}

func TestTwoGoodProbesBringAHopBack(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.fails(fe1At, transport.ErrRefused)
		client := w.connector()
		client.asks(request("SUBSCRIBE"))
		w.at(fe2At).answers(w.at(fe2At).expect("SUBSCRIBE"), 200)
		client.expect("200")
		w.expectState("down connection refused")
		w.after(6 * time.Second) // the first probe is refused too
		w.fails(fe1At, nil)
		w.after(5 * time.Second)
		probe := w.at(fe1At).expect("OPTIONS")
		if string(probe.RequestURI()) != "sip:127.0.0.21" || !strings.HasPrefix(string(probe.From().URI), "sip:imp1.synergy.com") {
			t.Errorf("the probe:\n%s", probe.Bytes())
		}
		w.at(fe1At).answers(probe, 405) // any answer but 503 is good
		w.expectState("down connection refused")
		client.asks(request("SUBSCRIBE"))
		w.at(fe2At).answers(w.at(fe2At).expect("SUBSCRIBE"), 200)
		client.expect("200")
		w.after(5 * time.Second)
		w.at(fe1At).answers(w.at(fe1At).expect("OPTIONS"), 200)
		w.expectState("up")
		if !strings.Contains(w.log.String(), `"reason":"next hop up"`) {
			t.Errorf("the log:\n%s", w.log)
		}
		client.asks(request("SUBSCRIBE"))
		w.at(fe1At).answers(w.at(fe1At).expect("SUBSCRIBE"), 200)
		client.expect("200")
		w.after(time.Minute)
		w.at(fe1At).quiet() // a hop that is up is not probed
	})
}

func TestA503AloneMarksNothing(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		client := w.connector()
		client.asks(request("SUBSCRIBE"))
		w.at(fe1At).answers(w.at(fe1At).expect("SUBSCRIBE"), 503)
		w.at(fe2At).answers(w.at(fe2At).expect("SUBSCRIBE"), 200)
		client.expect("200")
		w.at(fe1At).answers(w.at(fe1At).expect("OPTIONS"), 200)
		w.expectState("up")
		w.at(fe1At).quiet()
	})
}

func TestTwoBadProbesMarkAHopDown(t *testing.T) {
	for _, c := range []struct {
		name, want string
		answer     func(*world)
	}{
		{"503", "down answered 503", func(w *world) { w.at(fe1At).dropProbes(503) }},
		{"silence", "down no answer", func(w *world) {
			w.at(fe1At).expect("OPTIONS")
			w.after(2 * time.Second)
			w.at(fe1At).expect("OPTIONS")
			w.expectState("unknown")
			w.after(2 * time.Second)
		}},
		{"loss", "down connection lost", func(w *world) {
			w.mu.Lock()
			w.hosts[fe1At].ends[0].broken, w.hosts[fe1At].ends[0].closed = true, true
			w.hosts[fe1At].fails = transport.ErrRefused
			w.mu.Unlock()
			w.at(fe1At).dropProbes(0)
			w.after(3 * time.Second)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				client := w.connector()
				client.asks(request("SUBSCRIBE"))
				w.at(fe1At).answers(w.at(fe1At).expect("SUBSCRIBE"), 503)
				w.at(fe2At).answers(w.at(fe2At).expect("SUBSCRIBE"), 200)
				c.answer(w)
				if got := w.state(); !strings.HasPrefix(got, "down") {
					t.Errorf("the hop is %q, not %q", got, c.want)
				}
			})
		})
	}
}

func TestAGoodProbeForgivesABadOne(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		client := w.connector()
		for range 3 {
			client.asks(request("SUBSCRIBE"))
			w.at(fe1At).answers(w.at(fe1At).expect("SUBSCRIBE"), 503)
			w.at(fe2At).answers(w.at(fe2At).expect("SUBSCRIBE"), 200)
			client.expect("200")
			w.at(fe1At).answers(w.at(fe1At).expect("OPTIONS"), 503)
			w.at(fe1At).answers(w.at(fe1At).expect("OPTIONS"), 200)
			w.expectState("up")
		}
	})
}

func TestAnIdleConnectionMayClose(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		client := w.connector()
		client.asks(request("SUBSCRIBE"))
		w.at(fe1At).answers(w.at(fe1At).expect("SUBSCRIBE"), 200)
		client.expect("200")
		w.at(fe1At).breaks(io.EOF)
		w.expectState("up")
		client.asks(request("SUBSCRIBE"))
		w.at(fe1At).answers(w.at(fe1At).expect("SUBSCRIBE"), 200)
		client.expect("200")
	})
}

func TestAServerThatRefusesOurCertificateAfterTheHandshakeDidNotTakeTheRequest(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		client := w.connector()
		client.asks(request("MESSAGE"))
		w.at(fe1At).expect("MESSAGE")
		w.at(fe1At).breaks(&net.OpError{Op: "remote error", Err: errors.New("tls: unknown certificate authority")})
		w.at(fe2At).answers(w.at(fe2At).expect("MESSAGE"), 200)
		client.expect("200")
		w.expectState("down TLS handshake failed: remote error: tls: unknown certificate authority")
	})
}

func TestAChangeOfTheRouteClearsItsMark(t *testing.T) {
	for name, change := range map[string]func(*federation.Snapshot){
		"port":    func(s *federation.Snapshot) { s.StaticRoutes[0].Port = 5099 },
		"removal": func(s *federation.Snapshot) { s.StaticRoutes = s.StaticRoutes[1:] },
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.fails(fe1At, transport.ErrRefused)
				w.connector().asks(request("SUBSCRIBE"))
				w.expectState("down connection refused")
				w.set()
				w.expectState("down connection refused") // nothing changed
				w.set(change)
				w.fails(fe1At, nil)
				w.set()
				w.expectState("unknown")
				w.after(11 * time.Second)
				if w.dials(fe1At) != 1 {
					t.Error("a mark that was cleared is probed on")
				}
				w.at(fe2At).answers(w.at(fe2At).expect("SUBSCRIBE"), 200)
			})
		})
	}
}

func TestAChangeOfAServiceClearsTheMark(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		down := func() bool {
			for _, s := range w.proxy.HopStates() {
				if s.Host == "127.0.0.12" {
					return s.State == federation.HopDown
				}
			}
			return false
		}
		w.fails(imp2At, transport.ErrRefused)
		w.connector().asks(siptest.Subscribe("carla@synergy.com", "dora@synergy.com"))
		if !down() {
			t.Fatal("the other node is not marked down")
		}
		w.set(func(s *federation.Snapshot) { s.Nodes[1].Services = []string{federation.ServiceSIPProxy} })
		if down() {
			t.Error("the mark outlives a change of the node's services")
		}
		w.at(connectorAt).answers(w.at(connectorAt).expect("SUBSCRIBE"), 200)
	})
}

func TestTLSNextHops(t *testing.T) {
	secure := func(s *federation.Snapshot) { s.StaticRoutes[0].Transport = federation.TLS }
	t.Run("without a certificate of our own the hop is down", func(t *testing.T) {
		inWorld(t, func(t *testing.T, w *world) {
			client := w.connector()
			client.asks(request("SUBSCRIBE"))
			w.expectState("down this node has no certificate to show")
			w.at(fe2At).answers(w.at(fe2At).expect("SUBSCRIBE"), 200)
			client.expect("200")
		}, secure)
	})
	t.Run("new TLS settings open a new connection and clear the mark", func(t *testing.T) {
		inWorld(t, func(t *testing.T, w *world) {
			key := "1"
			w.proxy.config.TLS = func(*routing.Hop) (TLS, error) { return TLS{Key: key}, nil }
			client := w.connector()
			client.asks(request("SUBSCRIBE"))
			first := w.at(fe1At)
			m := first.expect("SUBSCRIBE")
			if first.peer.Target.TLSKey != "1" || !strings.HasPrefix(string(m.Via(0).Raw), "SIP/2.0/TLS imp1.synergy.com:5061") {
				t.Errorf("%+v\n%s", first.peer.Target, m.Bytes())
			}
			if got := value(m, "Record-Route"); got != "<sip:imp1.synergy.com:5061;transport=tls;lr>, <sip:imp1.synergy.com:5060;transport=tcp;lr>" {
				t.Errorf("Record-Route: %s", got)
			}
			w.set(secure)
			client.asks(request("SUBSCRIBE"))
			first.expect("SUBSCRIBE") // the same settings, the same connection
			key = "2"
			w.mu.Lock()
			w.hosts[fe1At].ends = nil
			w.mu.Unlock()
			w.set(secure)
			client.asks(request("SUBSCRIBE"))
			w.at(fe1At).expect("SUBSCRIBE")
			first.answers(m, 200)
			client.expect("200")
		}, secure)
	})
}

func TestTLSSettingsThatChangeWhileAHopIsBeingConnectedTo(t *testing.T) {
	secure := func(s *federation.Snapshot) { s.StaticRoutes[0].Transport = federation.TLS }
	for name, fails := range map[string]error{"connected by the old ones": nil, "refused by the old ones": transport.ErrHandshake} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				var renewed atomic.Int32
				w.proxy.config.TLS = func(*routing.Hop) (TLS, error) { return TLS{Key: fmt.Sprint(1 + renewed.Load())}, nil }
				w.slow(fe1At, 500*time.Millisecond)
				w.fails(fe1At, fails)
				client := w.connector()
				client.asks(request("SUBSCRIBE"))
				w.fails(fe1At, nil)
				w.slow(fe1At, 0)
				renewed.Store(1)
				w.set(secure)
				w.after(time.Second)
				hop := w.at(fe1At)
				if hop.peer.Target.TLSKey != "2" {
					t.Error("the connection was opened by the old settings")
				}
				hop.answers(hop.expect("SUBSCRIBE"), 200)
				client.expect("200")
				w.expectState("up")
			}, secure)
		})
	}
}

func TestAFaultWhileConnectingCostsOneAttempt(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		var mended atomic.Bool
		w.proxy.config.TLS = func(*routing.Hop) (TLS, error) {
			if !mended.Load() {
				panic("as the test says")
			}
			return TLS{Key: "1"}, nil
		}
		client := w.connector()
		client.asks(request("SUBSCRIBE"))
		w.at(fe2At).answers(w.at(fe2At).expect("SUBSCRIBE"), 200)
		client.expect("200")
		mended.Store(true)
		for range 2 {
			w.after(6 * time.Second)
			w.at(fe1At).answers(w.at(fe1At).expect("OPTIONS"), 200)
		}
		client.asks(request("SUBSCRIBE"))
		w.at(fe1At).answers(w.at(fe1At).expect("SUBSCRIBE"), 200)
		client.expect("200")
	}, func(s *federation.Snapshot) { s.StaticRoutes[0].Transport = federation.TLS })
}

func TestAFaultWhileProbingCostsOneProbe(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		client := w.connector()
		client.asks(request("SUBSCRIBE"))
		hop := w.at(fe1At)
		asked := hop.expect("SUBSCRIBE")
		w.faulty(hop, true)
		hop.answers(asked, 503) // a probe starts
		w.at(fe2At).answers(w.at(fe2At).expect("SUBSCRIBE"), 200)
		client.expect("200")
		w.faulty(hop, false)
		w.after(3 * time.Second) // the probe ends without an answer, and the next one is sent
		hop.answers(hop.expect("OPTIONS"), 200)
		w.expectState("up")
	})
}

func (w *world) faulty(e *end, faulty bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	e.faulty = faulty
}

// What is under way to a hop that a change has removed may still fail. Nobody asks whether that hop is well again.
func TestAHopThatIsGoneIsNotProbed(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		client := w.connector()
		client.asks(request("SUBSCRIBE"))
		w.at(fe1At).expect("SUBSCRIBE")
		w.set(unrouted)
		w.fails(fe1At, transport.ErrRefused)
		w.at(fe1At).breaks(io.EOF)
		w.after(time.Minute)
		dials := w.dials(fe1At)
		w.after(10 * time.Minute)
		if n := w.dials(fe1At); n != dials {
			t.Errorf("it is asked %d times more", n-dials)
		}
	})
}
