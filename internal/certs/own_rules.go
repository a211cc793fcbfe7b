package certs

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"net/url"
	"slices"
	"strings"

	"isthmus/internal/federation"
)

var oidSubjectAltName = asn1.ObjectIdentifier{2, 5, 29, 17}

// roleProblems refuse what is made for another task than a handshake. Both extensions may be absent, which limits nothing.
func roleProblems(c *x509.Certificate) federation.Invalid {
	var list federation.Invalid
	if c.BasicConstraintsValid && c.IsCA {
		list = append(list, invalid("file", "This certificate is that of a CA (CA:TRUE in its basic constraints), and whoever has a node's key could sign others with it; request one for the node itself, with CA:FALSE.")...)
	}
	// A server signs its part of an ECDHE key exchange and a client always signs (RFC 5246 section 7.4, RFC 8446 section
	// 4.4.2.2), and a node is both.
	if has(c, oidKeyUsage) && c.KeyUsage&x509.KeyUsageDigitalSignature == 0 {
		list = append(list, invalid("file", "This certificate lacks the key usage digital signature, without which it is of no use in a TLS handshake; have it reissued with digital signature, and with key encipherment too where the key is RSA.")...)
	}
	return list
}

// unseenName refuses a name that is the Common Name alone where there are subject alternative names: beside them a Common
// Name counts for nothing (RFC 5922 section 7.1, RFC 6125 section 6.4.4). Without any it is what peers look at.
func unseenName(c *x509.Certificate, host string) federation.Invalid {
	sameHost := func(name string) bool { return strings.EqualFold(name, host) }
	if !has(c, oidSubjectAltName) || slices.ContainsFunc(c.DNSNames, sameHost) ||
		slices.ContainsFunc(c.URIs, func(u *url.URL) bool { return u.Scheme == "sip" && sameHost(u.Opaque) }) {
		return nil
	}
	return invalid("file", "The subject alternative names of this certificate lack %q, and beside such names peers do not look at the Common Name; have it reissued with that name among them.", host)
}

func has(c *x509.Certificate, id asn1.ObjectIdentifier) bool {
	return slices.ContainsFunc(c.Extensions, func(e pkix.Extension) bool { return e.Id.Equal(id) })
}
