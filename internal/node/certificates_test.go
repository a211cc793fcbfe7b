package node

import (
	"crypto/tls"
	"crypto/x509"
	"strings"
	"testing"
	"time"

	"isthmus/internal/certs"
	"isthmus/internal/federation"
	"isthmus/internal/siptest"
)

const pool = "pool.synergy.com"

// withTLS adds the peer-auth listener, which the pool may use, and a certificate of ca for the node.
func (r *rig) withTLS(ca *siptest.Authority) func(*federation.Snapshot) {
	r.t.Helper()
	own := ca.Leaf(r.name)
	guard.Learn(siptest.KeyPEM(own))
	c, err := certs.ImportOwn(r.key, r.name, time.Now(), siptest.CertificatePEM(own), siptest.KeyPEM(own))
	if err != nil {
		r.t.Fatal(err)
	}
	return func(s *federation.Snapshot) {
		s.Listeners = append(s.Listeners, federation.DefaultConfiguration().Listeners[3])
		s.TLSPeerSubjects = []federation.TLSPeerSubject{{Name: pool}}
		s.TLSContext(federation.PeerAuthContext).PeerSubjects = []string{pool}
		s.Certificates = append(s.Certificates, c)
	}
}

func trusting(t *testing.T, ca *siptest.Authority) func(*federation.Snapshot) {
	t.Helper()
	list, err := certs.ImportTrust(time.Now(), ca.PEM())
	if err != nil {
		t.Fatal(err)
	}
	return func(s *federation.Snapshot) { s.Certificates = append(s.Certificates, list...) }
}

// connect comes as the pool.
func (r *rig) connect(ca *siptest.Authority) *siptest.Peer {
	r.t.Helper()
	peer := siptest.Connect(r.t, r.at(5061), siptest.Options{Local: "127.0.0.1", TLS: ca.Client(ca.Leaf(pool), self)})
	peer.Sends(siptest.Probe(self))
	peer.Expect("200")
	return peer
}

func TestAnImportedCertificateIsShownAtTheNextHandshake(t *testing.T) {
	r, ca := start(t), siptest.NewAuthority("Root")
	if _, err := r.node.Certificate(); err == nil {
		t.Error("there is a certificate before the first snapshot")
	}
	first, second, trust := r.withTLS(ca), r.withTLS(ca), trusting(t, ca)
	r.commits(r.snapshot(1, first, trust))
	old := r.connect(ca)
	r.commits(r.snapshot(2, second, trust))
	renewed := r.connect(ca)
	if old.Certificate().SerialNumber.Cmp(renewed.Certificate().SerialNumber) == 0 {
		t.Error("the old certificate is still shown")
	}
	if own, err := r.node.Certificate(); err != nil || !own.Leaf.Equal(renewed.Certificate()) {
		t.Errorf("the node names another certificate than it shows: %v", err)
	}
	old.Sends(siptest.Probe(self))
	old.Expect("200")
}

func TestARemovedCABitesOnOpenConnectionsToo(t *testing.T) {
	r, ca, other := start(t), siptest.NewAuthority("Root"), siptest.NewAuthority("Other")
	own := r.withTLS(ca)
	r.commits(r.snapshot(1, own, trusting(t, ca), trusting(t, other)))
	stays, goes := r.connect(ca), siptest.Connect(t, r.at(5061), siptest.Options{Local: "127.0.0.1", TLS: foreign(ca, other)})
	goes.Sends(siptest.Probe(self))
	goes.Expect("200")
	r.commits(r.snapshot(2, own, trusting(t, ca)))
	goes.ExpectClosed()
	stays.Sends(siptest.Probe(self))
	stays.Expect("200")
}

// foreign shows a certificate of another authority than the one it trusts.
func foreign(trusts, issuer *siptest.Authority) *tls.Config {
	return trusts.Client(issuer.Leaf(pool), self)
}

func TestARemovedSubjectBitesOnOpenConnectionsToo(t *testing.T) {
	r, ca := start(t), siptest.NewAuthority("Root")
	own, trust := r.withTLS(ca), trusting(t, ca)
	r.commits(r.snapshot(1, own, trust))
	peer := r.connect(ca)
	r.commits(r.snapshot(2, own, trust, func(s *federation.Snapshot) { s.TLSContext(federation.PeerAuthContext).PeerSubjects = nil }))
	peer.ExpectClosed()
}

func TestAListenerThatDemandsCertificatesNowClosesWhoShowedNone(t *testing.T) {
	r, ca := start(t), siptest.NewAuthority("Root")
	own, trust := r.withTLS(ca), trusting(t, ca)
	demands := func(verify bool) func(*federation.Snapshot) {
		return func(s *federation.Snapshot) { s.TLSContext(federation.PeerAuthContext).VerifyClient = verify }
	}
	r.commits(r.snapshot(1, own, trust, demands(false)))
	nameless := siptest.Connect(t, r.at(5061), siptest.Options{Local: "127.0.0.1", TLS: ca.Anonymous(self)})
	nameless.Sends(siptest.Probe(self))
	nameless.Expect("200")
	r.commits(r.snapshot(2, own, trust, demands(true)))
	nameless.ExpectClosed()
	named := r.connect(ca)
	r.commits(r.snapshot(3, own, trust, demands(false)))
	named.Sends(siptest.Probe(self))
	named.Expect("200")
}

