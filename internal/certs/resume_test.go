package certs

import (
	"crypto/tls"
	"crypto/x509"
	"slices"
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

// ticketed is a configuration that issues session tickets, against the product's ways, by which the same peer's session of
// another configuration is good too. asked is told at each verdict whether the session was resumed.
func ticketed(config *tls.Config, hook func(own *tls.Config, asked func(resumed bool)), asked func(resumed bool)) *tls.Config {
	with := func(c *tls.Config) *tls.Config {
		c = c.Clone()
		c.SessionTicketsDisabled = false
		c.SetSessionTicketKeys([][32]byte{{1}})
		hook(c, asked)
		return c
	}
	out, choose := with(config), config.GetConfigForClient
	out.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		chosen, err := choose(hello)
		if chosen == nil {
			return nil, err
		}
		return with(chosen), err
	}
	return out
}

// hooks are the two places for a verdict on a peer. The one that is not used here is asked in full handshakes only: that
// it lets the revoked peer in proves that its session was there to be resumed.
var hooks = map[string]func(own *tls.Config, asked func(resumed bool)){
	"VerifyConnection": func(own *tls.Config, asked func(bool)) {
		judge := own.VerifyConnection
		own.VerifyConnection = func(state tls.ConnectionState) error {
			asked(state.DidResume)
			return judge(state)
		}
	},
	"VerifyPeerCertificate": func(own *tls.Config, asked func(bool)) {
		judge := own.VerifyConnection
		own.VerifyConnection = nil
		own.VerifyPeerCertificate = func(raw [][]byte, _ [][]*x509.Certificate) error {
			asked(false)
			leaf, err := x509.ParseCertificate(raw[0])
			if err != nil {
				return err
			}
			return judge(tls.ConnectionState{PeerCertificates: []*x509.Certificate{leaf}})
		}
	},
}

// Two hooks, two removals, two versions, and both configurations that a listener has: its own, and that for the address
// of a node. Even if tickets came back one day, what is used here is asked on resumption.
func TestResumptionAfterRevocation(t *testing.T) {
	k, ca, spare := testKey(t), newAuthority(t, "Root"), newAuthority(t, "Spare")
	trust, err := ImportTrust(now, pemOf(spare.certificate))
	if err != nil {
		t.Fatal(err)
	}
	before := snapshotOf(t, k, ca, node, peer)
	withoutCA, withoutSubject := before, before
	before.Certificates = append(slices.Clone(before.Certificates), trust...)
	withoutSubject.Certificates, withoutSubject.TLSContexts = before.Certificates, slices.Clone(before.TLSContexts)
	withoutSubject.TLSContext(federation.PeerAuthContext).PeerSubjects = nil
	shown := pair(spare.issue(t, peer))
	for _, c := range revocations(withoutSubject, withoutCA) {
		t.Run(c.String(), func(t *testing.T) {
			var asked []bool // of each verdict, whether the session was resumed
			listener := func(s federation.Snapshot) *tls.Config {
				server, _, err := Compile(s, node, k, clock).Listener(federation.PeerAuthContext)
				if err != nil {
					t.Fatal(err)
				}
				return ticketed(server, hooks[c.hook], func(resumed bool) { asked = append(asked, resumed) })
			}
			client := resumer(shown, bothVersions[c.version])
			_, _, first := shake(t, c.from, client, listener(before))
			_, _, second := shake(t, c.from, client, listener(c.after))
			wantReason(t, first, "")
			wantReason(t, second, c.want)
			if !slices.Equal(asked, c.asked) {
				t.Errorf("the hook was asked about resumed sessions as %v, want %v", asked, c.asked)
			}
		})
	}
}

// A revocation is one way to lose what a session was granted for.
type revocation struct {
	removed, hook, version, from string
	after                        federation.Snapshot
	want                         string
	asked                        []bool
}

func (r revocation) String() string {
	return r.removed + " removed, " + r.hook + ", " + r.version + ", from " + r.from
}

func revocations(withoutSubject, withoutCA federation.Snapshot) (all []revocation) {
	for _, removal := range []revocation{
		{removed: "subject", after: withoutSubject, want: ReasonNotListed}, {removed: "CA", after: withoutCA, want: ReasonUnknownCA},
	} {
		for hook := range hooks {
			for version := range bothVersions {
				for _, from := range []string{"127.0.0.1", "127.0.0.12"} {
					c := removal
					c.hook, c.version, c.from, c.asked = hook, version, from, []bool{false, true}
					if hook != "VerifyConnection" {
						c.want, c.asked = "", []bool{false}
					}
					all = append(all, c)
				}
			}
		}
	}
	return all
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
