package proxy

import (
	"strings"
	"testing"
	"time"

	"isthmus/internal/sip"
	"isthmus/internal/sip/transport"
	"isthmus/internal/siptest"
)

// plainly holds of a message of the node's own: each extension that is not offered is a behaviour that need not be there,
// and diagnostics of servers are theirs to send.
func plainly(t *testing.T, what string, m *sip.Message) {
	t.Helper()
	for _, name := range []string{"Supported", "Require", "Proxy-Require", "Route", "Record-Route", "ms-diagnostics", "ms-diagnostics-public", "ms-keep-alive",
		"P-Asserted-Identity", "Authorization", "WWW-Authenticate", "Proxy-Authenticate"} {
		if got := value(m, name); got != "" {
			t.Errorf("%s: %s: %s", what, name, got)
		}
	}
	if value(m, "Content-Length") != "0" {
		t.Errorf("%s: Content-Length %q", what, value(m, "Content-Length"))
	}
}

func TestWhatTheNodeSaysItselfOffersNothing(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		lync := w.lync()
		for status, r := range map[string]siptest.Request{
			"200": siptest.Probe("imp1.synergy.com"),
			"404": siptest.Message("anna@synergy.com", "nobody@synergy.com", "hi"),
			"403": siptest.Message("anna@synergy.com", "x@example.com", "hi"),
			"405": siptest.Negotiate("imp1.synergy.com"),
			"481": siptest.NewRequest("CANCEL", "anna@synergy.com", "carla@synergy.com"),
		} {
			r.Lines = append(r.Lines, "Supported: ms-benotify, ms-piggyback-first-notify, timer, 100rel, com.microsoft.autoextend",
				"ms-keep-alive: UAC;hop-hop=yes")
			lync.asks(r)
			m := lync.expect(status)
			plainly(t, status, m)
			if m.To().Tag() == nil {
				t.Errorf("%s has no To tag", status)
			}
		}
	})
}

func TestAProbeNamesTheNodeByItsFQDN(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.fails(fe1At, transport.ErrRefused)
		client := w.connector()
		client.asks(request("SUBSCRIBE"))
		w.at(fe2At).answers(w.at(fe2At).expect("SUBSCRIBE"), 200)
		w.fails(fe1At, nil)
		w.after(5 * time.Second)
		m := w.at(fe1At).expect("OPTIONS")
		plainly(t, "the probe", m)
		if !strings.HasPrefix(string(m.Via(0).Raw), "SIP/2.0/TCP imp1.synergy.com:5060;") || value(m, "Contact") != "<sip:imp1.synergy.com:5060;transport=tcp>" ||
			value(m, "Max-Forwards") != "70" || m.From().Tag() == nil || string(m.RequestURI()) != "sip:127.0.0.21" {
			t.Errorf("the probe:\n%s", m.Bytes())
		}
	})
}

// Test-CsFederatedPartner asks a user of the domain; that is a request like any other, and the node itself is asked by host.
func TestOptionsToAUserIsRouted(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		lync := w.lync()
		lync.asks(siptest.NewRequest("OPTIONS", "options@fe1.synergy.com", "carla@synergy.com", "User-Agent: RTCC/6.0.0.0"))
		here := w.at(connectorAt)
		here.answers(here.expect("OPTIONS"), 200, "Allow: MESSAGE")
		if got := value(lync.expect("200"), "Allow"); got != "MESSAGE" {
			t.Errorf("Allow: %s", got)
		}
		lync.asks(siptest.NewRequest("OPTIONS", "options@fe1.synergy.com", "Options_User@synergy.com"))
		lync.expect("404")
	})
}
