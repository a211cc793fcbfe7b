package certs

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"isthmus/internal/federation"
)

// csrOf reads a request as a CA does.
func csrOf(t testing.TB, r federation.CertificateRequest) *x509.CertificateRequest {
	t.Helper()
	block, rest := pem.Decode(r.CSR)
	if block == nil || block.Type != "CERTIFICATE REQUEST" || len(rest) > 0 {
		t.Fatalf("no request in PEM form: %s", r.CSR)
	}
	csr, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	if err := csr.CheckSignature(); err != nil {
		t.Fatal(err)
	}
	return csr
}

// answer signs a request as it was asked for, except for what edit changes.
func (a authority) answer(t testing.TB, r federation.CertificateRequest, edit ...func(*x509.Certificate)) *x509.Certificate {
	t.Helper()
	csr := csrOf(t, r)
	asked := func(c *x509.Certificate) { c.Subject, c.DNSNames = csr.Subject, csr.DNSNames }
	return a.issueTo(t, csr.PublicKey, r.Node, append([]func(*x509.Certificate){asked}, edit...)...)
}

// below makes a CA under this one.
func (a authority) below(t testing.TB, name string, edit ...func(*x509.Certificate)) authority {
	t.Helper()
	sub := authority{key: newKey(t)}
	asCA := func(c *x509.Certificate) {
		c.IsCA, c.BasicConstraintsValid, c.KeyUsage, c.ExtKeyUsage = true, true, x509.KeyUsageCertSign, nil
	}
	sub.certificate = a.issueTo(t, sub.key.Public(), name, append([]func(*x509.Certificate){asCA}, edit...)...)
	return sub
}

func trusts(t testing.TB, list ...authority) []federation.Certificate {
	t.Helper()
	var trusted []federation.Certificate
	for _, a := range list {
		trusted = append(trusted, stored(federation.PurposeTrust, []*x509.Certificate{a.certificate}))
	}
	return trusted
}

func pending(t testing.TB, k *Key, names ...string) federation.CertificateRequest {
	t.Helper()
	r, err := NewRequest(k, node, names, federation.KeyP256)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// extension is the value that a request asks for, nil when it does not.
func extension(csr *x509.CertificateRequest, id asn1.ObjectIdentifier) []byte {
	i := slices.IndexFunc(csr.Extensions, func(e pkix.Extension) bool { return e.Id.Equal(id) })
	if i < 0 {
		return nil
	}
	return csr.Extensions[i].Value
}

func TestARequestAsksForTheNodesNamesAndBothUsages(t *testing.T) {
	r := pending(t, testKey(t), "Pool.Synergy.com.", "synergy.com", node, "pool.synergy.com")
	csr := csrOf(t, r)
	want := []string{node, "pool.synergy.com", "synergy.com"}
	if csr.Subject.CommonName != node || len(csr.Subject.Names) != 1 || !slices.Equal(csr.DNSNames, want) || !slices.Equal(r.Names, want) {
		t.Errorf("subject %v, names %v, kept %v", csr.Subject, csr.DNSNames, r.Names)
	}
	var asked []asn1.ObjectIdentifier
	if _, err := asn1.Unmarshal(extension(csr, asn1.ObjectIdentifier{2, 5, 29, 37}), &asked); err != nil || fmt.Sprint(asked) != "[1.3.6.1.5.5.7.3.1 1.3.6.1.5.5.7.3.2]" {
		t.Errorf("usages %v, error %v", asked, err)
	}
	var bits asn1.BitString
	if _, err := asn1.Unmarshal(extension(csr, asn1.ObjectIdentifier{2, 5, 29, 15}), &bits); err != nil || bits.At(0) != 1 {
		t.Errorf("key usage %v, error %v", bits, err)
	}
	if r.Node != node || r.KeyKind != federation.KeyP256 || bytes.Contains(r.CSR, []byte("PRIVATE")) {
		t.Errorf("%+v", r)
	}
}

func TestARequestHasTheKeyThatWasChosen(t *testing.T) {
	k := testKey(t)
	for kind, bits := range map[string]int{"": 2048, federation.KeyRSA2048: 2048, federation.KeyRSA3072: 3072, federation.KeyRSA4096: 4096, federation.KeyP256: 256} {
		r, err := NewRequest(k, node, nil, kind)
		if err != nil {
			t.Fatal(err)
		}
		csr, got, enciphers := csrOf(t, r), 0, 1 // keys, as the suites of OCS and early Lync exchange them
		switch public := csr.PublicKey.(type) {
		case *rsa.PublicKey:
			got = public.N.BitLen()
		case *ecdsa.PublicKey:
			got, enciphers = public.Params().BitSize, 0
		}
		var usage asn1.BitString
		if _, err := asn1.Unmarshal(extension(csr, oidKeyUsage), &usage); err != nil || usage.At(0) != 1 || usage.At(2) != enciphers {
			t.Errorf("%q: key usage %v, error %v", kind, usage, err)
		}
		if got != bits || !slices.Contains(federation.KeyKinds, r.KeyKind) {
			t.Errorf("%q: %d bits as %q, want %d", kind, got, r.KeyKind, bits)
		}
	}
}

func TestARequestHoldsAsMuchAsItsLimitsSay(t *testing.T) {
	longest := strings.Repeat("a", 52) + ".synergy.com"
	if r, err := NewRequest(testKey(t), longest, manyNames(99), federation.KeyP256); err != nil || len(longest) != 64 || len(r.Names) != 100 {
		t.Errorf("%d names, error %v", len(r.Names), err)
	}
}

func TestAWrongRequestIsRefusedAtItsField(t *testing.T) {
	long := strings.Repeat("a", 60) + ".synergy.com"
	for promise, c := range map[string]struct {
		node  string
		names []string
		kind  string
		want  []string
	}{
		"a kind of key that is not offered":     {node, nil, "rsa-1024", []string{"key_kind: rsa-1024 is no kind of key"}},
		"a node without a domain":               {"imp1", nil, "", []string{"node: "}},
		"a name that no Common Name may hold":   {long, nil, "", []string{"node: ", "64 characters"}},
		"a wildcard":                            {node, []string{"*.synergy.com"}, "", []string{`names: "*.synergy.com"`}},
		"an address":                            {node, []string{"10.1.1.1"}, "", []string{`names: "10.1.1.1"`}},
		"two wrong names and a wrong kind":      {node, []string{"x", "a b.com"}, "dsa", []string{`names: "x"`, `names: "a b.com"`, "key_kind: "}},
		"more names than any certificate needs": {node, manyNames(101), "", []string{"names: ", "100"}},
	} {
		_, err := NewRequest(testKey(t), c.node, c.names, c.kind)
		for _, want := range c.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: error %v lacks %q", promise, err, want)
			}
		}
	}
}

