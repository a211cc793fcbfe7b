package proxy

import (
	"io"
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

// leaves is a request from an address to carla whose connection breaks before the answer; the connector has it.
func (w *world) leaves(from, sentBy string) (asked *sip.Message) {
	w.t.Helper()
	e := w.from(from)
	r := toCarla("SUBSCRIBE")
	r.SentBy = sentBy
	e.asks(r)
	asked = w.at(connectorAt).expect("SUBSCRIBE")
	e.breaks(io.EOF)
	return asked
}

// returnedCount reads how many responses without a connection had an outcome.
func (w *world) returnedCount(outcome string) string {
	page := httptest.NewRecorder()
	w.proxy.metrics.Handler().ServeHTTP(page, httptest.NewRequest("GET", "/metrics", nil))
	_, after, _ := strings.Cut(page.Body.String(), `isthmus_sip_returned_responses_total{outcome="`+outcome+`"} `)
	n, _, _ := strings.Cut(after, "\n")
	return n
}

// RFC 3261 section 18.2.2.
func TestAnAnswerWhoseConnectionIsGoneGoesToThePortOfTheVia(t *testing.T) {
	for sentBy, at := range map[string]string{
		"198.51.100.9:5061": fe1At, // the Via's host is only what the peer wrote there
		"fe1.synergy.com":   "127.0.0.21:5060",
	} {
		inWorld(t, func(t *testing.T, w *world) {
			w.hosts["127.0.0.21:5060"], w.hosts["198.51.100.9:5061"] = &host{}, &host{}
			asked := w.leaves("127.0.0.21:40005", sentBy)
			w.at(connectorAt).answers(asked, 200)
			if m := w.at(at).expect("200"); m.ViaCount() != 1 {
				t.Errorf("the answer:\n%s", m.Bytes())
			}
			if w.opened("198.51.100.9:5061") > 0 || w.returnedCount("forwarded") != "1" {
				t.Errorf("returned %s, %d connections elsewhere", w.returnedCount("forwarded"), w.opened("198.51.100.9:5061"))
			}
		})
	}
}

func TestAnAnswerToANodeOrConnectorThatIsGoneGoesToItsHop(t *testing.T) {
	for _, c := range []struct{ from, at string }{{"127.0.0.11:40005", connectorAt}, {"127.0.0.12:40005", imp2At}} {
		inWorld(t, func(t *testing.T, w *world) {
			asked := w.leaves(c.from, "198.51.100.9:7777")
			connector := w.at(connectorAt)
			connector.answers(asked, 200)
			w.at(c.at).expect("200")
		})
	}
	t.Run("asked over a connection that this node opened", func(t *testing.T) {
		inWorld(t, func(t *testing.T, w *world) {
			lync := w.lync()
			lync.asks(toCarla("OPTIONS"))
			connector := w.at(connectorAt)
			connector.answers(connector.expect("OPTIONS"), 200)
			lync.expect("200")
			connector.asks(request("SUBSCRIBE"))
			asked := w.at(fe1At).expect("SUBSCRIBE")
			connector.breaks(io.EOF)
			w.at(fe1At).answers(asked, 200)
			if fresh := w.at(connectorAt); fresh == connector {
				t.Error("no new connection to the connector")
			}
			w.at(connectorAt).expect("200")
		})
	})
}

// The hop's connection died unnoticed since: a new one is opened, as for a request.
func TestAnAnswerToAHopIsSentOverANewConnectionWhenTheOldOneIsDead(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		lync := w.lync()
		lync.asks(toCarla("OPTIONS"))
		connector := w.at(connectorAt)
		connector.answers(connector.expect("OPTIONS"), 200)
		lync.expect("200")
		client := w.connector()
		client.asks(request("SUBSCRIBE"))
		asked := w.at(fe1At).expect("SUBSCRIBE")
		client.breaks(io.EOF)
		w.mu.Lock()
		connector.broken, connector.closed = true, true
		w.mu.Unlock()
		w.at(fe1At).answers(asked, 200)
		if fresh := w.at(connectorAt); fresh == connector {
			t.Fatalf("no new connection to the connector; %s answers dropped", w.returnedCount("dropped"))
		}
		w.at(connectorAt).expect("200")
		if got := w.returnedCount("forwarded"); got != "1" {
			t.Errorf("%s answers returned", got)
		}
	})
}

