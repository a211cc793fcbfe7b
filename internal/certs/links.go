package certs

import (
	"crypto/x509"
	"slices"
	"strings"
	"time"

	"isthmus/internal/federation"
)

// links are what stands above a certificate: as its file had it, and as the trust store completes it.
type links struct {
	leaf    *x509.Certificate
	file    []*x509.Certificate // all that the file holds
	trusted []*x509.Certificate
	chain   []*x509.Certificate // leaf first, as far up as both together reach
}

func newLinks(file []*x509.Certificate, leaf int, stored []federation.Certificate) links {
	l := links{leaf: file[leaf], file: file, trusted: authorities(stored)}
	// A trusted one goes first: with a cross-signed CA, the way that ends in the trust store is the one to take.
	all := []*x509.Certificate{l.leaf}
	for _, c := range slices.Concat(l.trusted, file) {
		if !contains(all, c) {
			all = append(all, c)
		}
	}
	l.chain = inOrder(all, 0)
	return l
}

func contains(list []*x509.Certificate, c *x509.Certificate) bool {
	return slices.ContainsFunc(list, c.Equal)
}

// shown is the chain to send to peers: those who know only the root need every link below it. A root that the file did
// not hold is left out, for a peer that does not have it would not trust it either (RFC 8446 4.4.2).
func (l links) shown() []*x509.Certificate {
	return slices.DeleteFunc(slices.Clone(l.chain), func(c *x509.Certificate) bool {
		return isRoot(c) && !contains(l.file, c)
	})
}

// problems says why the certificate does not chain to a trusted CA. What is wrong with the leaf by itself is told
// elsewhere, so that one fault is one sentence.
func (l links) problems(now time.Time) federation.Invalid {
	var list federation.Invalid
	for _, c := range l.chain[1:] {
		list = append(list, l.above(c, now)...)
	}
	if top := l.chain[len(l.chain)-1]; !isRoot(top) && !signedSafely(top) { // nobody can say who signed it
		return list
	}
	err := l.verify(now)
	if !slices.ContainsFunc(l.chain, func(c *x509.Certificate) bool { return contains(l.trusted, c) }) {
		return append(list, l.missing(err)...)
	}
	if err == nil || len(list) > 0 || len(dateProblems(l.leaf, now)) > 0 {
		return list
	}
	return l.unverified(err)
}

// above are the rules for a CA over a node's certificate.
func (l links) above(c *x509.Certificate, now time.Time) federation.Invalid {
	list := dateProblems(c, now)
	if !isRoot(c) && !signedSafely(c) {
		list = append(list, invalid("file", "The certificate of the CA %q is signed with %s, which cannot be verified any more; have it reissued with SHA-256.", title(c), signatureOf(c))...)
	}
	for _, u := range []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth} {
		if allows(l.leaf, u) && !allows(c, u) {
			list = append(list, invalid("file", "The CA %q may not issue certificates for %s; have the request signed by another CA.", title(c), usageName[u])...)
		}
	}
	return list
}

func (l links) verify(now time.Time) error {
	_, err := l.leaf.Verify(x509.VerifyOptions{
		Roots: poolOf(l.trusted), Intermediates: poolOf(l.file), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}, CurrentTime: now,
	})
	return err
}

// missing names the link that the trust store lacks.
func (l links) missing(err error) federation.Invalid {
	top := l.chain[len(l.chain)-1]
	if isRoot(top) && !signsCertificates(top) { // the leaf: nothing was issued by it
		return invalid("file", "The certificate of %q is signed by itself, so no peer trusts it; request one from the CA that your Microsoft servers use.", title(top))
	}
	if isRoot(top) {
		return invalid("file", "The root CA %q is not among the trusted CAs; upload its certificate first, as trusted, and this one after it.", title(top))
	}
	return invalid("file", "The issuer %q of %q is not among the trusted CAs; upload its certificate first, as trusted, the root before those below it.%s",
		issuer(top), title(top), hint(err))
}

// unverified passes on what crypto/x509 found in a chain that is whole, such as a broken path length.
func (l links) unverified(err error) federation.Invalid {
	var names []string
	for _, c := range l.chain {
		names = append(names, title(c))
	}
	return invalid("file", "The chain of %s cannot be verified (%v); have the certificate reissued.", strings.Join(names, ", "), err)
}

func poolOf(list []*x509.Certificate) *x509.CertPool {
	pool := x509.NewCertPool()
	for _, c := range list {
		pool.AddCert(c)
	}
	return pool
}