func manyNames(n int) []string {
	var list []string
	for i := range n {
		list = append(list, fmt.Sprintf("h%d.synergy.com", i))
	}
	return list
}

func TestTheKeyOfARequestOpensForThatRequestOnly(t *testing.T) {
	k, ca := testKey(t), newAuthority(t, "Root")
	a, b := pending(t, k), pending(t, k)
	moved := a
	moved.EncryptedKey = b.EncryptedKey
	unreadable := a
	unreadable.EncryptedKey = k.Seal([]byte("x"), requestName(a.CSR))
	const sealed = "was sealed under another key file, or it was altered. Start this node with the cluster's key file, or make a new request."
	for promise, c := range map[string]struct {
		key     *Key
		request federation.CertificateRequest
		want    string
	}{"moved to another request": {k, moved, sealed}, "another key file": {testKey(t), a, sealed}, "no key": {k, unreadable, "cannot be read. Make a new request."}} {
		if _, err := ImportSigned(c.key, c.request, trusts(t, ca), now, pemOf(ca.answer(t, a))); err == nil || !strings.HasSuffix(err.Error(), c.want) {
			t.Errorf("%s: %v", promise, err)
		}
	}
}

func TestNoRefusalRepeatsTheKeyThatCameWithIt(t *testing.T) {
	k, ca := testKey(t), newAuthority(t, "Root")
	r := pending(t, k)
	leaf, private := ca.issue(t, "imp2.synergy.com", valid(-2*time.Hour, -time.Hour))
	text := pemOf(private)
	secret := strings.Split(string(text), "\n")[1]
	damaged := bytes.Replace(text, []byte(secret), []byte(secret[4:]+secret[:4]), 1)
	for promise, file := range map[string][]byte{
		"good": slices.Concat(pemOf(leaf), text), "damaged": slices.Concat(pemOf(leaf), damaged), "alone": text,
		"with a label of its own": slices.Concat(pemOf(leaf), bytes.ReplaceAll(text, []byte("PRIVATE KEY"), []byte("PRIVATE KEY X"))),
	} {
		_, signed := ImportSigned(k, r, trusts(t, ca), now, file)
		_, trust := ImportTrust(now, file)
		_, own := ImportOwn(k, node, now, file, nil)
		for _, err := range []error{signed, trust, own} {
			if err == nil || strings.Contains(err.Error(), "PRIVATE KEY") || strings.Contains(err.Error(), secret[:8]) {
				t.Errorf("%s: %v", promise, err)
			}
		}
	}
}

