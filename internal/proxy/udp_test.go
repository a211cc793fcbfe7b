package proxy

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"isthmus/internal/federation"
	"isthmus/internal/sip"
	"isthmus/internal/sip/transport"
	"isthmus/internal/siptest"
)

// overUDP opens the UDP listener, on a port of its own.
func overUDP(s *federation.Snapshot) {
	s.Listeners[1].Enabled, s.Listeners[1].Port = true, 5070
}

// hopsOverUDP has the front ends reached over UDP.
func hopsOverUDP(s *federation.Snapshot) {
	overUDP(s)
	for i := range s.StaticRoutes {
		s.StaticRoutes[i].Transport = federation.UDP
	}
}

const frontEnd = "127.0.0.21:5061"

// counts takes what came and counts it by name.
func (e *end) counts(t *testing.T, name string, want int) {
	t.Helper()
	e.w.mu.Lock()
	defer e.w.mu.Unlock()
	for _, m := range e.got {
		if nameOf(m) != name {
			t.Errorf("%s got %s, not %s alone", e.peer.Remote, nameOf(m), name)
		}
	}
	if len(e.got) != want {
		t.Errorf("%s got %d times %s, want %d", e.peer.Remote, len(e.got), name, want)
	}
	e.got = nil
}

func TestARetransmittedRequestIsAnsweredAgainAndDeliveredOnce(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		lync := w.datagrams(frontEnd)
		r := siptest.Message("anna@synergy.com", "carla@synergy.com", "hi")
		lync.asks(r)
		lync.asks(r)
		here := w.at(connectorAt)
		m := here.expect("MESSAGE")
		here.answers(m, 200, "X-Mark: first")
		lync.expect("200")
		w.after(20 * time.Second)
		lync.asks(r)
		if got := lync.expect("200"); value(got, "X-Mark") != "first" {
			t.Errorf("answered differently:\n%s", got.Bytes())
		}
		here.quiet()
	}, overUDP)
}

func TestARefusedInviteIsRefusedUntilItsAck(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		lync := w.datagrams(frontEnd)
		r := siptest.Invite("anna@synergy.com", "nobody@synergy.com")
		r.SentBy = frontEnd
		lync.asks(r)
		refused := lync.expect("404")
		for _, again := range []int{1, 0, 1} { // after 0.5 and 1.5 s
			w.after(500 * time.Millisecond)
			lync.counts(t, "404", again)
		}
		lync.asks(r.Ack(refused))
		w.after(time.Minute)
		lync.quiet()
	}, overUDP)
}

func TestAnAcceptedInviteIsAcceptedAgainUntilItsAck(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		lync := w.datagrams(frontEnd)
		r := siptest.Invite("anna@synergy.com", "carla@synergy.com")
		r.SentBy = frontEnd
		lync.asks(r)
		lync.expect("100")
		lync.asks(r)
		lync.expect("100")
		here := w.at(connectorAt)
		m := here.expect("INVITE")
		here.quiet()
		here.answers(m, 200, "Contact: <sip:carla@127.0.0.11:5080>")
		first := lync.expect("200")
		here.answers(m, 200, "Contact: <sip:carla@127.0.0.11:5080>") // the first was lost
		lync.expect("200")
		ack := siptest.Caller(first).Request("ACK")
		lync.asks(ack)
		lync.asks(ack) // that of the second
		here.counts(t, "ACK", 2)
	}, overUDP)
}

func TestWhatCrossesTransportsNamesBoth(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		lync := w.datagrams(frontEnd)
		lync.asks(siptest.Subscribe("anna@synergy.com", "carla@synergy.com"))
		m := w.at(connectorAt).expect("SUBSCRIBE")
		if got := value(m, "Record-Route"); got != "<sip:imp1.synergy.com:5060;transport=tcp;lr>, <sip:imp1.synergy.com:5070;transport=udp;lr>" {
			t.Errorf("from UDP, Record-Route: %s", got)
		}
		w.at(connectorAt).answers(m, 200)
		client := w.connector()
		client.asks(request("SUBSCRIBE"))
		m = w.at(fe1At).expect("SUBSCRIBE")
		if got := value(m, "Record-Route"); got != "<sip:imp1.synergy.com:5070;transport=udp;lr>, <sip:imp1.synergy.com:5060;transport=tcp;lr>" {
			t.Errorf("to UDP, Record-Route: %s", got)
		}
		if via := m.Via(0); !strings.HasPrefix(string(via.Raw), "SIP/2.0/UDP imp1.synergy.com:5070;") || !via.RPort {
			t.Errorf("Via: %s", via.Raw)
		}
		w.at(fe1At).answers(m, 200)
	}, hopsOverUDP)
}

