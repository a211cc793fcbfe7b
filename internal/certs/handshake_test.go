package certs

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"isthmus/internal/federation"
)

const peer = "pool.synergy.com"

// A certificateCase is one certificate that a peer may show, and what becomes of it in either direction. "" is let in.
type certificateCase struct {
	promise  string
	name     string
	edit     []func(*x509.Certificate)
	foreign  bool   // issued by a CA that nobody trusts
	as       string // reason when it comes as a client
	asServer string // reason when it answers as a next hop
}

func certificateCases() []certificateCase {
	twoNames := func(c *x509.Certificate) {
		c.Subject = pkix.Name{ExtraNames: []pkix.AttributeTypeAndValue{
			{Type: oidCommonName, Value: "evil.example.com"}, {Type: oidCommonName, Value: peer},
		}}
	}
	return []certificateCase{
		{promise: "a listed subject", name: peer},
		{promise: "a listed subject in capitals", name: "POOL.Synergy.com"},
		{promise: "a listed subject of an organisation", edit: edits(func(c *x509.Certificate) {
			c.Subject = pkix.Name{Organization: []string{"Synergy"}, CommonName: peer}
		})},
		{promise: "neither CN nor SAN listed", name: "evil.example.com", edit: edits(dnsNames("fe1.example.com")), as: ReasonNotListed, asServer: ReasonNotListed},
		{promise: "CN not listed", name: "evil.example.com", as: ReasonNotListed, asServer: ReasonNotListed},
		{promise: "a name under a listed one", name: "x." + peer, as: ReasonNotListed, asServer: ReasonNotListed},
		{promise: "a listed name in a SAN only counts for next hops alone", name: "fe1.synergy.com", edit: edits(dnsNames(peer)), as: ReasonNotListed},
		{promise: "no CN, a listed SAN", edit: edits(dnsNames(peer)), as: ReasonSubject},
		{promise: "two CNs", edit: edits(twoNames), as: ReasonSubject, asServer: ReasonSubject},
		{promise: "a trailing dot", name: peer + ".", as: ReasonNotListed, asServer: ReasonNotListed},
		{promise: "a NUL after a listed name", name: peer + "\x00.example.com", as: ReasonSubject, asServer: ReasonSubject},
		{promise: "a blank after a listed name", name: peer + " ", as: ReasonSubject, asServer: ReasonSubject},
		{promise: "a DEL after a listed name", name: peer + "\x7f", as: ReasonSubject, asServer: ReasonSubject},
		{promise: "a letter that Unicode lowers into ASCII", name: "pool.synergy.\u212aom", as: ReasonSubject, asServer: ReasonSubject},
		{promise: "another CA", name: peer, foreign: true, as: ReasonUnknownCA, asServer: ReasonUnknownCA},
		{promise: "expired", name: peer, edit: edits(valid(-2*time.Hour, -time.Minute)), as: ReasonExpired, asServer: ReasonExpired},
		{promise: "not yet valid", name: peer, edit: edits(valid(time.Minute, time.Hour)), as: ReasonNotYetValid, asServer: ReasonNotYetValid},
		{promise: "no client usage", name: peer, edit: edits(usages(x509.ExtKeyUsageServerAuth)), as: ReasonUsage},
		{promise: "no server usage", name: peer, edit: edits(usages(x509.ExtKeyUsageClientAuth)), asServer: ReasonUsage},
		{promise: "no usage extension", name: peer, edit: edits(usages())},
	}
}

func edits(list ...func(*x509.Certificate)) []func(*x509.Certificate) { return list }

func (c certificateCase) pair(t *testing.T, trusted, other authority) tls.Certificate {
	t.Helper()
	if c.foreign {
		trusted = other
	}
	return pair(trusted.issue(t, c.name, c.edit...))
}

var bothVersions = map[string]uint16{"TLS 1.2": tls.VersionTLS12, "TLS 1.3": tls.VersionTLS13}

func TestAPeerIsLetInByItsChainAndItsOneCommonName(t *testing.T) {
	k, ca, other := testKey(t), newAuthority(t, "Root"), newAuthority(t, "Other")
	configs := Compile(snapshotOf(t, k, ca, node, peer), node, k, clock)
	server, _, err := configs.Listener(federation.PeerAuthContext)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range certificateCases() {
		for version, number := range bothVersions {
			t.Run(c.promise+", "+version, func(t *testing.T) {
				shown := c.pair(t, ca, other)
				client := &tls.Config{InsecureSkipVerify: true, MaxVersion: number, Certificates: []tls.Certificate{shown}}
				state, clientErr, serverErr := shake(t, "127.0.0.1", client, server)
				wantReason(t, serverErr, c.as)
				if refused := c.as != ""; refused != (clientErr != nil) {
					t.Errorf("the client sees %v", clientErr)
				}
				if c.as == "" && (Subject(state) != peer || state.Version != number) {
					t.Errorf("subject %q over %x, want %q", Subject(state), state.Version, peer)
				}
				wantReason(t, recheck(configs, federation.PeerAuthContext, netip.MustParseAddr("127.0.0.1"), []*x509.Certificate{shown.Leaf}), c.as)
			})
		}
	}
}

