package web_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"isthmus/internal/auth"
	"isthmus/internal/federation"
	"isthmus/internal/siptest"
)

func TestTheFormAsksBeforeACAIsTrustedAndShowsItsWholeFingerprint(t *testing.T) {
	t.Parallel()
	c := withKey(t, auth.Admin)
	root, namesake := siptest.NewAuthority("Synergy Root"), siptest.NewAuthority("Synergy Root")
	form := c.get("/certificates/new?purpose=cup-trust").page().One(t, "form.form").Form()
	ask := []string{"purpose", form.Get("purpose"), "ask", form.Get("ask"), "description", "both sides"}
	send := func(file []byte) answer { return c.sendFiles("/certificates", map[string][]byte{"file": file}, ask...) }

	question := send(root.PEM()).status(http.StatusOK).page()
	if n := len(c.snapshot().Certificates); n != 1 {
		t.Fatalf("%d certificates are stored before the answer", n)
	}
	question.Says(t, "h1", "Trust this CA?")
	c.postForm("/certificates", question.One(t, "main form").Form()).to("/certificates")
	stored := c.stored("Synergy Root")
	for _, want := range []string{stored.Fingerprint, "CN=Synergy Root", "Itself: a root"} {
		question.Says(t, "main dl dd", want)
	}
	if stored.Description != "both sides" {
		t.Errorf("described as %q", stored.Description)
	}
	c.get("/certificates").page().Says(t, ".banner", "Saved. Synergy Root is trusted now.")

	both := send(append(namesake.PEM(), root.PEM()...)).status(http.StatusOK).page()
	both.Says(t, ".findings li", `Another CA called "Synergy Root", with the fingerprint `+stored.Fingerprint)
	both.Says(t, "main", "Trusted already")
	send(root.PEM()).to("/certificates")
	c.get("/certificates").page().Says(t, ".banner", "Nothing was changed.")

	key := string(siptest.KeyPEM(root.Leaf("fe1.synergy.com")))
	a := c.sendFiles("/certificates", map[string][]byte{"file": namesake.PEM()}, "purpose", "cup-trust", "ask", "true", "description", key)
	if a.status(http.StatusUnprocessableEntity); strings.Contains(a.body, strings.Split(key, "\n")[1]) {
		t.Error("a key in the description comes back")
	}
}

// replacing is the page for a node's certificate after that of leaf was sent from the form.
func (c *console) replacing(leaf, key []byte, more ...string) answer {
	c.t.Helper()
	return c.sendFiles("/certificates", map[string][]byte{"file": leaf, "key": key}, append([]string{"purpose", "cup", "node", ownNode, "ask", "true"}, more...)...)
}

func TestTheFormAsksBeforeACertificateInUseIsReplaced(t *testing.T) {
	t.Parallel()
	c := withKey(t, auth.Admin)
	ca, other := siptest.NewAuthority("Synergy Root"), siptest.NewAuthority("Other Root")
	c.trusts(ca)
	c.trusts(other)
	first := ca.Issue(siptest.Leaf{Names: []string{ownNode}, DNS: []string{ownNode, "pool.synergy.com"}})
	c.replacing(siptest.CertificatePEM(first), siptest.KeyPEM(first)).to("/certificates") // what the node made for itself is no loss
	old := c.stored(ownNode)
	c.replacing(siptest.CertificatePEM(first), siptest.KeyPEM(first)).to("/certificates") // the same one again

	next := other.Issue(siptest.Leaf{Names: []string{ownNode}, NotAfter: time.Now().Add(6 * 24 * time.Hour)})
	file, key := siptest.CertificatePEM(next), siptest.KeyPEM(next)
	a := c.replacing(append(file, key...), nil, "description", "of 2027").status(http.StatusUnprocessableEntity)
	page := a.page()
	for _, want := range []string{old.Fingerprint, "Synergy Root", "Other Root", "pool.synergy.com"} {
		page.Says(t, "[aria-labelledby=compared] td", want)
	}
	for _, want := range []string{"sooner than the one in use", "Another CA issued it", "lacks names of the one in use"} {
		page.Says(t, ".findings li", want)
	}
	page.Says(t, "#error-replace", "tick")
	page.Says(t, "#error-key", "Choose the file with the key again")
	if strings.Contains(a.body, strings.Split(string(key), "\n")[1]) || strings.Contains(a.body, "PRIVATE KEY") {
		t.Error("the key comes back")
	}
	tick := page.One(t, "#field-replace[type=checkbox]").Attr("value")
	text := strings.TrimSpace(string(file))
	if got := page.One(t, "#field-text").Text(); got != strings.Join(strings.Fields(text), " ") {
		t.Errorf("the certificate came back as %q", got)
	}
	if c.stored(ownNode).Fingerprint != old.Fingerprint || tick != old.Fingerprint {
		t.Error("it was replaced without an answer")
	}
	c.sendFiles("/certificates", map[string][]byte{"key": key}, "purpose", "cup", "node", ownNode, "ask", "true", "text", text, "replace", tick).to("/certificates")
	if now := c.stored(ownNode); now.Fingerprint == old.Fingerprint || now.Issuer != "Other Root" {
		t.Errorf("the node shows %+v", now)
	}
	c.replacing(siptest.CertificatePEM(first), siptest.KeyPEM(first), "replace", tick).status(http.StatusUnprocessableEntity).page().
		Says(t, "[aria-labelledby=compared] td", c.stored(ownNode).Fingerprint) // somebody else was quicker
}

