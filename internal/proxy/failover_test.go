package proxy

import (
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"isthmus/internal/federation"
	"isthmus/internal/routing"
	"isthmus/internal/sip/transport"
	"isthmus/internal/siptest"
)

// request makes one for bob of any method.
func request(method string) siptest.Request {
	r := siptest.NewRequest(method, "carla@synergy.com", "bob@synergy.com")
	r.Lines = []string{"Event: presence"}
	return r
}

func TestARequestMovesOnWhenTheHopCannotBeReached(t *testing.T) {
	for name, c := range map[string]struct {
		kind  error
		takes time.Duration
	}{
		"refused": {transport.ErrRefused, 0}, "timed out": {transport.ErrTimeout, time.Second}, "handshake": {transport.ErrHandshake, 2 * time.Second},
	} {
		for _, method := range []string{"SUBSCRIBE", "MESSAGE", "INFO", "INVITE", "UNHEARD"} {
			t.Run(name+" "+method, func(t *testing.T) {
				inWorld(t, func(t *testing.T, w *world) {
					w.fails(fe1At, c.kind)
					w.slow(fe1At, c.takes)
					client := w.connector()
					client.asks(request(method))
					if method == "INVITE" {
						client.expect("100")
					}
					w.after(c.takes)
					m := w.at(fe2At).expect(method)
					w.at(fe2At).answers(m, 200)
					client.expect("200")

					client.asks(request(method)) // a hop that is down is not waited for
					if method == "INVITE" {
						client.expect("100")
					}
					m = w.at(fe2At).expect(method)
					w.at(fe2At).answers(m, 200)
					client.expect("200")
					if !strings.Contains(w.log.String(), `"reason":"next hop down: `+c.kind.Error()) {
						t.Errorf("the log does not say that the hop is down:\n%s", w.log)
					}
				})
			})
		}
	}
}

func TestA503MovesOnForEveryMethod(t *testing.T) {
	for _, method := range []string{"SUBSCRIBE", "MESSAGE", "INFO", "INVITE"} {
		t.Run(method, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				client := w.connector()
				client.asks(request(method))
				if method == "INVITE" {
					client.expect("100")
				}
				w.at(fe1At).answers(w.at(fe1At).expect(method), 503)
				if method == "INVITE" {
					w.at(fe1At).expect("ACK")
				}
				w.at(fe2At).answers(w.at(fe2At).expect(method), 200)
				client.expect("200")
			})
		})
	}
}

func TestSilenceMovesOnButNeverDeliversTwice(t *testing.T) {
	for method, moves := range map[string]bool{"SUBSCRIBE": true, "NOTIFY": true, "OPTIONS": true, "BYE": true, "INVITE": true, "MESSAGE": false, "INFO": false} {
		t.Run(method, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				client := w.connector()
				client.asks(request(method))
				w.at(fe1At).expect(method)
				if method == "INVITE" {
					client.expect("100")
				} else {
					w.after(3500 * time.Millisecond)
					client.expect("100") // RFC 4320 section 4.1
				}
				w.after(4 * time.Second)
				if moves {
					w.at(fe2At).answers(w.at(fe2At).expect(method), 200)
					client.expect("200")
					return
				}
				w.after(8 * time.Second)
				client.quiet()
				w.after(time.Second)
				m := client.expect("504")
				if got := value(m, "Warning"); got != `399 imp1.synergy.com "no next hop answered: 127.0.0.21:5061 no answer"` {
					t.Errorf("Warning: %s", got)
				}
				w.untouched(fe2At)
			})
		})
	}
}

func TestAResetMovesOnButNeverDeliversTwice(t *testing.T) {
	for method, moves := range map[string]bool{"SUBSCRIBE": true, "INVITE": true, "MESSAGE": false, "INFO": false} {
		t.Run(method, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				client := w.connector()
				client.asks(request(method))
				if method == "INVITE" {
					client.expect("100")
				}
				w.at(fe1At).expect(method)
				w.at(fe1At).breaks(io.EOF)
				if moves {
					w.at(fe2At).answers(w.at(fe2At).expect(method), 200)
					client.expect("200")
					return
				}
				w.after(17 * time.Second)
				client.expect("100")
				client.expect("504")
				w.untouched(fe2At)
			})
		})
	}
}

func TestAConnectionThatDiedUnnoticedIsReplaced(t *testing.T) {
	for _, method := range []string{"SUBSCRIBE", "MESSAGE", "INVITE"} {
		t.Run(method, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				client := w.connector()
				client.asks(request("SUBSCRIBE"))
				old := w.at(fe1At)
				old.answers(old.expect("SUBSCRIBE"), 200)
				client.expect("200")
				w.mu.Lock()
				old.broken, old.closed = true, true
				w.mu.Unlock()
				client.asks(request(method))
				if method == "INVITE" {
					client.expect("100")
				}
				fresh := w.at(fe1At)
				fresh.answers(fresh.expect(method), 200)
				client.expect("200")
				w.untouched(fe2At)
			})
		})
	}
}

func TestTheWaitForTheCallersQueueIsNotTakenFromTheHop(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		client := w.connector()
		client.asks(request("OPTIONS")) // opens the connection to the hop
		w.at(fe1At).answers(w.at(fe1At).expect("OPTIONS"), 200)
		client.expect("200")
		client.waits = 250 * time.Millisecond
		client.asks(request("INVITE"))
		client.waits = 0
		w.at(fe1At).expect("INVITE")
		w.after(answerLimit - time.Millisecond)
		w.untouched(fe2At)
		w.after(time.Millisecond)
		w.at(fe2At).expect("INVITE")
	})
}