func TestANextHopIsLetInByItsChainAndItsNames(t *testing.T) {
	k, ca, other := testKey(t), newAuthority(t, "Root"), newAuthority(t, "Other")
	configs := Compile(snapshotOf(t, k, ca, node, peer), node, k, clock)
	client, _, err := configs.Hop()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range certificateCases() {
		for version, number := range bothVersions {
			t.Run(c.promise+", "+version, func(t *testing.T) {
				shown := c.pair(t, ca, other)
				server := &tls.Config{MaxVersion: number, Certificates: []tls.Certificate{shown}, ClientAuth: tls.RequireAnyClientCert}
				state, clientErr, serverErr := shake(t, "127.0.0.1", client, server)
				wantReason(t, clientErr, c.asServer)
				if c.asServer == "" && (serverErr != nil || Subject(state) != node) {
					t.Errorf("the hop saw %q and error %v, want our certificate", Subject(state), serverErr)
				}
				wantReason(t, recheckHop(configs, []*x509.Certificate{shown.Leaf}), c.asServer)
			})
		}
	}
}

// wantReason checks an error's reason, and that a refusal is a sentence that says more than the reason.
func wantReason(t *testing.T, err error, want string) {
	t.Helper()
	switch {
	case want == "" && err != nil:
		t.Errorf("refused: %v", err)
	case want != "" && err == nil:
		t.Errorf("let in; want %s", want)
	case want != "" && Reason(err) != want:
		t.Errorf("reason %q of %v; want %q", Reason(err), err, want)
	case want != "" && !strings.HasSuffix(err.Error(), "."):
		t.Errorf("%q is no sentence", err)
	}
}

func TestAPeerWithoutACertificateIsRefused(t *testing.T) {
	k, ca := testKey(t), newAuthority(t, "Root")
	server, _, _ := Compile(snapshotOf(t, k, ca, node, peer), node, k, clock).Listener(federation.PeerAuthContext)
	for version, number := range bothVersions {
		_, clientErr, serverErr := shake(t, "127.0.0.1", &tls.Config{InsecureSkipVerify: true, MaxVersion: number}, server)
		if clientErr == nil || Reason(serverErr) != ReasonNone {
			t.Errorf("%s: the client sees %v, the server %q", version, clientErr, Reason(serverErr))
		}
	}
}

// A context may come to verify clients while some are connected that showed nothing.
func TestAPeerThatShowedNoCertificateIsRefusedWhereOneIsDemandedNow(t *testing.T) {
	k, ca := testKey(t), newAuthority(t, "Root")
	configs := Compile(snapshotOf(t, k, ca, node, peer), node, k, clock)
	wantReason(t, recheck(configs, federation.PeerAuthContext, netip.MustParseAddr("127.0.0.1"), nil), ReasonNone)
}

func TestAPeerMayShowTheAuthoritiesBetweenItAndATrustedOne(t *testing.T) {
	k, ca := testKey(t), newAuthority(t, "Root")
	configs := Compile(snapshotOf(t, k, ca, node, peer), node, k, clock)
	server, _, _ := configs.Listener(federation.PeerAuthContext)
	between := authority{key: newKey(t)}
	between.certificate = ca.issueTo(t, between.key.Public(), "Issuing", usages(), func(c *x509.Certificate) {
		c.IsCA, c.BasicConstraintsValid, c.KeyUsage = true, true, x509.KeyUsageCertSign
	})
	shown := pair(between.issue(t, peer))
	for _, c := range []struct {
		promise, want string
		chain         [][]byte
	}{
		{"with the authority between", "", [][]byte{shown.Leaf.Raw, between.certificate.Raw}},
		{"without it", ReasonUnknownCA, [][]byte{shown.Leaf.Raw}},
	} {
		shown.Certificate = c.chain
		_, _, err := shake(t, "127.0.0.1", &tls.Config{InsecureSkipVerify: true, Certificates: []tls.Certificate{shown}}, server)
		t.Log(c.promise)
		wantReason(t, err, c.want)
	}
}

func TestANodeWithTwoCommonNamesIsNoNode(t *testing.T) {
	k, ca := testKey(t), newAuthority(t, "Root")
	configs := Compile(snapshotOf(t, k, ca, node, peer), node, k, clock)
	leaf, _ := ca.issue(t, "", func(c *x509.Certificate) {
		c.Subject = pkix.Name{ExtraNames: []pkix.AttributeTypeAndValue{{Type: oidCommonName, Value: "imp2.synergy.com"}, {Type: oidCommonName, Value: peer}}}
	})
	wantReason(t, recheckNode(configs, "imp2.synergy.com", []*x509.Certificate{leaf}), ReasonSubject)
}

