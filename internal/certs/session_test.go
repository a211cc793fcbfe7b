package certs

import (
	"crypto/tls"
	"crypto/x509"
	"net/netip"
	"testing"
	"time"

	"isthmus/internal/federation"
)

// shown is an open connection by the best there is, so that its certificates alone decide.
func shown(chain []*x509.Certificate) Session {
	return Session{Version: tls.VersionTLS13, Chain: chain}
}

func recheck(c *Configs, context string, remote netip.Addr, chain []*x509.Certificate) error {
	_, err := c.Recheck(context, remote, shown(chain))
	return err
}

func recheckHop(c *Configs, chain []*x509.Certificate) error {
	_, err := c.RecheckHop(shown(chain))
	return err
}

func recheckNode(c *Configs, name string, chain []*x509.Certificate) error {
	_, err := c.RecheckNode(name, shown(chain))
	return err
}

// A verdict rests on a whole chain; with two of them, on the one that lasts longer.
func TestAVerdictStandsUntilTheFirstCertificateOfItsChainEnds(t *testing.T) {
	k := testKey(t)
	ca, short := newAuthority(t, "Root", valid(-time.Hour, 9*time.Hour)), newAuthority(t, "Short", valid(-time.Hour, 2*time.Hour))
	s := snapshotOf(t, k, ca, node, peer)
	s.Certificates = append(s.Certificates, snapshotOf(t, k, short, node, peer).Certificates...)
	configs := Compile(s, node, k, clock)
	crossed := short
	crossed.key = newKey(t)
	authorityOf := func(c *x509.Certificate) {
		c.IsCA, c.BasicConstraintsValid, c.KeyUsage = true, true, x509.KeyUsageCertSign
	}
	crossed.certificate = ca.issueTo(t, crossed.key.Public(), "Issuing", usages(), valid(-time.Hour, 5*time.Hour), authorityOf)
	other := short.issueTo(t, crossed.key.Public(), "Issuing", usages(), valid(-time.Hour, 5*time.Hour), authorityOf)
	leaf := func(by authority, lasts time.Duration) *x509.Certificate {
		c, _ := by.issue(t, peer, valid(-time.Hour, lasts))
		return c
	}
	for promise, c := range map[string]struct {
		chain []*x509.Certificate
		lasts time.Duration
	}{
		"the peer's own":         {[]*x509.Certificate{leaf(ca, 4*time.Hour)}, 4 * time.Hour},
		"its root":               {[]*x509.Certificate{leaf(short, 4*time.Hour)}, 2 * time.Hour},
		"the CA between":         {[]*x509.Certificate{leaf(crossed, 8*time.Hour), crossed.certificate}, 5 * time.Hour},
		"two ways, short first":  {[]*x509.Certificate{leaf(crossed, 8*time.Hour), other, crossed.certificate}, 5 * time.Hour},
		"two ways, short second": {[]*x509.Certificate{leaf(crossed, 8*time.Hour), crossed.certificate, other}, 5 * time.Hour},
	} {
		in, err := configs.Recheck(federation.PeerAuthContext, netip.MustParseAddr("127.0.0.1"), shown(c.chain))
		out, outErr := configs.RecheckHop(shown(c.chain))
		if want := now.Add(c.lasts); err != nil || outErr != nil || !in.Equal(want) || !out.Equal(want) {
			t.Errorf("%s: until %v and %v, errors %v and %v; want %v", promise, in, out, err, outErr, want)
		}
	}
	if until, err := configs.Recheck(federation.ServerAuthContext, netip.MustParseAddr("127.0.0.1"), shown(nil)); err != nil || !until.IsZero() {
		t.Errorf("without a certificate: until %v, %v", until, err)
	}
}