// A source address is easily forged in a datagram, so that it makes nobody one of us.
func TestUDPIsAlwaysOutside(t *testing.T) {
	for promise, c := range map[string]struct {
		from, answer string
		edit         func(*federation.Snapshot)
	}{
		"this node's own address": {"127.0.0.11:40001", "403", overUDP},
		"another node's address":  {"127.0.0.12:40001", "403", overUDP},
		"the node's address, listed too": {"127.0.0.11:40001", "404", func(s *federation.Snapshot) {
			overUDP(s)
			s.ACL = append(s.ACL, federation.ACLEntry{Pattern: "127.0.0.11"})
		}},
		"an unlisted address":           {"127.0.0.66:40001", "403", overUDP},
		"where certificates are needed": {frontEnd, "403", func(s *federation.Snapshot) { overUDP(s); s.Settings.RequirePeerCertificate = true }},
	} {
		t.Run(promise, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				s := w.datagrams(c.from)
				s.asks(request("MESSAGE")) // for bob, whom only this side can reach
				s.expect(c.answer)
				w.untouched(fe1At)
				if server, _ := w.proxy.Transactions(); c.answer == "403" && server > 0 {
					t.Error("a refusal leaves a transaction")
				}
			}, c.edit)
		})
	}
}

func TestRefusalsOverUDPShutOutNobodyWhoConnects(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		addr := netip.MustParseAddr("127.0.0.66")
		refuse := func(s *end) { s.asks(siptest.NewRequest("OPTIONS", "anna@synergy.com", "carla@synergy.com")) }
		for range 6 {
			refuse(w.datagrams("127.0.0.66:40010"))
		}
		if w.proxy.accept(addr, sip.UDP) || !w.proxy.accept(addr, sip.TCP) {
			t.Error("after refusals over UDP")
		}
		w.after(time.Minute)
		for range 6 {
			refuse(stranger(w))
		}
		if w.proxy.accept(addr, sip.UDP) || w.proxy.accept(addr, sip.TCP) {
			t.Error("after refusals over TCP")
		}
		w.set(overUDP, func(s *federation.Snapshot) { s.ACL = append(s.ACL, federation.ACLEntry{Pattern: "127.0.0.66"}) })
		if !w.proxy.accept(addr, sip.UDP) || !w.proxy.accept(addr, sip.TCP) {
			t.Error("after it was listed")
		}
	}, overUDP)
}

// Addresses can be forged without end; the answers would hit whoever they belong to.
func TestAFloodOfStrangersOverUDPIsNotAnsweredWithoutEnd(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		flood := func() (answered int) {
			for i := range 300 {
				s := w.datagrams(netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 9, byte(i / 256), byte(i)}), 5060).String())
				s.asks(siptest.NewRequest("OPTIONS", "anna@synergy.com", "carla@synergy.com"))
				answered += len(s.got)
			}
			return answered
		}
		if n := flood(); n != 100 {
			t.Errorf("%d refusals were sent", n)
		}
		if n := strings.Count(w.log.String(), "request refused"); n != 100 {
			t.Errorf("%d refusals were logged", n)
		}
		lync := w.datagrams(frontEnd)
		lync.asks(siptest.Message("anna@synergy.com", "nobody@synergy.com", "hi"))
		lync.expect("404")
		stranger(w).asks(siptest.NewRequest("OPTIONS", "anna@synergy.com", "carla@synergy.com"))
		if n := strings.Count(w.log.String(), `"peer":"127.0.0.66`); n != 1 {
			t.Error("who connects is not told")
		}
		w.after(time.Second)
		if n := flood(); n != 100 {
			t.Errorf("%d refusals were sent in the next second", n)
		}
	}, overUDP)
}

func TestARequestIsSentAgainOverUDPUntilItIsAnswered(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		client := w.connector()
		client.asks(request("MESSAGE"))
		hop := w.at(fe1At)
		m := hop.expect("MESSAGE")
		w.after(1600 * time.Millisecond)
		hop.counts(t, "MESSAGE", 2) // after 0.5 and 1.5 s; that at 0 s was lost
		hop.answers(m, 200)
		client.expect("200")
		w.after(30 * time.Second)
		hop.quiet()
		w.untouched(fe2At)
	}, hopsOverUDP)
}

