package certs

import (
	"crypto/x509"
	"fmt"
	"slices"
	"strings"
	"time"

	"isthmus/internal/federation"
)

// A Trusted is one CA of an upload to the trust store, and what storing it does.
type Trusted struct {
	Certificate federation.Certificate
	Known       bool   // it is trusted already
	Described   bool   // it is, and takes another description
	Remark      string // what is doubtful about it, whole sentences; "" when nothing is
}

// TrustFor takes the CAs of an upload: ImportTrust's rules, beside what is known about each. known are the stored
// certificates.
func TrustFor(known []federation.Certificate, now time.Time, u Upload) ([]Trusted, error) {
	list, err := ImportTrust(now, u.File)
	if err != nil {
		return nil, err
	}
	all := make([]Trusted, len(list))
	for i, ca := range list {
		ca.Description = u.Description
		all[i] = trustedAs(known, now, ca)
	}
	return all, nil
}

func trustedAs(known []federation.Certificate, now time.Time, ca federation.Certificate) Trusted {
	t := Trusted{Certificate: ca}
	if i := slices.IndexFunc(known, func(c federation.Certificate) bool {
		return c.Purpose == federation.PurposeTrust && c.Fingerprint == ca.Fingerprint
	}); i >= 0 {
		t.Known, t.Described = true, ca.Description != "" && ca.Description != known[i].Description
		return t
	}
	t.Remark = strings.Join(remarks(known, now, ca), " ")
	return t
}

// remarks are whole sentences about a CA that is new here.
func remarks(known []federation.Certificate, now time.Time, ca federation.Certificate) []string {
	var list []string
	if i := slices.IndexFunc(known, func(c federation.Certificate) bool {
		return c.Purpose == federation.PurposeTrust && c.Subject == ca.Subject
	}); i >= 0 {
		list = append(list, fmt.Sprintf("Another CA called %q, with the fingerprint %s, is trusted already. A CA that was renewed has a new fingerprint under its old name, and so has one that only takes that name: ask its administrator for the fingerprint.",
			ca.Subject, known[i].Fingerprint))
	}
	if now.Before(ca.NotBefore) {
		list = append(list, fmt.Sprintf("%q is valid from %s on only, so nothing that it signed is accepted before; check this machine's clock.", ca.Subject, day(ca.NotBefore)))
	}
	if chain, err := Chain(ca); err == nil && isRoot(chain[0]) && signedSafely(chain[0]) && !signedItself(chain[0]) {
		list = append(list, fmt.Sprintf("%q names itself as its issuer, but its own key did not sign it: it was altered, or another key of that name vouches for it. Ask its administrator for the fingerprint.", ca.Subject))
	}
	return list
}

func signedItself(c *x509.Certificate) bool {
	return c.CheckSignature(c.SignatureAlgorithm, c.RawTBSCertificate, c.Signature) == nil
}
