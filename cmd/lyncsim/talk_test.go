package main

import (
	"strings"
	"testing"

	"isthmus/internal/sip"
	"isthmus/internal/siptest"
)

// everything is what a turn consists of, as the log of the side that began it names it.
func everything(t *testing.T, caller, callee *started) {
	t.Helper()
	for _, method := range []string{"SUBSCRIBE", "MESSAGE", "INVITE", "INFO", "BYE"} {
		caller.waits(t, "msg=answered", "method="+method+" ", "status=200")
		callee.waits(t, "msg=received", "method="+method+" ")
	}
	callee.waits(t, "msg=received", "method=ACK ")
	caller.waits(t, "msg=received", "method=NOTIFY ")
	callee.waits(t, "msg=answered", "method=NOTIFY ", "status=200")
}

func TestTwoFrontEndsHoldEveryKindOfTalkOverMutualTLS(t *testing.T) {
	dir, one, two := t.TempDir(), free(t), free(t)
	fe2 := start(t, "front-end", "--name", "fe2.synergy.com", "--listen", two, "--connect", one, "--certs", dir, "--users", "ann@synergy.com")
	fe1 := start(t, "front-end", "--name", "fe1.synergy.com", "--pool", "pool.synergy.com", "--listen", one, "--connect", two, "--certs", dir,
		"--users", "carl@synergy.com", "--contacts", "Ann@synergy.com", "--every", "20ms")
	fe1.waits(t, "msg=answered", "method=NEGOTIATE", "status=405")
	everything(t, fe1, fe2)
	fe1.waits(t, "msg=progress", "method=INVITE", "status=101")
	if code := fe1.stop(t); code != 0 {
		t.Errorf("exit %d", code)
	}
}

func TestTwoConnectorsHoldEveryKindOfTalk(t *testing.T) {
	one, two := free(t), free(t)
	callee := start(t, "connector", "--listen", two, "--connect", one, "--users", "carl@synergy.com")
	caller := start(t, "connector", "--listen", one, "--connect", two, "--users", "ann@synergy.com", "--contacts", "carl@synergy.com", "--every", "20ms")
	everything(t, caller, callee)
}

func TestAConnectionThatEndsIsOpenedAgain(t *testing.T) {
	one, two := free(t), free(t)
	answers := func() *siptest.Listener {
		l, err := siptest.Listen(two, nil)
		if err != nil {
			t.Fatal(err)
		}
		l.Serve(func(c *siptest.Conn, m *sip.Message) {
			if m.IsRequest() && m.Method() != "ACK" {
				_ = c.Answer(m, 200)
			}
		})
		return l
	}
	first := answers()
	caller := start(t, "connector", "--listen", one, "--connect", two, "--users", "ann@synergy.com", "--contacts", "carl@synergy.com", "--every", "20ms")
	caller.waits(t, "msg=answered", "method=BYE")
	first.Close()
	caller.waits(t, "msg=\"not connected\"")
	second := answers()
	defer second.Close()
	caller.waitsTwice(t, "msg=connected")
}

// node is a pretend node and a front end that has connected to it.
func node(t *testing.T, more ...string) (*siptest.Peer, *started) {
	t.Helper()
	dir := t.TempDir()
	id, err := identify(dir, "imp1.synergy.com")
	if err != nil {
		t.Fatal(err)
	}
	host := siptest.Serve(t, free(t), id.server())
	fe := start(t, append([]string{"front-end", "--name", "fe1.synergy.com", "--pool", "pool.synergy.com", "--listen", free(t), "--connect", host.Addr(),
		"--certs", dir, "--users", "carl@synergy.com"}, more...)...)
	peer := host.Accepts()
	peer.Answers(peer.Expect("NEGOTIATE"), 405)
	return peer, fe
}

func TestAFrontEndWritesTheShapesOfMicrosoftServers(t *testing.T) {
	peer, _ := node(t, "--contacts", "ann@synergy.com")
	m := peer.Expect("SUBSCRIBE")
	if m.ViaCount() != 2 || m.Via(1).Branch != nil || !strings.Contains(string(m.Via(0).Branch), ".") {
		t.Errorf("Vias:\n%s", m.Bytes())
	}
	if route := string(m.RecordRoute(0).Raw); !strings.Contains(route, ";ms-fe=fe1.synergy.com;") || !strings.Contains(route, ">;ms-rrsig=") {
		t.Errorf("Record-Route: %s", route)
	}
	if contact, _ := m.HeaderValue("Contact"); !strings.HasPrefix(string(contact), "<sip:carl@synergy.com;opaque=") {
		t.Errorf("Contact: %s", contact)
	}
	if !strings.HasPrefix(string(m.From().Raw), `"Carl"<sip:carl@synergy.com>;epid=`) {
		t.Errorf("From: %s", m.From().Raw)
	}
	if body, via := strings.Index(string(m.Bytes()), "Content-Length"), strings.LastIndex(string(m.Bytes()), "Via:"); body > via {
		t.Errorf("Content-Length is not near the top:\n%s", m.Bytes())
	}
}

