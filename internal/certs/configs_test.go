package certs

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"isthmus/internal/federation"
)

// keysOf are the keys of every configuration of a snapshot, by what it is for.
func keysOf(t *testing.T, s federation.Snapshot, k *Key) map[string]string {
	t.Helper()
	configs, keys := Compile(s, node, k, clock), map[string]string{}
	note := func(name string, config *tls.Config, key string, err error) {
		if err != nil || config == nil || key == "" {
			t.Fatalf("%s: %v", name, err)
		}
		keys[name] = key
	}
	for name, get := range map[string]func() (*tls.Config, string, error){
		"peer":   func() (*tls.Config, string, error) { return configs.Listener(federation.PeerAuthContext) },
		"server": func() (*tls.Config, string, error) { return configs.Listener(federation.ServerAuthContext) },
		"hop":    configs.Hop,
		"node":   func() (*tls.Config, string, error) { return configs.Node("imp2.synergy.com") },
	} {
		config, key, err := get()
		note(name, config, key, err)
	}
	return keys
}

func TestAKeyChangesExactlyWhenItsConfigurationDid(t *testing.T) {
	k, ca := testKey(t), newAuthority(t, "Root")
	base := snapshotOf(t, k, ca, node, "a.synergy.com", "b.synergy.com")
	more, _ := ImportTrust(now, pemOf(newAuthority(t, "More").certificate))
	second, _ := ImportTrust(now, pemOf(newAuthority(t, "Second").certificate))
	base.Certificates = append(base.Certificates, second...)
	leaf, private := ca.issue(t, node)
	renewed, _ := ImportOwn(k, node, now, pemOf(leaf, private), nil)
	foreign, foreignKey := ca.issue(t, "imp2.synergy.com")
	others, _ := ImportOwn(k, "imp2.synergy.com", now, pemOf(foreign, foreignKey), nil)
	for _, c := range []struct {
		promise string
		edit    func(*federation.Snapshot)
		changes map[string]bool
	}{
		{"nothing", func(*federation.Snapshot) {}, nil},
		{"another route", func(s *federation.Snapshot) { s.Revision, s.StaticRoutes = 9, []federation.StaticRoute{{}} }, nil},
		{"another node's certificate", func(s *federation.Snapshot) { s.Certificates = append(s.Certificates, others) }, nil},
		{"subjects in another order", func(s *federation.Snapshot) {
			s.TLSContexts[0].PeerSubjects = []string{"b.synergy.com", "a.synergy.com"}
		}, nil},
		{"another subject", func(s *federation.Snapshot) { s.TLSContexts[0].PeerSubjects = []string{"a.synergy.com"} }, set("peer", "hop")},
		{"a version", func(s *federation.Snapshot) { s.TLSContexts[0].MinVersion = "1.0" }, set("peer", "hop", "node")},
		{"ciphers", func(s *federation.Snapshot) { s.TLSContexts[1].Ciphers = []string{"TLS_RSA_WITH_AES_128_CBC_SHA"} }, set("server")},
		{"clients verified", func(s *federation.Snapshot) { s.TLSContexts[1].VerifyClient = true }, set("server")},
		{"trusted CAs in another order", func(s *federation.Snapshot) { slices.Reverse(s.Certificates) }, nil},
		{"nodes in another order", func(s *federation.Snapshot) { slices.Reverse(s.Nodes) }, nil},
		{"a node's address", func(s *federation.Snapshot) { s.Nodes[1].Address = "127.0.0.13" }, set("peer")},
		{"a trusted CA", func(s *federation.Snapshot) { s.Certificates = append(s.Certificates, more...) }, set("peer", "server", "hop", "node")},
		{"the own certificate", func(s *federation.Snapshot) { s.Certificates[1] = renewed }, set("peer", "server", "hop", "node")},
	} {
		t.Run(c.promise, func(t *testing.T) {
			before := keysOf(t, base, k)
			s := base
			s.Nodes = append([]federation.Node{}, base.Nodes...)
			s.TLSContexts = append([]federation.TLSContext{}, base.TLSContexts...)
			s.Certificates = append([]federation.Certificate{}, base.Certificates...)
			c.edit(&s)
			for name, key := range keysOf(t, s, k) {
				if changed := key != before[name]; changed != c.changes[name] {
					t.Errorf("the key for %s changed: %v", name, changed)
				}
			}
		})
	}
}

func set(names ...string) map[string]bool { return setOf(names) }

