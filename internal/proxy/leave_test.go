package proxy

import (
	"io"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"isthmus/internal/federation"
	"isthmus/internal/routing"
	"isthmus/internal/sip/transport"
	"isthmus/internal/siptest"
)

func (e *end) open() bool {
	e.w.mu.Lock()
	defer e.w.mu.Unlock()
	return !e.closed
}

// expectOpen holds what has become of a connection after some time.
func (e *end) expectOpen(after time.Duration, want bool, promise string) {
	e.w.t.Helper()
	e.w.after(after)
	if e.open() != want {
		e.w.t.Errorf("%s: after %v its connection's being open is %t", promise, after, !want)
	}
}

// overTLS has the first front end reached over TLS, by settings whose key can be changed.
func overTLS(s *federation.Snapshot) { s.StaticRoutes[0].Transport = federation.TLS }

// unrouted takes the first front end's route away.
func unrouted(s *federation.Snapshot) { s.StaticRoutes = s.StaticRoutes[1:] }

// leaveLimit is when a connection that nothing needs is closed at the latest.
const leaveLimit = 2 * leavePause

func TestAConnectionByOldTLSSettingsIsLeftOnceItsRequestsHaveEnded(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		key := "1"
		w.proxy.config.TLS = func(*routing.Hop) (TLS, error) { return TLS{Key: key}, nil }
		renew := func(to string) {
			key = to
			w.set(overTLS)
		}
		client := w.connector()
		client.asks(siptest.Invite("carla@synergy.com", "bob@synergy.com"))
		client.expect("100")
		old := w.at(fe1At)
		invite := old.expect("INVITE")
		old.answers(invite, 180)
		client.expect("180")
		renew("2")
		old.expectOpen(time.Minute, true, "an INVITE rings")
		client.asks(request("SUBSCRIBE"))
		fresh := w.at(fe1At)
		if fresh == old {
			t.Fatal("a new request took the old connection")
		}
		fresh.answers(fresh.expect("SUBSCRIBE"), 200)
		client.expect("200")
		old.answers(invite, 200)
		client.expect("200")
		old.expectOpen(20*time.Second, true, "another 2xx may come")
		old.expectOpen(12*time.Second+leaveLimit, false, "the INVITE has ended")
		fresh.expectOpen(time.Hour, true, "the next request goes over it")
	}, overTLS)
}

func TestTheConnectionToAHopThatIsGoneIsLeftAndTheHopForgotten(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		client := w.connector()
		client.asks(request("SUBSCRIBE"))
		hop := w.at(fe1At)
		hop.answers(hop.expect("SUBSCRIBE"), 200)
		client.expect("200")
		hop.expectOpen(time.Hour, true, "its route is there")
		w.set(unrouted)
		hop.expectOpen(leavePause/2, true, "a request may just be taking it")
		hop.expectOpen(leaveLimit, false, "its route is gone")
		w.after(leaveLimit)
		if n := len(w.proxy.allPlaces()); n != 0 {
			t.Errorf("%d hops are remembered", n)
		}
		page := httptest.NewRecorder()
		w.proxy.metrics.Handler().ServeHTTP(page, httptest.NewRequest("GET", "/metrics", nil))
		if strings.Contains(page.Body.String(), `hop="tcp:127.0.0.21:5061"`) {
			t.Error("its numbers are shown on")
		}
		w.set()
		client.asks(request("SUBSCRIBE"))
		again := w.at(fe1At)
		if again == hop {
			t.Error("the connection that was left is used")
		}
		again.answers(again.expect("SUBSCRIBE"), 200)
		client.expect("200")
	})
}

func TestAConnectionIsKeptForAHopThatComesBackAndForItsOwnRequests(t *testing.T) {
	ask := func(w *world) *end {
		client := w.connector()
		client.asks(request("SUBSCRIBE"))
		hop := w.at(fe1At)
		hop.answers(hop.expect("SUBSCRIBE"), 200)
		client.expect("200")
		return hop
	}
	t.Run("the route is back before anybody looked twice", func(t *testing.T) {
		inWorld(t, func(t *testing.T, w *world) {
			hop := ask(w)
			for range 10 {
				w.set(unrouted)
				w.after(leavePause + time.Second)
				w.set()
				w.after(leavePause + time.Second)
			}
			if !hop.open() || ask(w) != hop {
				t.Error("its connection was closed")
			}
		})
	})
	t.Run("another route leads there", func(t *testing.T) {
		inWorld(t, func(t *testing.T, w *world) {
			hop := ask(w)
			w.set(func(s *federation.Snapshot) { s.StaticRoutes[0].Destination = ".com.synergy.pool" })
			hop.expectOpen(time.Hour, true, "a known host")
		})
	})
	t.Run("the hop asked over it", func(t *testing.T) {
		inWorld(t, func(t *testing.T, w *world) {
			hop := ask(w)
			w.set(unrouted)
			w.after(3 * time.Second)
			hop.asks(siptest.Subscribe("bob@synergy.com", "carla@synergy.com"))
			connector := w.at(connectorAt)
			asked := connector.expect("SUBSCRIBE")
			hop.expectOpen(3*time.Second, true, "a request is under way")
			hop.expectOpen(25*time.Second, true, "the hop waits for its answer")
			connector.answers(asked, 200)
			hop.expect("100")
			hop.expectOpen(4*time.Second+leaveLimit, false, "the hop's time is over")
		})
	})
}