func TestAFrontEndFollowsTheRouteOfADialogPastItself(t *testing.T) {
	peer, _ := node(t, "--contacts", "ann@synergy.com")
	peer.Answers(peer.Expect("SUBSCRIBE"), 404)
	peer.Answers(peer.Expect("MESSAGE"), 404)
	invite := peer.Expect("INVITE")
	ours := "Record-Route: <sip:imp1.synergy.com:5061;transport=tls;lr>"
	peer.SendsRaw(strings.Replace(siptest.Response(invite, 200, "Contact: <sip:ann@127.0.0.1>"), "Record-Route", ours+"\r\nRecord-Route", 1))
	peer.Expect("ACK")
	if m := peer.Expect("INFO"); m.RouteCount() != 1 || string(m.Route(0).URI) != "sip:imp1.synergy.com:5061;transport=tls;lr" {
		t.Errorf("Route:\n%s", m.Bytes())
	}
}

func TestAFrontEndAnswersWithPresenceInTheDraftForm(t *testing.T) {
	peer, _ := node(t)
	r := siptest.Subscribe("ann@synergy.com", "carl@synergy.com")
	r.Top = []string{"Record-Route: <sip:imp1.synergy.com:5061;transport=tls;lr>"}
	peer.Sends(r)
	ok := peer.Expect("200")
	if ok.RecordRouteCount() != 2 || !strings.HasPrefix(string(ok.RecordRoute(0).URI), "sip:pool.synergy.com:5061") {
		t.Errorf("Record-Route of the answer:\n%s", ok.Bytes())
	}
	if !strings.Contains(string(ok.Via(0).Raw), ";ms-received-port=") {
		t.Errorf("our Via came back as %s", ok.Via(0).Raw)
	}
	m := peer.Expect("NOTIFY")
	if !strings.Contains(string(m.Body()), "status:rpid-status") || m.RouteCount() != 1 || string(m.To().Tag()) == "" {
		t.Errorf("NOTIFY:\n%s", m.Bytes())
	}
	peer.Answers(m, 200)
}

func TestAnUnknownUserIs404(t *testing.T) {
	peer, _ := node(t)
	peer.Sends(siptest.Message("ann@synergy.com", "nobody@synergy.com", "hello"))
	peer.Expect("404")
}

func TestAnUnknownUserGoesBackToTheNodeWhenAsked(t *testing.T) {
	peer, _ := node(t, "--return-unknown")
	peer.Sends(siptest.Message("ann@synergy.com", "nobody@synergy.com", "hello"))
	back := peer.Expect("MESSAGE")
	if hops, _ := back.MaxForwards(); back.ViaCount() != 2 || hops != 69 {
		t.Errorf("came back as\n%s", back.Bytes())
	}
	peer.Answers(back, 482)
	if m := peer.Expect("482"); m.ViaCount() != 1 {
		t.Errorf("the answer went upstream as\n%s", m.Bytes())
	}
}

func TestARefreshOfAForgottenSubscriptionIsRefused(t *testing.T) {
	peer, _ := node(t)
	r := siptest.Subscribe("ann@synergy.com", "carl@synergy.com")
	r.To += ";tag=before"
	peer.Sends(r)
	peer.Expect("481")
}

func TestTheEndOfASubscriptionIsToldToTheWatcher(t *testing.T) {
	peer, _ := node(t)
	r := siptest.NewRequest("SUBSCRIBE", "ann@synergy.com", "carl@synergy.com", "Event: presence", "Expires: 0", "Contact: <sip:ann@127.0.0.1>")
	peer.Sends(r)
	peer.Expect("200")
	m := peer.Expect("NOTIFY")
	if state, _ := m.HeaderValue("Subscription-State"); string(state) != "terminated;reason=timeout" {
		t.Errorf("Subscription-State: %s", state)
	}
	peer.Answers(m, 200)
}