func TestASignedCertificateBecomesTheNodesWithItsKey(t *testing.T) {
	k, root := testKey(t), newAuthority(t, "Root")
	issuing := root.below(t, "Issuing")
	r := pending(t, k, "pool.synergy.com")
	leaf := issuing.answer(t, r)
	stray, old := newAuthority(t, "Stray"), newAuthority(t, "Old root", signedWith(x509.ECDSAWithSHA1))
	for _, c := range []struct {
		promise string
		file    []byte
		trusted []federation.Certificate
		links   []string
	}{
		{"PEM of a trusted issuer", pemOf(leaf), trusts(t, issuing), []string{node, "Issuing"}},
		{"DER", leaf.Raw, trusts(t, issuing), []string{node, "Issuing"}},
		{"a chain below a trusted root, root first", pemOf(root.certificate, issuing.certificate, leaf), trusts(t, root), []string{node, "Issuing", "Root"}},
		{"a chain without the root", pemOf(leaf, issuing.certificate), trusts(t, root), []string{node, "Issuing"}},
		{"a stray certificate beside it", pemOf(stray.certificate, leaf, issuing.certificate), trusts(t, root, stray), []string{node, "Issuing"}},
		{"a trusted root whose own signature is SHA-1", pemOf(old.answer(t, r), old.certificate), trusts(t, old), []string{node, "Old root"}},
		{"the issuing CA from the trust store, without its root", pemOf(leaf), trusts(t, stray, root, issuing), []string{node, "Issuing"}},
	} {
		t.Run(c.promise, func(t *testing.T) {
			own, err := ImportSigned(k, r, c.trusted, now, c.file)
			if err != nil {
				t.Fatal(err)
			}
			pair, err := Unseal(k, own)
			if err != nil || !belongs(pair.PrivateKey.(*ecdsa.PrivateKey), leaf) {
				t.Fatalf("its key: %v", err)
			}
			chain, _ := Chain(own)
			var links []string
			for _, link := range chain {
				links = append(links, link.Subject.CommonName)
			}
			if !slices.Equal(links, c.links) || own.Node != node || own.Purpose != federation.PurposeOwn || own.SelfSigned {
				t.Errorf("links %v of %+v; want %v", links, own, c.links)
			}
			if bytes.Contains(own.Chain, []byte("PRIVATE")) {
				t.Error("the chain holds the key")
			}
		})
	}
}

func TestASignedCertificateIsRefusedWithEveryBrokenRuleNamed(t *testing.T) {
	k, root := testKey(t), newAuthority(t, "Root")
	issuing, stranger := root.below(t, "Issuing"), newAuthority(t, "Stranger")
	old := newAuthority(t, "Old root", signedWith(x509.ECDSAWithSHA1))
	expired := root.below(t, "Old issuing", valid(-2*time.Hour, -time.Minute))
	weak := root.below(t, "Weak issuing", signedWith(x509.ECDSAWithSHA1))
	narrow := root.below(t, "Narrow issuing", usages(x509.ExtKeyUsageServerAuth))
	short := newAuthority(t, "Short root", func(c *x509.Certificate) { c.MaxPathLen, c.MaxPathLenZero = 0, true })
	deep := short.below(t, "Deep issuing")
	r := pending(t, k, "pool.synergy.com")
	other := pending(t, k)
	_, foreign := root.issue(t, node)
	good := root.answer(t, r)
	for _, c := range []struct {
		promise string
		file    []byte
		want    []string
	}{
		{"of another request", pemOf(root.answer(t, other)), []string{"belongs to another request"}},
		{"the CA alone", pemOf(root.certificate), []string{`"Root" belongs to another request`}},
		{"a key beside it", pemOf(good, foreign), []string{"holds a private key"}},
		{"garbage", []byte("hello"), []string{"no certificate in PEM or DER"}},
		{"a curve alone", block("EC PARAMETERS", []byte{6, 0}), []string{"This file holds no certificate; choose the file with the node's signed certificate."}},
		{"the request itself", r.CSR, []string{"still the request"}},
		{"of a CA that is not trusted", pemOf(stranger.answer(t, r)), []string{`issuer "Stranger"`, "upload its certificate first"}},
		{"of a root that came along", pemOf(stranger.answer(t, r), stranger.certificate), []string{`The root CA "Stranger" is not among the trusted`}},
		{"of an old root with SHA-1 that came along", pemOf(old.answer(t, r), old.certificate), []string{`The root CA "Old root" is not among the trusted`}},
		{"no client usage, and a CA for servers only", pemOf(narrow.answer(t, r, usages(x509.ExtKeyUsageServerAuth)), narrow.certificate), []string{"lacks the enhanced key usage client"}},
		{"the link between is missing", pemOf(issuing.answer(t, r)), []string{`issuer "Issuing"`}},
		{"a link that expired", pemOf(expired.answer(t, r), expired.certificate), []string{`"Old issuing" expired`}},
		{"a link signed with SHA-1", pemOf(weak.answer(t, r), weak.certificate), []string{`"Weak issuing" is signed with ECDSA-SHA1`}},
		{"a CA for servers only", pemOf(narrow.answer(t, r), narrow.certificate), []string{`"Narrow issuing"`, "client authentication"}},
		{"a CA deeper than its root allows", pemOf(deep.answer(t, r), deep.certificate), []string{"Deep issuing", "path length"}},
		{"a requested name is missing", pemOf(root.answer(t, r, dnsNames(node))), []string{`lacks the name "pool.synergy.com"`}},
		{"another node's name", pemOf(root.answer(t, r, func(c *x509.Certificate) {
			c.Subject.CommonName, c.DNSNames = "x.synergy.com", []string{"pool.synergy.com"}
		})), []string{"not for the node " + node}},
		{"a key for signing certificates alone", pemOf(root.answer(t, r, keyUsage(x509.KeyUsageCertSign))), []string{"lacks the key usage digital signature"}},
		{"no client usage", pemOf(root.answer(t, r, usages(x509.ExtKeyUsageServerAuth))), []string{"lacks the enhanced key usage client"}},
		{"expired", pemOf(root.answer(t, r, valid(-2*time.Hour, -90*time.Minute))), []string{`"imp1.synergy.com" expired`}},
		{"not yet valid", pemOf(root.answer(t, r, valid(30*time.Minute, 40*time.Minute))), []string{"is valid from"}},
		{"signed with SHA-1", pemOf(root.answer(t, r, signedWith(x509.ECDSAWithSHA1))), []string{"signed with ECDSA-SHA1"}},
		{"all at once", pemOf(stranger.answer(t, r, valid(-2*time.Hour, -time.Hour), usages(x509.ExtKeyUsageClientAuth), dnsNames())),
			[]string{"expired", "server authentication", `lacks the name "pool.synergy.com"`, `issuer "Stranger"`}},
	} {
		t.Run(c.promise, func(t *testing.T) {
			own, err := ImportSigned(k, r, trusts(t, root, short), now, c.file)
			var problems federation.Invalid
			if !errors.As(err, &problems) || own.EncryptedKey != nil || own.Chain != nil {
				t.Fatalf("error %v", err)
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q lacks %q", err, want)
				}
			}
			for _, p := range problems {
				if p.Path != "file" || !strings.HasSuffix(p.Text, ".") {
					t.Errorf("%q is no sentence about the file", p)
				}
			}
			if distinct := len(c.want); c.promise != "all at once" && distinct > 0 && len(problems) != 1 {
				t.Errorf("one fault is told as %d: %v", len(problems), err)
			}
		})
	}
}