func TestSilenceOverUDPMovesOnButNeverDeliversTwice(t *testing.T) {
	for method, c := range map[string]struct {
		sent  int // in 4 s
		moves bool
	}{"SUBSCRIBE": {4, true}, "INVITE": {4, true}, "MESSAGE": {4, false}, "INFO": {4, false}} {
		t.Run(method, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				client := w.connector()
				client.asks(request(method))
				hop := w.at(fe1At)
				w.after(3900 * time.Millisecond)
				hop.counts(t, method, c.sent)
				w.after(200 * time.Millisecond)
				if !c.moves {
					w.untouched(fe2At)
					w.after(12 * time.Second)
					if got := client.last(); nameOf(got) != "504" {
						t.Errorf("the sender got %s", nameOf(got))
					}
					w.untouched(fe2At)
					return
				}
				m := w.at(fe2At).expect(method)
				w.at(fe2At).answers(m, 200)
				w.after(200 * time.Millisecond)
				hop.dropProbes(0)
				w.after(20 * time.Second)
				hop.dropProbes(0)
				hop.quiet() // the hop given up is left alone
			}, hopsOverUDP)
		})
	}
}

// last returns the newest of what came.
func (e *end) last() *sip.Message {
	e.w.mu.Lock()
	defer e.w.mu.Unlock()
	if len(e.got) == 0 {
		e.w.t.Fatalf("%s got nothing", e.peer.Remote)
	}
	return e.got[len(e.got)-1]
}

func TestAnInviteOverUDPSurvivesLosses(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		client, r := invite(w)
		hop := w.at(fe1At)
		m := hop.expect("INVITE")
		w.after(600 * time.Millisecond)
		hop.counts(t, "INVITE", 1)
		hop.answers(m, 180)
		client.expect("180")
		w.after(10 * time.Second)
		hop.quiet() // an answered INVITE is not sent again
		client.asks(r.Cancel())
		client.expect("200")
		cancel := hop.expect("CANCEL")
		w.after(600 * time.Millisecond)
		hop.counts(t, "CANCEL", 1) // the first was lost
		hop.answers(cancel, 200)
		hop.answers(m, 487)
		client.expect("487")
		hop.expect("ACK")
		hop.answers(m, 487) // the ACK was lost
		hop.expect("ACK")
		client.quiet()
	}, hopsOverUDP)
}

func TestAClosedUDPPortMovesARequestOn(t *testing.T) {
	for _, method := range []string{"SUBSCRIBE", "MESSAGE", "INFO", "INVITE"} {
		t.Run(method, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				client := w.connector()
				client.asks(request(method))
				w.at(fe1At).breaks(transport.ErrRefused)
				m := w.at(fe2At).expect(method)
				w.at(fe2At).answers(m, 200)
				if !strings.Contains(w.log.String(), `"reason":"next hop down: connection refused`) {
					t.Errorf("the log:\n%s", w.log)
				}
			}, hopsOverUDP)
		})
	}
}

// toHost is a request in a dialog to the first front end, which this side may name.
func toHost(method string) siptest.Request {
	r := request(method)
	r.URI = "sip:bob@127.0.0.21:5061"
	r.To += ";tag=7"
	return r
}

// The port may have closed between two requests, and what was taken before is not known.
func TestAClosedUDPPortProvesNothingOfEarlierMessages(t *testing.T) {
	for promise, c := range map[string]struct {
		between func(w *world, client, hop *end)
		moves   int // of two messages
	}{
		"the last one moves on":     {func(*world, *end, *end) {}, 1},
		"none that was sent twice":  {func(w *world, _, _ *end) { w.after(600 * time.Millisecond) }, 0},
		"none when an ACK was last": {func(_ *world, client, _ *end) { client.asks(toHost("ACK")) }, 0},
	} {
		t.Run(promise, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				client := w.connector()
				client.asks(request("MESSAGE"))
				client.asks(request("MESSAGE"))
				hop := w.at(fe1At)
				c.between(w, client, hop)
				hop.breaks(transport.ErrRefused)
				got := 0
				if w.opened(fe2At) > 0 {
					other := w.at(fe2At)
					got = len(other.got)
					for range got {
						other.answers(other.expect("MESSAGE"), 200)
					}
				}
				if got != c.moves {
					t.Errorf("%d moved on, want %d", got, c.moves)
				}
			}, hopsOverUDP)
		})
	}
}

