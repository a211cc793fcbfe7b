package certs

import (
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"slices"
	"time"

	"isthmus/internal/federation"
)

// ImportTrust checks a file of CA certificates, PEM, DER or PKCS #7, one or a whole chain, and returns each by itself. All or
// none: the error is federation.Invalid with a sentence per certificate and broken rule, under the field "file".
func ImportTrust(now time.Time, file []byte) ([]federation.Certificate, error) {
	b, problems := parseBundle("file", file)
	switch {
	case len(b.keys) > 0 || len(file) <= MaxUpload && (HoldsKey(file) || isSealedKey(file)): // one that cannot be read is a key too
		problems = invalid("file", "This file holds a private key, which must never leave its owner; upload the CA's certificate alone.")
	case len(problems) > 0:
	case len(b.certificates) == 0:
		problems = invalid("file", "This file holds no certificate; choose the file with the CA's certificate.")
	}
	for _, c := range b.certificates {
		problems = append(problems, trustProblems(c, now)...)
	}
	if err := problems.Err(); err != nil {
		return nil, err
	}
	return eachOnce(b.certificates), nil
}

func eachOnce(chain []*x509.Certificate) []federation.Certificate {
	var list []federation.Certificate
	for _, c := range chain {
		entry := stored(federation.PurposeTrust, []*x509.Certificate{c})
		if !slices.ContainsFunc(list, func(f federation.Certificate) bool { return f.Fingerprint == entry.Fingerprint }) {
			list = append(list, entry)
		}
	}
	return list
}

func trustProblems(c *x509.Certificate, now time.Time) federation.Invalid {
	var list federation.Invalid
	switch {
	case signsCertificates(c):
	case isRoot(c):
		list = append(list, invalid("file", "%q signed its certificate itself, and is not allowed to sign others as a CA is; have a certificate issued by a CA for that server, and upload that CA's here.", title(c))...)
	default:
		list = append(list, invalid("file", "%q is the certificate of a server, not of a CA; upload the certificate of the CA that issued it, %q.", title(c), issuer(c))...)
	}
	if never := neverValid(c); len(never) > 0 {
		list = append(list, never...)
	} else if now.After(c.NotAfter) {
		list = append(list, invalid("file", "The certificate of %q expired on %s; upload the CA's current one.", title(c), day(c.NotAfter))...)
	}
	// A root's own signature proves nothing and refuses nothing, so an old root with SHA-1 is as good as any.
	if !isRoot(c) && !signedSafely(c) {
		list = append(list, invalid("file", "The certificate of %q is signed with %s, which cannot be verified any more; have it reissued with SHA-256.", title(c), signatureOf(c))...)
	}
	list = append(list, oddProblems(c)...)
	return append(list, strengthProblems(c)...)
}

func signsCertificates(c *x509.Certificate) bool {
	return c.BasicConstraintsValid && c.IsCA && (c.KeyUsage == 0 || c.KeyUsage&x509.KeyUsageCertSign != 0)
}

func isRoot(c *x509.Certificate) bool { return string(c.RawIssuer) == string(c.RawSubject) }

// signedSafely reports whether crypto/x509 verifies the signature's algorithm.
func signedSafely(c *x509.Certificate) bool {
	switch c.SignatureAlgorithm {
	case x509.UnknownSignatureAlgorithm, x509.MD2WithRSA, x509.MD5WithRSA, x509.SHA1WithRSA, x509.DSAWithSHA1, x509.DSAWithSHA256, x509.ECDSAWithSHA1:
		return false
	}
	return true
}

// neverValid tells of dates in the wrong order.
func neverValid(c *x509.Certificate) federation.Invalid {
	if !c.NotAfter.Before(c.NotBefore) {
		return nil
	}
	return invalid("file", "The certificate of %q is valid from %s until %s: it ends before it begins, so it is never valid; have it issued again.", title(c), day(c.NotBefore), day(c.NotAfter))
}

func dateProblems(c *x509.Certificate, now time.Time) federation.Invalid {
	if never := neverValid(c); len(never) > 0 {
		return never
	}
	if now.After(c.NotAfter) {
		return invalid("file", "The certificate of %q expired on %s; renew it.", title(c), day(c.NotAfter))
	}
	if now.Before(c.NotBefore) {
		return invalid("file", "The certificate of %q is valid from %s on only; check this machine's clock.", title(c), day(c.NotBefore))
	}
	return nil
}

// strengthProblems holds the sizes below which keys are broken, and the kinds that Microsoft's servers take.
func strengthProblems(c *x509.Certificate) federation.Invalid {
	switch k := c.PublicKey.(type) {
	case *rsa.PublicKey:
		if k.N.BitLen() < 2048 {
			return invalid("file", "The key of %q has %d bits, which is too short; request an RSA key of 2048 bits or more.", title(c), k.N.BitLen())
		}
	case *ecdsa.PublicKey:
		if k.Curve.Params().BitSize < 256 {
			return invalid("file", "The key of %q lies on the curve %s, which is too short; request P-256 or an RSA key of 2048 bits.", title(c), k.Curve.Params().Name)
		}
	default:
		return invalid("file", "The key of %q is neither RSA nor ECDSA; request an RSA key of 2048 bits or more.", title(c))
	}
	return nil
}

func day(t time.Time) string { return t.UTC().Format("2006-01-02") }

// TrustStore is the pool of every trusted CA, intermediates too. It is never nil: with an empty store nobody is trusted,
// where a nil pool would mean the system's CAs.
func TrustStore(list []federation.Certificate) *x509.CertPool { return poolOf(authorities(list)) }

// authorities are the trusted CAs among the stored certificates.
func authorities(list []federation.Certificate) []*x509.Certificate {
	var found []*x509.Certificate
	for _, entry := range list {
		if entry.Purpose != federation.PurposeTrust {
			continue
		}
		// A row that cannot be read trusts nobody; the import let no such row in.
		if chain, err := Chain(entry); err == nil {
			found = append(found, chain...)
		}
	}
	return found
}

// Issuers are who signed whom, by name, as far as the stored certificates say. A name proves nothing, so they are for
// advice, never for a verdict.
type Issuers map[string]string

// IssuersIn reads them from the trusted CAs and from the chains of nodes' own certificates.
func IssuersIn(stored []federation.Certificate) Issuers {
	above := Issuers{}
	for _, entry := range stored {
		chain, err := Chain(entry)
		if err != nil {
			continue
		}
		for _, c := range chain {
			name := federation.Legible(title(c)) // as stored certificates and those of peers have it
			if above[name] == "" || isRoot(c) {  // of a cross-signed CA, the root itself goes before
				above[name] = federation.Legible(issuer(c))
			}
		}
	}
	return above
}

// Above is a CA and those over it, nearest first. whole reports whether the last one is a root.
func (i Issuers) Above(ca string) (names []string, whole bool) {
	for range len(i) + 1 { // names may lead round in a circle
		names = append(names, ca)
		up, known := i[ca]
		if !known || up == ca {
			return names, known
		}
		ca = up
	}
	return names, false
}
