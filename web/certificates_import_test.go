package web_test

import (
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"isthmus/internal/auth"
	"isthmus/internal/federation"
	"isthmus/internal/siptest"
)

func TestACAIsTrustedFromAFileOrFromItsText(t *testing.T) {
	t.Parallel()
	c := withKey(t, auth.Admin)
	root, other := siptest.NewAuthority("Synergy Root"), siptest.NewAuthority("Other Root")
	issuing := root.Intermediate("Synergy Issuing")
	c.get("/certificates/new").status(http.StatusOK).page().Says(t, "#hint-file", "at most 1 MiB")
	c.get("/certificates/new?purpose=x").status(http.StatusOK).page().Count(t, "input[name=purpose][value=cup-trust]", 1)

	chain := append(root.PEM(), issuing.PEM()...)
	c.sendFiles("/certificates", map[string][]byte{"file": chain}, "purpose", "cup-trust", "description", "both sides").to("/certificates")
	page := c.get("/certificates").page()
	page.Says(t, ".banner", "Saved. 2 CAs more than before.")
	page.Count(t, "[aria-labelledby=trusted] tbody tr", 2)
	page.Says(t, "[aria-labelledby=trusted] tbody th", "Synergy Issuing both sides")

	c.post("/certificates", "purpose", "cup-trust", "text", string(other.PEM())).to("/certificates")
	c.get("/certificates").page().Says(t, ".banner", "Other Root is trusted now.")
	c.sendFiles("/certificates", map[string][]byte{"file": other.Certificate.Raw}, "purpose", "cup-trust").to("/certificates")
	c.get("/certificates").page().Says(t, ".banner", "Nothing was changed. 1 CA of this file is trusted already.")
	c.post("/certificates", "purpose", "cup-trust", "text", string(other.PEM()), "description", "of the partner").to("/certificates")
	page = c.get("/certificates").page()
	page.Says(t, ".banner", "Saved the description. 1 CA of this file is trusted already.")
	page.Says(t, "[aria-labelledby=trusted] tbody th", "Other Root of the partner")
	page.Count(t, "[aria-labelledby=trusted] tbody tr", 3)
}

func TestAWrongUploadToTheTrustStoreNamesEachRuleAndChangesNothing(t *testing.T) {
	t.Parallel()
	c := withKey(t, auth.Admin)
	root := siptest.NewAuthority("Synergy Root")
	leaf, expired := root.Leaf("fe1.synergy.com"), root.Expired("fe2.synergy.com")
	both := append(append(root.PEM(), siptest.CertificatePEM(leaf)...), siptest.CertificatePEM(expired)...)
	for promise, test := range map[string]struct {
		file []byte
		says []string
	}{
		"garbage":               {[]byte("garbage"), []string{"no certificate in PEM or DER form"}},
		"nothing":               {nil, []string{"Choose the file"}},
		"a key":                 {append(root.PEM(), siptest.KeyPEM(leaf)...), []string{"holds a private key"}},
		"servers in one file":   {both, []string{`"fe1.synergy.com" is the certificate of a server`, `"fe2.synergy.com" expired on`}},
		"very many":             {bytes.Repeat(root.PEM(), 51), []string{"more than 50 certificates"}},
		"half a certificate":    {root.PEM()[:300], []string{"The PEM block in line 1 of this file is damaged or cut off"}},
		"a request":             {pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: []byte("x")}), []string{"still the request"}},
		"a CA and half a one":   {append(root.PEM(), root.PEM()[:300]...), []string{"is damaged or cut off, so nothing of the file was taken"}},
		"a block of other kind": {pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: []byte("x")}), []string{`PEM block "X509 CRL"`}},
	} {
		a := c.sendFiles("/certificates", map[string][]byte{"file": test.file}, "purpose", "cup-trust", "description", "from the CA")
		page := a.status(http.StatusUnprocessableEntity).page()
		for _, want := range test.says {
			page.Says(t, ".banner[role=alert] li a", want)
			page.Says(t, "#error-file", want)
		}
		if got := page.One(t, "#field-description").Attr("value"); got != "from the CA" {
			t.Errorf("%s: the description came back as %q", promise, got)
		}
	}
	if n := len(c.snapshot().Certificates); n != 1 {
		t.Errorf("%d certificates are stored", n)
	}
}

