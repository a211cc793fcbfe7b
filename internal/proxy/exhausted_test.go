package proxy

import (
	"strings"
	"testing"
	"time"

	"isthmus/internal/federation"
	"isthmus/internal/sip/transport"
	"isthmus/internal/siptest"
)

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
		w.slow(fe1At, time.Second)
		w.slow(fe2At, time.Second)
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
		if w.opened("127.0.0.25:5061") > 0 {
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

func TestAHopsOwnTimeoutEndsANonInviteWith504(t *testing.T) {
	for _, method := range []string{"SUBSCRIBE", "MESSAGE"} {
		inWorld(t, func(t *testing.T, w *world) {
			client := w.connector()
			client.asks(request(method))
			w.at(fe1At).answers(w.at(fe1At).expect(method), 408)
			if got := value(client.expect("504"), "Warning"); !strings.Contains(got, "127.0.0.21:5061 answered 408") {
				t.Errorf("Warning: %s", got)
			}
			w.untouched(fe2At)
		})
	}
}

func TestAHopsOwnTimeoutOfAnInviteIsPassedOn(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		client := w.connector()
		client.asks(request("INVITE"))
		client.expect("100")
		w.at(fe1At).answers(w.at(fe1At).expect("INVITE"), 408)
		client.expect("408")
		w.at(fe1At).expect("ACK")
	})
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
