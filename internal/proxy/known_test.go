package proxy

import (
	"net/netip"
	"testing"

	"isthmus/internal/federation"
	"isthmus/internal/sip"
	"isthmus/internal/sip/transport"
)

func TestWhoIsListedIsKnownBeforeASingleRequest(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.set(func(s *federation.Snapshot) { s.TLSContexts[0].PeerSubjects = []string{"fe1.synergy.com"} })
		for _, c := range []struct {
			promise, from, subject string
			want                   bool
		}{
			{"a listed address", "127.0.0.21:40000", "", true},
			{"a listed address whose certificate is not known yet", "127.0.0.21:40000", "?", true},
			{"a node", "127.0.0.12:40000", "", true},
			{"anybody else", "127.0.0.66:40000", "", false},
			{"anybody else with a listed certificate", "127.0.0.66:40000", "fe1.synergy.com", false},
		} {
			peer := transport.Peer{Remote: netip.MustParseAddrPort(c.from), Transport: sip.TLS, Listener: "Default SIP Proxy TLS Listener - Peer Auth",
				VerifyClient: c.subject != "", Subject: c.subject}
			if got := w.proxy.Handler().Known(&peer); got != c.want {
				t.Errorf("%s: %v, want %v", c.promise, got, c.want)
			}
		}
		w.set(func(s *federation.Snapshot) {
			s.ACL, s.TLSContexts[0].PeerSubjects = []federation.ACLEntry{{Pattern: "synergy.com"}}, []string{"fe1.synergy.com"}
		})
		shown := transport.Peer{Remote: netip.MustParseAddrPort("127.0.0.66:40000"), Transport: sip.TLS, Listener: "Default SIP Proxy TLS Listener - Peer Auth",
			VerifyClient: true, Subject: "fe1.synergy.com"}
		if !w.proxy.known(&shown) {
			t.Error("a certificate whose name the list holds is not known")
		}
		fresh := New(Config{})
		if fresh.known(&transport.Peer{Remote: netip.MustParseAddrPort("127.0.0.21:40000")}) {
			t.Error("without a configuration somebody is known")
		}
	})
}
