package proxy

import (
	"slices"
	"strings"
	"testing"
	"time"

	"isthmus/internal/routing"
	"isthmus/internal/siptest"
)

func TestARequestGoesOutAsRFC3261Section16Says(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		c := w.connector()
		r := siptest.Subscribe("carla@synergy.com", "bob@synergy.com")
		r.Lines = append(r.Lines, "X-Unheard-Of:  kept  as it is")
		c.asks(r)
		m := w.at(fe1At).expect("SUBSCRIBE")
		if string(m.RequestURI()) != "sip:bob@synergy.com" || value(m, "Max-Forwards") != "69" {
			t.Errorf("Request-URI or Max-Forwards:\n%s", m.Bytes())
		}
		via := string(m.Via(0).Raw)
		if m.ViaCount() != 2 || !strings.HasPrefix(via, "SIP/2.0/TCP imp1.synergy.com:5060;branch=z9hG4bK") {
			t.Errorf("Via: %s", via)
		}
		if got := value(m, "Record-Route"); got != "<sip:imp1.synergy.com:5060;transport=tcp;lr>" {
			t.Errorf("Record-Route: %s", got)
		}
		if !strings.Contains(string(m.Bytes()), "\r\nX-Unheard-Of:  kept  as it is\r\n") {
			t.Errorf("an unknown header changed:\n%s", m.Bytes())
		}
		w.at(fe1At).answers(m, 202, "X-Back: too")
		if got := c.expect("202"); got.ViaCount() != 1 || value(got, "X-Back") != "too" {
			t.Errorf("the answer:\n%s", got.Bytes())
		}
	})
}

func TestTheSenderIsStampedIntoItsVia(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		c := w.connector()
		r := siptest.Message("carla@synergy.com", "bob@synergy.com", "hi")
		r.SentBy, r.ViaParams = "elsewhere.synergy.com:5099", ";rport"
		c.asks(r)
		m := w.at(fe1At).expect("MESSAGE")
		if got := string(m.Via(1).Raw); !strings.Contains(got, "received=127.0.0.11") || !strings.Contains(got, "rport=40001") {
			t.Errorf("Via of the sender: %s", got)
		}
		if m.RecordRouteCount() != 0 {
			t.Errorf("a MESSAGE carries Record-Route: %s", value(m, "Record-Route"))
		}
		w.at(fe1At).answers(m, 200)
		c.expect("200")
	})
}

func TestWithoutMaxForwardsARequestGets70(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		r := siptest.Message("carla@synergy.com", "bob@synergy.com", "hi")
		r.MaxForwards = -1
		c := w.connector()
		c.asks(r)
		m := w.at(fe1At).expect("MESSAGE")
		if got := value(m, "Max-Forwards"); got != "70" {
			t.Errorf("Max-Forwards: %s", got)
		}
		w.at(fe1At).answers(m, 200)
	})
}

// RFC 5393 section 5.3.3: every request that a proxy sends on says how many branches it may have.
func TestEachRequestCarriesOneMaxBreadth(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		for given, want := range map[string]string{"": "60", "Max-Breadth: 7": "7"} {
			r := siptest.Message("carla@synergy.com", "bob@synergy.com", "hi")
			if given != "" {
				r.Lines = append(r.Lines, given)
			}
			c := w.connector()
			c.asks(r)
			m := w.at(fe1At).expect("MESSAGE")
			if got := slices.Collect(m.Header("Max-Breadth")); len(got) != 1 || string(got[0]) != want {
				t.Errorf("with %q: Max-Breadth %q, want %s", given, got, want)
			}
			w.at(fe1At).answers(m, 200)
		}
	})
}

func TestTheRouteSetLeadsADialogBothWays(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		lync := w.lync()
		front := siptest.FrontEnd{FQDN: "127.0.0.21"}
		lync.asks(front.Dress(siptest.Invite("anna@synergy.com", "carla@synergy.com")))
		lync.expect("100")
		here := w.at(connectorAt)
		invite := here.expect("INVITE")
		here.answers(invite, 200, "Contact: <sip:carla@127.0.0.11:5080>")
		ok := lync.expect("200")

		caller := siptest.Caller(ok)
		caller.Routes = caller.Routes[1:] // the front end's own value, which it removes
		lync.asks(caller.Request("ACK"))
		if m := here.expect("ACK"); m.RouteCount() != 0 || m.ViaCount() != 2 {
			t.Errorf("the ACK:\n%s", m.Bytes())
		}
		bye := siptest.Callee(invite).Request("BYE")
		w.connector().asks(bye)
		got := w.at(fe1At).expect("BYE")
		if got.RouteCount() != 1 || !strings.Contains(value(got, "Route"), "sip:127.0.0.21:5061") || string(got.RequestURI()) != bye.URI {
			t.Errorf("the BYE:\n%s", got.Bytes())
		}
		w.at(fe1At).answers(got, 200)
	})
}

