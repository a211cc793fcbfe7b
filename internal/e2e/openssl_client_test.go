//go:build e2e

package e2e

import (
	"slices"
	"strconv"
	"testing"

	"isthmus/internal/siptest"
)

// opensslVersions are the options for one version each, and what is printed of it. Debian's OpenSSL speaks the old ones at
// its lowest security level only.
var opensslVersions = map[string]struct {
	options []string
	printed string
}{
	"1.0": {[]string{"-tls1", "-cipher", "DEFAULT@SECLEVEL=0"}, "Protocol  : TLSv1\n"},
	"1.1": {[]string{"-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0"}, "Protocol  : TLSv1.1\n"},
	"1.2": {[]string{"-tls1_2"}, "Protocol  : TLSv1.2\n"},
	"1.3": {[]string{"-tls1_3"}, "New, TLSv1.3, Cipher is"},
}

// refusal is a peer that is not let in. crypto/tls says "bad certificate" of whatever a certificate is refused for, so
// that the reason is to be read at the node.
type refusal struct {
	promise        string
	shows          []string
	alert, alert13 string
	words          []string // of its row among the refused handshakes
}

func (w *world) refusals(t *testing.T) []refusal {
	const badCertificate, handshakeFailure, certificateRequired = "42", "40", "116"
	return []refusal{
		{"a name that is not listed", w.shows(t, w.ca.Leaf("fe9.synergy.com")), badCertificate, badCertificate,
			[]string{"TLS peer subject not listed", "fe9.synergy.com", "from a trusted CA", "/tls-peer-subjects/new?name=fe9.synergy.com"}},
		{"another CA", w.shows(t, siptest.NewAuthority("Other CA").Leaf("fe1.synergy.com")), badCertificate, badCertificate,
			[]string{"TLS peer certificate is from an unknown CA", "Other CA", "unverified claim"}},
		{"expired", w.shows(t, w.ca.Expired("fe1.synergy.com")), badCertificate, badCertificate,
			[]string{"TLS peer certificate expired", "fe1.synergy.com"}},
		{"no certificate", nil, handshakeFailure, certificateRequired, []string{"TLS peer showed no certificate"}},
	}
}

func TestOpenSSLIsLetInWithAListedCertificateAndRefusedWithoutInEveryVersion(t *testing.T) {
	t.Parallel()
	w, _ := running(t)
	anna, refusals := w.node.signsIn("anna"), w.refusals(t)
	w.speaks(t, refusals, "1.2", "1.3")
	for i, version := range []string{"1.0", "1.1"} {
		from := strconv.Itoa(101 + i)
		w.sClient(t, from, "5061", slices.Concat(opensslVersions[version].options, w.shows(t, w.ca.Leaf("fe1.synergy.com")))...).isRefused("70")
		anna.shows(w.net+from, "No TLS version or cipher in common", "offers TLS "+version, "/tls-contexts/")
	}
	w.applied(t, w.peerContext("1.0"))
	w.speaks(t, refusals, "1.0", "1.1", "1.2", "1.3")
}

// speaks tries each certificate in each version, from an address for each, which its row is found by.
func (w *world) speaks(t *testing.T, refusals []refusal, versions ...string) {
	t.Helper()
	good, anna := w.shows(t, w.ca.Leaf("fe1.synergy.com")), w.node.signsIn(siptest.Unique("anna"))
	rows := map[string][]string{}
	for _, version := range versions {
		t.Run("TLS "+version, func(t *testing.T) {
			c := w.sClient(t, fe1Host, "5061", slices.Concat(opensslVersions[version].options, good)...)
			c.asks()
			c.prints(opensslVersions[version].printed)
		})
		for _, r := range refusals {
			t.Run("TLS "+version+", "+r.promise, func(t *testing.T) {
				from, alert := strconv.Itoa(111+len(rows)), r.alert
				if version == "1.3" {
					alert = r.alert13
				}
				w.sClient(t, from, "5061", slices.Concat(opensslVersions[version].options, r.shows)...).isRefused(alert)
				rows[w.net+from] = r.words
			})
		}
	}
	for address, words := range rows {
		anna.shows(append(words, address)...)
	}
}

// OpenSSL says in TLS 1.3 what it refuses before it has keys, so in clear.
func TestAnOpenSSLClientThatDoesNotTrustTheNodeIsToldAsSuchInEveryVersion(t *testing.T) {
	t.Parallel()
	w, _ := running(t)
	w.applied(t, w.peerContext("1.0"))
	anna, other := w.node.signsIn("anna"), w.file(t, "other.pem", siptest.NewAuthority("Other CA").PEM())
	for i, version := range []string{"1.0", "1.1", "1.2", "1.3"} {
		for j, port := range []string{peerAuthPort, serverAuthPort} {
			if port == serverAuthPort && version < "1.2" {
				continue // its context is the default one
			}
			from := strconv.Itoa(131 + 2*i + j)
			c := w.sClient(t, from, port, slices.Concat(opensslVersions[version].options, w.shows(t, w.ca.Leaf("fe1.synergy.com")), []string{"-CAfile", other})...)
			c.ends()
			anna.shows(w.net+from, "TLS peer refused our certificate", "does not trust the CA of this node's certificate", `href="/certificates"`)
		}
	}
}
