package proxy

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"isthmus/internal/sip"
	"isthmus/internal/siptest"
)

// toCarla is a request from outside.
func toCarla(method string) siptest.Request {
	return siptest.NewRequest(method, "anna@synergy.com", "carla@synergy.com")
}

// limited is a world with room for three requests of a peer and six of everybody.
func limited(t *testing.T, test func(*testing.T, *world)) {
	t.Helper()
	inWorld(t, func(t *testing.T, w *world) {
		w.proxy.load = newLoad(3, 6)
		test(t, w)
	})
}

// fills sends requests until a peer's limit is reached, and returns what went through to the connector.
func (w *world) fills(peer *end) (through []*sip.Message) {
	w.t.Helper()
	for range 3 {
		peer.asks(toCarla("MESSAGE"))
		through = append(through, w.at(connectorAt).expect("MESSAGE"))
	}
	return through
}

// servesOthers sees a request of another peer and one from inside answered.
func (w *world) servesOthers() {
	w.t.Helper()
	other, inside := w.from("127.0.0.22:40002"), w.connector()
	other.asks(toCarla("MESSAGE"))
	w.at(connectorAt).answers(w.at(connectorAt).expect("MESSAGE"), 200)
	other.expect("200")
	inside.asks(request("MESSAGE"))
	w.at(fe1At).answers(w.at(fe1At).expect("MESSAGE"), 200)
	inside.expect("200")
}

func TestAPeersRequestsBeyondItsLimitAreRefusedAndNobodyElses(t *testing.T) {
	limited(t, func(t *testing.T, w *world) {
		lync := w.lync()
		through := w.fills(lync)
		another := w.from("127.0.0.21:40077") // the address counts, not the connection
		for _, e := range []*end{lync, another} {
			e.asks(toCarla("MESSAGE"))
			refusal := e.expect("503")
			if value(refusal, "Retry-After") != "5" || value(refusal, "Warning") != `399 imp1.synergy.com "127.0.0.21 has 3 requests open"` {
				t.Errorf("the refusal:\n%s", refusal.Bytes())
			}
		}
		w.at(connectorAt).quiet()
		if server, _ := w.proxy.Transactions(); server != 3 {
			t.Errorf("%d transactions, though what was refused has none", server)
		}
		w.servesOthers()

		w.at(connectorAt).answers(through[0], 200)
		lync.expect("200")
		lync.asks(toCarla("MESSAGE"))
		w.at(connectorAt).expect("MESSAGE")
	})
}

// Calls that were taken are remembered for a while, and stand in nobody's way.
func TestCallsThatWereTakenFillNobodysLimit(t *testing.T) {
	limited(t, func(t *testing.T, w *world) {
		w.proxy.load = newLoad(2, 6)
		lync := w.lync()
		call := func() {
			invite := siptest.Invite("anna@synergy.com", "carla@synergy.com")
			invite.SentBy = lync.peer.Remote.String()
			lync.asks(invite)
		}
		for range 20 {
			call()
			lync.expect("100")
			w.at(connectorAt).answers(w.at(connectorAt).expect("INVITE"), 200)
			lync.expect("200")
		}
		if server, _ := w.proxy.Transactions(); server != 20 {
			t.Errorf("%d calls are remembered, want 20", server)
		}
		w.servesOthers()
	})
}

// A source address is easily forged in a datagram.
func TestWhatComesOverUDPFillsNobodysLimitOverTCP(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.proxy.load = newLoad(3, 100)
		forged := w.datagrams("127.0.0.21:40009")
		for range 3 {
			forged.asks(toCarla("MESSAGE"))
			w.at(connectorAt).expect("MESSAGE")
		}
		forged.asks(toCarla("MESSAGE"))
		forged.expect("503")
		lync := w.lync()
		lync.asks(toCarla("MESSAGE"))
		w.at(connectorAt).answers(w.at(connectorAt).expect("MESSAGE"), 200)
		lync.expect("200")
	}, overUDP)
}

func TestTheNodesLimitHoldsForPeersFromInsideToo(t *testing.T) {
	limited(t, func(t *testing.T, w *world) {
		inside := w.connector()
		for range 6 {
			inside.asks(request("MESSAGE"))
			w.at(fe1At).expect("MESSAGE")
		}
		for _, e := range []*end{inside, w.lync()} {
			e.asks(toCarla("MESSAGE"))
			if got := value(e.expect("503"), "Warning"); got != `399 imp1.synergy.com "this node has 6 requests open"` {
				t.Errorf("Warning: %s", got)
			}
		}
	})
}

func TestShortOfMemoryNewRequestsAreRefusedUntilItIsOver(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		lync, inside := w.lync(), w.connector()
		lync.asks(toCarla("MESSAGE"))
		open := w.at(connectorAt).expect("MESSAGE")
		w.proxy.Shed(true)
		for _, e := range []*end{lync, inside} {
			e.asks(toCarla("MESSAGE"))
			refusal := e.expect("503")
			if value(refusal, "Retry-After") != "5" || value(refusal, "Warning") != `399 imp1.synergy.com "this node is short of memory"` {
				t.Errorf("the refusal:\n%s", refusal.Bytes())
			}
		}
		if server, _ := w.proxy.Transactions(); server != 1 {
			t.Errorf("%d transactions, though what was refused has none", server)
		}
		w.at(connectorAt).answers(open, 200)
		lync.expect("200")
		lync.asks(toCarla("BYE"))
		w.at(connectorAt).answers(w.at(connectorAt).expect("BYE"), 481)
		lync.expect("481")
		w.proxy.Shed(false)
		lync.asks(toCarla("MESSAGE"))
		w.at(connectorAt).answers(w.at(connectorAt).expect("MESSAGE"), 200)
		lync.expect("200")
	})
}