func TestWrongTextComesBackAsItWasTypedUnlessItIsAKey(t *testing.T) {
	t.Parallel()
	c := withKey(t, auth.Admin)
	leaf := siptest.NewAuthority("Synergy Root").Leaf("fe1.synergy.com")
	certificate := string(siptest.CertificatePEM(leaf))
	page := c.post("/certificates", "purpose", "cup-trust", "text", certificate).status(http.StatusUnprocessableEntity).page()
	if got := page.One(t, "#field-text").Text(); got != strings.Join(strings.Fields(certificate), " ") {
		t.Errorf("the text came back as %q", got)
	}
	page.Says(t, "#error-text", "certificate of a server")
	for _, kind := range []string{"PKCS7", "CMS"} {
		bundle := strings.ReplaceAll(certificate, "CERTIFICATE", kind)
		page := c.post("/certificates", "purpose", "cup-trust", "text", bundle).status(http.StatusUnprocessableEntity).page()
		if got := page.One(t, "#field-text").Text(); got != strings.Join(strings.Fields(bundle), " ") {
			t.Errorf("a bundle came back as %q", got)
		}
	}

	key := string(siptest.KeyPEM(leaf))
	lines := strings.Split(strings.TrimSpace(key), "\n")
	bare := strings.Join(lines[1:len(lines)-1], "\n")
	headless := base64.StdEncoding.EncodeToString([]byte("0 a certificate that lost its lines, with padding")) + "=\n" + bare
	for _, text := range []string{key, certificate + key, bare, bare[:80], strings.ReplaceAll(bare, "\n", ""), headless, certificate + bare, "Here it is:\n" + bare} {
		for _, purpose := range []string{"cup", "cup-trust"} {
			a := c.post("/certificates", "purpose", purpose, "node", "imp9.synergy.com", "text", text).status(http.StatusUnprocessableEntity)
			if strings.Contains(a.body, lines[1][:40]) {
				t.Errorf("a key comes back in the form for %s", purpose)
			}
		}
	}
}

func TestAnUploadOfMoreThanOneMiBIsRefusedWithTheLimitAndLeadsBackToItsForm(t *testing.T) {
	t.Parallel()
	c := withKey(t, auth.Admin)
	revision := c.snapshot().Revision
	for purpose, title := range map[string]string{"cup-trust": "Trust a CA", "cup": "Upload a node's certificate"} {
		action := c.get("/certificates/new?purpose="+purpose).page().One(t, "form.form").Attr("action")
		page := c.sendFiles(action, map[string][]byte{"file": make([]byte, 1<<20)}, "purpose", purpose).status(http.StatusRequestEntityTooLarge).page()
		page.Says(t, "main", "at most 1 MiB. Nothing was changed. Choose the certificate's own file")
		back := page.One(t, ".prose p a")
		c.get(back.Attr("href")).status(http.StatusOK).page().Says(t, "h1", title)
	}
	if after := c.snapshot().Revision; after != revision {
		t.Errorf("revision %d after %d", after, revision)
	}
}

func TestANodesCertificateIsTakenWithItsOwnKey(t *testing.T) {
	t.Parallel()
	c := withKey(t, auth.Admin)
	ca := siptest.NewAuthority("Synergy Root")
	c.trusts(ca)
	leaf := ca.Leaf(ownNode)
	c.get("/certificates/new?purpose=cup").status(http.StatusOK).page().Count(t, "#field-key[type=file]", 1)
	revision := c.snapshot().Revision
	c.sendFiles("/certificates", map[string][]byte{"file": siptest.CertificatePEM(leaf), "key": siptest.KeyPEM(leaf)},
		"purpose", "cup", "node", ownNode, "description", "of 2026").to("/certificates")
	page := c.get("/certificates").page()
	page.Says(t, ".banner", "New connections of "+ownNode+" show it within a second")
	page.Says(t, "[aria-labelledby=own] tbody td", "Valid until")
	own := c.stored(ownNode)
	if own.Description != "of 2026" || own.SelfSigned || c.snapshot().Revision <= revision {
		t.Errorf("stored %+v", own)
	}
}

func TestACertificateWhoseCAIsUnknownIsTakenWithAWarning(t *testing.T) {
	t.Parallel()
	c := withKey(t, auth.Admin)
	leaf := siptest.NewAuthority("Unknown Root").Leaf(ownNode)
	c.sendFiles("/certificates", map[string][]byte{"file": append(siptest.CertificatePEM(leaf), siptest.KeyPEM(leaf)...)}, "purpose", "cup", "node", ownNode).to("/certificates")
	c.get("/certificates").page().Says(t, ".banner", `"Unknown Root"`)
}

func TestAWrongCertificateOfANodeNamesEachRuleAndTheOldOneStays(t *testing.T) {
	t.Parallel()
	c := withKey(t, auth.Admin)
	ca := siptest.NewAuthority("Synergy Root")
	before := c.stored(ownNode)
	wrong := ca.Issue(siptest.Leaf{Names: []string{"fe1.synergy.com"}, Usages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, NotAfter: time.Now().Add(-time.Minute)})
	page := c.sendFiles("/certificates", map[string][]byte{"file": siptest.CertificatePEM(wrong), "key": siptest.KeyPEM(wrong)}, "purpose", "cup", "node", ownNode).
		status(http.StatusUnprocessableEntity).page()
	for _, want := range []string{"not for the node " + ownNode, "expired on", "lacks the enhanced key usage client authentication"} {
		page.Says(t, "#error-file", want)
	}
	good := ca.Leaf(ownNode)
	c.sendFiles("/certificates", map[string][]byte{"file": siptest.CertificatePEM(good), "key": siptest.KeyPEM(wrong)}, "purpose", "cup", "node", ownNode).
		status(http.StatusUnprocessableEntity).page().Says(t, "#error-key", "belongs to another certificate")
	c.sendFiles("/certificates", map[string][]byte{"file": siptest.CertificatePEM(good)}, "purpose", "cup", "node", ownNode).
		status(http.StatusUnprocessableEntity).page().Says(t, "#error-key", "private key is missing")
	c.sendFiles("/certificates", map[string][]byte{"file": siptest.CertificatePEM(good), "key": siptest.KeyPEM(good)}, "purpose", "cup", "node", "imp9.synergy.com").
		status(http.StatusUnprocessableEntity).page().Says(t, "#error-node", "no such node")
	c.post("/certificates", "purpose", "other", "text", "x").status(http.StatusConflict)
	if after := c.stored(ownNode); after.Fingerprint != before.Fingerprint {
		t.Errorf("the node shows %+v", after)
	}
}