func TestAServerAuthListenerAsksForNoCertificate(t *testing.T) {
	k, ca := testKey(t), newAuthority(t, "Root")
	configs := Compile(snapshotOf(t, k, ca, node), node, k, clock)
	server, _, _ := configs.Listener(federation.ServerAuthContext)
	asked := false
	client := &tls.Config{InsecureSkipVerify: true, GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		asked = true
		return &tls.Certificate{}, nil
	}}
	state, clientErr, serverErr := shake(t, "127.0.0.1", client, server)
	if clientErr != nil || serverErr != nil || asked || Subject(state) != "" {
		t.Fatalf("errors %v and %v, asked %v, subject %q", clientErr, serverErr, asked, Subject(state))
	}
	wantReason(t, recheck(configs, federation.ServerAuthContext, netip.MustParseAddr("127.0.0.1"), nil), "")
}

func TestAFaultInAChainThatHasNoReasonOfItsOwnIsToldAsItIs(t *testing.T) {
	k, ca := testKey(t), newAuthority(t, "Root", func(c *x509.Certificate) { c.PermittedDNSDomains = []string{"example.com"} })
	configs := Compile(snapshotOf(t, k, ca, node, peer), node, k, clock)
	leaf, _ := ca.issue(t, peer, dnsNames(peer))
	err := recheckHop(configs, []*x509.Certificate{leaf})
	wantReason(t, err, ReasonChain)
	if err != nil && !strings.Contains(err.Error(), "not permitted") {
		t.Errorf("%q does not say that the CA may not issue this name", err)
	}
}

func TestAnEmptyTrustStoreTrustsNobody(t *testing.T) {
	k, ca := testKey(t), newAuthority(t, "Root")
	s := snapshotOf(t, k, ca, node, peer)
	s.Certificates = s.Certificates[1:]
	configs := Compile(s, node, k, clock)
	server, _, _ := configs.Listener(federation.PeerAuthContext)
	client := &tls.Config{InsecureSkipVerify: true, Certificates: []tls.Certificate{pair(ca.issue(t, peer))}}
	if _, _, serverErr := shake(t, "127.0.0.1", client, server); Reason(serverErr) != ReasonUnknownCA {
		t.Fatalf("server says %v", serverErr)
	}
}

func TestOldVersionsAreSpokenOnlyWhereTheContextAllowsThem(t *testing.T) {
	k, ca := testKey(t), newAuthority(t, "Root")
	for _, c := range []struct {
		minimum string
		speaks  uint16
		ok      bool
	}{
		{"1.0", tls.VersionTLS10, true}, {"1.0", tls.VersionTLS13, true},
		{"1.1", tls.VersionTLS10, false}, {"1.1", tls.VersionTLS11, true},
		{"1.2", tls.VersionTLS10, false}, {"1.2", tls.VersionTLS11, false}, {"1.2", tls.VersionTLS12, true},
		{"1.3", tls.VersionTLS12, false}, {"1.3", tls.VersionTLS13, true},
	} {
		s := snapshotOf(t, k, ca, node, peer)
		s.TLSContext(federation.PeerAuthContext).MinVersion = c.minimum
		configs := Compile(s, node, k, clock)
		server, _, _ := configs.Listener(federation.PeerAuthContext)
		client, _, _ := configs.Hop()
		shown := []tls.Certificate{pair(ca.issue(t, peer))}
		name := fmt.Sprintf("minimum %s, peer speaks %s", c.minimum, tls.VersionName(c.speaks))
		_, _, inbound := shake(t, "127.0.0.1", &tls.Config{InsecureSkipVerify: true, MinVersion: c.speaks, MaxVersion: c.speaks, Certificates: shown}, server)
		_, outbound, _ := shake(t, "127.0.0.1", client, &tls.Config{MinVersion: c.speaks, MaxVersion: c.speaks, Certificates: shown})
		for direction, err := range map[string]error{"inbound": inbound, "outbound": outbound} {
			if c.ok != (err == nil) || !c.ok && Reason(err) != ReasonNothing {
				t.Errorf("%s, %s: %v", name, direction, err)
			}
		}
	}
}

