package certs

import (
	"bytes"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"isthmus/internal/federation"
)

// trusting is a configuration with these CAs.
func trusting(t *testing.T, cas ...authority) federation.Snapshot {
	t.Helper()
	s := federation.Snapshot{Configuration: federation.DefaultConfiguration()}
	for _, ca := range cas {
		entries, err := ImportTrust(now, pemOf(ca.certificate))
		if err != nil {
			t.Fatal(err)
		}
		s.Certificates = append(s.Certificates, entries...)
	}
	return s
}

func TestACandidateSaysWhatWouldRefuseItAndIsOfferedOnlyWhenVouchedFor(t *testing.T) {
	ca, foreign := newAuthority(t, "Root"), newAuthority(t, "Somebody else")
	commonNames := func(names ...string) func(*x509.Certificate) {
		return func(c *x509.Certificate) {
			c.Subject = pkix.Name{}
			for _, name := range names {
				c.Subject.ExtraNames = append(c.Subject.ExtraNames, pkix.AttributeTypeAndValue{Type: oidCommonName, Value: name})
			}
		}
	}
	for _, test := range []struct {
		promise    string
		by         authority
		name       string
		edit       []func(*x509.Certificate)
		subject    string
		offered    bool
		unlistable string
		untrusted  string
		asServer   string
		asClient   string
	}{
		{promise: "a good one", by: ca, name: "Pool.synergy.com", subject: peer, offered: true},
		{promise: "no CN", by: ca, edit: edits(dnsNames(peer)), unlistable: "has no Common Name, and exactly one is needed"},
		{promise: "two CNs", by: ca, edit: edits(commonNames("evil.example.com", peer)), unlistable: "Its subject has the Common Names"},
		{promise: "a NUL", by: ca, name: peer + "\x00", unlistable: "characters that no host name has"},
		{promise: "a wildcard", by: ca, name: "*.synergy.com", unlistable: `The Common Name "*.synergy.com" cannot be listed. A peer subject is one whole name, no wildcard`},
		{promise: "another CA", by: foreign, name: peer, subject: peer, untrusted: `The certificate that claims to be "pool.synergy.com" was issued by "Somebody else", which is not among the trusted CAs`},
		{promise: "expired", by: ca, name: peer, edit: edits(valid(-2*time.Hour, -time.Minute)), subject: peer, untrusted: "expired on 2026-11-01"},
		{promise: "not yet valid", by: ca, name: peer, edit: edits(valid(time.Minute, time.Hour)), subject: peer, untrusted: "is valid from"},
		{promise: "no client usage", by: ca, name: peer, edit: edits(usages(x509.ExtKeyUsageServerAuth)), subject: peer, offered: true, asClient: "lacks the enhanced key usage client authentication"},
		{promise: "no server usage", by: ca, name: peer, edit: edits(usages(x509.ExtKeyUsageClientAuth)), subject: peer, offered: true, asServer: "lacks the enhanced key usage server authentication"},
		{promise: "no usage extension", by: ca, name: peer, edit: edits(usages()), subject: peer, offered: true},
	} {
		leaf, _ := test.by.issue(t, test.name, test.edit...)
		got, err := ReadCandidate(trusting(t, ca), now, pemOf(leaf))
		if err != nil || got.Subject != test.subject || got.Offered() != test.offered || len(got.Chain) != 1 {
			t.Errorf("%s: %+v, %v", test.promise, got, err)
		}
		for _, sentence := range []struct{ got, want string }{
			{got.Unlistable, test.unlistable}, {got.Untrusted, test.untrusted}, {got.AsServer, test.asServer}, {got.AsClient, test.asClient},
		} {
			if !strings.Contains(sentence.got, sentence.want) || (sentence.want == "") != (sentence.got == "") {
				t.Errorf("%s: %q, want %q", test.promise, sentence.got, sentence.want)
			}
		}
	}
}

// A next hop of an enterprise pool shows the pool's name, and its own as a SAN.
func TestACandidateSaysByWhichNameItIsLetInAsANextHop(t *testing.T) {
	ca, foreign := newAuthority(t, "Root"), newAuthority(t, "Somebody else")
	s := trusting(t, ca)
	s.TLSPeerSubjects = []federation.TLSPeerSubject{{Name: peer}}
	for i := range s.TLSContexts {
		s.TLSContexts[i].PeerSubjects = []string{peer}
	}
	for _, test := range []struct {
		promise string
		by      authority
		name    string
		edit    []func(*x509.Certificate)
		want    string
	}{
		{"by its Common Name", ca, peer, nil, peer},
		{"by a DNS name", ca, "fe1.synergy.com", edits(dnsNames("fe1.synergy.com", "POOL.synergy.com")), peer},
		{"without a Common Name", ca, "", edits(dnsNames(peer)), peer},
		{"by no name", ca, "fe1.synergy.com", edits(dnsNames("fe1.synergy.com")), ""},
		{"of an unknown CA", foreign, peer, nil, ""},
		{"of a client", ca, peer, edits(usages(x509.ExtKeyUsageClientAuth)), ""},
	} {
		leaf, _ := test.by.issue(t, test.name, test.edit...)
		got, err := ReadCandidate(s, now, pemOf(leaf))
		if name := got.HopName(s); err != nil || name != test.want {
			t.Errorf("%s: %q, %v", test.promise, name, err)
		}
		without := s
		without.TLSContexts = nil
		if name := got.HopName(without); name != "" {
			t.Errorf("%s, without the context of next hops: %q", test.promise, name)
		}
	}
}

