package certs

import (
	"bytes"
	"crypto/x509"
	"encoding/asn1"
	"strings"
	"testing"
	"time"
)

func TestACertificateThatIsValidNeverIsRefusedForThatAlone(t *testing.T) {
	k, ca := testKey(t), newAuthority(t, "Root")
	const day = 24 * time.Hour
	for promise, dates := range map[string]func(*x509.Certificate){
		"not yet, then not any more": valid(800*day, 100*day), "long ago": valid(-100*day, -800*day), "in between": valid(100*day, -100*day),
	} {
		_, trusted := TrustFor(nil, now, Upload{File: pemOf(newAuthority(t, "Later", dates).certificate)})
		leaf, private := ca.issue(t, node, dates)
		_, own := ImportOwn(k, node, now, pemOf(leaf, private), nil)
		for _, err := range []error{trusted, own} {
			if err == nil || !strings.Contains(err.Error(), "ends before it begins, so it is never valid; have it issued again") ||
				strings.Contains(err.Error(), "clock") || strings.Contains(err.Error(), "expired") {
				t.Errorf("%s: %v", promise, err)
			}
		}
	}
}

// resealed is a certificate with another signature.
func resealed(t *testing.T, c *x509.Certificate, edit func(signature []byte)) *x509.Certificate {
	t.Helper()
	raw := bytes.Clone(c.Raw)
	edit(raw[len(raw)-len(c.Signature):])
	again, err := x509.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	return again
}

func TestARootThatItsOwnKeyDidNotSignIsTakenWithAWarning(t *testing.T) {
	old, root := newAuthority(t, "Root"), newAuthority(t, "Root")
	renewed := sign(t, root.certificate, old.certificate, root.key.Public(), old.key) // the new key, vouched for by the old one
	sha1 := newAuthority(t, "Old root", signedWith(x509.ECDSAWithSHA1)).certificate
	for promise, c := range map[string]struct {
		ca   *x509.Certificate
		warn bool
	}{
		"by its own key":          {root.certificate, false},
		"by another key":          {renewed, true},
		"by no key":               {resealed(t, root.certificate, func(s []byte) { s[len(s)-1] ^= 1 }), true},
		"in a way not verified":   {sha1, false},
		"an intermediate's issue": {root.below(t, "Issuing").certificate, false},
	} {
		list, err := TrustFor(nil, now, Upload{File: pemOf(c.ca)})
		if err != nil || len(list) != 1 {
			t.Fatalf("%s: %v", promise, err)
		}
		if warned := strings.Contains(list[0].Remark, "its own key did not sign it"); warned != c.warn || !c.warn && list[0].Remark != "" {
			t.Errorf("%s: %q", promise, list[0].Remark)
		}
	}
	later := sign(t, newAuthority(t, "Root", valid(time.Hour, 2*time.Hour)).certificate, old.certificate, root.key.Public(), old.key)
	list, err := TrustFor(trusts(t, old), now, Upload{File: pemOf(later)})
	if err != nil || len(list) != 1 {
		t.Fatal(err)
	}
	for _, want := range []string{"Another CA called", "valid from", "did not sign it"} {
		if !strings.Contains(list[0].Remark, want) {
			t.Errorf("of all that is doubtful %q is not told: %q", want, list[0].Remark)
		}
	}
}

func TestASignatureOfUnknownKindIsNamedByItsIdentifier(t *testing.T) {
	ca := newAuthority(t, "Root").certificate
	pss := oid(t, 1, 2, 840, 113549, 1, 1, 10)
	swapped := func(algorithm []byte) *x509.Certificate {
		var parts, tbs []asn1.RawValue
		for raw, into := range map[*[]byte]*[]asn1.RawValue{&ca.Raw: &parts, &ca.RawTBSCertificate: &tbs} {
			if _, err := asn1.Unmarshal(*raw, into); err != nil {
				t.Fatal(err)
			}
		}
		var body [][]byte
		for i, part := range tbs {
			if i == 2 { // signature: RFC 5280 section 4.1
				part.FullBytes = algorithm
			}
			body = append(body, part.FullBytes)
		}
		c, err := x509.ParseCertificate(sequence(t, sequence(t, body...), algorithm, parts[2].FullBytes))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	for want, c := range map[string]*x509.Certificate{
		"ECDSA-SHA256": ca,
		"RSA-PSS of another kind (1.2.840.113549.1.1.10)": swapped(sequence(t, pss, sequence(t))),
		"an unknown algorithm (1.3.6.1.4.1.99)":           swapped(sequence(t, oid(t, 1, 3, 6, 1, 4, 1, 99))),
	} {
		if got := Describe(c).Signature; got != want {
			t.Errorf("signed with %q, want %q", got, want)
		}
		if list, err := TrustFor(nil, now, Upload{File: pemOf(c)}); err != nil || list[0].Remark != "" {
			t.Errorf("signed with %q: %v, %+v", want, err, list) // it cannot be verified, which is no sign of a forgery
		}
	}
}
