package web

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"isthmus/internal/certs"
	"isthmus/internal/federation"
	"isthmus/internal/siptest"
)

// trustedBy is the default configuration with these CAs trusted.
func trustedBy(t *testing.T, list ...*siptest.Authority) federation.Snapshot {
	t.Helper()
	s := federation.Snapshot{Configuration: federation.DefaultConfiguration()}
	for _, ca := range list {
		found, err := certs.ImportTrust(time.Now(), ca.PEM())
		if err != nil {
			t.Fatal(err)
		}
		found[0].ID = int64(len(s.Certificates) + 1)
		s.Certificates = append(s.Certificates, found...)
	}
	return s
}

func accepted(address, name, issuer string) federation.PeerCertificate {
	return federation.PeerCertificate{Address: address, CommonName: name, Issuer: issuer, Verified: true, Source: federation.SeenAccepting}
}

func TestOnlyPeersThatWereLetInAndAreRefusedThenAreNamed(t *testing.T) {
	root, other := siptest.NewAuthority("Synergy Root"), siptest.NewAuthority("Corp Root")
	s := trustedBy(t, root, other)
	s.StaticRoutes = []federation.StaticRoute{{NextHop: "10.1.20.25", Port: 5061, Transport: federation.TLS}}
	never := accepted("10.1.20.23", "pool.synergy.com", "Corp Root")
	never.Verified = false
	hop := accepted("10.1.20.25", "fe5.synergy.com", "Corp Root")
	for promise, c := range map[string]struct {
		peer federation.PeerCertificate
		want string
	}{
		"of the CA that goes":             {accepted("10.1.20.21", "pool.synergy.com", "Corp Root"), "pool.synergy.com at 10.1.20.21. Still listed as peer subjects then, and of use to nobody with such a certificate: pool.synergy.com."},
		"a hop whose name nobody listed":  {hop, "fe5.synergy.com at 10.1.20.25."},
		"of a CA that stays":              {accepted("10.1.20.22", "pool.synergy.com", "Synergy Root"), ""},
		"never let in":                    {never, ""},
		"of a CA that was trusted never":  {accepted("10.1.20.24", "pool.synergy.com", "Elsewhere Root"), ""},
		"of a server that nobody expects": {accepted("10.1.20.26", "fe6.synergy.com", "Corp Root"), ""},
	} {
		s.TLSPeerSubjects = []federation.TLSPeerSubject{{Name: "pool.synergy.com"}}
		text := strings.Join(refusedPeers(s, s.Certificates[:1], []federation.PeerCertificate{c.peer}), " ")
		if want := "By the certificates that they showed last, these peers are refused: " + c.want; text != want && (c.want != "" || text != "") {
			t.Errorf("%s: %q", promise, text)
		}
	}
}

func TestOfManyPeersThatAreRefusedTenAreNamed(t *testing.T) {
	s := trustedBy(t, siptest.NewAuthority("Corp Root"))
	s.TLSPeerSubjects = []federation.TLSPeerSubject{{Name: "pool.synergy.com"}}
	for count, last := range map[int]string{shownPeers: "pool.synergy.com at 10.1.20.9.", shownPeers + 2: "pool.synergy.com at 10.1.20.9, and 2 more."} {
		var peers []federation.PeerCertificate
		for i := range count {
			peers = append(peers, accepted(fmt.Sprintf("10.1.20.%d", i), "pool.synergy.com", "Corp Root"))
		}
		if list := refusedPeers(s, nil, peers); len(list) != 2 || !strings.HasSuffix(list[0], last) {
			t.Errorf("%d: %q, want %q", count, list, last)
		}
	}
}

func TestARootOfTheMicrosoftSideThatIsNotTrustedIsNamed(t *testing.T) {
	s := trustedBy(t, siptest.NewAuthority("Synergy Root"))
	for want, roots := range map[string][]string{
		"; here both are known": {"Synergy Root"}, ", and trust Corp Root here": {"Synergy Root", "Corp Root"}, ", and trust A, B here": {"A", "B"},
	} {
		if got := missingHere(s, roots); got != want {
			t.Errorf("%v: %q, want %q", roots, got, want)
		}
	}
}

