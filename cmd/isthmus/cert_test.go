package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"isthmus/internal/certs"
	"isthmus/internal/federation"
	"isthmus/internal/siptest"
)

// clean fails the test when a call printed a private key.
func (r result) clean(t *testing.T) result {
	t.Helper()
	if strings.Contains(r.out+r.err, "PRIVATE KEY") {
		t.Error("a private key was printed")
	}
	return r
}

// cert calls isthmus cert, of which no output ever holds a private key.
func (m machine) cert(in string, args ...string) result {
	m.t.Helper()
	return m.isthmus(in, append([]string{"cert"}, args...)...).clean(m.t)
}

// answered is the file that a CA hands out for a request.
func (m machine) answered(ca *siptest.Authority, csr string, l siptest.Leaf) string {
	m.t.Helper()
	c, err := ca.Answer([]byte(csr), l)
	if err != nil {
		m.t.Fatal(err)
	}
	return string(siptest.CertificatePEM(c))
}

// listedJSON is what isthmus cert list --json promises to scripts.
type listedJSON struct {
	Certificates []struct {
		Purpose, Node, Subject, Issuer, Serial, Key, Fingerprint, Description string
		Names, Usages, Warnings                                               []string
		NotAfter                                                              time.Time `json:"not_after"`
		SelfSigned                                                            bool      `json:"self_signed"`
	}
	Requests []struct {
		Node      string
		Names     []string
		KeyKind   string    `json:"key_kind"`
		CreatedAt time.Time `json:"created_at"`
		CreatedBy string    `json:"created_by"`
	}
}

func (m machine) certificates() (list listedJSON) {
	m.t.Helper()
	r := m.cert("", "list", "--json")
	r.want(m.t, 0)
	if err := json.Unmarshal([]byte(r.out), &list); err != nil {
		m.t.Fatal(err)
	}
	return list
}

func TestACertificateIsRequestedSignedAndImportedAtTheCommandLine(t *testing.T) {
	m := newMachine(t)
	m.isthmus(synergy, "config", "apply", "-").want(t, 0)
	ca := siptest.NewAuthority("Synergy Lab CA")
	issuing := ca.Intermediate("Synergy Issuing CA")
	m.cert("", "export-csr").want(t, exitFailure, "No request waits for imp1.synergy.com", "isthmus cert csr")
	asked := m.cert("", "csr", "--name", "pool.synergy.com", "--key-kind", "p-256")
	asked.want(t, 0, "-----BEGIN CERTIFICATE REQUEST-----", "isthmus cert import --purpose cup")
	if again := m.cert("", "export-csr"); again.out != asked.out || !strings.HasPrefix(again.out, "-----BEGIN CERTIFICATE REQUEST") {
		t.Errorf("the request is exported as\n%s\nand was\n%s", again.out, asked.out)
	}
	waiting := m.certificates()
	if len(waiting.Requests) != 1 || len(waiting.Certificates) != 0 {
		t.Fatalf("%+v", waiting)
	}
	request := waiting.Requests[0]
	if request.Node != "imp1.synergy.com" || len(request.Names) != 2 || request.KeyKind != "p-256" || request.CreatedBy == "" || time.Since(request.CreatedAt) > time.Hour {
		t.Errorf("%+v", request)
	}
	m.cert("", "list").want(t, 0, "request  imp1.synergy.com  names imp1.synergy.com,pool.synergy.com  since "+request.CreatedAt.Format(time.DateOnly)+"  key p-256\n")
	signed := m.answered(issuing, asked.out, siptest.Leaf{})
	m.cert(signed, "import", "--purpose", "cup", "-").want(t, exitFailure, `issuer "Synergy Lab CA"`, "first")
	m.cert(string(ca.PEM()), "import", "--purpose", "cup-trust", "-", "--description", "Lab root").want(t, 0, "imported cup-trust Synergy Lab CA")
	m.cert(m.answered(issuing, asked.out, siptest.Leaf{DNS: []string{"imp1.synergy.com"}}), "import", "--purpose", "cup", "-").
		want(t, exitFailure, `lacks the name "pool.synergy.com"`)
	imported := m.cert(signed, "import", "--purpose", "cup", "-")
	imported.want(t, 0, "imported cup imp1.synergy.com, valid until")
	if strings.Contains(imported.err, "Warning") {
		t.Errorf("a good certificate is doubted: %s", imported.err)
	}
	list := m.certificates()
	if len(list.Requests) != 0 || len(list.Certificates) != 2 {
		t.Fatalf("%+v", list)
	}
	own, root := list.Certificates[0], list.Certificates[1]
	if own.Purpose != "cup" || own.Node != "imp1.synergy.com" || own.Issuer != "Synergy Issuing CA" || len(own.Names) != 2 || len(own.Usages) != 2 ||
		own.Key != "ECDSA P-256" || own.SelfSigned || len(own.Fingerprint) != 64 || own.NotAfter.IsZero() || len(own.Warnings) != 0 {
		t.Errorf("%+v", own)
	}
	if root.Purpose != "cup-trust" || root.Subject != "Synergy Lab CA" || root.Description != "Lab root" || len(root.Warnings) != 0 {
		t.Errorf("%+v", root)
	}
	m.cert("", "list").want(t, 0, "cup        imp1.synergy.com  issuer Synergy Issuing CA  valid until "+own.NotAfter.Format(time.DateOnly)+"  serial "+own.Serial+"  sha256 "+own.Fingerprint+"\n", "cup-trust  Synergy Lab CA")
	m.cert(signed, "import", "--purpose", "cup", "-").want(t, exitFailure, "private key is missing")
}