func TestCiphersAreTheContextsOwn(t *testing.T) {
	k, ca := testKey(t), newAuthority(t, "Root")
	self, err := SelfSigned(k, node, now)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		promise, minimum string
		listed           []string
		offered          uint16
		ok               bool
	}{
		{"elliptic curves by default", "1.2", nil, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, true},
		{"Lync's RSA key exchange by default", "1.2", nil, tls.TLS_RSA_WITH_AES_256_CBC_SHA, true},
		{"no 3DES by default", "1.2", nil, tls.TLS_RSA_WITH_3DES_EDE_CBC_SHA, false},
		{"3DES with TLS 1.0", "1.0", nil, tls.TLS_RSA_WITH_3DES_EDE_CBC_SHA, true},
		{"never RC4", "1.0", nil, tls.TLS_RSA_WITH_RC4_128_SHA, false},
		{"a listed one", "1.2", []string{"TLS_RSA_WITH_AES_128_CBC_SHA"}, tls.TLS_RSA_WITH_AES_128_CBC_SHA, true},
		{"one that is not listed", "1.2", []string{"TLS_RSA_WITH_AES_128_CBC_SHA"}, tls.TLS_RSA_WITH_AES_256_CBC_SHA, false},
	} {
		s := snapshotOf(t, k, ca, node)
		s.Certificates[1] = self
		context := s.TLSContext(federation.ServerAuthContext)
		context.MinVersion, context.Ciphers = c.minimum, c.listed
		server, _, err := Compile(s, node, k, clock).Listener(context.Name)
		if err != nil {
			t.Fatal(err)
		}
		client := &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12, MinVersion: tls.VersionTLS10, CipherSuites: []uint16{c.offered}}
		state, _, serverErr := shake(t, "127.0.0.1", client, server)
		if c.ok != (serverErr == nil) || c.ok && state.CipherSuite != c.offered {
			t.Errorf("%s: %v with %s", c.promise, serverErr, tls.CipherSuiteName(state.CipherSuite))
		}
	}
}

func TestNodesKnowEachOtherByNameAndAddress(t *testing.T) {
	k, ca := testKey(t), newAuthority(t, "Root")
	one := Compile(snapshotOf(t, k, ca, node, peer), node, k, clock)
	two := Compile(snapshotOf(t, k, ca, "imp2.synergy.com", peer), "imp2.synergy.com", k, clock)
	server, _, _ := one.Listener(federation.PeerAuthContext)
	toOne, _, err := two.Node(node)
	if err != nil {
		t.Fatal(err)
	}
	toThird, _, _ := two.Node("imp2.synergy.com")
	for _, c := range []struct {
		promise, from  string
		client         *tls.Config
		inside, refuse string
	}{
		{"a node from its own address", "127.0.0.12", toOne, "", ""},
		{"a node's certificate from a foreign address", "127.0.0.1", toOne, ReasonNotListed, ""},
		{"a node's certificate from another node's address", "127.0.0.11", toOne, ReasonNotListed, ""},
		{"another node answers than the one expected", "127.0.0.12", toThird, "", ReasonNotListed},
	} {
		t.Run(c.promise, func(t *testing.T) {
			state, clientErr, serverErr := shake(t, c.from, c.client, server)
			if c.refuse != "" {
				wantReason(t, clientErr, c.refuse)
				return
			}
			wantReason(t, serverErr, c.inside)
			shown, _ := c.client.GetClientCertificate(nil)
			wantReason(t, recheck(one, federation.PeerAuthContext, netip.MustParseAddr(c.from), []*x509.Certificate{shown.Leaf}), c.inside)
			if c.inside == "" {
				wantReason(t, recheckNode(one, "imp2.synergy.com", state.PeerCertificates), "")
				wantReason(t, recheckNode(one, node, state.PeerCertificates), ReasonNotListed)
			}
			if c.inside == "" && Subject(state) != "imp2.synergy.com" {
				t.Errorf("subject %q", Subject(state))
			}
		})
	}
}

func TestANodeAddressStillAdmitsListedSubjects(t *testing.T) {
	k, ca := testKey(t), newAuthority(t, "Root")
	server, _, _ := Compile(snapshotOf(t, k, ca, node, peer), node, k, clock).Listener(federation.PeerAuthContext)
	client := &tls.Config{InsecureSkipVerify: true, Certificates: []tls.Certificate{pair(ca.issue(t, peer))}}
	_, _, serverErr := shake(t, "127.0.0.12", client, server)
	wantReason(t, serverErr, "")
}

func TestWhatOtherServersSayHasAReason(t *testing.T) {
	k, ca := testKey(t), newAuthority(t, "Root")
	client, _, _ := Compile(snapshotOf(t, k, ca, node, peer), node, k, clock).Hop()
	strict := &tls.Config{Certificates: []tls.Certificate{pair(ca.issue(t, peer))}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: x509.NewCertPool()}
	_, clientErr, _ := shake(t, "127.0.0.1", client, strict)
	if Reason(clientErr) != ReasonRefusedOurs {
		t.Errorf("a hop that does not trust us: %q of %v", Reason(clientErr), clientErr)
	}
	if got := Reason(fmt.Errorf("connection reset")); got != ReasonHandshake {
		t.Errorf("anything else: %q", got)
	}
}
