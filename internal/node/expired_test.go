package node

import (
	"crypto/tls"
	"fmt"
	"strings"
	"testing"
	"time"

	"isthmus/internal/certs"
	"isthmus/internal/federation"
	"isthmus/internal/siptest"
)

// soonOver issues a certificate for the pool that expires in a moment. Certificates know whole seconds only.
func soonOver(ca *siptest.Authority) (tls.Certificate, time.Time) {
	until := time.Now().Truncate(time.Second).Add(3 * time.Second)
	return ca.Issue(siptest.Leaf{Names: []string{pool}, NotAfter: until}), until
}

// closesAt waits until the node closes a connection: within a second of when the certificate is not good any more, which
// it is for the whole of its last second. A loaded machine takes longer.
func closesAt(t *testing.T, p *siptest.Peer, until time.Time) {
	t.Helper()
	if m, err := p.ReceiveWithin(patience); m != nil || !siptest.Closed(err) {
		t.Fatalf("the node did not close the connection: %v", err)
	}
	if late := time.Since(until); late < 0 || late > 5*time.Second {
		t.Errorf("it was closed %v after its certificate expired", late)
	}
}

// Nothing is changed meanwhile: who does not renew is cut off when the certificate ends, and nobody else.
func TestAConnectionEndsWithTheCertificateThatItWasOpenedWith(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		t.Run(tls.VersionName(version), func(t *testing.T) {
			t.Parallel()
			ca, log := siptest.NewAuthority("Root"), &journal{}
			r := start(t, func(c *Config) { c.Log = log.logger() })
			r.commits(r.snapshot(1, r.withTLS(ca), trusting(t, ca)))
			shown, until := soonOver(ca)
			config := showing(shown, version)
			config.ServerName = self
			peer := siptest.Connect(t, r.at(5061), siptest.Options{Local: "127.0.0.1", TLS: config})
			stays := r.connect(ca)
			peer.Sends(siptest.Probe(self))
			peer.Expect("200")
			closesAt(t, peer, until)
			log.awaits(t, "connection closed", "peer", "127.0.0.1:", "", fmt.Sprintf("%s: the certificate of %q (serial number %s) expired on %s, less than an hour ago; renew it, or check the clocks of both machines.",
				certs.ReasonExpired, pool, certs.Describe(shown.Leaf).Serial, until.UTC().Format("2006-01-02 at 15:04 UTC")))
			stays.Sends(siptest.Probe(self))
			stays.Expect("200")
		})
	}
}

func TestAConnectionToANextHopEndsWithTheCertificateOfTheHop(t *testing.T) {
	r, ca := start(t), siptest.NewAuthority("Root")
	shown, until := soonOver(ca)
	host := siptest.Serve(t, "127.0.0.1:0", ca.Server(shown))
	overTLS := func(s *federation.Snapshot) { s.StaticRoutes[0].Transport = federation.TLS }
	r.commits(r.snapshot(1, r.withTLS(ca), trusting(t, ca), leading(host), overTLS))
	peer, hop, asked := r.asks(host)
	hop.Answers(asked, 200)
	peer.Expect("200")
	closesAt(t, hop, until)
	peer.Sends(siptest.Subscribe("ann@synergy.com", "bob@synergy.com"))
	if m := peer.Expect("504"); !strings.Contains(string(m.Bytes()), certs.ReasonExpired) {
		t.Errorf("the answer does not say why:\n%s", m.Bytes())
	}
}