func TestWhoShowedNoCertificateStaysWhenTheListenerGoes(t *testing.T) {
	r, ca := start(t), siptest.NewAuthority("Root")
	own, trust := r.withTLS(ca), trusting(t, ca)
	lax := func(s *federation.Snapshot) { s.TLSContext(federation.PeerAuthContext).VerifyClient = false }
	r.commits(r.snapshot(1, own, trust, lax))
	nameless := siptest.Connect(t, r.at(5061), siptest.Options{Local: "127.0.0.1", TLS: ca.Anonymous(self)})
	r.commits(r.snapshot(2, own, trust, func(s *federation.Snapshot) { s.Listeners = s.Listeners[:1] }))
	nameless.Sends(siptest.Probe(self))
	nameless.Expect("200")
}

func TestWithoutACertificateATLSListenerSaysWhy(t *testing.T) {
	r, ca := start(t), siptest.NewAuthority("Root")
	own := r.withTLS(ca)
	r.commits(r.snapshot(1, own, func(s *federation.Snapshot) { s.Certificates = nil }))
	h := r.awaitState(Starting)
	if len(h.Listeners) != 2 || !strings.Contains(h.Listeners[1].Error, "has no certificate") || !r.answers(5060) {
		t.Errorf("it says %+v", h)
	}
	r.commits(r.snapshot(2, own))
	r.awaitState(Ready)
}

func TestThatItsOwnCertificateIsGoneIsNoFaultOfThePeer(t *testing.T) {
	r, ca := start(t), siptest.NewAuthority("Root")
	own, trust := r.withTLS(ca), trusting(t, ca)
	r.commits(r.snapshot(1, own, trust))
	peer := r.connect(ca)
	without := func(s *federation.Snapshot) { s.Certificates = nil }
	r.commits(r.snapshot(2, own, without, trust))
	peer.Sends(siptest.Probe(self))
	peer.Expect("200")
	r.commits(r.snapshot(3, own, without)) // its CA is the peer's matter
	peer.ExpectClosed()
}

func TestACAThatIsRemovedDuringAHandshakeBitesWhenTheConnectionComesUp(t *testing.T) {
	r, ca, other := start(t), siptest.NewAuthority("Root"), siptest.NewAuthority("Other")
	own, trust := r.withTLS(ca), trusting(t, ca)
	r.commits(r.snapshot(1, own, trust, trusting(t, other)))
	config, shown := foreign(ca, other), other.Leaf(pool)
	config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		r.commits(r.snapshot(2, own, trust))
		return &shown, nil
	}
	peer := siptest.Connect(t, r.at(5061), siptest.Options{Local: "127.0.0.1", TLS: config})
	peer.ExpectClosed()
}

func TestTheSubjectOfAPeerIsItsCommonName(t *testing.T) {
	r, ca := start(t), siptest.NewAuthority("Root")
	r.commits(r.snapshot(1, r.withTLS(ca), trusting(t, ca)))
	shown := ca.Issue(siptest.Leaf{Names: []string{"fe1.synergy.com"}, DNS: []string{pool}, Usages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}})
	peer, err := siptest.Dial(r.at(5061), siptest.Options{Local: "127.0.0.1", TLS: ca.Client(shown, self)})
	if err == nil {
		defer peer.Close()
		if err := peer.WaitClosed(); err != nil {
			t.Error("a peer whose listed name is a SAN only stays connected")
		}
	}
}

func TestANextHopSeesTheNodesCertificateAndLosesItsConnectionWithItsCA(t *testing.T) {
	r, ca := start(t), siptest.NewAuthority("Root")
	host := siptest.Serve(t, "127.0.0.1:0", ca.Server(ca.Leaf(pool)))
	own, overTLS := r.withTLS(ca), func(s *federation.Snapshot) { s.StaticRoutes[0].Transport = federation.TLS }
	r.commits(r.snapshot(1, own, trusting(t, ca), leading(host), overTLS))
	peer, hop, asked := r.asks(host)
	hop.Answers(asked, 200)
	peer.Expect("200")
	if cn := hop.Certificate().Subject.CommonName; cn != self {
		t.Errorf("the hop saw %q", cn)
	}
	r.commits(r.snapshot(2, own, leading(host), overTLS))
	hop.ExpectClosed()
	peer.Sends(siptest.Subscribe("ann@synergy.com", "bob@synergy.com"))
	if m := peer.Expect("504"); !strings.Contains(string(m.Bytes()), certs.ReasonUnknownCA) {
		t.Errorf("the answer does not say why:\n%s", m.Bytes())
	}
}

// pairOverTLS starts two nodes with node_transport tls, of which the second has the connector of ann; her messages go across.
func pairOverTLS(t *testing.T, ca *siptest.Authority) (one, two *rig) {
	t.Helper()
	one, two = start(t), startAs(t, "imp2.synergy.com")
	two.shareKey(one)
	connector := siptest.Serve(t, "127.0.0.1:0", nil)
	cluster := func(s *federation.Snapshot) {
		s.Settings.NodeTransport = federation.TLS
		s.Nodes = []federation.Node{
			{Name: one.name, Address: one.address, Services: federation.Services},
			{Name: two.name, Address: two.address, Connector: connector.Addr(), Services: federation.Services},
		}
	}
	ann := fact("ann", "ann@synergy.com", "")
	ann.Node = two.name
	for _, r := range []*rig{one, two} {
		r.with(func() { r.changed, r.upTo = []federation.UserFact{ann}, 1 })
		r.commits(r.snapshot(1, r.withTLS(ca), trusting(t, ca), cluster))
	}
	peer := one.within()
	peer.Sends(siptest.Subscribe("bob@synergy.com", "ann@synergy.com"))
	server := connector.Accepts()
	server.Answers(server.Expect("SUBSCRIBE"), 200)
	peer.Expect("200")
	return one, two
}

// The second node believes the first by its certificate and address, so that a request from inside is from inside there too.
func TestNodesReachEachOtherOverMutualTLS(t *testing.T) {
	pairOverTLS(t, siptest.NewAuthority("Root"))
}
