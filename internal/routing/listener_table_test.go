package routing

import (
	"fmt"
	"testing"

	"isthmus/internal/federation"
)

// Address and certificate are both needed where both are asked for: neither makes up for the other. Whether the chain is
// valid is the handshake's to find out.
func TestAPeerNeedsAllThatItsListenerAsksFor(t *testing.T) {
	for _, c := range []struct {
		listener      string
		tls, verifies bool
	}{
		{"Default SIP Proxy TCP Listener", false, false},
		{"Default SIP Proxy TLS Listener - Server Auth", true, false},
		{"Default SIP Proxy TLS Listener - Peer Auth", true, true},
	} {
		for row := range 8 {
			address, subject, setting := row&1 > 0, row&2 > 0, row&4 > 0
			name := fmt.Sprintf("%s, address listed %v, subject listed %v, certificate demanded %v", c.listener, address, subject, setting)
			p := compile(t, "imp1.synergy.com", func(s *federation.Snapshot) { s.Settings.RequirePeerCertificate = setting })
			peer := Peer{Addr: fromStranger.Addr, TLS: c.tls, VerifyClient: c.verifies, Listener: c.listener, Subject: "other.synergy.com"}
			if address {
				peer.Addr = fromFrontEnd.Addr
			}
			if subject {
				peer.Subject = fromFrontEnd.Subject
			}
			want := address && !setting
			if c.verifies {
				want = address && subject
			}
			if v := p.Admit(peer); v.Allowed != want || v.Internal {
				t.Errorf("%s: %+v", name, v)
			}
		}
	}
}
