package proxy

import (
	"strings"
	"testing"
	"time"

	"isthmus/internal/sip"
	"isthmus/internal/siptest"
)

// A response is for a request that waits for it, and for who asked that: RFC 3261 sections 16.7 and 17.1.3, RFC 6026
// section 8.9.
func TestAResponseThatNobodyWaitsForGoesNowhere(t *testing.T) {
	ours := func(s string) string { // the Via of the node alone
		lines := strings.Split(s, "\r\n")
		var kept []string
		vias := 0
		for _, l := range lines {
			if strings.HasPrefix(l, "Via:") {
				if vias++; vias > 1 {
					continue
				}
			}
			kept = append(kept, l)
		}
		return strings.Join(kept, "\r\n")
	}
	for promise, spoil := range map[string]func(string) string{
		"with the node's own Via only": ours,
		"of another method":            func(s string) string { return strings.Replace(s, " SUBSCRIBE", " NOTIFY", 1) },
		"of another branch":            func(s string) string { return strings.Replace(s, ";branch=z9hG4bK", ";branch=z9hG4bK1", 1) },
		"without the node's Via":       func(s string) string { return "SIP/2.0 200 OK\r\n" + s[strings.LastIndex(s, "Via:"):] },
	} {
		for name, from := range map[string]string{"its own connection": "", "another of a listed peer": "127.0.0.21:40009"} {
			inWorld(t, func(t *testing.T, w *world) {
				client := w.connector()
				client.asks(siptest.Subscribe("carla@synergy.com", "bob@synergy.com"))
				hop := w.at(fe1At)
				m := hop.expect("SUBSCRIBE")
				sender := hop
				if from != "" {
					sender = w.from(from)
				}
				sender.sends(spoil(siptest.Response(m, 200)))
				if client.quiet(); hop.closed {
					t.Errorf("%s, on %s: closed", promise, name)
				}
				if promise != "with the node's own Via only" { // that one was an answer
					hop.answers(m, 202)
					client.expect("202")
				}
			})
		}
	}
}

// RFC 4320 section 4.4: after its final answer, or without a transaction, nothing goes up any more.
func TestALateAnswerOfANonInviteGoesNowhere(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		client := w.connector()
		client.asks(request("MESSAGE"))
		m := w.at(fe1At).expect("MESSAGE")
		w.after(17 * time.Second)
		client.expect("100")
		client.expect("504")
		w.at(fe1At).dropProbes(0)
		w.at(fe1At).answers(m, 200)
		w.after(time.Minute)
		w.at(fe1At).answers(m, 200)
		client.quiet()
	})
}

// RFC 5923 does not apply: a peer that asks to be answered and asked on its own connection is asked on one of ours.
func TestAliasInAViaIsPassedOnAndMeansNothing(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		lync := w.from("127.0.0.21:5061")
		r := siptest.Message("anna@synergy.com", "carla@synergy.com", "hi")
		r.SentBy, r.Transport, r.ViaParams = "127.0.0.21:5061", sip.TCP, ";alias"
		lync.asks(r)
		here := w.at(connectorAt)
		m := here.expect("MESSAGE")
		if via := string(m.Via(1).Raw); !strings.HasSuffix(via, ";alias") {
			t.Errorf("Via: %s", via)
		}
		here.answers(m, 200)
		lync.expect("200")
		w.connector().asks(request("SUBSCRIBE"))
		w.at(fe1At).answers(w.at(fe1At).expect("SUBSCRIBE"), 200)
		lync.quiet()
	})
}
