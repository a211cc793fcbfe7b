package proxy

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"isthmus/internal/federation"
	"isthmus/internal/routing"
	"isthmus/internal/sip"
	"isthmus/internal/sip/transport"
	"isthmus/internal/siptest"
)

// twins is a hop of two addresses, neither of which is another hop.
var twins = []string{"pool.synergy.com A 127.0.0.31", "pool.synergy.com A 127.0.0.32"}

const twin1, twin2 = "127.0.0.31:5061", "127.0.0.32:5061"

func inTwinWorld(t *testing.T, test func(w *world, z *zone)) {
	t.Helper()
	inNamedWorld(t, func(t *testing.T, w *world, z *zone) {
		w.hosts[twin1], w.hosts[twin2] = &host{}, &host{}
		test(w, z)
	}, twins, func(s *federation.Snapshot) { s.StaticRoutes[0].NextHop = "pool.synergy.com" })
}

func TestAHopOfSeveralAddressesIsAskedAtTheNextOneWhenOneFails(t *testing.T) {
	for name, fault := range map[string]func(w *world, asked *sip.Message){
		"503":     func(w *world, asked *sip.Message) { w.at(twin1).answers(asked, 503) },
		"reset":   func(w *world, _ *sip.Message) { w.at(twin1).breaks(errors.New("reset")) },
		"silence": func(w *world, _ *sip.Message) { w.after(answerLimit) },
	} {
		t.Run(name, func(t *testing.T) {
			inTwinWorld(t, func(w *world, _ *zone) {
				client := w.connector()
				client.asks(request("SUBSCRIBE"))
				fault(w, w.at(twin1).expect("SUBSCRIBE"))
				w.at(twin2).answers(w.at(twin2).expect("SUBSCRIBE"), 200)
				if name == "silence" {
					client.expect("100")
				}
				client.expect("200")
				if got := w.proxy.HopStates()[0]; got.State != federation.HopUp {
					t.Errorf("the hop is %+v", got)
				}
				client.asks(request("MESSAGE")) // the address that failed is not asked first again
				w.at(twin2).answers(w.at(twin2).expect("MESSAGE"), 200)
				client.expect("200")
			})
		})
	}
}

// One of the addresses refuses our certificate, and has said so before the request is written.
func TestAHopOfSeveralAddressesIsAskedAtTheNextOneWhenOneRefusesTheCertificate(t *testing.T) {
	inTwinWorld(t, func(w *world, _ *zone) {
		w.proxy.config.TLS = func(*routing.Hop) (TLS, error) { return TLS{Key: "1"}, nil }
		w.refuses(twin1, &net.OpError{Op: "remote error", Err: errors.New("tls: unknown certificate authority")})
		w.hosts[twin1].knows = true
		client := w.connector()
		client.asks(request("SUBSCRIBE"))
		w.at(twin2).answers(w.at(twin2).expect("SUBSCRIBE"), 200)
		client.expect("200")
		w.after(time.Second)
		if got := w.proxy.HopStates()[0]; got.State != federation.HopUp || w.dials(twin1) != 1 {
			t.Errorf("the hop is %+v after %d connections to the address that refuses", got, w.dials(twin1))
		}
	})
}

func TestASilentMessageIsNotGivenToAnotherAddress(t *testing.T) {
	inTwinWorld(t, func(w *world, _ *zone) {
		client := w.connector()
		client.asks(request("MESSAGE"))
		w.at(twin1).expect("MESSAGE")
		w.after(silenceLimit)
		client.expect("100")
		client.expect("504")
		if n := w.opened(twin2); n > 0 {
			t.Error("it was offered to the second address")
		}
	})
}

func TestAHopIsDownWhenAllItsAddressesFailAndComesBackByAnyOfThem(t *testing.T) {
	inTwinWorld(t, func(w *world, _ *zone) {
		serves := func(status int, addresses ...string) {
			w.mu.Lock()
			defer w.mu.Unlock()
			for _, at := range addresses {
				w.hosts[at].serve = func(e *end, m *sip.Message) { e.gives(siptest.Response(m, status)) }
			}
		}
		serves(503, twin1, twin2)
		client := w.connector()
		client.asks(request("SUBSCRIBE"))
		w.at(fe2At).answers(w.at(fe2At).expect("SUBSCRIBE"), 200)
		client.expect("200")
		w.after(time.Second)
		if got := w.proxy.HopStates()[0]; got.State != federation.HopDown {
			t.Fatalf("the hop is %+v", got)
		}
		serves(200, twin2)
		w.after(4 * probePause)
		if got := w.proxy.HopStates()[0]; got.State != federation.HopUp {
			t.Errorf("the hop is %+v", got)
		}
	})
}