func TestAFaultWhileAnAnswerIsReturnedLeavesItsPlaceToOthers(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		lync := w.lync()
		lync.asks(toCarla("OPTIONS"))
		connector := w.at(connectorAt)
		connector.answers(connector.expect("OPTIONS"), 200)
		lync.expect("200")
		client := w.connector()
		client.asks(request("SUBSCRIBE"))
		asked := w.at(fe1At).expect("SUBSCRIBE")
		client.breaks(io.EOF)
		w.faulty(connector, true)
		w.at(fe1At).answers(asked, 200)
		if n, dropped := w.proxy.returns.waiting.Load(), w.returnedCount("dropped"); n != 0 || dropped != "1" {
			t.Errorf("%d answers seem to wait, %s are dropped", n, dropped)
		}
		w.counted("sip_panics_total 1")
		if n := w.opened(connectorAt); n != 1 {
			t.Errorf("%d connections: what may have been sent is sent again", n)
		}
	})
}

func TestAnAnswerThatCannotBeReturnedIsDroppedAndCounted(t *testing.T) {
	for promise, c := range map[string]struct {
		prepare func(*world)
		status  int
		dropped string
	}{
		"nobody listens there":          {func(w *world) { w.fails(fe1At, transport.ErrRefused) }, 200, "1"},
		"the peer is listed no more":    {func(w *world) { w.set(func(s *federation.Snapshot) { s.ACL = s.ACL[1:] }) }, 200, "1"},
		"too many wait already":         {func(w *world) { w.proxy.returns.waiting.Store(maxReturning) }, 200, "1"},
		"the node is being stopped":     {func(w *world) { w.proxy.Stop() }, 200, "1"},
		"a 100 of ours is no final one": {func(w *world) { w.after(3600 * time.Millisecond) }, 0, ""},
	} {
		t.Run(promise, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				asked := w.leaves("127.0.0.21:40005", "fe1.synergy.com:5061")
				c.prepare(w)
				if c.status != 0 {
					w.at(connectorAt).answers(asked, c.status)
				}
				if got := w.returnedCount("dropped"); got != c.dropped || w.opened(fe1At) > 0 {
					t.Errorf("%s dropped, not %s; %d connections to the peer", got, c.dropped, w.opened(fe1At))
				}
				w.expectState("unknown") // it says nothing of the hop at that address
				w.proxy.returns.waiting.Store(0)
			})
		})
	}
}

func TestAnAnswerGoesBackOverTLSByTheRulesForAHop(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.proxy.config.TLS = func(h *routing.Hop) (TLS, error) {
			if h.Transport != sip.TLS || h.Kind != routing.MicrosoftHop {
				t.Errorf("asked for %+v", h)
			}
			return TLS{Key: "of a hop"}, nil
		}
		e := w.end(transport.Peer{Remote: w.from("127.0.0.21:40005").peer.Remote, Transport: sip.TLS, Listener: "Default SIP Proxy TLS Listener - Server Auth", ListenerPort: 5062})
		r := toCarla("SUBSCRIBE")
		r.Transport, r.SentBy = sip.TLS, "fe1.synergy.com" // 5061 by default
		e.asks(r)
		asked := w.at(connectorAt).expect("SUBSCRIBE")
		e.breaks(io.EOF)
		w.at(connectorAt).answers(asked, 200)
		back := w.at(fe1At)
		back.expect("200")
		if target := back.peer.Target; target.Transport != sip.TLS || target.TLSKey != "of a hop" || target.Name != "hop" {
			t.Errorf("connected to %+v", target)
		}
	})
}

