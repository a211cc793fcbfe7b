package certs

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"isthmus/internal/federation"
)

// between issues a CA below this one.
func (a authority) between(t testing.TB, name string, edit ...func(*x509.Certificate)) authority {
	t.Helper()
	sub := authority{key: newKey(t)}
	sub.certificate = a.issueTo(t, sub.key.Public(), name, append([]func(*x509.Certificate){usages(), func(c *x509.Certificate) {
		c.IsCA, c.BasicConstraintsValid, c.KeyUsage = true, true, x509.KeyUsageCertSign
	}}, edit...)...)
	return sub
}

// Each sentence names what is at fault: the peer's certificate, a CA above it, or who is no such CA. Only of a CA that is
// not trusted it is said that it can be imported.
func TestAChainThatIsRefusedSaysWhatIsAtFault(t *testing.T) {
	k, ca := testKey(t), newAuthority(t, "Root")
	configs := Compile(snapshotOf(t, k, ca, node, peer), node, k, clock)
	critical := func(c *x509.Certificate) {
		c.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 2, 3, 4, 5, 6}, Critical: true, Value: []byte{5, 0}}}
	}
	elsewhere := func(c *x509.Certificate) {
		c.PermittedDNSDomains, c.PermittedDNSDomainsCritical = []string{"contoso.com"}, true
	}
	none := func(c *x509.Certificate) { c.MaxPathLen, c.MaxPathLenZero = 0, true }
	leafOf := func(a authority, edit ...func(*x509.Certificate)) *x509.Certificate {
		c, _ := a.issue(t, peer, append([]func(*x509.Certificate){dnsNames(peer)}, edit...)...)
		return c
	}
	list := func(c ...*x509.Certificate) []*x509.Certificate { return c }
	server := ca.between(t, "Servers", usages(x509.ExtKeyUsageServerAuth))
	client := ca.between(t, "Clients", usages(x509.ExtKeyUsageClientAuth))
	forger, other := newAuthority(t, "Root"), newAuthority(t, "Other")
	noCA, key := ca.issue(t, "fe1.synergy.com")
	impostor := authority{certificate: noCA, key: key}
	rootByName, rootKey := ca.issue(t, "Root")
	named, strict := ca.between(t, "Contoso only", elsewhere), ca.between(t, "Last", none)
	below := strict.between(t, "Below")
	odd := ca.between(t, "Odd", critical)
	sha1 := leafOf(ca)
	sha1.SignatureAlgorithm = x509.ECDSAWithSHA1 // as crypto/x509 signs with it no more
	long := list()
	last := ca
	for i := range 110 {
		last = last.between(t, fmt.Sprintf("CA %d", i))
		long = append(list(last.certificate), long...)
	}
	alone := newAuthority(t, peer, func(c *x509.Certificate) { c.IsCA, c.KeyUsage = false, x509.KeyUsageDigitalSignature }).certificate
	const both = "both"
	for _, c := range []struct {
		promise   string
		chain     []*x509.Certificate
		direction string // of the refusal
		reason    string
		says      string
	}{
		{"a CA that may issue for servers only", list(leafOf(server), server.certificate), "in", ReasonIssuer,
			`the CA "Servers" may not issue certificates for client authentication (1.3.6.1.5.5.7.3.2), so that of "pool.synergy.com" is not good for it; have it issued by another CA.`},
		{"a CA that may issue for clients only", list(leafOf(client), client.certificate), "out", ReasonIssuer,
			`the CA "Clients" may not issue certificates for server authentication (1.3.6.1.5.5.7.3.1), so that of "pool.synergy.com" is not good for it; have it issued by another CA.`},
		{"both lack it", list(leafOf(server, usages(x509.ExtKeyUsageServerAuth)), server.certificate), "in", ReasonUsage,
			`the certificate of "pool.synergy.com" lacks the enhanced key usage client authentication (1.3.6.1.5.5.7.3.2); have it reissued for server and client authentication.`},
		{"the name of a trusted CA, another key", list(leafOf(forger)), both, ReasonSignature,
			`the certificate that claims to be "pool.synergy.com" names the trusted CA "Root" as its issuer, but that CA's key did not sign it; it is forged, or comes from another CA of that name: ask who runs "Root".`},
		{"the same, with its root", list(leafOf(forger), forger.certificate), both, ReasonSignature,
			`the certificate that claims to be "Root" names the trusted CA "Root" as its issuer, but that CA's key did not sign it; it is forged, or comes from another CA of that name: ask who runs "Root".`},
		{"a leaf that signs in the name of the trusted CA", list(leafOf(authority{certificate: rootByName, key: rootKey}), rootByName), both, ReasonSignature,
			`the certificate that claims to be "pool.synergy.com" names the trusted CA "Root" as its issuer, but that CA's key did not sign it; it is forged, or comes from another CA of that name: ask who runs "Root".`},
		{"a leaf that signs in its own name", list(leafOf(impostor), noCA), both, ReasonIssuer,
			`the certificate that claims to be "pool.synergy.com" was issued by "fe1.synergy.com", which is not a CA and may issue none; have it issued by a CA.`},
		{"a signature with SHA-1", list(sha1), both, ReasonChain,
			`the certificate of "pool.synergy.com" is signed with ECDSA-SHA1, which cannot be verified any more; have it reissued with SHA-256.`},
		{"a CA that is not trusted", list(leafOf(other)), both, ReasonUnknownCA,
			`the certificate that claims to be "pool.synergy.com" was issued by "Other", which is not among the trusted CAs; import that CA if it is yours.`},
		{"the same, with its root", list(leafOf(other), other.certificate), both, ReasonUnknownCA,
			`the certificate that claims to be "pool.synergy.com" was issued by "Other", which is not among the trusted CAs; import that CA if it is yours.`},
		{"the same, and another CA of its name", list(leafOf(other), newAuthority(t, "Other").certificate), both, ReasonUnknownCA,
			`the certificate that claims to be "pool.synergy.com" was issued by "Other", which is not among the trusted CAs; import that CA if it is yours. A certificate of that name was tried, but "ECDSA verification failure"`},
		{"a server that signed its certificate itself", list(alone), both, ReasonIssuer,
			`the certificate that claims to be "pool.synergy.com" was issued by "pool.synergy.com", which is not a CA and may issue none; have it issued by a CA.`},
		{"a critical extension", list(leafOf(ca, critical)), both, ReasonChain,
			`the certificate of "pool.synergy.com" has the critical extension 1.2.3.4.5.6, which is not known here; have it reissued without that extension.`},
		{"a critical extension of a CA", list(leafOf(odd), odd.certificate), both, ReasonChain,
			`the certificate of "Odd" has the critical extension 1.2.3.4.5.6, which is not known here; have it reissued without that extension.`},
		{"a name constraint", list(leafOf(named), named.certificate), both, ReasonChain,
			`a CA above "pool.synergy.com" may not issue for all of its names (`},
		{"a path length", list(leafOf(below), below.certificate, strict.certificate), both, ReasonChain,
			`the CA "Last" has more CAs below it than it may have, up to "pool.synergy.com"; have the certificate issued by another CA.`},
		{"a chain without end", append(list(leafOf(last)), long...), both, ReasonChain,
			`111 certificates are shown, and there are too many ways from that of "pool.synergy.com" to a trusted CA to try them all; let the peer show its own and the CAs above it alone.`},
	} {
		in, out := recheck(configs, federation.PeerAuthContext, netip.MustParseAddr("127.0.0.1"), c.chain), recheckHop(configs, c.chain)
		for direction, err := range map[string]error{"in": in, "out": out} {
			if c.direction != both && c.direction != direction {
				if err != nil {
					t.Errorf("%s, %s: refused: %v", c.promise, direction, err)
				}
				continue
			}
			wantReason(t, err, c.reason)
			if err == nil || !strings.HasPrefix(err.Error(), c.reason+": "+c.says) {
				t.Errorf("%s, %s: it says\n%v\nwant\n%s", c.promise, direction, err, c.says)
			}
			if err != nil && (c.reason != ReasonUnknownCA && strings.Contains(err.Error(), "import") || strings.Contains(err.Error(), "x509:") || strings.Contains(err.Error(), "was tried") != strings.Contains(c.says, "was tried")) {
				t.Errorf("%s, %s: it says %v", c.promise, direction, err)
			}
		}
	}
}