func TestWithoutAUsableCertificateEveryConfigurationSaysWhy(t *testing.T) {
	k, ca := testKey(t), newAuthority(t, "Root")
	none := snapshotOf(t, k, ca, node)
	none.Certificates = nil
	for promise, configs := range map[string]*Configs{
		"no certificate":        Compile(none, node, k, clock),
		"sealed by another key": Compile(snapshotOf(t, testKey(t), ca, node), node, k, clock),
	} {
		_, _, listener := configs.Listener(federation.PeerAuthContext)
		_, _, hop := configs.Hop()
		_, _, other := configs.Node(node)
		_, own := configs.Own()
		if listener == nil || hop == nil || other == nil || own == nil {
			t.Errorf("%s: %v, %v, %v, %v", promise, listener, hop, other, own)
		}
	}
	configs := Compile(snapshotOf(t, k, ca, node), node, k, clock)
	if _, _, err := configs.Listener("gone"); err == nil {
		t.Error("a context that does not exist has a configuration")
	}
	if _, _, err := configs.Node("gone.synergy.com"); err == nil {
		t.Error("a node that does not exist has a configuration")
	}
}

func TestWithoutThePeerContextNothingIsOpenedAndNobodyStays(t *testing.T) {
	k, ca := testKey(t), newAuthority(t, "Root")
	s := snapshotOf(t, k, ca, node)
	s.TLSContexts = nil
	configs := Compile(s, node, k, clock)
	leaf, _ := ca.issue(t, "imp2.synergy.com")
	chain := []*x509.Certificate{leaf}
	_, _, hop := configs.Hop()
	_, _, other := configs.Node("imp2.synergy.com")
	for promise, err := range map[string]error{
		"to a hop": hop, "to a node": other, "an open one to a hop": recheckHop(configs, chain), "an open one to a node": recheckNode(configs, "imp2.synergy.com", chain),
		"an open one from a peer": recheck(configs, federation.PeerAuthContext, netip.MustParseAddr("127.0.0.21"), chain),
	} {
		if err == nil {
			t.Errorf("a connection %s is fine", promise)
		}
	}
	if !strings.Contains(other.Error(), "The TLS context sip-proxy-peer-auth is missing; add it again.") {
		t.Errorf("to a node: %v", other)
	}
}

func TestWithoutAnOwnCertificatePeersAreJudgedAllTheSame(t *testing.T) {
	k, ca, gone := testKey(t), newAuthority(t, "Root"), newAuthority(t, "Gone")
	s := snapshotOf(t, k, ca, node, "fe1.synergy.com")
	configs := Compile(s, node, testKey(t), clock)
	if _, err := configs.Own(); err == nil {
		t.Fatal("the certificate opens with another key")
	}
	good, _ := ca.issue(t, "fe1.synergy.com")
	bad, _ := gone.issue(t, "fe1.synergy.com")
	other, _ := ca.issue(t, "imp2.synergy.com")
	for promise, c := range map[string]struct {
		leaf *x509.Certificate
		ok   bool
	}{"a trusted CA": {good, true}, "a CA that was removed": {bad, false}} {
		chain, remote := []*x509.Certificate{c.leaf}, netip.MustParseAddr("127.0.0.21")
		in, hop := recheck(configs, federation.PeerAuthContext, remote, chain), recheckHop(configs, chain)
		if (in == nil) != c.ok || (hop == nil) != c.ok {
			t.Errorf("%s: %v, %v", promise, in, hop)
		}
	}
	if err := recheckNode(configs, "imp2.synergy.com", []*x509.Certificate{other}); err != nil {
		t.Errorf("another node: %v", err)
	}
}

func TestTheConsoleShowsTheCurrentCertificateAndNoOldVersion(t *testing.T) {
	k, ca := testKey(t), newAuthority(t, "Root")
	configs := Compile(snapshotOf(t, k, ca, node), node, k, clock)
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.TLS = Console(func() (*tls.Certificate, error) { return configs.Own() })
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // the refused handshake is meant
	server.StartTLS()
	defer server.Close()
	address := server.Listener.Addr().(*net.TCPAddr).String()
	dial := func(version uint16) (*tls.Conn, error) {
		return tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true, MinVersion: version, MaxVersion: version, ServerName: node})
	}
	for range 2 {
		conn, err := dial(tls.VersionTLS13)
		if err != nil {
			t.Fatal(err)
		}
		own, _ := configs.Own()
		if got := conn.ConnectionState().PeerCertificates[0]; !got.Equal(own.Leaf) {
			t.Fatalf("it shows %s of serial %s", got.Subject, got.SerialNumber)
		}
		conn.Close()
		configs = Compile(snapshotOf(t, k, ca, node), node, k, clock)
	}
	if _, err := dial(tls.VersionTLS11); err == nil {
		t.Fatal("the console speaks TLS 1.1")
	}
}