func TestAWaitingRequestIsReplacedOnlyWhenToldTo(t *testing.T) {
	m := newMachine(t)
	m.isthmus(synergy, "config", "apply", "-").want(t, 0)
	ca := siptest.NewAuthority("Synergy Lab CA")
	m.cert(string(ca.PEM()), "import", "--purpose", "cup-trust", "-").want(t, 0)
	first := m.cert("", "csr", "--key-kind", "p-256", "--replace")
	first.want(t, 0)
	m.cert("", "csr", "--key-kind", "p-256").want(t, exitFailure, "waits for its signed certificate already", "Call again with --replace.")
	if m.cert("", "export-csr").out != first.out {
		t.Error("the request that waits was replaced")
	}
	second := m.cert("", "csr", "--key-kind", "p-256", "--replace")
	if second.want(t, 0); second.out == first.out {
		t.Error("it was not replaced")
	}
	m.cert(m.answered(ca, first.out, siptest.Leaf{}), "import", "--purpose", "cup", "-").want(t, exitFailure, "belongs to another request")
	m.cert(m.answered(ca, second.out, siptest.Leaf{}), "import", "--purpose", "cup", "-").want(t, 0)
}

func TestAWrongRequestAtTheCommandLineMakesNone(t *testing.T) {
	m := newMachine(t)
	m.cert("", "csr", "--key-kind", "p-256").want(t, exitFailure, "There is no node imp1.synergy.com")
	m.isthmus(synergy, "config", "apply", "-").want(t, 0)
	m.cert("", "csr", "--name", "*.synergy.com").want(t, exitFailure, `--name: "*.synergy.com"`)
	m.cert("", "csr", "--key-kind", "rsa-1024").want(t, exitFailure, "--key-kind: rsa-1024", "rsa-2048, rsa-3072, rsa-4096, p-256")
	if list := m.certificates(); len(list.Requests)+len(list.Certificates) != 0 {
		t.Errorf("%+v", list)
	}
}

func TestNoKeyIsMadeWhereTheKeyFileIsNotTheDatabases(t *testing.T) {
	m := newMachine(t)
	m.isthmus(synergy, "config", "apply", "-").want(t, 0)
	m.cert("", "csr", "--key-kind", "p-256").want(t, 0)
	elsewhere := machine{t, m.url, t.TempDir()}
	elsewhere.cert("", "csr", "--key-kind", "p-256", "--replace").want(t, exitFailure, "The key file "+filepath.Join(elsewhere.dir, "key")+" is missing")
}

