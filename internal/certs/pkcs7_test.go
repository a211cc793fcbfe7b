package certs

import (
	"bytes"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"os"
	"slices"
	"strings"
	"testing"

	"isthmus/internal/federation"
)

// der is one ASN.1 element with its contents.
func der(t testing.TB, class, tag int, constructed bool, contents ...[]byte) []byte {
	t.Helper()
	out, err := asn1.Marshal(asn1.RawValue{Class: class, Tag: tag, IsCompound: constructed, Bytes: bytes.Join(contents, nil)})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func sequence(t testing.TB, contents ...[]byte) []byte {
	return der(t, asn1.ClassUniversal, asn1.TagSequence, true, contents...)
}

func setOfDER(t testing.TB, contents ...[]byte) []byte {
	return der(t, asn1.ClassUniversal, asn1.TagSet, true, contents...)
}

func tagged(t testing.TB, tag int, contents ...[]byte) []byte {
	return der(t, asn1.ClassContextSpecific, tag, true, contents...)
}

func oid(t testing.TB, id ...int) []byte {
	t.Helper()
	out, err := asn1.Marshal(asn1.ObjectIdentifier(id))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// pkcs7Of is what CAs send as a chain: SignedData that signs nothing (RFC 2315 section 9).
func pkcs7Of(t testing.TB, certificates ...[]byte) []byte {
	version := der(t, asn1.ClassUniversal, asn1.TagInteger, false, []byte{1})
	data := sequence(t, oid(t, 1, 2, 840, 113549, 1, 7, 1))
	signed := sequence(t, version, setOfDER(t), data, tagged(t, 0, certificates...), setOfDER(t))
	return sequence(t, oid(t, 1, 2, 840, 113549, 1, 7, 2), tagged(t, 0, signed))
}

func block(kind string, contents []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: contents})
}

func TestAChainInPKCS7IsTakenInEveryForm(t *testing.T) {
	root := newAuthority(t, "Root")
	issuing := root.below(t, "Issuing")
	raw := pkcs7Of(t, root.certificate.Raw, issuing.certificate.Raw)
	for promise, file := range map[string][]byte{
		"DER":                             raw,
		"PEM":                             block("PKCS7", raw),
		"PEM under the name of CMS":       block("CMS", raw),
		"PEM as Netscape wrote it":        block("PKCS #7 SIGNED DATA", raw),
		"under a certificate's label":     block("CERTIFICATE", raw), // as Active Directory Certificate Services' web pages send it
		"one block for each, and one PEM": slices.Concat(block("PKCS7", pkcs7Of(t, root.certificate.Raw)), pemOf(issuing.certificate)),
	} {
		list, err := ImportTrust(now, file)
		if err != nil || len(list) != 2 || list[0].Subject != "Root" || list[1].Subject != "Issuing" {
			t.Errorf("%s: %v, error %v", promise, list, err)
		}
	}
	recorded, err := os.ReadFile("testdata/openssl.p7b")
	if err != nil {
		t.Fatal(err)
	}
	if list, err := ImportTrust(now, recorded); err != nil || len(list) != 2 || list[0].Subject != "Recorded Root" || list[1].Subject != "Recorded Issuing" {
		t.Errorf("what openssl crl2pkcs7 writes: %v, error %v", list, err)
	}
}

func TestASignedCertificateIsTakenFromPKCS7WithItsChain(t *testing.T) {
	k, root := testKey(t), newAuthority(t, "Root")
	issuing := root.below(t, "Issuing")
	r := pending(t, k)
	own, err := ImportSigned(k, r, trusts(t, root), now, pkcs7Of(t, root.certificate.Raw, issuing.certificate.Raw, issuing.answer(t, r).Raw))
	if err != nil {
		t.Fatal(err)
	}
	if chain, _ := Chain(own); len(chain) != 3 || chain[0].Subject.CommonName != node {
		t.Errorf("%d links", len(chain))
	}
}

