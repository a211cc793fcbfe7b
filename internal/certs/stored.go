package certs

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"encoding/pem"
	"fmt"

	"isthmus/internal/federation"
)

// Chain parses the certificates that a stored one consists of, leaf first.
func Chain(c federation.Certificate) ([]*x509.Certificate, error) {
	b, problems := parseBundle("chain", c.Chain)
	if err := problems.Err(); err != nil {
		return nil, err
	}
	if len(b.certificates) == 0 {
		return nil, federation.Refuse("The stored certificate of %q is empty; import it again.", c.Subject)
	}
	return b.certificates, nil
}

// stored is the form in which the database keeps a chain, leaf first.
func stored(purpose string, chain []*x509.Certificate) federation.Certificate {
	var text bytes.Buffer
	for _, c := range chain {
		// Writing to memory does not fail, and a block without headers has nothing that cannot be written.
		_ = pem.Encode(&text, &pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})
	}
	leaf := chain[0]
	entry := federation.Certificate{
		Purpose: purpose, Chain: text.Bytes(), Subject: title(leaf), Issuer: issuer(leaf),
		NotBefore: leaf.NotBefore, NotAfter: leaf.NotAfter, Fingerprint: Fingerprint(leaf),
	}
	entry.Tame()
	return entry
}

// Fingerprint is the SHA-256 of a certificate's DER, lower-case hexadecimal.
func Fingerprint(c *x509.Certificate) string {
	sum := sha256.Sum256(c.Raw)
	return hex.EncodeToString(sum[:])
}

// title is what people call a certificate: its Common Name, else the whole subject. With two Common Names neither stands
// for the certificate.
func title(c *x509.Certificate) string { return called(c.Subject, c.RawSubject) }

func issuer(c *x509.Certificate) string { return called(c.Issuer, c.RawIssuer) }

func called(name pkix.Name, raw []byte) string {
	if names := commonNames(name); len(names) == 1 && names[0] != "" {
		return names[0]
	}
	return wholeName(name, raw)
}

// wholeName writes a name with everything that is in it; pkix.Name knows of one Common Name only.
func wholeName(name pkix.Name, raw []byte) string {
	var all pkix.RDNSequence
	if _, err := asn1.Unmarshal(raw, &all); err != nil {
		return name.String()
	}
	return all.String()
}

func invalid(field, format string, args ...any) federation.Invalid {
	return federation.Invalid{{Path: field, Text: fmt.Sprintf(format, args...)}}
}
