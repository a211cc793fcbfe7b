package proxy

import (
	"strings"
	"testing"

	"isthmus/internal/federation"
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
