package proxy

import (
	"fmt"
	"strings"
	"testing"

	"isthmus/internal/federation"
	"isthmus/internal/sip"
	"isthmus/internal/siptest"
)

// A hop's connection carries the requests of many: one answer that cannot be read takes none of the others with it, and
// who sent it is not judged as if it had asked for something.
func TestAResponseThatCannotBeReadIsDiscarded(t *testing.T) {
	for name, spoil := range map[string]func(string) string{
		"a status out of range": func(s string) string { return strings.Replace(s, "SIP/2.0 200", "SIP/2.0 4294967301", 1) },
		"a CSeq out of range":   func(s string) string { return strings.Replace(s, "CSeq: ", "CSeq: 36893488147419103232", 1) },
		"no Via":                func(s string) string { return strings.ReplaceAll(s, "Via:", "X-Via:") },
		"no To":                 func(s string) string { return strings.Replace(s, "\r\nTo:", "\r\nX-To:", 1) },
	} {
		for peer, listed := range map[string]bool{"a listed hop": true, "a hop that may ask nothing": false} {
			t.Run(name+" from "+peer, func(t *testing.T) {
				inWorld(t, func(t *testing.T, w *world) {
					client := w.connector()
					client.asks(request("MESSAGE"))
					hop := w.at(fe1At)
					m := hop.expect("MESSAGE")
					hop.sends(spoil(siptest.Response(m, 200)))
					client.quiet()
					hop.quiet()
					if hop.closed {
						t.Fatal("the hop's connection was closed")
					}
					hop.answers(m, 202)
					client.expect("202")
				}, func(s *federation.Snapshot) {
					if !listed {
						s.ACL = nil
					}
				})
			})
		}
	}
}

// brokenResponse lacks its To.
func brokenResponse(t *testing.T) string {
	t.Helper()
	return strings.Replace(siptest.Response(message(t), 200), "\r\nTo:", "\r\nX-To:", 1)
}

// No request went out over a connection that came to a listener: who sends responses there is judged as who asks.
func TestWhoMayNotAskMaySendNoBrokenResponseEither(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		lync := w.lync()
		lync.sends(brokenResponse(t))
		lync.quiet()
		if lync.closed || !strings.Contains(w.log.String(), `"level":"WARN","msg":"response discarded"`) {
			t.Errorf("a listed peer: closed %v, the log:\n%s", lync.closed, w.log)
		}
		for range 6 {
			s := stranger(w)
			s.sends(brokenResponse(t))
			s.quiet()
			if !s.closed {
				t.Error("a stranger's connection stays open")
			}
		}
		if w.proxy.accept(stranger(w).peer.Remote.Addr(), sip.TCP) {
			t.Error("broken responses without end lead to no ban")
		}
		stranger(w).asks(request("MESSAGE"))
		w.counted("sip_malformed_total 7", `sip_requests_total{method="MESSAGE",outcome="refused"} 1`,
			`sip_refusals_total{reason="ACL - upstream not trusted"} 1`) // responses are no requests
		if log := w.log.String(); strings.Count(log, "response refused") != 6 || strings.Count(log, "request refused") != 1 {
			t.Errorf("the log:\n%s", log)
		}
	})
}

func TestAFloodOfBrokenResponsesOverUDPIsNotLoggedWithoutEnd(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		for i := range 1000 {
			s := w.datagrams(fmt.Sprintf("127.9.%d.%d:5060", i/256, i%256))
			s.sends(brokenResponse(t))
			s.quiet()
		}
		if n := strings.Count(w.log.String(), "\n"); n != refusalsPerSecond {
			t.Errorf("%d lines are logged", n)
		}
	}, overUDP)
}