func TestNamesAreOfferedWhereTheMicrosoftSideLooksForThem(t *testing.T) {
	var s federation.Snapshot
	s.Nodes = []federation.Node{{Name: node}, {Name: "imp2.synergy.com"}}
	s.Domains = []federation.Domain{{Name: "synergy.com"}}
	s.Deployments = []federation.Deployment{
		{Answers: federation.Answers{RoutingNode: node, TrustedPool: "pool.synergy.com"}},
		{Answers: federation.Answers{RoutingNode: node, TrustedPool: "pool.synergy.com"}},
		{Answers: federation.Answers{RoutingNode: "imp2.synergy.com", TrustedPool: "other.synergy.com"}},
		{Answers: federation.Answers{RoutingNode: "imp2.synergy.com", TrustedPool: "both.synergy.com"}, Nodes: []string{node, "imp2.synergy.com"}},
	}
	needed, offered := RequestNames(s, node)
	if !slices.Equal(needed, []string{node, "pool.synergy.com", "both.synergy.com"}) || !slices.Equal(offered, []string{"imp2.synergy.com", "synergy.com"}) {
		t.Errorf("needed %v, offered %v", needed, offered)
	}
}

func TestRoutingNodesAloneNeedTheBalancersName(t *testing.T) {
	var s federation.Snapshot
	s.Nodes = []federation.Node{{Name: node}, {Name: "imp2.synergy.com", Routing: true}, {Name: "imp3.synergy.com"}}
	s.Deployments = []federation.Deployment{{Answers: federation.Answers{RoutingNode: node, FrontName: "sip.synergy.com"}},
		{Answers: federation.Answers{RoutingNode: node, FrontName: "sip.synergy.com"}}, {Answers: federation.Answers{RoutingNode: node}}}
	for name, want := range map[string][]string{node: {node, "sip.synergy.com"}, "imp2.synergy.com": {"imp2.synergy.com", "sip.synergy.com"},
		"imp3.synergy.com": {"imp3.synergy.com"}, "gone.synergy.com": {"gone.synergy.com"}} {
		if needed, _ := RequestNames(s, name); !slices.Equal(needed, want) {
			t.Errorf("%s needs %v, want %v", name, needed, want)
		}
	}
}
