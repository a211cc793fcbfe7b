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

func TestAnOpenConnectionIsHeldToTheVersionsAndCiphersOfToday(t *testing.T) {
	k, ca := testKey(t), newAuthority(t, "Root")
	s := snapshotOf(t, k, ca, node, peer)
	context := s.TLSContext(federation.PeerAuthContext)
	context.MinVersion, context.Ciphers = "1.1", []string{"TLS_RSA_WITH_AES_128_CBC_SHA"}
	configs := Compile(s, node, k, clock)
	leaf, _ := ca.issue(t, peer)
	other, _ := ca.issue(t, "imp2.synergy.com")
	for promise, c := range map[string]struct {
		version, cipher uint16
		says            string // "": it stays
	}{
		"a version that is too old":        {tls.VersionTLS10, tls.TLS_RSA_WITH_AES_128_CBC_SHA, "the connection uses TLS 1.0, and the TLS context sip-proxy-peer-auth allows TLS 1.1 and newer; let the peer connect again by that."},
		"the oldest that is allowed":       {tls.VersionTLS11, tls.TLS_RSA_WITH_AES_128_CBC_SHA, ""},
		"a cipher that is left out":        {tls.VersionTLS12, tls.TLS_RSA_WITH_AES_256_CBC_SHA, "the connection uses the cipher TLS_RSA_WITH_AES_256_CBC_SHA, which the TLS context sip-proxy-peer-auth leaves out; let the peer connect again with another."},
		"TLS 1.3, whose ciphers are fixed": {tls.VersionTLS13, tls.TLS_AES_128_GCM_SHA256, ""},
	} {
		_, in := configs.Recheck(federation.PeerAuthContext, netip.MustParseAddr("127.0.0.1"), Session{c.version, c.cipher, []*x509.Certificate{leaf}})
		_, out := configs.RecheckHop(Session{c.version, c.cipher, []*x509.Certificate{leaf}})
		_, between := configs.RecheckNode("imp2.synergy.com", Session{c.version, c.cipher, []*x509.Certificate{other}})
		for direction, err := range map[string]error{"in": in, "out": out, "between nodes": between} {
			if c.says == "" && err != nil || c.says != "" && (err == nil || err.Error() != ReasonForbidden+": "+c.says) {
				t.Errorf("%s, %s: %v", promise, direction, err)
			}
		}
	}
}