// What crypto/x509 does not say of today's chains is told all the same, in its own words or in those that are true.
func TestADoubtfulChainIsNeverBlamedOnWhoSignedIt(t *testing.T) {
	ca := newAuthority(t, "Root")
	noCA := newAuthority(t, "Mute", func(c *x509.Certificate) { c.IsCA, c.KeyUsage = false, x509.KeyUsageDigitalSignature })
	signed, _ := ca.issue(t, peer)
	unfit, _ := noCA.issue(t, peer)
	for promise, c := range map[string]struct {
		by     authority
		leaf   *x509.Certificate
		err    error
		reason string
		says   string
	}{
		"signed by a trusted CA":       {ca, signed, x509.UnknownAuthorityError{Cert: signed}, ReasonUnknownCA, "which is not among the trusted CAs"},
		"by a stored one that is none": {noCA, unfit, x509.UnknownAuthorityError{Cert: unfit}, ReasonIssuer, "which is not a CA"},
		"by one of version 1":          {noCA, unfit, x509.CertificateInvalidError{Cert: noCA.certificate, Reason: x509.NotAuthorizedToSign}, ReasonIssuer, `was issued by "Mute", which is not a CA and may issue none`},
		"an error without a type":      {ca, signed, errors.New("x509: the moon is full"), ReasonChain, "cannot be verified (the moon is full); have it reissued."},
	} {
		d := doubted{verifier: verifier{authorities: []*x509.Certificate{c.by.certificate}}, shown: []*x509.Certificate{c.leaf}}
		if e := d.why(c.err); e.Reason != c.reason || !strings.Contains(e.Detail, c.says) || e.Subject != peer {
			t.Errorf("%s: %+v", promise, e)
		}
	}
}