func TestAHopFollowsItsNameToAnotherAddress(t *testing.T) {
	inTwinWorld(t, func(w *world, z *zone) {
		client := w.connector()
		client.asks(request("SUBSCRIBE"))
		w.at(twin1).answers(w.at(twin1).expect("SUBSCRIBE"), 200)
		client.expect("200")
		z.set("pool.synergy.com A 127.0.0.32")
		w.after(61 * time.Second)
		client.asks(request("MESSAGE"))
		w.at(twin2).answers(w.at(twin2).expect("MESSAGE"), 200)
		client.expect("200")
		if w.after(3 * leavePause); !w.at(twin1).gone() {
			t.Error("the connection to where the name does not lead any more is open")
		}
	})
}

// The time that one attempt may take is over before the last address: that one is the first of the next attempt.
func TestAddressesThatHangDoNotHideTheOthersForever(t *testing.T) {
	hang := host{fails: transport.ErrHandshake, takes: 2 * time.Second}
	refuse := host{fails: transport.ErrRefused}
	for promise, c := range map[string]struct {
		others []host // before the one that works
		reason string
	}{
		"two hang in the handshake":    {[]host{hang, hang}, "TLS handshake failed"},
		"there are too many to try":    {[]host{refuse, refuse, refuse, refuse}, "connection refused"},
		"the time is over in the last": {[]host{refuse, hang, hang}, "TLS handshake failed"},
	} {
		t.Run(promise, func(t *testing.T) {
			var records []string
			for i := range len(c.others) + 1 {
				records = append(records, fmt.Sprintf("pool.synergy.com A 127.0.0.%d", 31+i))
			}
			inNamedWorld(t, func(t *testing.T, w *world, _ *zone) {
				works := fmt.Sprintf("127.0.0.%d:5061", 31+len(c.others))
				w.hosts[works] = &host{serve: func(e *end, m *sip.Message) { e.gives(siptest.Response(m, 200)) }}
				for i := range c.others {
					w.hosts[fmt.Sprintf("127.0.0.%d:5061", 31+i)] = &c.others[i]
				}
				client := w.connector()
				client.asks(request("SUBSCRIBE"))
				w.after(openLimit)
				w.at(fe2At).answers(w.at(fe2At).expect("SUBSCRIBE"), 200)
				if got := w.proxy.HopStates()[0]; got.State != federation.HopDown || !strings.HasPrefix(got.Reason, c.reason) {
					t.Errorf("the hop is %+v", got)
				}
				if n := w.dials(works); n > 0 {
					t.Error("an address is connected to after the time is over")
				}
				w.after(4 * probePause)
				if got := w.proxy.HopStates()[0]; got.State != federation.HopUp || w.opened(works) != 1 {
					t.Errorf("the hop is %+v, %d connections to the address that works", got, w.opened(works))
				}
			}, records, func(s *federation.Snapshot) { s.StaticRoutes[0].NextHop = "pool.synergy.com" })
		})
	}
}

// None of them could be connected to: that says of none that it is worse than the others.
func TestAfterAllAddressesFailedToConnectEachIsWorthTryingAgain(t *testing.T) {
	inTwinWorld(t, func(w *world, _ *zone) {
		w.fails(twin1, transport.ErrRefused)
		w.fails(twin2, transport.ErrRefused)
		client := w.connector()
		client.asks(request("SUBSCRIBE"))
		w.at(fe2At).answers(w.at(fe2At).expect("SUBSCRIBE"), 200)
		client.expect("200")
		w.fails(twin1, nil)
		w.fails(twin2, nil)
		for range 2 {
			w.after(probePause)
			w.at(twin1).dropProbes(200)
		}
		if got := w.proxy.HopStates()[0]; got.State != federation.HopUp {
			t.Fatalf("the hop is %+v", got)
		}
		client.asks(request("SUBSCRIBE"))
		w.at(twin1).answers(w.at(twin1).expect("SUBSCRIBE"), 503)
		w.at(twin2).answers(w.at(twin2).expect("SUBSCRIBE"), 200)
		client.expect("200")
	})
}

func TestANameThatNoHopHasAnyMoreIsNotFollowed(t *testing.T) {
	inTwinWorld(t, func(w *world, z *zone) {
		client := w.connector()
		client.asks(request("SUBSCRIBE"))
		w.at(twin1).expect("SUBSCRIBE") // whose connection stays for the answer
		w.set(unrouted)
		asked := z.count("pool.synergy.com")
		w.proxy.namesChanged()
		if n := z.count("pool.synergy.com"); n != asked {
			t.Errorf("DNS is asked %d times about the name of a hop that is gone", n-asked)
		}
	})
}
