package certs

import (
	"crypto/x509"
	"slices"
	"strings"

	"isthmus/internal/federation"
)

// oddProblems are what crypto/x509 reads and neither a database nor JSON holds. An offset from UTC reaches years beyond the
// four digits that RFC 5280 section 4.1.2.5 has for them.
func oddProblems(c *x509.Certificate) federation.Invalid {
	var list federation.Invalid
	for _, name := range slices.Compact([]string{title(c), issuer(c)}) { // a root has one
		if strings.ContainsRune(name, 0) {
			list = append(list, invalid("file", "%q holds the character NUL, with which a name means one thing here and another there; have the certificate issued again without it.", clip(name))...)
		}
	}
	if federation.TameDate(c.NotBefore) != c.NotBefore.UTC() || federation.TameDate(c.NotAfter) != c.NotAfter.UTC() {
		list = append(list, invalid("file", "The certificate of %q has dates that nobody can mean; have it issued again with years between 1 and 9999.", clip(title(c)))...)
	}
	return list
}