func TestACandidateIsReadWithItsIssuersInAnyOrderAndForm(t *testing.T) {
	root := newAuthority(t, "Root")
	middle := authority{key: newKey(t)}
	middle.certificate = root.issueTo(t, middle.key.Public(), "Issuing", func(c *x509.Certificate) {
		c.IsCA, c.BasicConstraintsValid, c.KeyUsage, c.ExtKeyUsage = true, true, x509.KeyUsageCertSign, nil
	})
	leaf, _ := middle.issue(t, peer)
	for promise, file := range map[string][]byte{
		"in order":     pemOf(leaf, middle.certificate, root.certificate),
		"root first":   pemOf(root.certificate, middle.certificate, leaf),
		"one twice":    pemOf(leaf, leaf, root.certificate, middle.certificate, leaf),
		"DER in a row": slices.Concat(root.certificate.Raw, leaf.Raw, middle.certificate.Raw),
	} {
		got, err := ReadCandidate(trusting(t, root), now, file)
		if err != nil || !got.Offered() || len(got.Chain) != 3 || got.Chain[0].Subject != peer || got.Chain[2].Subject != "Root" {
			t.Errorf("%s: %+v, %v", promise, got, err)
		}
	}
	if got, err := ReadCandidate(trusting(t, root), now, leaf.Raw); err != nil || got.Offered() || !strings.Contains(got.Untrusted, `"Issuing", which is not among the trusted CAs`) {
		t.Errorf("without its issuer: %+v, %v", got, err)
	}
	if got, err := ReadCandidate(trusting(t, middle), now, leaf.Raw); err != nil || !got.Offered() {
		t.Errorf("with its issuer trusted: %+v, %v", got, err)
	}
}

func TestWhatIsNoPeersCertificateIsRefusedWithASentence(t *testing.T) {
	ca := newAuthority(t, "Root")
	one, private := ca.issue(t, peer)
	two, _ := ca.issue(t, "fe1.synergy.com")
	var many bytes.Buffer
	for range 51 {
		pem.Encode(&many, &pem.Block{Type: "CERTIFICATE", Bytes: one.Raw})
	}
	anotherRoot, namesake := newAuthority(t, "Another Root"), newAuthority(t, "Root")
	before := *ca.certificate
	before.RawSubject, before.Subject = nil, pkix.Name{CommonName: "Root of before"}
	ofBefore, _ := authority{certificate: &before, key: ca.key}.issue(t, peer)
	there := sign(t, ca.certificate, anotherRoot.certificate, ca.key.Public(), anotherRoot.key)
	back := sign(t, anotherRoot.certificate, ca.certificate, anotherRoot.key.Public(), ca.key)
	der, _ := x509.MarshalPKCS8PrivateKey(private)
	padded := func(size int) []byte {
		return append(bytes.Repeat([]byte("\n"), size-len(pemOf(private))), pemOf(private)...)
	}
	for promise, test := range map[string]struct {
		file []byte
		want string
	}{
		"a curve alone":             {block("EC PARAMETERS", []byte{6, 8, 42, 134, 72, 206, 61, 3, 1, 7}), "This holds no certificate; show that of the peer."},
		"a key in DER":              {der, "This holds a private key"},
		"a key of 1 MiB":            {padded(MaxUpload), "This holds a private key"},
		"a key of more":             {padded(MaxUpload + 1), "more than 1 MiB"},
		"CAs that sign each other":  {pemOf(there, back), `"Root" is the certificate of a CA`},
		"two roots":                 {pemOf(ca.certificate, anotherRoot.certificate), "which are no chain"},
		"a CA of its CA's name":     {pemOf(one, namesake.certificate), "which are no chain"},
		"its CA under another name": {pemOf(ofBefore, ca.certificate), "which are no chain"},
		"nothing":                   {nil, "holds no certificate"},
		"garbage":                   {[]byte("garbage"), "holds no certificate"},
		"a key beside it":           {pemOf(one, private), "This holds a private key, which must never leave its owner"},
		"a key that cannot be read": {[]byte("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"), "This holds a private key"},
		"a CA alone":                {pemOf(ca.certificate), `"Root" is the certificate of a CA, which no peer presents`},
		"two of two servers":        {pemOf(one, ca.certificate, two), `the certificates of "pool.synergy.com" and "fe1.synergy.com", which are no chain`},
		"more than any chain has":   {many.Bytes(), "more than 50 certificates"},
		"more than 1 MiB":           {bytes.Repeat([]byte("x"), MaxUpload+1), "more than 1 MiB"},
	} {
		_, err := ReadCandidate(trusting(t, ca), now, test.file)
		var problems federation.Invalid
		if !errors.As(err, &problems) || len(problems.Of("file")) != 1 || !strings.Contains(problems[0].Text, test.want) {
			t.Errorf("%s: %v", promise, err)
		}
	}
}