// An empty list would say that there is none.
func TestACertificateThatCannotBeReadIsNoEmptyList(t *testing.T) {
	if list, err := listed(federation.Snapshot{Certificates: []federation.Certificate{{Purpose: federation.PurposeTrust, Chain: []byte("garbage")}}}, nil); err == nil {
		t.Errorf("%+v", list)
	}
	m := newMachine(t)
	m.raw("ALTER TABLE certificate_requests RENAME TO gone")
	for _, call := range [][]string{{"list"}, {"list", "--json"}, {"export-csr"}} {
		if r := m.cert("", call...); r.code != exitFailure || r.out != "" {
			t.Errorf("%s: exit %d, %s", call, r.code, r.out)
		}
	}
}

func TestTheTrustedPoolStandsInARequestByItself(t *testing.T) {
	m := newMachine(t)
	m.isthmus(synergy, "config", "apply", "-").want(t, 0)
	file := m.file("answers.yaml", answers+"trusted_pool: isthmus-pool.synergy.com\n")
	m.isthmus("", "wizard", "finish", file, "--out", filepath.Join(m.dir, "scripts")).want(t, 0)
	m.cert("", "csr", "--key-kind", "p-256").want(t, 0)
	if names := strings.Join(m.certificates().Requests[0].Names, " "); names != "imp1.synergy.com isthmus-pool.synergy.com" {
		t.Errorf("it asks for %s", names)
	}
}

func TestWhatIsNoCertificateChangesNothing(t *testing.T) {
	m := newMachine(t)
	m.isthmus(synergy, "config", "apply", "-").want(t, 0)
	ca := siptest.NewAuthority("Synergy Lab CA")
	leaf := ca.Leaf("fe1.synergy.com")
	key := string(siptest.KeyPEM(leaf))
	for promise, c := range map[string]struct{ purpose, file, want string }{
		"garbage":                  {"cup-trust", "garbage", "holds no certificate in PEM or DER form"},
		"a CA and half a one":      {"cup-trust", string(ca.PEM()) + string(ca.PEM()[:300]), "is damaged or cut off"},
		"a key in a trust upload":  {"cup-trust", string(ca.PEM()) + key, "holds a private key"},
		"a leaf as CA":             {"cup-trust", string(siptest.CertificatePEM(leaf)), "certificate of a server, not of a CA"},
		"51 certificates":          {"cup-trust", strings.Repeat(string(ca.PEM()), 51), "more than 50"},
		"10,000 certificates":      {"cup-trust", strings.Repeat(string(ca.PEM()), 10_000), "more than 1 MiB"},
		"another node's":           {"cup", string(siptest.CertificatePEM(leaf)) + key, "not for the node imp1.synergy.com"},
		"another's with no key":    {"cup", string(siptest.CertificatePEM(leaf)), "This certificate is for fe1.synergy.com, not for the node imp1.synergy.com"},
		"an own one with no key":   {"cup", string(siptest.CertificatePEM(ca.Leaf("imp1.synergy.com"))), "private key is missing"},
		"an own one that is a key": {"cup", key, "holds no certificate"},
	} {
		m.cert(c.file, "import", "--purpose", c.purpose, "-").want(t, exitFailure, c.want)
		if list := m.certificates(); len(list.Certificates) != 0 {
			t.Errorf("%s: %+v", promise, list)
		}
	}
}

func TestAnImportForANodeThatIsNotThereSaysSo(t *testing.T) {
	m := newMachine(t)
	m.isthmus(synergy, "config", "apply", "-").want(t, 0)
	leaf := siptest.NewAuthority("Synergy Lab CA").Leaf("nope.synergy.com")
	file := string(siptest.CertificatePEM(leaf))
	for _, upload := range []string{file, file + string(siptest.KeyPEM(leaf))} {
		call(t, upload, "cert", "import", "--purpose", "cup", "-", "--database-url", m.url, "--data-dir", m.dir, "--node", "nope.synergy.com").clean(t).want(t, exitFailure, "--node: There is no node nope.synergy.com")
	}
}

