package certs

import (
	"crypto/tls"
	"testing"

	"isthmus/internal/federation"
)

// resumer is a client that keeps sessions. Without the clock it would take the server's certificate, and with it every
// session, for expired, and never try.
func resumer(shown tls.Certificate, version uint16) *tls.Config {
	return &tls.Config{
		InsecureSkipVerify: true, MaxVersion: version, ServerName: node, Certificates: []tls.Certificate{shown},
		ClientSessionCache: tls.NewLRUClientSessionCache(4), Time: clock,
	}
}

// resumes reports whether the second of two handshakes takes up the session of the first.
func resumes(t *testing.T, client, server *tls.Config) (resumed bool) {
	t.Helper()
	for range 2 {
		state, clientErr, serverErr := shake(t, "127.0.0.1", client, server)
		if clientErr != nil || serverErr != nil {
			t.Fatalf("%v, %v", clientErr, serverErr)
		}
		resumed = state.DidResume
	}
	return resumed
}

func TestNothingIsResumedWhereClientsAreVerified(t *testing.T) {
	k, ca := testKey(t), newAuthority(t, "Root")
	server, _, err := Compile(snapshotOf(t, k, ca, node, peer), node, k, clock).Listener(federation.PeerAuthContext)
	if err != nil {
		t.Fatal(err)
	}
	withTickets := server.Clone()
	withTickets.SessionTicketsDisabled = false
	shown := pair(ca.issue(t, peer))
	for version, number := range bothVersions {
		if !resumes(t, resumer(shown, number), withTickets) {
			t.Errorf("%s: the client resumes nothing even where it may, so that its full handshakes prove nothing", version)
		}
		if resumes(t, resumer(shown, number), server) {
			t.Errorf("%s: the session was resumed", version)
		}
	}
}

func TestARemovedSubjectIsRefusedAtTheNextHandshake(t *testing.T) {
	k, ca := testKey(t), newAuthority(t, "Root")
	s := snapshotOf(t, k, ca, node, peer)
	before := Compile(s, node, k, clock)
	s.TLSContext(federation.PeerAuthContext).PeerSubjects = nil
	after := Compile(s, node, k, clock)
	client := resumer(pair(ca.issue(t, peer)), tls.VersionTLS13)
	for _, c := range []struct {
		configs *Configs
		want    string
	}{{before, ""}, {after, ReasonNotListed}} {
		server, _, _ := c.configs.Listener(federation.PeerAuthContext)
		_, _, serverErr := shake(t, "127.0.0.1", client, server)
		wantReason(t, serverErr, c.want)
	}
}
