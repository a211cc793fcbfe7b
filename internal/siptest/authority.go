package siptest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"net"
	"time"
)

// Authority is a certificate authority with a P-256 key.
type Authority struct {
	Certificate *x509.Certificate
	key         crypto.Signer
	above       [][]byte // for an intermediate: its own certificate and those above it, without the root
}

// NewAuthority makes a root that is valid for ten years.
func NewAuthority(name string) *Authority {
	a := &Authority{key: newECKey()}
	template := authorityTemplate(name)
	a.Certificate = sign(template, template, a.key.Public(), a.key)
	return a
}

// Intermediate makes an authority below this one; leaves that it issues carry it in their chain.
func (a *Authority) Intermediate(name string) *Authority {
	sub := &Authority{key: newECKey()}
	sub.Certificate = sign(authorityTemplate(name), a.Certificate, sub.key.Public(), a.key)
	sub.above = append([][]byte{sub.Certificate.Raw}, a.above...)
	return sub
}

func authorityTemplate(name string) *x509.Certificate {
	return &x509.Certificate{
		Subject:               pkix.Name{CommonName: name},
		NotBefore:             time.Now().Add(-24 * time.Hour),
		NotAfter:              time.Now().AddDate(10, 0, 0),
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
}

// Leaf describes a certificate to issue. The zero value of each field but Names is what a working server has.
type Leaf struct {
	Names     []string           // Subject CNs; two of them make a certificate that must be refused
	DNS       []string           // DNS SANs; nil: the first name; empty: none
	IPs       []net.IP           // address SANs
	Usages    []x509.ExtKeyUsage // nil: server and client authentication
	NotBefore time.Time          // zero: an hour ago
	NotAfter  time.Time          // zero: in 90 days
	RSA       bool               // an RSA-2048 key, which the old TLS_RSA suites need, instead of P-256
}

// Leaf issues an ordinary certificate: CN and DNS SAN of one name, for servers and clients.
func (a *Authority) Leaf(name string) tls.Certificate {
	return a.Issue(Leaf{Names: []string{name}})
}

// Expired issues an ordinary certificate that ran out an hour ago.
func (a *Authority) Expired(name string) tls.Certificate {
	now := time.Now()
	return a.Issue(Leaf{Names: []string{name}, NotBefore: now.Add(-48 * time.Hour), NotAfter: now.Add(-time.Hour)})
}

// Issue issues a certificate with its key and its chain, root excluded.
func (a *Authority) Issue(l Leaf) tls.Certificate {
	key := newKey(l.RSA)
	c := sign(l.template(), a.Certificate, key.Public(), a.key)
	return tls.Certificate{Certificate: append([][]byte{c.Raw}, a.above...), PrivateKey: key, Leaf: c}
}

func (l Leaf) template() *x509.Certificate {
	t := &x509.Certificate{
		DNSNames: l.DNS, IPAddresses: l.IPs, ExtKeyUsage: l.Usages, NotBefore: l.NotBefore, NotAfter: l.NotAfter,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment,
	}
	for _, name := range l.Names { // pkix.Name.CommonName holds one only
		t.Subject.ExtraNames = append(t.Subject.ExtraNames,
			pkix.AttributeTypeAndValue{Type: asn1.ObjectIdentifier{2, 5, 4, 3}, Value: name})
	}
	if t.DNSNames == nil && len(l.Names) > 0 {
		t.DNSNames = l.Names[:1]
	}
	if t.ExtKeyUsage == nil {
		t.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	}
	if t.NotBefore.IsZero() {
		t.NotBefore = time.Now().Add(-time.Hour)
	}
	if t.NotAfter.IsZero() {
		t.NotAfter = time.Now().AddDate(0, 0, 90)
	}
	return t
}

func newKey(useRSA bool) crypto.Signer {
	if useRSA {
		return must(rsa.GenerateKey(rand.Reader, 2048))
	}
	return newECKey()
}

func newECKey() crypto.Signer { return must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)) }

func sign(template, parent *x509.Certificate, public crypto.PublicKey, key crypto.Signer) *x509.Certificate {
	template.SerialNumber = new(big.Int).SetBytes([]byte(rand.Text()[:16]))
	der := must(x509.CreateCertificate(rand.Reader, template, parent, public, key))
	return must(x509.ParseCertificate(der))
}

// must is for what fails only by a mistake in the caller's template, where a panic names the line.
func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}