// What is switched off, or asks for no certificate, refuses nobody when a CA goes.
func TestPlacesWhereCertificatesCountAreNamedBeforeACAGoes(t *testing.T) {
	context := []federation.TLSContext{{Name: "mutual", VerifyClient: true}, {Name: "open"}}
	listener := federation.Listener{Name: "A", Enabled: true, TLSContext: "mutual"}
	route := federation.StaticRoute{NextHop: "fe1", Port: 5061, Transport: federation.TLS, InService: true}
	off, open, stopped, plain := listener, listener, route, route
	off.Enabled, open.TLSContext, stopped.InService, plain.Transport = false, "open", false, federation.TCP
	two := []federation.Node{{Name: "imp1"}, {Name: "imp2"}}
	for promise, c := range map[string]struct {
		s    federation.Configuration
		want string
	}{
		"nothing":                  {federation.Configuration{}, ""},
		"a listener":               {federation.Configuration{Listeners: []federation.Listener{listener, off, open}}, `on the listener "A" (context mutual)`},
		"two listeners":            {federation.Configuration{Listeners: []federation.Listener{listener, listener}}, `on the listeners "A" (context mutual), "A" (context mutual)`},
		"a hop of two routes":      {federation.Configuration{StaticRoutes: []federation.StaticRoute{route, route, stopped, plain}}, "at the next hop fe1:5061"},
		"off, open and out of use": {federation.Configuration{Listeners: []federation.Listener{off, open}, StaticRoutes: []federation.StaticRoute{stopped, plain}}, ""},
		"two nodes over TLS":       {federation.Configuration{Settings: federation.Settings{NodeTransport: federation.TLS}, Nodes: two}, "between the nodes"},
		"two nodes over TCP":       {federation.Configuration{Settings: federation.Settings{NodeTransport: federation.TCP}, Nodes: two}, ""},
		"one node":                 {federation.Configuration{Settings: federation.Settings{NodeTransport: federation.TLS}, Nodes: two[:1]}, ""},
	} {
		c.s.TLSContexts = context
		if got := verifiedPeers(federation.Snapshot{Configuration: c.s}); got != c.want {
			t.Errorf("%s: %q, want %q", promise, got, c.want)
		}
	}
}

func TestAFileIsNamedAfterItsSubjectWithoutWhatNoFileCanHold(t *testing.T) {
	for subject, want := range map[string]string{
		"Pool-1.Synergy.com": "Pool-1.Synergy.com", "az AZ 09": "az-AZ-09", "../../etc/passwd": "etc-passwd", "a\x00b\"c": "a-b-c", "...": "certificate", "": "certificate",
		strings.Repeat("x", 100): strings.Repeat("x", 80), "`{[@/:": "certificate",
	} {
		if got := fileName(subject); got != want {
			t.Errorf("%q: %q, want %q", subject, got, want)
		}
	}
}

func TestAHopLeadsToItsOwnRouteAlone(t *testing.T) {
	s := &federation.Snapshot{}
	for i, r := range []federation.StaticRoute{
		{NextHop: "FE1.synergy.com", Port: 5061, Transport: federation.TLS}, {NextHop: "fe1.synergy.com", Port: 5061, Transport: federation.TCP},
		{NextHop: "fe1.synergy.com", Port: 5062, Transport: federation.TLS}, {NextHop: "fe2.synergy.com", Port: 5061, Transport: federation.TLS},
	} {
		r.ID = int64(i + 1)
		s.StaticRoutes = append(s.StaticRoutes, r)
	}
	if href, _ := (waysOut{snapshot: s}).peer(federation.RefusedHandshake{Outbound: true, Peer: "fe1.synergy.com", Port: 5061}); href != "/static-routes/1" {
		t.Errorf("it leads to %s", href)
	}
}