func TestACertificateWithItsOwnKeyIsTakenWithAWarningWhereItsCAIsUnknown(t *testing.T) {
	m := newMachine(t)
	m.isthmus(synergy, "config", "apply", "-").want(t, 0)
	own := siptest.NewAuthority("Stranger").Leaf("imp1.synergy.com")
	m.cert("", "csr", "--key-kind", "p-256").want(t, 0)
	file := string(siptest.CertificatePEM(own)) + string(siptest.KeyPEM(own))
	m.cert(file, "import", "--purpose", "cup", "-").want(t, 0, "imported cup imp1.synergy.com", `Warning: The issuer "Stranger"`)
	if list := m.certificates(); len(list.Requests) != 1 || len(list.Certificates) != 1 || len(list.Certificates[0].Warnings) != 1 {
		t.Errorf("%+v", list)
	}
	for _, r := range []result{m.isthmus("", "config", "export"), m.isthmus("", "check", "--json")} {
		r.clean(t)
	}
}

// protected encrypts a key as people do.
func (m machine) protected(key []byte, passphrase string) string {
	m.t.Helper()
	openssl := exec.CommandContext(m.t.Context(), "openssl", "pkcs8", "-topk8", "-passout", "pass:"+passphrase)
	openssl.Stdin = bytes.NewReader(key)
	out, err := openssl.Output()
	if err != nil {
		m.t.Fatal(err)
	}
	return string(out)
}

func TestAWrongPassphraseChangesNothingAndTheRightOneOpensTheKey(t *testing.T) {
	m := newMachine(t)
	m.isthmus(synergy, "config", "apply", "-").want(t, 0)
	own := siptest.NewAuthority("Synergy Lab CA").Leaf("imp1.synergy.com")
	cert := m.file("own.pem", string(siptest.CertificatePEM(own)))
	key := m.file("own.key", m.protected(siptest.KeyPEM(own), "open sesame"))
	wrong, right := m.file("wrong", "open sesam\n"), m.file("right", "open sesame\r\n")
	m.cert("", "import", "--purpose", "cup", cert, "--key", key).want(t, exitFailure, "--passphrase-file: The private key is protected by a passphrase; name a file")
	m.cert("", "import", "--purpose", "cup", cert, "--key", key, "--passphrase-file", wrong).want(t, exitFailure, "--passphrase-file: The passphrase", "does not open this private key")
	m.cert("", "import", "--purpose", "cup", cert, "--key", key, "--passphrase-file", filepath.Join(m.dir, "none")).want(t, exitFailure, "cannot be read")
	if list := m.certificates(); len(list.Certificates) != 0 {
		t.Errorf("%+v", list)
	}
	m.cert("", "import", "--purpose", "cup", cert, "--key", key, "--passphrase-file", right).want(t, 0, "imported cup imp1.synergy.com")
	large := m.file("large.key", strings.Repeat("\n", certs.MaxUpload)+string(siptest.KeyPEM(own)))
	m.cert("", "import", "--purpose", "cup", cert, "--key", large).want(t, exitFailure, "--key: This file has more than 1 MiB, which no private key needs")
	plain := m.file("plain.key", string(siptest.KeyPEM(own)))
	m.cert("", "import", "--purpose", "cup", cert, "--key", plain, "--passphrase-file", wrong).want(t, 0, "imported cup imp1.synergy.com")
}

func TestAnImportThatCannotBeMeantIsRefusedBeforeAnythingIsRead(t *testing.T) {
	m := newMachine(t)
	for _, flags := range [][]string{{"--key", "-"}, {"--passphrase-file", "-"}, {"--key", "own.key", "--passphrase-file", "-"}} {
		r := m.cert("x", append([]string{"import", "--purpose", "cup", "-"}, flags...)...)
		r.want(t, exitUsage, "Usage:")
		if !strings.HasPrefix(r.err, "Standard input can be read only once; give - for one of FILE, --key and --passphrase-file, and files for the others.\n") {
			t.Errorf("it begins with %.120s", r.err)
		}
	}
	m.cert("x", "import", "--purpose", "cup", "own.pem", "--key", "-", "--passphrase-file", "-").want(t, exitUsage, "Standard input can be read only once")
	m.cert("x", "import", "--purpose", "cup-trust", "ca.pem", "--passphrase-file", "none").want(t, exitUsage, "--key belongs to --purpose cup")
}