func TestWithoutACertificateNoAnswerGoesBackOverTLS(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.proxy.config.TLS = nil
		peer := transport.Peer{Remote: netip.MustParseAddrPort("127.0.0.21:40005"), Transport: sip.TLS, Listener: "Default SIP Proxy TLS Listener - Server Auth"}
		e := w.end(peer)
		r := toCarla("SUBSCRIBE")
		r.Transport, r.SentBy = sip.TLS, "fe1.synergy.com"
		e.asks(r)
		asked := w.at(connectorAt).expect("SUBSCRIBE")
		e.breaks(io.EOF)
		w.at(connectorAt).answers(asked, 200)
		if w.dials(fe1At) > 0 || w.returnedCount("dropped") != "1" {
			t.Errorf("%d connects, %s dropped", w.dials(fe1At), w.returnedCount("dropped"))
		}
	})
}

func TestNoMoreAnswersWaitThanThereIsRoomFor(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.slow(fe1At, 500*time.Millisecond)
		w.proxy.returns.waiting.Store(maxReturning - 2)
		for range 3 {
			asked := w.leaves("127.0.0.21:40005", "fe1.synergy.com:5061")
			w.at(connectorAt).answers(asked, 200)
		}
		w.after(time.Second)
		if got := w.returnedCount("forwarded") + " " + w.returnedCount("dropped"); got != "2 1" {
			t.Errorf("returned and dropped: %s", got)
		}
		if n := w.proxy.returns.waiting.Load(); n != maxReturning-2 {
			t.Errorf("%d seem to wait still", n-(maxReturning-2))
		}
	})
}

func TestConnectionsThatEndedAreForgotten(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		addr := netip.MustParseAddr("10.0.0.1")
		for range 300 {
			addr = addr.Next()
			e := w.end(transport.Peer{Remote: netip.AddrPortFrom(addr, 5060), Transport: sip.TCP, Opened: true})
			w.proxy.keep(e)
			e.ends(io.EOF)
		}
		if n := len(w.proxy.returns.open); n > 101 {
			t.Errorf("%d are kept", n)
		}
	})
}

func TestOneConnectionOfAnAddressIsKeptToAnswer(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.hosts["127.0.0.21:7001"], w.hosts["127.0.0.21:7002"] = &host{}, &host{}
		client := w.connector()
		client.asks(request("OPTIONS")) // fe1:5061 is a hop's connection
		w.at(fe1At).answers(w.at(fe1At).expect("OPTIONS"), 200)
		for _, port := range []string{"5061", "7001", "7002", "7002"} {
			asked := w.leaves("127.0.0.21:40005", "fe1.synergy.com:"+port)
			w.at(connectorAt).answers(asked, 200)
			w.at("127.0.0.21:" + port).expect("200")
		}
		if w.at(fe1At).closed || !w.at("127.0.0.21:7001").closed || w.at("127.0.0.21:7002").closed {
			t.Error("the hop's connection and the latest should be open, and no other")
		}
		if n := w.opened("127.0.0.21:7002"); n != 1 {
			t.Errorf("%d connections for two answers", n)
		}
	})
}

func TestAnAnswerReachesAPeerThatClosedItsConnection(t *testing.T) {
	connector := siptest.Serve(t, "127.0.81.5:0", nil)
	microsoft := siptest.Serve(t, "127.0.81.6:0", nil)
	p, node := nodeOn(t, "imp1.synergy.com", "127.0.81.5", snapshot("127.0.81.5", connector.Addr(), microsoft.Addr()))
	for _, leave := range []func(*siptest.Conn) error{
		(*siptest.Conn).Reset,
		(*siptest.Conn).Close, // as far as the node can see, it may be half closed and waiting
	} {
		lync := siptest.Connect(t, node, siptest.Options{Local: "127.0.81.6"})
		r := toCarla("SUBSCRIBE")
		r.SentBy = microsoft.Addr()
		lync.Sends(r)
		here := connector.Accepts()
		asked := here.Expect("SUBSCRIBE")
		if err := leave(lync.Conn); err != nil {
			t.Fatal(err)
		}
		here.ExpectSilence(200 * time.Millisecond) // in which the node sees it
		here.Answers(asked, 200)
		there := microsoft.Accepts()
		there.Expect("200")
		for _, l := range p.network.Links() { // the next begins with new ones
			l.Close(nil)
		}
		here.ExpectClosed()
		there.ExpectClosed()
	}
}