func TestWhatIsNoChainInPKCS7IsRefusedWithASentence(t *testing.T) {
	ca := newAuthority(t, "Root")
	good := pkcs7Of(t, ca.certificate.Raw)
	nested := make([]byte, 0, 1<<19)
	for len(nested) < 1<<19-8 {
		nested = append(nested, 0x30, 0x84, 0x00, 0x07, 0xff, 0xff)
	}
	version := der(t, asn1.ClassUniversal, asn1.TagInteger, false, []byte{1})
	deep := pkcs7Of(t, ca.certificate.Raw)
	for range 2000 {
		deep = pkcs7Of(t, deep)
	}
	for promise, c := range map[string]struct {
		file []byte
		want string
	}{
		"no certificate in it":               {pkcs7Of(t), "is in PKCS #7 form, but holds no certificate"},
		"a certificate that is none":         {pkcs7Of(t, sequence(t, version)), "Certificate 1 of this file cannot be read"},
		"an attribute certificate":           {pkcs7Of(t, tagged(t, 1, version)), "Certificate 1 of this file cannot be read"},
		"encrypted":                          {sequence(t, oid(t, 1, 2, 840, 113549, 1, 7, 3), tagged(t, 0, version)), "PKCS #7"},
		"another kind of content":            {sequence(t, oid(t, 1, 2, 3), tagged(t, 0, version)), "no certificate in PEM or DER"},
		"a kind of PKCS #9":                  {sequence(t, oid(t, 1, 2, 840, 113549, 1, 9, 2), tagged(t, 0, version)), "no certificate in PEM or DER"},
		"one octet":                          {[]byte{0x30}, "no certificate in PEM or DER"},
		"a set without end":                  {[]byte{0x31, 0x80, 0, 0}, "no certificate in PEM or DER"},
		"cut short":                          {good[:len(good)-20], "no certificate in PEM or DER"},
		"cut short in PEM":                   {block("PKCS7", good[:len(good)-20]), "PKCS #7"},
		"more behind it":                     {append(slices.Clone(good), 0), "no certificate in PEM or DER"},
		"lengths without end":                {append([]byte{0x30, 0x80}, good[4:]...), "indefinite length"},
		"half a million octets of nesting":   {nested, "no certificate in PEM or DER"},
		"PKCS #7 in PKCS #7, thousands deep": {deep, "Certificate 1 of this file cannot be read"},
		"PKCS #12":                           {sequence(t, der(t, asn1.ClassUniversal, asn1.TagInteger, false, []byte{3}), sequence(t, oid(t, 1, 2, 840, 113549, 1, 7, 1))), "PKCS #12"},
		"a request in DER":                   {derOf(t, pending(t, testKey(t)).CSR), "still the request"},
	} {
		for field, err := range map[string]error{"trust": importTrust(c.file), "own": importOwn(t, c.file)} {
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasSuffix(err.Error(), ".") {
				t.Errorf("%s, %s: %v", promise, field, err)
			}
		}
	}
}

func importTrust(file []byte) error {
	_, err := ImportTrust(now, file)
	return err
}

func importOwn(t testing.TB, file []byte) error {
	_, err := ImportOwn(testKey(t), node, now, file, nil)
	return err
}

func derOf(t testing.TB, text []byte) []byte {
	t.Helper()
	b, _ := pem.Decode(text)
	if b == nil {
		t.Fatal("no PEM")
		return nil
	}
	return b.Bytes
}

func TestAFileOfThousandsOfCertificatesIsRefusedBeforeTheyAreRead(t *testing.T) {
	raw := newAuthority(t, "Root").certificate.Raw
	repeat := func(n int) []byte { return bytes.Repeat(raw, n) }
	list := func(n int) [][]byte { return slices.Repeat([][]byte{raw}, n) }
	for promise, c := range map[string]struct {
		file []byte
		want string
	}{
		"51 in DER":                    {repeat(51), "more than 50"},
		"51 in PKCS #7":                {pkcs7Of(t, list(51)...), "more than 50"},
		"51 in PEM":                    {bytes.Repeat(block("CERTIFICATE", raw), 51), "more than 50"},
		"30 and 30 in PKCS #7":         {bytes.Repeat(block("PKCS7", pkcs7Of(t, list(30)...)), 2), "more than 50"},
		"10,000 in PEM":                {bytes.Repeat(block("CERTIFICATE", raw), 10_000), "more than 1 MiB"},
		"10,000 in DER":                {repeat(10_000), "more than 1 MiB"},
		"10,000 empty ones":            {bytes.Repeat([]byte{0x30, 0}, 10_000), "more than 50"},
		"10,000 empty ones in PKCS #7": {pkcs7Of(t, slices.Repeat([][]byte{{0x30, 0}}, 10_000)...), "more than 50"},
	} {
		if err := importTrust(c.file); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", promise, err)
		}
	}
	if list, err := ImportTrust(now, repeat(50)); err != nil || len(list) != 1 {
		t.Errorf("50 in DER: %d, error %v", len(list), err)
	}
}