func TestACAThatIsTrustedAlreadyIsSaidToBeUnchanged(t *testing.T) {
	m := newMachine(t)
	ca := string(siptest.NewAuthority("Synergy Lab CA").PEM())
	t.Setenv("ISTHMUS_NODE", "imp1.synergy.com") // it means no more than which node this is
	first := call(t, ca, "cert", "import", "--purpose", "cup-trust", "-", "--database-url", m.url, "--data-dir", m.dir)
	if first.want(t, 0, "imported cup-trust Synergy Lab CA"); first.err != "" {
		t.Errorf("of a CA without a doubt it is said: %s", first.err)
	}
	m.cert(ca, "import", "--purpose", "cup-trust", "-").want(t, 0, "unchanged cup-trust Synergy Lab CA")
	m.cert(ca, "import", "--purpose", "cup-trust", "-", "--description", "both sides").want(t, 0, "described cup-trust Synergy Lab CA")
	m.cert(ca, "import", "--purpose", "cup-trust", "-", "--description", "both sides").want(t, 0, "unchanged cup-trust Synergy Lab CA")
	list := m.certificates().Certificates
	if len(list) != 1 || list[0].Description != "both sides" {
		t.Errorf("%+v", list)
	}
	namesake := string(siptest.NewAuthority("Synergy Lab CA").PEM())
	m.cert(namesake, "import", "--purpose", "cup-trust", "-").want(t, 0, "imported cup-trust Synergy Lab CA", `Warning: Another CA called "Synergy Lab CA", with the fingerprint `+list[0].Fingerprint)
	m.cert("garbage", "import", "--purpose", "cup-trust", "-").want(t, exitFailure, "standard input: This file holds no certificate")
}

func TestWhoNamesANodeForATrustedCAIsToldThatEveryNodeTrustsIt(t *testing.T) {
	m := newMachine(t)
	ca := string(siptest.NewAuthority("Synergy Lab CA").PEM())
	m.cert(ca, "import", "--purpose", "cup-trust", "-").want(t, 0, "imported cup-trust Synergy Lab CA", "Warning: --node imp1.synergy.com limits nothing here: a trusted CA is trusted by every node.\n")
	m.cert("garbage", "import", "--purpose", "cup-trust", "-").want(t, exitFailure, "standard input: This file holds no certificate")
}

func TestACertificateThatIsLessThanTheOneInUseIsTakenWithAWarning(t *testing.T) {
	m := newMachine(t)
	m.isthmus(synergy, "config", "apply", "-").want(t, 0)
	ca := siptest.NewAuthority("Synergy Lab CA")
	m.cert(string(ca.PEM()), "import", "--purpose", "cup-trust", "-").want(t, 0)
	for _, c := range []struct {
		leaf    siptest.Leaf
		warning string
	}{
		{siptest.Leaf{DNS: []string{"imp1.synergy.com", "pool.synergy.com"}}, ""},
		{siptest.Leaf{NotAfter: time.Now().Add(45 * time.Second)}, "sooner than the one in use"},
		{siptest.Leaf{}, ""},
	} {
		c.leaf.Names = []string{"imp1.synergy.com"}
		leaf := ca.Issue(c.leaf)
		r := m.cert(string(siptest.CertificatePEM(leaf))+string(siptest.KeyPEM(leaf)), "import", "--purpose", "cup", "-")
		r.want(t, 0, "imported cup imp1.synergy.com, valid until", c.warning)
		if c.warning == "" && strings.Contains(r.err, "Warning") {
			t.Errorf("a good certificate is doubted: %s", r.err)
		}
	}
}

