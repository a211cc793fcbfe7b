package proxy

import (
	"io"
	"strings"
	"testing"
	"time"

	"isthmus/internal/federation"
	"isthmus/internal/sip/transport"
	"isthmus/internal/siptest"
)

// request makes one for bob of any method.
func request(method string) siptest.Request {
	r := siptest.NewRequest(method, "carla@synergy.com", "bob@synergy.com")
	r.Lines = []string{"Event: presence"}
	return r
}

func (w *world) fails(address string, kind error) { w.hosts[address].fails = kind }

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
					w.hosts[fe1At].takes = c.takes
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

func TestAllHopsFailed(t *testing.T) {
	for _, c := range []struct {
		name, method, want, warning string
		setup                       func(*world)
	}{
		{"refused", "SUBSCRIBE", "504", "127.0.0.21:5061 connection refused, 127.0.0.22:5061 connection refused", func(w *world) {
			w.fails(fe1At, transport.ErrRefused)
			w.fails(fe2At, transport.ErrRefused)
		}},
		{"an INVITE that nobody took", "INVITE", "504", "127.0.0.21:5061 connection refused, 127.0.0.22:5061 TLS handshake failed: as the test says", func(w *world) {
			w.fails(fe1At, transport.ErrRefused)
			w.fails(fe2At, transport.ErrHandshake)
		}},
		{"silence", "SUBSCRIBE", "504", "127.0.0.21:5061 no answer, 127.0.0.22:5061 no answer", func(*world) {}},
		{"an INVITE that was taken and not answered", "INVITE", "408", "127.0.0.21:5061 no answer, 127.0.0.22:5061 no answer", func(*world) {}},
	} {
		t.Run(c.name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				c.setup(w)
				client := w.connector()
				client.asks(request(c.method))
				w.after(9 * time.Second)
				if client.got[0].Status() == 100 {
					client.expect("100")
				}
				m := client.expect(c.want)
				if got := value(m, "Warning"); got != `399 imp1.synergy.com "no next hop answered: `+c.warning+`"` {
					t.Errorf("Warning: %s", got)
				}
			})
		})
	}
}

func TestWhileAllHopsAreDownNobodyWaits(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.fails(fe1At, transport.ErrTimeout)
		w.fails(fe2At, transport.ErrTimeout)
		w.hosts[fe1At].takes, w.hosts[fe2At].takes = time.Second, time.Second
		client := w.connector()
		client.asks(request("MESSAGE"))
		w.after(2 * time.Second)
		client.expect("504")
		client.asks(request("MESSAGE"))
		m := client.expect("504")
		if got := value(m, "Warning"); !strings.Contains(got, "127.0.0.21:5061 down: connect timed out, 127.0.0.22:5061 down: connect timed out") {
			t.Errorf("Warning: %s", got)
		}
	})
}

func TestManyHopsEndAfter16Seconds(t *testing.T) {
	more := func(s *federation.Snapshot) {
		for i, hop := range []string{"127.0.0.23", "127.0.0.24", "127.0.0.25"} {
			r := s.StaticRoutes[0]
			r.NextHop, r.Priority = hop, i+3
			s.StaticRoutes = append(s.StaticRoutes, r)
		}
	}
	inWorld(t, func(t *testing.T, w *world) {
		for _, at := range []string{"127.0.0.23:5061", "127.0.0.24:5061", "127.0.0.25:5061"} {
			w.hosts[at] = &host{}
		}
		client := w.connector()
		client.asks(request("SUBSCRIBE"))
		w.after(15900 * time.Millisecond)
		client.expect("100")
		client.quiet()
		w.after(200 * time.Millisecond)
		client.expect("504")
		w.at("127.0.0.24:5061").expect("SUBSCRIBE")
		if len(w.hosts["127.0.0.25:5061"].ends) > 0 {
			t.Error("a fifth hop was asked")
		}
	}, more)
}

func TestOnlyA100LeadsTo504After30Seconds(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		client := w.connector()
		client.asks(request("MESSAGE"))
		w.at(fe1At).answers(w.at(fe1At).expect("MESSAGE"), 100)
		w.after(29900 * time.Millisecond)
		client.expect("100")
		client.quiet()
		w.after(200 * time.Millisecond)
		if got := value(client.expect("504"), "Warning"); !strings.Contains(got, "127.0.0.21:5061 no final answer") {
			t.Errorf("Warning: %s", got)
		}
		w.untouched(fe2At)
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
				if len(w.hosts[at].ends) > 0 && len(w.at(at).got) > 0 {
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

func TestAnOwnUserWhoCannotBeReachedIs480(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.fails(connectorAt, transport.ErrRefused)
		lync := w.lync()
		lync.asks(siptest.Message("anna@synergy.com", "carla@synergy.com", "hi"))
		lync.expect("480")
	})
}

func TestTheBackupDeliversWhenTheHomeNodeIsDown(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.fails(imp2At, transport.ErrRefused)
		lync := w.lync()
		lync.asks(siptest.Message("anna@synergy.com", "dora@synergy.com", "hi"))
		w.at(connectorAt).answers(w.at(connectorAt).expect("MESSAGE"), 200)
		lync.expect("200")
	})
}

func TestTheBackupDeliversWhenTheHomeNodesConnectorIsDown(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		lync := w.lync()
		lync.asks(siptest.Message("anna@synergy.com", "dora@synergy.com", "hi"))
		w.at(imp2At).answers(w.at(imp2At).expect("MESSAGE"), 503)
		w.at(connectorAt).answers(w.at(connectorAt).expect("MESSAGE"), 200)
		lync.expect("200")
		w.at(imp2At).dropProbes(200)
	})
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
