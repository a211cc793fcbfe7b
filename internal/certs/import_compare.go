package certs

import (
	"crypto/x509"
	"fmt"
	"slices"
	"strings"
	"time"

	"isthmus/internal/federation"
)

// Loses reports whether a certificate takes the place of one that somebody imported: that one, and its key, are gone then.
// What a node made for itself is of use to nobody.
func (i Imported) Loses() bool {
	return i.Replaces != nil && !i.Replaces.SelfSigned && i.Replaces.Fingerprint != i.Certificate.Fingerprint
}

// Over is the fingerprint of the certificate whose place it takes, "" when the node has none.
func (i Imported) Over() string {
	if i.Replaces == nil {
		return ""
	}
	return i.Replaces.Fingerprint
}

// comparison says in which respects a certificate is less than the one whose place it takes, in whole sentences.
func (i Imported) comparison() []string {
	if !i.Loses() {
		return nil
	}
	old, err := Chain(*i.Replaces)
	if err != nil {
		return nil // it cannot be read, so that any other is better
	}
	chain, err := Chain(i.Certificate)
	if err != nil {
		return []string{err.Error()}
	}
	return lesser(old[0], chain[0])
}

func lesser(old, new *x509.Certificate) []string {
	var list []string
	if new.NotAfter.Before(old.NotAfter) {
		list = append(list, fmt.Sprintf("The new certificate ends on %s, sooner than the one in use, which ends on %s.", moment(new.NotAfter), moment(old.NotAfter)))
	}
	if string(new.RawIssuer) != string(old.RawIssuer) && !isRoot(new) { // of one that signed itself more is told elsewhere
		list = append(list, fmt.Sprintf("Another CA issued it: %q, where the one in use comes from %q. Peers that trust only that one refuse it.", issuer(new), issuer(old)))
	}
	var lost []string
	for _, name := range append([]string{old.Subject.CommonName}, old.DNSNames...) {
		if name != "" && !Names(new, name) && !slices.Contains(lost, name) {
			lost = append(lost, name)
		}
	}
	if len(lost) > 0 {
		list = append(list, fmt.Sprintf("It lacks names of the one in use, so peers that know the node by them refuse it: %s.", fewOf(lost)))
	}
	return list
}

func moment(t time.Time) string { return t.UTC().Format("2006-01-02, 15:04:05 UTC") }

// fewNames are told by name: a certificate may hold thousands.
const fewNames = 10

func fewOf(names []string) string {
	var list []string
	for _, name := range names[:min(len(names), fewNames)] {
		list = append(list, clip(federation.Legible(name)))
	}
	text := strings.Join(list, ", ")
	if more := len(names) - fewNames; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}
