package proxy

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"isthmus/internal/sip"
	"isthmus/internal/siptest"
)

// methods are all that a proxy sees, and one that nobody knows.
var methods = []string{"INVITE", "ACK", "BYE", "CANCEL", "OPTIONS", "REGISTER", "SUBSCRIBE", "NOTIFY", "BENOTIFY", "MESSAGE", "INFO", "REFER",
	"PUBLISH", "UPDATE", "PRACK", "SERVICE", "UNHEARD"}

// A To tag is what the peer wrote there, and no method is harmless.
func TestNoMethodAndNoDialogPassesForAStranger(t *testing.T) {
	for _, method := range methods {
		for _, tag := range []string{"", ";tag=inside"} {
			inWorld(t, func(t *testing.T, w *world) {
				ask := func(e *end) {
					r := toCarla(method)
					r.URI, r.To = "sip:carla@imp1.synergy.com", r.To+tag
					e.asks(r)
				}
				s := stranger(w)
				ask(s)
				if method == "ACK" || method == "BENOTIFY" {
					s.quiet()
				} else {
					s.expect("403")
				}
				if server, client := w.proxy.Transactions(); !s.closed || server+client > 0 || w.opened(connectorAt) > 0 {
					t.Errorf("%s%s: closed %v, %d server and %d client transactions, %d connections to the connector",
						method, tag, s.closed, server, client, w.opened(connectorAt))
				}
				lync := w.lync()
				ask(lync)
				if lync.closed {
					t.Errorf("%s%s of a listed peer closed its connection", method, tag)
				}
			})
		}
	}
}

// floods sends a request of each address, as far as it is accepted, and has the ledger's client ask meanwhile.
func (tr *trial) floods(addresses func(i int) string, n int) (heard int) {
	for i := range n {
		from := netip.MustParseAddrPort(addresses(i))
		if tr.proxy.accept(from.Addr(), sip.TCP) {
			heard++
			e := tr.from(from.String())
			e.serve = func(*end, *sip.Message) {}
			e.asks(toCarla("OPTIONS"))
		}
		if i%100 == 0 {
			tr.ask([]string{"MESSAGE"}, 200)
			tr.answered()
		}
	}
	return heard
}

func TestAFloodFromOneUnlistedAddressIsNotHeardForLong(t *testing.T) {
	inTrial(t, func(t *testing.T, tr *trial) {
		tr.works(fe1At)
		heard := tr.floods(func(i int) string { return fmt.Sprintf("127.0.0.66:%d", 10_000+i) }, 10_000)
		if heard != 6 {
			t.Errorf("%d requests were heard", heard)
		}
		if n := strings.Count(tr.log.String(), "\n"); n > 10 {
			t.Errorf("%d lines are logged", n)
		}
		tr.ends()
	})
}

// No address sends more than one request, so that none is shut out.
func TestAFloodFromManyUnlistedAddressesIsAnsweredAndCountedAndFillsNoLog(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		lines := func() int { return strings.Count(w.log.String(), "request refused") }
		flood := func(network byte) {
			for i := range 1000 {
				e := w.from(netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, network, byte(i / 250), byte(i % 250)}), 40000).String())
				e.asks(toCarla("OPTIONS"))
				if e.expect("403"); !e.closed {
					t.Fatalf("%d is not closed", i)
				}
			}
		}
		flood(1)
		if n := lines(); n != refusalsPerSecond {
			t.Errorf("%d are logged in a second", n)
		}
		w.datagrams("127.0.0.66:5060").asks(toCarla("OPTIONS"))
		if n := lines(); n != refusalsPerSecond+1 {
			t.Errorf("%d are logged with one over UDP", n)
		}
		w.after(time.Second)
		flood(2)
		if n := lines(); n != 2*refusalsPerSecond+1 {
			t.Errorf("%d are logged in two seconds", n)
		}
		w.counted(`sip_requests_total{method="OPTIONS",outcome="refused"} 2001`)
	}, overUDP)
}

func TestAFloodFromManyUnlistedAddressesLeavesNothingAndCostsTheListedNothing(t *testing.T) {
	inTrial(t, func(t *testing.T, tr *trial) {
		tr.works(fe1At)
		lync := tr.lync()
		tr.works(connectorAt)
		tr.floods(func(i int) string { return fmt.Sprintf("10.%d.%d.%d:5060", i/62500, i/250%250, i%250) }, 20_000)
		if server, client := tr.proxy.Transactions(); server+client > 0 || tr.proxy.load.all.Open() > 0 {
			t.Errorf("%d server and %d client transactions", server, client)
		}
		if n := len(tr.proxy.bans.records); n > maxBans {
			t.Errorf("%d addresses are remembered", n)
		}
		lync.asks(siptest.Message("anna@synergy.com", "carla@synergy.com", "hi"))
		lync.expect("200")
		tr.after(time.Minute)
		tr.ends()
	})
}
