package certs

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"slices"

	"isthmus/internal/federation"
)

// keyUsageProblems refuse a key that may not sign: a server signs its part of an ECDHE key exchange and a client always
// signs (RFC 5246 section 7.4, RFC 8446 section 4.4.2.2), and a node is both. Without the extension nothing is limited.
func keyUsageProblems(c *x509.Certificate) federation.Invalid {
	if !has(c, oidKeyUsage) || c.KeyUsage&x509.KeyUsageDigitalSignature != 0 {
		return nil
	}
	return invalid("file", "This certificate lacks the key usage digital signature, without which it is of no use in a TLS handshake; have it reissued with digital signature, and with key encipherment too where the key is RSA.")
}

func has(c *x509.Certificate, id asn1.ObjectIdentifier) bool {
	return slices.ContainsFunc(c.Extensions, func(e pkix.Extension) bool { return e.Id.Equal(id) })
}