func TestWhatEndsSomethingPassesAnOverload(t *testing.T) {
	limited(t, func(t *testing.T, w *world) {
		lync := w.lync()
		invite := siptest.Invite("anna@synergy.com", "carla@synergy.com")
		invite.SentBy = lync.peer.Remote.String()
		lync.asks(invite)
		lync.expect("100")
		w.at(connectorAt).answers(w.at(connectorAt).expect("INVITE"), 180)
		lync.expect("180")
		for range 2 {
			lync.asks(toCarla("MESSAGE"))
			w.at(connectorAt).expect("MESSAGE")
		}
		lync.asks(toCarla("BYE"))
		w.at(connectorAt).answers(w.at(connectorAt).expect("BYE"), 481)
		lync.expect("481")
		lync.asks(toCarla("BENOTIFY"))
		w.at(connectorAt).expect("BENOTIFY")
		ack := toCarla("ACK")
		ack.URI, ack.To = "sip:carla@imp1.synergy.com", ack.To+";tag=7"
		lync.asks(ack)
		w.at(connectorAt).expect("ACK")
		lync.asks(invite.Cancel())
		lync.expect("200")
		w.at(connectorAt).expect("CANCEL")
		lync.asks(toCarla("SUBSCRIBE"))
		lync.expect("503")
	})
}

func TestARetransmissionIsNoFurtherRequest(t *testing.T) {
	limited(t, func(t *testing.T, w *world) {
		lync := w.lync()
		r := toCarla("MESSAGE")
		r.SentBy = lync.peer.Remote.String()
		lync.asks(r)
		w.at(connectorAt).expect("MESSAGE")
		for range 2 {
			lync.asks(toCarla("MESSAGE"))
			w.at(connectorAt).expect("MESSAGE")
		}
		lync.asks(r)
		lync.quiet()
		if open := w.proxy.load.all.Open(); open != 3 {
			t.Errorf("%d requests are open, not 3", open)
		}
		lync.asks(toCarla("MESSAGE"))
		lync.expect("503")
	})
}

func TestTheAckOfARefusalForOverloadEndsHere(t *testing.T) {
	limited(t, func(t *testing.T, w *world) {
		lync := w.lync()
		w.fills(lync)
		invite := toCarla("INVITE")
		invite.URI, invite.SentBy = "sip:carla@imp1.synergy.com", lync.peer.Remote.String()
		lync.asks(invite)
		lync.asks(invite.Ack(lync.expect("503")))
		w.at(connectorAt).quiet()
	})
}

func TestAnOverloadIsCountedPerRequestAndLoggedNowAndThen(t *testing.T) {
	limited(t, func(t *testing.T, w *world) {
		lync := w.lync()
		w.fills(lync)
		lines := func() int { return strings.Count(w.log.String(), `"reason":"overload: 127.0.0.21 has 3 requests open`) }
		for range 100 {
			lync.asks(toCarla("MESSAGE"))
			lync.expect("503")
		}
		if n := lines(); n != 1 {
			t.Errorf("%d lines for 100 refusals", n)
		}
		w.after(5 * time.Second)
		lync.expect("100")
		lync.got = nil
		lync.asks(toCarla("MESSAGE"))
		lync.expect("503")
		if n := lines(); n != 2 {
			t.Errorf("%d lines after five seconds", n)
		}
		w.counted(`sip_refusals_total{reason="overload"} 101`, `sip_requests_total{method="MESSAGE",outcome="refused"} 101`, `sip_responses_total{class="5xx"} 101`)
	})
}

// piece is the part of a load that counts addresses under 2001:db8::/64 that end in the same octet.
func piece(l *load) (p *senders, next func() source) {
	n := 0
	return &l.pieces[0], func() source {
		n++
		bytes := netip.MustParseAddr("2001:db8::").As16()
		bytes[13], bytes[14] = byte(n>>8), byte(n)
		return source{addr: netip.AddrFrom16(bytes)}
	}
}

func TestAddressesAreForgottenOnceThereAreMany(t *testing.T) {
	l := newLoad(0, 0)
	p, next := piece(l)
	for range 256 {
		l.enter(next(), false).Leave()
	}
	if n := len(p.known); n != 256 {
		t.Fatalf("%d addresses are known before there are too many", n)
	}
	l.enter(next(), false)
	if n := len(p.known); n != 1 {
		t.Errorf("%d addresses are known, though one has a request open", n)
	}
	for range 600 {
		l.enter(next(), false)
	}
	if len(p.known) != 601 || p.most <= 601 {
		t.Errorf("of %d addresses with requests open %d may be known before they are looked through again", len(p.known), p.most)
	}
}

// Two connections of one address may come at once.
func TestAnAddressIsAddedOnce(t *testing.T) {
	l := newLoad(0, 0)
	p, next := piece(l)
	from := next()
	if s := l.enter(from, false); p.add(from, l.all.Tally) != s || s.Open() != 2 {
		t.Error("an address is counted twice")
	}
}

func TestAddressesWithoutOpenRequestsAreForgotten(t *testing.T) {
	l := newLoad(0, 0)
	addr := netip.MustParseAddr("2001:db8::")
	kept := l.enter(source{addr: netip.MustParseAddr("2001:db8:1::")}, false)
	for range 100_000 {
		addr = addr.Next()
		l.enter(source{addr: addr}, false).Leave()
	}
	n := 0
	for i := range l.pieces {
		n += len(l.pieces[i].known)
	}
	if n > 16*256 {
		t.Errorf("%d addresses are kept", n)
	}
	if l.enter(source{addr: netip.MustParseAddr("2001:db8:1::")}, false) != kept || kept.Open() != 2 || l.all.Open() != 2 {
		t.Error("an address with requests open is not counted on")
	}
}