func TestAClosedUDPPortIsProbedUntilItOpens(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		client := w.connector()
		client.asks(toHost("ACK"))
		w.at(fe1At).breaks(transport.ErrRefused) // nobody waited, and yet it is known
		if got := w.state(); got != "down connection refused" {
			t.Fatalf("the hop is %s", got)
		}
		w.after(5 * time.Second)
		hop := w.at(fe1At)
		if m := hop.expect("OPTIONS"); !m.Via(0).RPort {
			t.Errorf("the probe:\n%s", m.Bytes())
		}
		hop.breaks(transport.ErrRefused)
		w.after(600 * time.Millisecond) // it would be sent again
		if got := w.state(); got != "down connection refused" {
			t.Errorf("after a probe the hop is %s", got)
		}
		for range 2 {
			w.after(5 * time.Second)
			hop = w.at(fe1At)
			m := hop.expect("OPTIONS")
			w.after(600 * time.Millisecond)
			hop.counts(t, "OPTIONS", 1) // the first was lost
			hop.answers(m, 200)
		}
		w.expectState("up")
	}, hopsOverUDP)
}

// What could not be written for the first time is written again; what is sent again may have arrived.
func TestOnlyAFirstDatagramIsKnownToBeUnsent(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		client := w.connector()
		client.asks(request("MESSAGE"))
		hop := w.at(fe1At)
		hop.expect("MESSAGE")
		w.mu.Lock()
		hop.fails = transport.ErrRefused
		w.mu.Unlock()
		w.after(600 * time.Millisecond) // the retransmission fails
		w.mu.Lock()
		hop.fails = nil
		w.mu.Unlock()
		hop.quiet()
		w.after(time.Second)
		m := hop.expect("MESSAGE")
		hop.quiet()
		hop.answers(m, 200)
		client.expect("200")

		w.mu.Lock()
		hop.fails, hop.closed = transport.ErrRefused, true
		w.mu.Unlock()
		client.asks(request("MESSAGE"))
		fresh := w.at(fe1At)
		fresh.answers(fresh.expect("MESSAGE"), 200)
		client.expect("200")
		w.untouched(fe2At)
	}, hopsOverUDP)
}

func TestAMessageTooLongForUDPGoesToTheNextHop(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		client := w.connector()
		client.asks(request("MESSAGE"))
		hop := w.at(fe1At)
		hop.answers(hop.expect("MESSAGE"), 200)
		client.expect("200")
		w.mu.Lock()
		hop.fails = transport.ErrTooLong
		w.mu.Unlock()
		client.asks(request("MESSAGE"))
		w.at(fe2At).breaks(transport.ErrRefused)
		if got := value(client.expect("504"), "Warning"); !strings.Contains(got, "127.0.0.21:5061 the message is too long for UDP") {
			t.Errorf("Warning: %s", got)
		}
		w.expectState("up")
		if w.dials(fe1At) != 1 {
			t.Error("the socket was given up")
		}
	}, hopsOverUDP)
}

func TestABenotifyTooLongForUDPGoesToTheNextHopAtOnce(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		client := w.connector()
		client.asks(request("MESSAGE"))
		hop := w.at(fe1At)
		hop.answers(hop.expect("MESSAGE"), 200)
		client.expect("200")
		w.mu.Lock()
		hop.fails = transport.ErrTooLong
		w.mu.Unlock()
		client.asks(request("BENOTIFY"))
		w.at(fe2At).expect("BENOTIFY")
		w.mu.Lock()
		hop.fails = nil
		w.mu.Unlock()
		if hop.failed != 1 {
			t.Errorf("it is sent %d times to a hop for which it stays too long", hop.failed)
		}
		client.asks(request("MESSAGE"))
		if hop.last().Method() != "MESSAGE" || w.dials(fe1At) != 1 {
			t.Error("the socket was given up")
		}
		hop.answers(hop.expect("MESSAGE"), 200)
		client.expect("200")
	}, hopsOverUDP)
}

func TestAnAnswerAtTheUDPListenerIsTakenFromAnAdmittedPeer(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		client := w.connector()
		client.asks(request("MESSAGE"))
		m := w.at(fe1At).expect("MESSAGE")
		w.datagrams("127.0.0.66:5060").answers(m, 200)
		w.datagrams("127.0.0.11:5060").answers(m, 200)
		client.quiet()
		w.datagrams(frontEnd).answers(m, 202)
		client.expect("202")
	}, hopsOverUDP)
}