func TestAnAnswerToARequestIsComparedAndNeedsNoFileAgain(t *testing.T) {
	t.Parallel()
	c := withKey(t, auth.Admin)
	ca := siptest.NewAuthority("Synergy Root")
	c.trusts(ca)
	c.owns(ca, siptest.Leaf{})
	c.post("/certificates/requests", "node", ownNode, "key_kind", federation.KeyP256).to("/certificates")
	request := must[federation.CertificateRequest](t)(c.store.Request(t.Context(), ownNode))
	signed, err := ca.Answer(request.CSR, siptest.Leaf{})
	if err != nil {
		t.Fatal(err)
	}
	file := siptest.CertificatePEM(signed)
	page := c.replacing(file, nil).status(http.StatusUnprocessableEntity).page()
	page.Count(t, "#error-key", 0)
	c.sendFiles("/certificates", nil, "purpose", "cup", "node", ownNode, "ask", "true", "text", string(file), "replace", page.One(t, "#field-replace").Attr("value")).to("/certificates")
	if list := must[[]federation.CertificateRequest](t)(c.store.Requests(t.Context())); len(list) != 0 {
		t.Error("the request is left")
	}
}

func TestAScriptReplacesACertificateWithoutAQuestionButNeverOneItDidNotName(t *testing.T) {
	t.Parallel()
	c := withKey(t, auth.Admin)
	ca := siptest.NewAuthority("Synergy Root")
	c.trusts(ca)
	c.owns(ca, siptest.Leaf{})
	seen := c.stored(ownNode).Fingerprint
	send := func(more ...string) answer {
		leaf := ca.Issue(siptest.Leaf{Names: []string{ownNode}, NotAfter: time.Now().Add(time.Hour)})
		return c.sendFiles("/certificates", map[string][]byte{"file": append(siptest.CertificatePEM(leaf), siptest.KeyPEM(leaf)...)},
			append([]string{"purpose", "cup", "node", ownNode}, more...)...)
	}
	send().to("/certificates")
	c.get("/certificates").page().Says(t, ".banner", "sooner than the one in use")
	second := c.stored(ownNode).Fingerprint
	if refused := send("replace", seen); refused.code == http.StatusSeeOther || !strings.Contains(refused.page().Text(), "was replaced meanwhile") || c.stored(ownNode).Fingerprint != second {
		t.Errorf("status %d: %s", refused.code, refused.page().Text())
	}
}

func TestTheAuditLogTellsWhichCertificateCameAndWhichWent(t *testing.T) {
	t.Parallel()
	c := withKey(t, auth.Admin)
	ca := siptest.NewAuthority("Synergy Root")
	newest := func() string { return c.get("/audit").page().All("table tbody tr")[0].Text() }
	c.post("/certificates", "purpose", "cup-trust", "text", string(ca.PEM())).to("/certificates")
	root := c.stored("Synergy Root")
	facts := []string{"issuer Synergy Root", "not after " + root.NotAfter.Format(time.RFC3339), "fingerprint " + root.Fingerprint}
	added := newest()
	c.postForm("/certificates/delete", c.deletion("Synergy Root").page().One(t, "main form").Form()).to("/certificates")
	for how, row := range map[string]string{"added": added, "removed": newest()} {
		for _, want := range append(facts, how+" certificate Synergy Root") {
			if !strings.Contains(row, want) {
				t.Errorf("%s: it does not say %q: %s", how, want, row)
			}
		}
	}
	was := c.stored(ownNode).Fingerprint
	c.owns(ca, siptest.Leaf{})
	row := newest()
	if want := "fingerprint " + was + " -> " + c.stored(ownNode).Fingerprint; !strings.Contains(row, want) || strings.Contains(row, "purpose") {
		t.Errorf("replaced: it does not say %q: %s", want, row)
	}
}
