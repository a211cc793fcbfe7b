package certs

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"strings"

	"isthmus/internal/federation"
)

// Limits of one upload.
const (
	MaxUpload       = 1 << 20 // octets of a file
	maxCertificates = 50      // certificates in a file
)

// A bundle is what an uploaded file holds.
type bundle struct {
	certificates []*x509.Certificate
	keys         []crypto.Signer
}

// parseBundle reads PEM blocks, or DER when there is none. Every problem names the field that the file came in.
func parseBundle(field string, file []byte) (bundle, federation.Invalid) {
	if len(file) > MaxUpload {
		return bundle{}, invalid(field, "This file has more than 1 MiB, which no certificate needs; choose the certificate's own file.")
	}
	var b bundle
	block, rest := pem.Decode(file)
	if block == nil {
		return parseDER(field, file)
	}
	for ; block != nil; block, rest = pem.Decode(rest) {
		if problem := b.add(block); problem != "" {
			return bundle{}, federation.Invalid{{Path: field, Text: problem}}
		}
	}
	return b, nil
}

func parseDER(field string, file []byte) (bundle, federation.Invalid) {
	list, err := x509.ParseCertificates(file)
	if err != nil || len(list) == 0 {
		return bundle{}, invalid(field, "This file holds no certificate in PEM or DER form; export it as Base-64 encoded X.509 (.cer or .pem).")
	}
	if len(list) > maxCertificates {
		return bundle{}, invalid(field, tooMany)
	}
	return bundle{certificates: list}, nil
}

const tooMany = "This file holds more than 50 certificates; split it."

// add takes one PEM block into the bundle, or says why it cannot.
func (b *bundle) add(block *pem.Block) (problem string) {
	switch {
	case block.Type == "CERTIFICATE" && len(b.certificates) == maxCertificates:
		return tooMany
	case block.Type == "CERTIFICATE":
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return fmt.Sprintf("Certificate %d of this file cannot be read (%v); export it again.", len(b.certificates)+1, err)
		}
		b.certificates = append(b.certificates, c)
	case block.Type == "ENCRYPTED PRIVATE KEY" || block.Headers["DEK-Info"] != "":
		return "This private key is protected by a passphrase; decrypt it first, for example with openssl pkey -in KEY -out PLAIN."
	case strings.HasSuffix(block.Type, "PRIVATE KEY"):
		k, err := parsePrivateKey(block.Bytes)
		if err != nil {
			return err.Error()
		}
		b.keys = append(b.keys, k)
	case strings.HasSuffix(block.Type, "CERTIFICATE REQUEST"):
		return fmt.Sprintf("This file holds a PEM block %q: it is still the request; choose the certificate that the CA made of it.", block.Type)
	case block.Type == "EC PARAMETERS": // openssl writes the curve before the key, which names it again
	default:
		return fmt.Sprintf("This file holds a PEM block %q, which is neither a certificate nor a private key; choose another file.", block.Type)
	}
	return ""
}

func parsePrivateKey(der []byte) (crypto.Signer, error) {
	if k, err := x509.ParsePKCS8PrivateKey(der); err == nil {
		switch k := k.(type) {
		case *rsa.PrivateKey:
			return k, nil
		case *ecdsa.PrivateKey:
			return k, nil
		}
		return nil, fmt.Errorf("This private key is neither RSA nor ECDSA, which Microsoft's servers need; request a certificate with an RSA key of 2048 bits.")
	}
	if k, err := x509.ParsePKCS1PrivateKey(der); err == nil {
		return k, nil
	}
	if k, err := x509.ParseECPrivateKey(der); err == nil {
		return k, nil
	}
	return nil, fmt.Errorf("This private key cannot be read; export it again as PKCS #8 in PEM form.")
}

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
	return federation.Certificate{
		Purpose: purpose, Chain: text.Bytes(), Subject: title(leaf), Issuer: issuer(leaf),
		NotBefore: leaf.NotBefore.UTC(), NotAfter: leaf.NotAfter.UTC(), Fingerprint: Fingerprint(leaf),
	}
}

// Fingerprint is the SHA-256 of a certificate's DER, lower-case hexadecimal.
func Fingerprint(c *x509.Certificate) string {
	sum := sha256.Sum256(c.Raw)
	return hex.EncodeToString(sum[:])
}

// title is what people call a certificate: its Common Name, else the whole subject.
func title(c *x509.Certificate) string {
	if c.Subject.CommonName != "" {
		return c.Subject.CommonName
	}
	return c.Subject.String()
}

func issuer(c *x509.Certificate) string {
	if c.Issuer.CommonName != "" {
		return c.Issuer.CommonName
	}
	return c.Issuer.String()
}

func invalid(field, format string, args ...any) federation.Invalid {
	return federation.Invalid{{Path: field, Text: fmt.Sprintf(format, args...)}}
}
