package certs

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"strings"
	"testing"
	"time"

	"isthmus/internal/federation"
)

// with is a configuration of certificates alone.
func with(list []federation.Certificate) federation.Snapshot {
	return federation.Snapshot{Certificates: list}
}

func TestAnUploadAnswersTheRequestUnlessItBringsAKey(t *testing.T) {
	k, ca := testKey(t), newAuthority(t, "Root")
	known := trusts(t, ca)
	request, err := NewRequest(k, node, nil, federation.KeyP256)
	if err != nil {
		t.Fatal(err)
	}
	signed := pemOf(ca.answer(t, request))
	own, private := ca.issue(t, node)
	stranger, strange := newAuthority(t, "Stranger").issue(t, node)
	for promise, c := range map[string]struct {
		request *federation.CertificateRequest
		upload  Upload
		answers bool
		warns   int
		want    string // of the error
	}{
		"the signed certificate":               {&request, Upload{File: signed, Passphrase: "not needed"}, true, 0, ""},
		"one with its key, while one waits":    {&request, Upload{File: pemOf(own, private)}, false, 0, ""},
		"one with its key in a file":           {&request, Upload{File: pemOf(own), Key: pemOf(private)}, false, 0, ""},
		"a key without a passphrase":           {nil, Upload{File: pemOf(own, private), Passphrase: "not needed"}, false, 0, ""},
		"one of a CA that is not trusted here": {nil, Upload{File: pemOf(stranger, strange)}, false, 1, ""},
		"another's, while one waits":           {&request, Upload{File: pemOf(own)}, false, 0, "file: The certificate of"},
		"no key, and none waits":               {nil, Upload{File: signed}, false, 0, "key: The private key is missing"},
		"a protected key":                      {nil, Upload{File: pemOf(own), Key: recordedKeys(t)[0]}, false, 0, "passphrase: This private key is protected"},
		"a protected key in the file":          {&request, Upload{File: append(pemOf(own), recordedKeys(t)[0]...), Passphrase: "wrong"}, false, 0, "passphrase: The passphrase does not open"},
		"another's key, opened":                {nil, Upload{File: pemOf(own), Key: recordedKeys(t)[0], Passphrase: openSesame}, false, 0, "key: The private key belongs to another"},
	} {
		c.upload.Description = "of 2026"
		i, err := ImportFor(k, node, c.request, with(known), now, c.upload)
		if c.want != "" {
			if err == nil || !strings.HasPrefix(err.Error(), c.want) || i.Certificate.Node != "" || i.Answers != nil {
				t.Errorf("%s: %v, %+v", promise, err, i)
			}
			continue
		}
		if err != nil || i.Certificate.Node != node || i.Certificate.Description != "of 2026" || (i.Answers != nil) != c.answers || len(i.Warnings) != c.warns {
			t.Errorf("%s: %v, answers %v, warnings %q", promise, err, i.Answers != nil, i.Warnings)
		}
	}
}

func TestACertificateIsComparedWithTheOneWhosePlaceItTakes(t *testing.T) {
	k, root, other := testKey(t), newAuthority(t, "Root"), newAuthority(t, "Other Root")
	day := 24 * time.Hour
	upload := func(ca authority, edit ...func(*x509.Certificate)) Upload {
		c, key := ca.issue(t, node, append([]func(*x509.Certificate){valid(-time.Hour, 90*day), dnsNames(node, "pool.synergy.com")}, edit...)...)
		return Upload{File: pemOf(c, key)}
	}
	cas := []federation.Certificate{stored(federation.PurposeTrust, []*x509.Certificate{root.certificate}), stored(federation.PurposeTrust, []*x509.Certificate{other.certificate})}
	first, err := ImportFor(k, node, nil, with(cas), now, upload(root))
	if err != nil || first.Loses() || first.Over() != "" || first.Replaces != nil {
		t.Fatalf("%v, %+v", err, first)
	}
	known := append(cas, first.Certificate)
	for promise, c := range map[string]struct {
		upload Upload
		want   []string
	}{
		"as good":          {upload(root), nil},
		"with more names":  {upload(root, dnsNames(node, "POOL.synergy.com", "more.synergy.com")), nil},
		"ends sooner":      {upload(root, valid(-time.Hour, 6*day)), []string{"ends on 2026-11-07, 12:00:00 UTC, sooner than the one in use, which ends on 2027-01-30"}},
		"lacks a name":     {upload(root, dnsNames(node)), []string{"lacks names of the one in use", "pool.synergy.com."}},
		"of another CA":    {upload(other), []string{`Another CA issued it: "Other Root"`}},
		"worse all around": {upload(other, valid(-time.Hour, day), dnsNames()), []string{"sooner than", "Another CA", "lacks names"}},
	} {
		i, err := ImportFor(k, node, nil, with(known), now, c.upload)
		if err != nil || !i.Loses() || i.Over() != first.Certificate.Fingerprint {
			t.Fatalf("%s: %v, %+v", promise, err, i.Replaces)
		}
		text := strings.Join(i.Warnings, "\n")
		if len(c.want) == 0 && text != "" {
			t.Errorf("%s: %q", promise, text)
		}
		for _, want := range c.want {
			if !strings.Contains(text, want) {
				t.Errorf("%s: %q lacks %q", promise, text, want)
			}
		}
	}
	again := Imported{Certificate: first.Certificate, Replaces: &first.Certificate}
	if again.Loses() {
		t.Error("the same one again is said to lose the one in use")
	}
	damaged := first.Certificate
	damaged.Chain, damaged.Fingerprint = nil, "damaged"
	if i, err := ImportFor(k, node, nil, with(append(cas, damaged)), now, upload(other)); err != nil || len(i.Warnings) != 0 || !i.Loses() {
		t.Errorf("in place of one that cannot be read: %v, %q", err, i.Warnings)
	}
	known[len(known)-1].SelfSigned = true
	if i, err := ImportFor(k, node, nil, with(known), now, upload(other)); err != nil || i.Loses() || i.Over() != first.Certificate.Fingerprint || len(i.Warnings) != 0 {
		t.Errorf("in place of what the node made for itself: %v, %q", err, i.Warnings)
	}
	imported := first.Certificate
	imported.SelfSigned, imported.Fingerprint = false, "imported"
	if i, err := ImportFor(k, node, nil, with(append(known, imported)), now, upload(root)); err != nil || !i.Loses() || i.Over() != "imported" {
		t.Errorf("beside what the node made for itself the one in use is another: %v, over %q", err, i.Over())
	}
}

