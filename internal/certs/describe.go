package certs

import (
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"isthmus/internal/federation"
)

// A Description is what people look for in a certificate, with what does not print written by its number. Nothing in it
// proves anything.
type Description struct {
	Subject     string    `json:"subject"`      // its one Common Name, else the whole subject
	FullSubject string    `json:"full_subject"` // as RFC 2253 writes it
	Names       []string  `json:"names"`        // subject alternative names: DNS names, then addresses
	Issuer      string    `json:"issuer"`
	NotBefore   time.Time `json:"not_before"`  // UTC
	NotAfter    time.Time `json:"not_after"`   // UTC
	Serial      string    `json:"serial"`      // hexadecimal octets, such as ab:01
	Usages      []string  `json:"usages"`      // extended ones, with their object identifiers; none: for anything
	Key         string    `json:"key"`         // such as RSA 2048 or ECDSA P-256
	Signature   string    `json:"signature"`   // such as SHA256-RSA
	Fingerprint string    `json:"fingerprint"` // SHA-256, lower-case hexadecimal
	CA          bool      `json:"ca"`          // may sign certificates
}

// Describe reads a certificate for people.
func Describe(c *x509.Certificate) Description {
	return Description{
		Subject: federation.Legible(title(c)), FullSubject: federation.Legible(wholeName(c.Subject, c.RawSubject)),
		Names: alternativeNames(c), Issuer: federation.Legible(issuer(c)),
		NotBefore: federation.TameDate(c.NotBefore), NotAfter: federation.TameDate(c.NotAfter), Serial: octets(c.SerialNumber.Bytes()), Usages: usagesOf(c),
		Key: keyOf(c), Signature: signatureOf(c), Fingerprint: Fingerprint(c), CA: signsCertificates(c),
	}
}

func alternativeNames(c *x509.Certificate) []string {
	names := []string{}
	for _, name := range c.DNSNames {
		names = append(names, federation.Legible(name))
	}
	for _, ip := range c.IPAddresses {
		names = append(names, ip.String())
	}
	return names
}

// octets writes a serial number as Windows and openssl do.
func octets(b []byte) string {
	if len(b) == 0 {
		return "00"
	}
	var parts []string
	for i := range b {
		parts = append(parts, hex.EncodeToString(b[i:i+1]))
	}
	return strings.Join(parts, ":")
}

var otherUsages = map[x509.ExtKeyUsage]string{
	x509.ExtKeyUsageAny:             "any (2.5.29.37.0)",
	x509.ExtKeyUsageCodeSigning:     "code signing (1.3.6.1.5.5.7.3.3)",
	x509.ExtKeyUsageEmailProtection: "email protection (1.3.6.1.5.5.7.3.4)",
	x509.ExtKeyUsageTimeStamping:    "time stamping (1.3.6.1.5.5.7.3.8)",
	x509.ExtKeyUsageOCSPSigning:     "OCSP signing (1.3.6.1.5.5.7.3.9)",
}

func usagesOf(c *x509.Certificate) []string {
	list := []string{}
	for _, u := range c.ExtKeyUsage {
		name := usageName[u] + otherUsages[u] // each is in one of the two at most
		if name == "" {
			name = fmt.Sprintf("%s (%s)", u, u.OID())
		}
		list = append(list, name)
	}
	for _, id := range c.UnknownExtKeyUsage {
		list = append(list, id.String())
	}
	return list
}

func keyOf(c *x509.Certificate) string {
	switch k := c.PublicKey.(type) {
	case *rsa.PublicKey:
		return fmt.Sprintf("RSA %d", k.N.BitLen())
	case *ecdsa.PublicKey:
		return "ECDSA " + k.Curve.Params().Name
	}
	return c.PublicKeyAlgorithm.String()
}

var oidPSS = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 10}

// signatureOf names the algorithm of a certificate's signature. Where crypto/x509 knows none, its identifier says more
// than nothing; of RSA-PSS it knows those kinds alone that TLS 1.3 has.
func signatureOf(c *x509.Certificate) string {
	if c.SignatureAlgorithm != x509.UnknownSignatureAlgorithm {
		return c.SignatureAlgorithm.String()
	}
	var parts struct {
		Signed    asn1.RawValue
		Algorithm algorithm
		Signature asn1.BitString
	}
	if !whole(c.Raw, &parts) {
		return "an unknown algorithm"
	}
	if parts.Algorithm.Algorithm.Equal(oidPSS) {
		return fmt.Sprintf("RSA-PSS of another kind (%s)", oidPSS)
	}
	return fmt.Sprintf("an unknown algorithm (%s)", parts.Algorithm.Algorithm)
}