func TestAPassphraseOpensTheKeyAndAWrongOneChangesNothing(t *testing.T) {
	t.Parallel()
	c := withKey(t, auth.Admin)
	text := must[[]byte](t)(os.ReadFile(filepath.Join("..", "internal", "certs", "testdata", "openssl-keys.pem")))
	block, _ := pem.Decode(text)
	for block != nil && block.Type != "ENCRYPTED PRIVATE KEY" {
		block, text = pem.Decode(text)
	}
	if block == nil {
		t.Fatal("there is no protected key to try")
	}
	file := siptest.CertificatePEM(siptest.NewAuthority("Synergy Root").Leaf(ownNode))
	for phrase, want := range map[string]string{"": "is protected; enter the passphrase", "not this one": "does not open this private key"} {
		a := c.sendFiles("/certificates", map[string][]byte{"file": file, "key": pem.EncodeToMemory(block)}, "purpose", "cup", "node", ownNode, "passphrase", phrase)
		a.status(http.StatusUnprocessableEntity).page().Says(t, "#error-passphrase", want)
		if phrase != "" && strings.Contains(a.body, phrase) {
			t.Error("the passphrase comes back in the form")
		}
	}
	if !c.stored(ownNode).SelfSigned {
		t.Error("something was changed")
	}
}

func TestAConsoleWithoutItsKeyFileStoresNoKey(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Admin)
	must[federation.Node](t)(c.store.SaveNode(t.Context(), federation.Node{Name: ownNode, Address: "127.0.0.11"}))
	leaf := siptest.NewAuthority("Synergy Root").Leaf(ownNode)
	a := c.sendFiles("/certificates", map[string][]byte{"file": append(siptest.CertificatePEM(leaf), siptest.KeyPEM(leaf)...)}, "purpose", "cup", "node", ownNode)
	a.status(http.StatusUnprocessableEntity).page().Says(t, ".banner", "no key file")
	if n := len(c.snapshot().Certificates); n != 0 {
		t.Errorf("%d certificates are stored", n)
	}
}

func TestNoPageAndNoDownloadHoldsAPrivateKey(t *testing.T) {
	t.Parallel()
	c := withKey(t, auth.Admin)
	ca := siptest.NewAuthority("Synergy Root")
	c.trusts(ca)
	leaf := ca.Leaf(ownNode)
	key := siptest.KeyPEM(leaf)
	answers := []answer{
		c.sendFiles("/certificates", map[string][]byte{"file": siptest.CertificatePEM(leaf), "key": key}, "purpose", "cup", "node", ownNode),
		c.sendFiles("/certificates", map[string][]byte{"file": key}, "purpose", "cup-trust"),
		c.post("/certificates", "purpose", "cup-trust", "text", string(key), "description", string(key), "node", string(key)),
		c.post("/certificates", "purpose", "cup", "node", ownNode, "text", string(key), "key", string(key), "passphrase", string(key)),
		c.post("/certificates/requests", "node", ownNode, "key_kind", federation.KeyP256),
	}
	request := must[federation.CertificateRequest](t)(c.store.Request(t.Context(), ownNode))
	own := c.stored(ownNode)
	secrets := []string{"PRIVATE KEY", base64.StdEncoding.EncodeToString(own.EncryptedKey)[:40], base64.StdEncoding.EncodeToString(request.EncryptedKey)[:40],
		strings.Split(string(key), "\n")[1][:40]}
	for _, route := range c.routes() {
		method, path, _ := strings.Cut(route, " ")
		if method != http.MethodGet || strings.Contains(path, "{file}") {
			continue
		}
		for _, id := range []int64{c.snapshot().Nodes[0].ID, own.ID, c.stored("Synergy Root").ID} {
			path := strings.NewReplacer("{id:[0-9]+}", fmt.Sprint(id), "{step:[1-5]}", "1").Replace(path)
			answers = append(answers, c.send(httptest.NewRequest(method, path+"?id="+fmt.Sprint(id)+"&purpose=cup&node="+url.QueryEscape(ownNode), nil)))
		}
	}
	for i, a := range answers {
		for _, secret := range secrets {
			if strings.Contains(a.body, secret) || strings.Contains(fmt.Sprint(a.head), secret) {
				t.Errorf("answer %d holds %q...: %s", i, secret[:10], a.page().Text())
			}
		}
	}
}