func TestALateAnswerIsNotPassedOn(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		client := w.connector()
		client.asks(request("SUBSCRIBE"))
		first := w.at(fe1At).expect("SUBSCRIBE")
		w.after(4 * time.Second)
		client.expect("100")
		second := w.at(fe2At).expect("SUBSCRIBE")
		w.at(fe1At).dropProbes(0)
		w.at(fe1At).answers(first, 200)
		client.quiet()
		w.at(fe2At).answers(second, 403)
		client.expect("403")
	})
}

func TestEqualPrioritiesShareByWeight(t *testing.T) {
	equal := func(s *federation.Snapshot) {
		s.StaticRoutes[0].Priority, s.StaticRoutes[1].Priority = 1, 1
		s.StaticRoutes[0].Weight, s.StaticRoutes[1].Weight = 1, 3
	}
	inWorld(t, func(t *testing.T, w *world) {
		client := w.connector()
		counts := map[string]int{}
		for draw := range 8 {
			w.proxy.config.Random = func(n int) int { return draw % n }
			client.asks(request("SUBSCRIBE"))
			for _, at := range []string{fe1At, fe2At} {
				if w.opened(at) > 0 && len(w.at(at).got) > 0 {
					counts[at]++
					w.at(at).answers(w.at(at).expect("SUBSCRIBE"), 200)
				}
			}
			client.expect("200")
		}
		if counts[fe1At] != 2 || counts[fe2At] != 6 {
			t.Errorf("weights 1 and 3 share 8 requests as %v", counts)
		}
		w.fails(fe2At, transport.ErrRefused)
		w.at(fe2At).breaks(io.EOF)
		w.proxy.config.Random = func(n int) int { return n - 1 }
		for range 2 {
			client.asks(request("SUBSCRIBE"))
			w.at(fe1At).answers(w.at(fe1At).expect("SUBSCRIBE"), 200)
			client.expect("200")
		}
	}, equal)
}

func TestAnAckMovesOnOnlyWhenItCouldNotBeSent(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.fails(fe1At, transport.ErrRefused)
		client := w.connector()
		for _, method := range []string{"ACK", "BENOTIFY"} {
			r := request(method)
			r.URI = "sip:bob@pool.synergy.com:5061"
			r.To += ";tag=7"
			client.asks(r)
			w.at(fe2At).expect(method)
			w.after(20 * time.Second)
			client.quiet()
			w.at(fe2At).quiet()
		}
	}, func(s *federation.Snapshot) {
		for _, r := range s.StaticRoutes {
			r.Destination = ".com.synergy.pool"
			s.StaticRoutes = append(s.StaticRoutes, r)
		}
	})
}

func TestAnAckOverAConnectionThatDiedUnnoticedGetsAnother(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		client := w.connector()
		client.asks(toHost("ACK"))
		old := w.at(fe1At)
		old.expect("ACK")
		w.mu.Lock()
		old.broken, old.closed = true, true
		w.mu.Unlock()
		client.asks(toHost("ACK"))
		w.at(fe1At).expect("ACK")
		w.at(fe1At).breaks(io.EOF)
		w.fails(fe1At, transport.ErrRefused)
		client.asks(toHost("ACK"))
		if !strings.Contains(w.log.String(), "no next hop took it: 127.0.0.21:5061 connection refused") {
			t.Errorf("the log:\n%s", w.log)
		}
		client.asks(toHost("ACK"))
		if !strings.Contains(w.log.String(), "no next hop took it: 127.0.0.21:5061 down: connection refused") {
			t.Errorf("the log:\n%s", w.log)
		}
		client.quiet()
	})
}

func TestARefusedBenotifyIsDroppedAndLogged(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		lync := w.lync()
		lync.asks(siptest.NewRequest("BENOTIFY", "anna@synergy.com", "nobody@synergy.com"))
		lync.quiet()
		if !strings.Contains(w.log.String(), `"method":"BENOTIFY","reason":"The recipient is not licensed here.`) {
			t.Errorf("the log:\n%s", w.log)
		}
	})
}

func TestAFaultCostsABenotifyOnlyOnceItMayHaveBeenSent(t *testing.T) {
	t.Run("while it is sent", func(t *testing.T) {
		inWorld(t, func(t *testing.T, w *world) {
			client := w.connector()
			client.asks(request("OPTIONS"))
			hop := w.at(fe1At)
			hop.answers(hop.expect("OPTIONS"), 200)
			client.expect("200")
			w.faulty(hop, true)
			client.asks(request("BENOTIFY"))
			if w.opened(fe2At) > 0 || w.opened(fe1At) > 1 || client.closed {
				t.Errorf("%d connections to the first front end and %d to the second, who asked is cut off: %v", w.opened(fe1At), w.opened(fe2At), client.closed)
			}
			w.counted("sip_panics_total 1")
		})
	})
	t.Run("while it is connected", func(t *testing.T) {
		inWorld(t, func(t *testing.T, w *world) {
			var asked atomic.Bool
			w.proxy.config.TLS = func(*routing.Hop) (TLS, error) {
				if !asked.Swap(true) {
					panic("as the test says")
				}
				return TLS{Key: "1"}, nil
			}
			w.connector().asks(request("BENOTIFY"))
			w.at(fe2At).expect("BENOTIFY")
			w.counted("sip_panics_total 1")
		}, overTLS)
	})
}