func TestACAIsTakenBesideWhatIsTrustedAlready(t *testing.T) {
	root, namesake, later := newAuthority(t, "Root"), newAuthority(t, "Root"), newAuthority(t, "Later", valid(time.Hour, 2*time.Hour))
	known := []federation.Certificate{stored(federation.PurposeTrust, []*x509.Certificate{root.certificate})}
	known[0].Description = "lab"
	file := pemOf(root.certificate, namesake.certificate, later.certificate)
	for description, described := range map[string]bool{"": false, "lab": false, "both sides": true} {
		list, err := TrustFor(known, now, Upload{File: file, Description: description})
		if err != nil || len(list) != 3 {
			t.Fatalf("%d CAs, %v", len(list), err)
		}
		if !list[0].Known || list[0].Described != described || list[0].Remark != "" {
			t.Errorf("%q: %+v", description, list[0])
		}
		if list[1].Known || !strings.Contains(list[1].Remark, known[0].Fingerprint) || list[1].Certificate.Description != description {
			t.Errorf("a namesake: %+v", list[1])
		}
		if !strings.Contains(list[2].Remark, "valid from 2026-11-01 on only") || strings.Contains(list[2].Remark, "Another CA") {
			t.Errorf("a later one: %+v", list[2])
		}
	}
	known[0].Purpose = federation.PurposeOwn
	if list, err := TrustFor(known, now, Upload{File: file}); err != nil || list[0].Known || list[0].Remark != "" {
		t.Errorf("a node's own certificate is taken for a trusted CA: %v, %+v", err, list)
	}
	if list, err := TrustFor(known, now, Upload{File: []byte("garbage")}); err == nil || list != nil {
		t.Error("garbage was taken")
	}
}

func TestOfManyNamesThatAreLostAFewAreTold(t *testing.T) {
	k, root := testKey(t), newAuthority(t, "Root")
	upload := func(names ...string) Upload {
		c, key := root.issue(t, node, dnsNames(names...))
		return Upload{File: pemOf(c, key)}
	}
	first, err := ImportFor(k, node, nil, with(trusts(t, root)), now, upload(append([]string{node}, manyNames(3000)...)...))
	if err != nil {
		t.Fatal(err)
	}
	i, err := ImportFor(k, node, nil, with(append(trusts(t, root), first.Certificate)), now, upload(node))
	if err != nil || len(i.Warnings) != 1 {
		t.Fatalf("%v, %d warnings", err, len(i.Warnings))
	}
	if text := i.Warnings[0]; !strings.HasSuffix(text, " and 2990 more.") || !strings.Contains(text, manyNames(10)[9]+" and") || len(text) > 500 {
		t.Errorf("%.600s", text)
	}
	old := &x509.Certificate{Subject: pkix.Name{CommonName: "a0.synergy.com"}, DNSNames: []string{"a0.synergy.com", "A0.synergy.com", "a0.synergy.com"}}
	bare := &x509.Certificate{RawSubject: []byte("x"), Subject: pkix.Name{CommonName: node}}
	if text := strings.Join(lesser(old, bare), " "); !strings.HasSuffix(text, "refuse it: a0.synergy.com, A0.synergy.com.") {
		t.Errorf("a name that stands there twice: %q", text)
	}
	if list := lesser(&x509.Certificate{DNSNames: []string{node}}, bare); len(list) != 0 {
		t.Errorf("a certificate without a Common Name loses one: %q", list)
	}
	if list := lesser(&x509.Certificate{RawIssuer: []byte("x")}, &x509.Certificate{}); len(list) != 0 {
		t.Errorf("one that signed itself is told to come from another CA: %q", list)
	}
	if text := strings.Join(lesser(&x509.Certificate{DNSNames: manyNames(10)}, bare), " "); !strings.HasSuffix(text, manyNames(10)[9]+".") {
		t.Errorf("ten names: %q", text)
	}
	long := "\x1b[31m" + strings.Repeat("a", 2000)
	if text := strings.Join(lesser(&x509.Certificate{DNSNames: []string{long}}, &x509.Certificate{}), " "); len(text) > 500 || strings.Contains(text, "\x1b") {
		t.Errorf("a name that is none is told as %q", text)
	}
}
