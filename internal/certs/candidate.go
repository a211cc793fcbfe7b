package certs

import (
	"crypto/x509"
	"fmt"
	"slices"
	"time"
	"unicode"
	"unicode/utf8"

	"isthmus/internal/federation"
)

// A Candidate is the certificate of a peer whose subject somebody may want to list, and what this node makes of it.
type Candidate struct {
	Chain      []Description // leaf first, as far as it was shown
	Subject    string        // its one Common Name in lower case, "" when Unlistable says why there is none
	Unlistable string
	Untrusted  string // why the chain is not valid here: then the subject is nothing but a claim; "": it is valid
	AsServer   string // why it is refused of a next hop, even when its subject is listed; "": it is not
	AsClient   string // the same of a peer that connects to a listener
	dnsNames   []string
}

// Offered reports whether the subject may be offered for listing: it is one name, and somebody trusted vouches for it.
func (c Candidate) Offered() bool { return c.Unlistable == "" && c.Untrusted == "" }

// Judge says what a node with this configuration makes of a chain, leaf first, that a peer shows. Its sentences are whole.
func Judge(s federation.Snapshot, now time.Time, chain []*x509.Certificate) Candidate {
	c := Candidate{dnsNames: chain[0].DNSNames}
	for _, link := range chain {
		c.Chain = append(c.Chain, Describe(link))
	}
	c.Subject, c.Unlistable = listable(chain[0])
	trusted := authorities(s.Certificates)
	pool := poolOf(trusted)
	refusal := func(u x509.ExtKeyUsage) string {
		v := verifier{trusted: pool, authorities: trusted, usage: u, now: func() time.Time { return now }, named: func(*x509.Certificate) *PeerError { return nil }}
		_, err := v.chain(chain)
		return sentence(err, "")
	}
	if c.Untrusted = refusal(x509.ExtKeyUsageAny); c.Untrusted == "" {
		c.AsServer, c.AsClient = refusal(x509.ExtKeyUsageServerAuth), refusal(x509.ExtKeyUsageClientAuth)
	}
	return c
}

// sentence is a refusal by itself, "" for none. context is as in Explain.
func sentence(err error, context string) string {
	if err == nil {
		return ""
	}
	return capital(Explain(err, false, context).Detail)
}

// listable is the name by which a certificate can be listed, by the rules of peer subjects.
func listable(leaf *x509.Certificate) (subject, problem string) {
	name, refused := subjectOf(leaf)
	if refused != nil {
		return "", capital(refused.Detail)
	}
	if problem := unlistable(name); problem != "" {
		return "", fmt.Sprintf("The Common Name %q cannot be listed. %s", clip(name), problem)
	}
	return name, ""
}

// unlistable says why no peer subject can have a name, "" when one can.
func unlistable(name string) string {
	listed := federation.TLSPeerSubject{Name: name}
	listed.Normalize()
	if problems := listed.Problems(); len(problems) > 0 {
		return problems[0].Text
	}
	if listed.Name != name {
		return fmt.Sprintf("It would be listed as %q, which is another name.", clip(listed.Name))
	}
	return ""
}

// ReadCandidate reads the certificate of a peer, PEM, DER or PKCS #7, alone or with its issuers in any order, and judges
// it. The error is federation.Invalid under the field "file".
func ReadCandidate(s federation.Snapshot, now time.Time, file []byte) (Candidate, error) {
	b, problems := parseBundle("file", file)
	switch {
	case len(b.keys) > 0 || HoldsKey(file) && len(file) <= MaxUpload:
		problems = invalid("file", "This holds a private key, which must never leave its owner; show the certificate alone.")
	case len(problems) > 0:
	case len(b.certificates) == 0:
		problems = invalid("file", "This holds no certificate; show that of the peer.")
	}
	if err := problems.Err(); err != nil {
		return Candidate{}, err
	}
	chain, problems := oneChain(b.certificates)
	if err := problems.Err(); err != nil {
		return Candidate{}, err
	}
	return Judge(s, now, chain), nil
}

// oneChain orders certificates from the one that vouches for no other up. Any that stand apart are too many.
func oneChain(list []*x509.Certificate) ([]*x509.Certificate, federation.Invalid) {
	var once []*x509.Certificate
	for _, c := range list {
		if !contains(once, c) {
			once = append(once, c)
		}
	}
	leaves := slices.DeleteFunc(slices.Clone(once), func(c *x509.Certificate) bool { return vouches(c, once) })
	if len(leaves) == 0 {
		leaves = once[:1] // they vouch for each other, which only CAs can
	}
	switch leaf := leaves[0]; {
	case len(leaves) > 1:
		return nil, invalid("file", "This holds the certificates of %q and %q, which are no chain; show one at a time.", clip(title(leaf)), clip(title(leaves[1])))
	case signsCertificates(leaf):
		return nil, invalid("file", "%q is the certificate of a CA, which no peer presents; upload it as trusted under Certificates, and show the server's own here.", clip(title(leaf)))
	default:
		return inOrder(once, slices.Index(once, leaf)), nil
	}
}

// vouches reports whether a certificate issued another of the list.
func vouches(c *x509.Certificate, list []*x509.Certificate) bool {
	return slices.ContainsFunc(list, func(other *x509.Certificate) bool {
		return other != c && string(other.RawIssuer) == string(c.RawSubject) && other.CheckSignatureFrom(c) == nil
	})
}

// capital begins a sentence that was meant to follow a colon.
func capital(s string) string {
	first, size := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(first)) + s[size:]
}