func TestAKeyThatNoCipherFitsIsToldAtTheCommandLine(t *testing.T) {
	m := newMachine(t)
	m.isthmus(synergy+"tls_contexts: [{name: sip-proxy-peer-auth, verify_client: true, ciphers: [TLS_RSA_WITH_AES_128_GCM_SHA256]}, {name: sip-proxy-server-auth}]\n",
		"config", "apply", "-").want(t, 0)
	const warning = "has an ECDSA key, for which no cipher is selected in sip-proxy-peer-auth"
	if r := m.cert("", "csr"); strings.Contains(r.err, "Warning") {
		t.Errorf("for an RSA key: %s", r.err)
	}
	m.cert("", "csr", "--key-kind", "p-256", "--replace").want(t, 0, "Warning: This request "+warning)
	ca := siptest.NewAuthority("Synergy Lab CA")
	own := ca.Leaf("imp1.synergy.com")
	m.cert(string(ca.PEM()), "import", "--purpose", "cup-trust", "-").want(t, 0)
	m.cert(string(siptest.CertificatePEM(own))+string(siptest.KeyPEM(own)), "import", "--purpose", "cup", "-").want(t, 0, "Warning: This certificate "+warning)
	m.cert("", "list").want(t, 0, "Warning: This certificate "+warning)
	m.isthmus("", "check").want(t, exitFailure, "The certificate of imp1.synergy.com has an ECDSA key, for which sip-proxy-peer-auth offers no cipher")
}

func TestAListOfCertificatesHoldsNoControlCharactersAndNoEndlessColumn(t *testing.T) {
	m := newMachine(t)
	m.isthmus(synergy, "config", "apply", "-").want(t, 0)
	for _, name := range []string{"a\x1b[2J\r\n\a\u202eb", strings.Repeat("x", 2000)} {
		m.cert(string(siptest.NewAuthority(name).PEM()), "import", "--purpose", "cup-trust", "-").want(t, 0)
	}
	r := m.cert("", "list")
	r.want(t, 0, `cup-trust  a\u001b[2J\u000d\u000a\u0007\u202eb `, "xxx...")
	if lines := strings.Split(strings.TrimSpace(r.out), "\n"); len(lines) != 2 || len(lines[0]) > 600 || strings.ContainsAny(r.out, "\x1b\r\a\u202e") {
		t.Errorf("%q", r.out)
	}
	if whole := strings.Repeat("x", columnWidth); short(whole) != whole {
		t.Errorf("what fits is cut: %s", short(whole))
	}
	if list := m.certificates().Certificates; len(list) != 2 || len(list[0].Subject)+len(list[1].Subject) < 2000 {
		t.Errorf("in JSON, a name is cut: %+v", list)
	}
}

func TestAnImportNamesTheNodeAndNotThePresenceDomainOfItsCertificate(t *testing.T) {
	m := newMachine(t)
	m.isthmus(synergy, "config", "apply", "-").want(t, 0)
	own := siptest.NewAuthority("Synergy Lab CA").Issue(siptest.Leaf{Names: []string{"synergy.com"}, DNS: []string{"imp1.synergy.com"}})
	m.cert(string(siptest.CertificatePEM(own))+string(siptest.KeyPEM(own)), "import", "--purpose", "cup", "-").
		want(t, 0, "imported cup imp1.synergy.com, called \"synergy.com\", valid until")
	m.cert("", "list").want(t, 0, "cup  imp1.synergy.com  issuer Synergy Lab CA")
}

func TestAFileOfAnImportThatIsNotThereIsNamed(t *testing.T) {
	there, missing := filepath.Join(t.TempDir(), "there"), filepath.Join(t.TempDir(), "missing")
	if err := os.WriteFile(there, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	for flag, a := range map[string]certImportCommand{
		"FILE": {File: missing}, "--key": {File: there, Key: missing}, "--passphrase-file": {File: there, Passphrase: missing},
	} {
		if _, err := a.upload(console{}); err == nil || !strings.Contains(err.Error(), missing) {
			t.Errorf("%s: %v", flag, err)
		}
	}
	for file, want := range map[string]string{"own.pem": "own.pem: it ended.", "-": "standard input: it ended."} {
		if err := (certImportCommand{File: file}).named(federation.Invalid{{Path: "file", Text: "it ended."}}); err.Error() != want {
			t.Errorf("%s: %v, want %q", file, err, want)
		}
	}
	for _, a := range []certImportCommand{{Purpose: federation.PurposeTrust, Key: "k"}, {Purpose: federation.PurposeTrust, Passphrase: "p"}} {
		if err := a.Validate(); err == nil {
			t.Errorf("%+v is taken", a)
		}
	}
}