// RFC 3261 section 16.4: a strict router puts us into the Request-URI and the target at the end of the Route.
func TestWhatAStrictRouterDidBeforeUsIsUndone(t *testing.T) {
	const us = "sip:imp1.synergy.com:5060;transport=tcp;lr"
	for _, c := range []struct{ promise, route, uri, left string }{
		{"the target is taken from the Route", "<sip:bob@127.0.0.21:5061>", "sip:bob@127.0.0.21:5061", ""},
		{"... behind a hop that is left", "<sip:127.0.0.21:5061;lr>, <sip:bob@pc.synergy.com>", "sip:bob@pc.synergy.com", "<sip:127.0.0.21:5061;lr>"},
		{"... and goes behind again for a strict next hop", "<sip:127.0.0.21:5061>, <sip:bob@pc.synergy.com>", "sip:127.0.0.21:5061", "<sip:bob@pc.synergy.com>"},
	} {
		inWorld(t, func(t *testing.T, w *world) {
			r := siptest.NewRequest("BYE", "carla@synergy.com", "bob@pc.synergy.com")
			r.To += ";tag=9"
			r.URI, r.Below = us, []string{"Route: " + c.route}
			w.connector().asks(r)
			m := w.at(fe1At).expect("BYE")
			if string(m.RequestURI()) != c.uri || value(m, "Route") != c.left {
				t.Errorf("%s:\n%s", c.promise, m.Bytes())
			}
			w.at(fe1At).answers(m, 200)
		})
	}
}

func TestAStrictNextHopGetsTheTargetBehindTheRoute(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		r := siptest.NewRequest("BYE", "carla@synergy.com", "bob@fe1.synergy.com")
		r.To += ";tag=9"
		r.Below = []string{"Route: <sip:imp1.synergy.com:5060;lr>, <sip:127.0.0.21:5061>, <sip:pool.synergy.com;lr>"}
		c := w.connector()
		c.asks(r)
		m := w.at(fe1At).expect("BYE")
		if string(m.RequestURI()) != "sip:127.0.0.21:5061" || value(m, "Route") != "<sip:pool.synergy.com;lr>, <sip:bob@fe1.synergy.com>" {
			t.Errorf("the BYE:\n%s", m.Bytes())
		}
		w.at(fe1At).answers(m, 200)
	})
}

func TestOrderIsKeptWhileTheConnectionOpens(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.slow(fe1At, 500*time.Millisecond)
		c := w.connector()
		texts := []string{"one", "two", "three", "four", "five"}
		for _, text := range texts {
			c.asks(siptest.Message("carla@synergy.com", "bob@synergy.com", text))
		}
		w.after(600 * time.Millisecond)
		if w.dials(fe1At) != 1 {
			t.Errorf("%d connections were opened for one hop", w.dials(fe1At))
		}
		for _, text := range texts {
			m := w.at(fe1At).expect("MESSAGE")
			if string(m.Body()) != text {
				t.Errorf("%s came where %s belongs", m.Body(), text)
			}
			w.at(fe1At).answers(m, 200)
		}
	})
}

func TestAnotherNodeLearnsTheSide(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		lync := w.lync()
		lync.asks(siptest.Subscribe("anna@synergy.com", "dora@synergy.com"))
		m := w.at(imp2At).expect("SUBSCRIBE")
		if side := w.proxy.key.Side(m.Via(0).Branch); side.String() != "outside" || !strings.Contains(string(m.Via(0).Branch), ".o") {
			t.Errorf("the branch says %s: %s", side, m.Via(0).Branch)
		}
		w.at(imp2At).answers(m, 200)
		lync.expect("200")

		w.connector().asks(siptest.Subscribe("carla@synergy.com", "dora@synergy.com"))
		m = w.at(imp2At).expect("SUBSCRIBE")
		if w.proxy.key.Side(m.Via(0).Branch).String() != "inside" {
			t.Errorf("the branch does not say inside: %s", m.Via(0).Branch)
		}
		w.at(imp2At).answers(m, 200)
	})
}

func TestARequestFromAnotherNodeKeepsItsSide(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		imp2 := w.from("127.0.0.12:40003")
		r := siptest.Subscribe("anna@synergy.com", "bob@synergy.com")
		r.SentBy = "imp2.synergy.com:5060"
		r.Branch = string(w.proxy.branch(nil, 0, exit{link: 1, serial: towardNode}, routing.Outside))
		imp2.asks(r)
		imp2.expect("404")
		w.untouched(fe1At)
	})
}

func TestWhatComesBackIsALoop(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		c := w.connector()
		c.asks(siptest.Subscribe("carla@synergy.com", "bob@synergy.com"))
		m := w.at(fe1At).expect("SUBSCRIBE")
		back := strings.Replace(string(m.Bytes()), "Via: ", "Via: SIP/2.0/TCP 127.0.0.21:5061;branch=z9hG4bKback\r\nVia: ", 1)
		lync := w.lync()
		lync.sends(back)
		lync.expect("482")
		if !strings.Contains(w.log.String(), "loop detected") {
			t.Errorf("the log:\n%s", w.log)
		}
		w.at(fe1At).answers(m, 482)
		c.expect("482")
	})
}

func TestResponsesAreTakenFromTheConnectionThatAskedOrFromTheAdmitted(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		c := w.connector()
		c.asks(siptest.Subscribe("carla@synergy.com", "bob@synergy.com"))
		m := w.at(fe1At).expect("SUBSCRIBE")
		answer := siptest.Response(m, 200)
		w.from("127.0.0.66:40009").sends(answer)
		c.quiet()
		w.from("127.0.0.21:40009").sends(strings.Replace(answer, "branch=z9hG4bK", "branch=z9hG4bKx", 1))
		c.quiet()
		w.from("127.0.0.21:40009").sends(answer)
		c.expect("200")
		w.at(fe1At).sends(answer)
		c.quiet()
	})
}