func TestAKeyInATrustUploadIsRefusedInEveryForm(t *testing.T) {
	ca := newAuthority(t, "Root")
	plain, err := x509.MarshalPKCS8PrivateKey(ca.key)
	if err != nil {
		t.Fatal(err)
	}
	for promise, file := range map[string][]byte{
		"PEM":                        pemOf(ca.certificate, ca.key),
		"PEM before the certificate": pemOf(ca.key, ca.certificate),
		"DER":                        plain,
		"DER, encrypted":             derOf(t, recordedKeys(t)[0]),
		"behind PKCS #7":             slices.Concat(block("PKCS7", pkcs7Of(t, ca.certificate.Raw)), pemOf(ca.key)),
		"encrypted":                  slices.Concat(pemOf(ca.certificate), block("ENCRYPTED PRIVATE KEY", []byte("x"))),
		"of PGP":                     slices.Concat(pemOf(ca.certificate), block("PGP PRIVATE KEY BLOCK", []byte("x"))),
		"of no kind that is known":   slices.Concat(pemOf(ca.certificate), block("DSA PRIVATE KEY", []byte("x"))),
	} {
		if err := importTrust(file); err == nil || !strings.Contains(err.Error(), "holds a private key") {
			t.Errorf("%s: %v", promise, err)
		}
	}
}

func TestAKeyThatTakesTooLongToCheckIsRefused(t *testing.T) {
	leaf, private := newAuthority(t, "Root").issue(t, node)
	huge := block("PRIVATE KEY", make([]byte, 20<<10))
	_, err := ImportOwn(testKey(t), node, now, pemOf(leaf), huge)
	if err == nil || !strings.Contains(err.Error(), "cannot be read") {
		t.Errorf("a key of 20 KiB: %v", err)
	}
	_, err = ImportOwn(testKey(t), node, now, pemOf(leaf), bytes.Repeat(pemOf(private), 500))
	if err == nil || !strings.Contains(err.Error(), "more than one private key") {
		t.Errorf("500 keys: %v", err)
	}
}

func TestAnEncryptedKeyIsNotMistakenForAnAnswerToARequest(t *testing.T) {
	leaf, private := newAuthority(t, "Root").issue(t, node)
	for promise, c := range map[string]struct {
		file []byte
		want bool
	}{
		"certificate alone": {pemOf(leaf), false}, "with its key": {pemOf(leaf, private), true}, "DER": {leaf.Raw, false},
		"with an encrypted key": {block("ENCRYPTED PRIVATE KEY", []byte("x")), true},
		"with an older key":     {block("RSA PRIVATE KEY", []byte("x")), true},
	} {
		if HoldsKey(c.file) != c.want {
			t.Errorf("%s: %v", promise, !c.want)
		}
	}
}

func TestDoubtsAboutAnAcceptedCertificateAreTold(t *testing.T) {
	k, root, stranger := testKey(t), newAuthority(t, "Root"), newAuthority(t, "Stranger")
	imported := func(a authority, edit ...func(*x509.Certificate)) federation.Certificate {
		leaf, private := a.issue(t, node, edit...)
		own, err := ImportOwn(k, node, now, pemOf(leaf, private), nil)
		if err != nil {
			t.Fatal(err)
		}
		return own
	}
	own, err := SelfSigned(k, node, now)
	if err != nil {
		t.Fatal(err)
	}
	bySAN := func(c *x509.Certificate) { c.Subject.CommonName, c.DNSNames = "presence", []string{node} }
	for promise, c := range map[string]struct {
		own  federation.Certificate
		want []string
	}{
		"of a trusted CA":               {imported(root), nil},
		"of a CA that peers may know":   {imported(stranger), []string{`issuer "Stranger"`}},
		"with the name in a SAN alone":  {imported(root, bySAN), []string{"Common Name"}},
		"self-signed until then":        {own, []string{"signed by itself"}},
		"a row that holds nothing":      {federation.Certificate{Subject: "x"}, []string{"holds no certificate"}},
		"a stranger's with a SAN alone": {imported(stranger, bySAN), []string{`issuer "Stranger"`, "Common Name"}},
	} {
		got := Warnings(c.own, with(trusts(t, root)), now)
		if len(got) != len(c.want) {
			t.Errorf("%s: %q", promise, got)
			continue
		}
		for i, want := range c.want {
			if !strings.Contains(got[i], want) || !strings.HasSuffix(got[i], ".") {
				t.Errorf("%s: %q lacks %q", promise, got[i], want)
			}
		}
	}
}
