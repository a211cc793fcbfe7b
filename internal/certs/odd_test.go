package certs

import (
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"isthmus/internal/federation"
)

// dated is a certificate with the dates in GeneralizedTime as they are written here, which crypto/x509 reads and does not
// write. k is the key of who signed it.
func dated(t testing.TB, c *x509.Certificate, k crypto.Signer, from, until string) *x509.Certificate {
	t.Helper()
	var parts []asn1.RawValue
	if _, err := asn1.Unmarshal(c.RawTBSCertificate, &parts); err != nil {
		t.Fatal(err)
	}
	var tbs [][]byte
	for i, part := range parts {
		if i == 4 { // validity: RFC 5280 section 4.1
			part.FullBytes = sequence(t, der(t, asn1.ClassUniversal, asn1.TagGeneralizedTime, false, []byte(from)),
				der(t, asn1.ClassUniversal, asn1.TagGeneralizedTime, false, []byte(until)))
		}
		tbs = append(tbs, part.FullBytes)
	}
	signed := sequence(t, tbs...)
	sum := sha256.Sum256(signed)
	signature, err := k.Sign(rand.Reader, sum[:], crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	algorithm := sequence(t, oid(t, 1, 2, 840, 10045, 4, 3, 2)) // ecdsa-with-SHA256
	bits, err := asn1.Marshal(asn1.BitString{Bytes: signature, BitLength: 8 * len(signature)})
	if err != nil {
		t.Fatal(err)
	}
	again, err := x509.ParseCertificate(sequence(t, signed, algorithm, bits))
	if err != nil {
		t.Fatal(err)
	}
	return again
}

const (
	today      = "20261101000000Z"
	noEnd      = "99991231235959Z"
	beyondAll  = "99991231235959-0100"
	beforeTime = "00000101000000+0100"
)

func TestACertificateWithDatesThatNobodyCanMeanIsRefused(t *testing.T) {
	k, ca := testKey(t), newAuthority(t, "Root")
	for promise, c := range map[string]struct {
		from, until string
		taken       bool
	}{
		"without an end":               {today, noEnd, true},
		"an end beyond the year 9999":  {today, beyondAll, false},
		"a beginning before the first": {beforeTime, noEnd, false},
	} {
		t.Run(promise, func(t *testing.T) {
			_, refused := ImportTrust(now, pemOf(dated(t, ca.certificate, ca.key, c.from, c.until)))
			leaf, private := ca.issue(t, node)
			_, own := ImportOwn(k, node, now, pemOf(dated(t, leaf, ca.key, c.from, c.until), private), nil)
			for _, err := range []error{refused, own} {
				if c.taken != (err == nil) || err != nil && !strings.Contains(err.Error(), "that nobody can mean; have it issued again") {
					t.Errorf("the error is %v", err)
				}
			}
		})
	}
}

func TestACertificateWithANULInItsNamesIsRefused(t *testing.T) {
	k, ca := testKey(t), newAuthority(t, "Root")
	if _, err := ImportTrust(now, pemOf(newAuthority(t, "Ro\x00ot").certificate)); err == nil || !strings.Contains(err.Error(), `file: "Ro\x00ot" holds the character NUL`) {
		t.Errorf("as a CA: %v", err)
	}
	below := newAuthority(t, "Root", func(c *x509.Certificate) { c.Subject = pkix.Name{CommonName: "Ro\x00ot"} })
	for promise, by := range map[string]authority{"its subject": ca, "its issuer": below} {
		leaf, private := by.issue(t, node, dnsNames(node), func(c *x509.Certificate) {
			if by.key == ca.key {
				c.Subject.CommonName = "im\x00p1"
			}
		})
		if _, err := ImportOwn(k, node, now, pemOf(leaf, private), nil); err == nil || !strings.Contains(err.Error(), "holds the character NUL") {
			t.Errorf("as a node's, in %s: %v", promise, err)
		}
	}
}

func TestAnyDatesCanBeListed(t *testing.T) {
	ca := newAuthority(t, "Root")
	d := Describe(dated(t, ca.certificate, ca.key, beforeTime, beyondAll))
	if _, err := json.Marshal(d); err != nil {
		t.Error(err)
	}
	if last := time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC); !d.NotBefore.IsZero() || !d.NotAfter.Equal(last) {
		t.Errorf("from %v until %v", d.NotBefore, d.NotAfter)
	}
	entry := stored(federation.PurposeTrust, []*x509.Certificate{dated(t, ca.certificate, ca.key, beforeTime, beyondAll)})
	if _, err := json.Marshal(entry); err != nil || !entry.NotBefore.Equal(d.NotBefore) || !entry.NotAfter.Equal(d.NotAfter) {
		t.Errorf("stored from %v until %v, %v", entry.NotBefore, entry.NotAfter, err)
	}
}