// A request that comes while a connection is being left waits for that, and goes over another.
func TestWhoeverIsGivenAConnectionThatIsBeingLeftOpensAnother(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		client := w.connector()
		client.asks(request("MESSAGE"))
		hop := w.at(fe1At)
		hop.answers(hop.expect("MESSAGE"), 200)
		client.expect("200")
		old := w.proxy.wires.all()[0]
		waiting := &attempt{}
		if old.add(waiting); old.leave(w.proxy.clock.Now()) {
			t.Fatal("a connection is left on which a request is about to be written")
		}
		old.remove(waiting)
		if !old.leave(w.proxy.clock.Now()) || old.leave(w.proxy.clock.Now()) {
			t.Fatal("an idle connection is left once")
		}
		client.asks(request("MESSAGE"))
		synctest.Wait()
		hop.quiet()
		old.Close(nil)
		close(old.left)
		synctest.Wait()
		fresh := w.at(fe1At)
		fresh.answers(fresh.expect("MESSAGE"), 200)
		client.expect("200")
		w.expectState("up")
	})
}

func TestStopEndsTheLookingForConnections(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		client := w.connector()
		client.asks(request("SUBSCRIBE"))
		hop := w.at(fe1At)
		hop.answers(hop.expect("SUBSCRIBE"), 200)
		client.expect("200")
		w.set(unrouted)
		w.proxy.Stop()
		hop.expectOpen(time.Minute, true, "the transport closes what is left")
	})
}

// What a change has replaced, or had this node close, says nothing of the hop as it is now.
func TestTheEndOfAReplacedConnectionMarksNoHopDown(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		key := "1"
		w.proxy.config.TLS = func(*routing.Hop) (TLS, error) { return TLS{Key: key}, nil }
		client := w.connector()
		client.asks(request("SUBSCRIBE"))
		old := w.at(fe1At)
		old.expect("SUBSCRIBE")
		key = "2"
		w.set(overTLS)
		client.asks(request("SUBSCRIBE"))
		fresh := w.at(fe1At)
		fresh.answers(fresh.expect("SUBSCRIBE"), 200)
		client.expect("200")
		old.breaks(io.EOF)
		w.expectState("up")
		w.at(fe2At).answers(w.at(fe2At).expect("SUBSCRIBE"), 200) // what waited there went on
		client.expect("200")
		client.asks(request("SUBSCRIBE"))
		fresh.expect("SUBSCRIBE")
		fresh.breaks(io.EOF)
		w.expectState("down connection lost")
		w.at(fe2At).answers(w.at(fe2At).expect("SUBSCRIBE"), 200)
		client.expect("200")
	}, overTLS)
}

func TestAConnectionThatCameUpByOldSettingsIsLeftToo(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		asked := 0
		w.proxy.config.TLS = func(*routing.Hop) (TLS, error) {
			if asked++; asked > 2 { // connected, and asked whether the settings are still these
				return TLS{Key: "2"}, nil
			}
			return TLS{Key: "1"}, nil
		}
		w.after(leaveLimit) // what the first configuration had looked for is over
		client := w.connector()
		client.asks(request("SUBSCRIBE"))
		old := w.at(fe1At)
		old.answers(old.expect("SUBSCRIBE"), 200)
		client.expect("200")
		old.expectOpen(leaveLimit, false, "its settings are gone")
	}, overTLS)
}

func TestAHandshakeThatFailedByOldSettingsMarksNoHopDown(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		key, asked := "1", 0
		w.proxy.config.TLS = func(*routing.Hop) (TLS, error) {
			now := key
			if asked++; asked == 2 { // the attempt has failed, and by the settings of that moment it counts
				key = "2"
				s := configuration()
				overTLS(&s)
				policy, err := routing.Compile(s, "imp1.synergy.com")
				if err != nil {
					t.Error(err)
				}
				w.proxy.SetPolicy(policy)
			}
			return TLS{Key: now}, nil
		}
		w.fails(fe1At, transport.ErrHandshake)
		client := w.connector()
		client.asks(request("SUBSCRIBE"))
		w.at(fe2At).answers(w.at(fe2At).expect("SUBSCRIBE"), 200)
		client.expect("200")
		w.expectState("unknown")
		w.fails(fe1At, nil)
		client.asks(request("SUBSCRIBE"))
		w.at(fe1At).answers(w.at(fe1At).expect("SUBSCRIBE"), 200)
		client.expect("200")
	}, overTLS)
}

func TestARequestOnItsWayEndsByTheRoutesItBeganWith(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		client := w.connector()
		client.asks(request("SUBSCRIBE"))
		w.at(fe1At).expect("SUBSCRIBE")
		w.set(func(s *federation.Snapshot) { s.StaticRoutes = nil })
		w.after(4 * time.Second) // the first hop's time is over
		w.at(fe2At).answers(w.at(fe2At).expect("SUBSCRIBE"), 200)
		client.expect("100")
		client.expect("200")
		client.asks(request("SUBSCRIBE"))
		client.expect("404")
	})
}
