package web_test

import (
	"fmt"
	"net/http"
	"slices"
	"testing"

	"isthmus/internal/auth"
	"isthmus/internal/federation"
	"isthmus/internal/htmltest"
	"isthmus/internal/siptest"
)

func TestAWholeSubjectIsTakenByItsCommonNameAndThatIsTold(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Operator)
	c.post("/tls-peer-subjects", "name", "CN=fe8.synergy.com, O=Foo").to("/tls-peer-subjects")
	c.get("/tls-peer-subjects").page().Says(t, ".banner", "Of the whole subject the Common Name alone was taken: fe8.synergy.com.")
	c.post("/tls-peer-subjects", "name", "CN=fe9.synergy.com, CN=evil.com").status(422).page().Says(t, "#error-name", "has two Common Names or more")
	if stored := c.snapshot().TLSPeerSubjects; len(stored) != 1 || stored[0].Name != "fe8.synergy.com" {
		t.Errorf("stored %+v", stored)
	}
}

// selected are the subjects of the context that next hops are held against.
func (c *console) selected(context string) []string {
	return c.snapshot().TLSContext(context).PeerSubjects
}

func TestASubjectIsAddedAndSelectedInOneStep(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Admin)
	ca := siptest.NewAuthority("Synergy Root")
	c.trusts(ca)
	c.post("/tls-contexts", "name", "lab", "verify_client", "true").to("/tls-contexts")
	page := c.post("/tls-peer-subjects/certificate", "text", string(siptest.CertificatePEM(ca.Leaf("pool.synergy.com")))).page()
	form := page.All("main form")[0].Form()
	if got := form["contexts"]; !slices.Equal(got, []string{"", "lab", federation.PeerAuthContext}) {
		t.Fatalf("ticked are %q", got)
	}
	form["contexts"] = []string{"", federation.PeerAuthContext}
	form.Set("name", "no name")
	kept := c.postForm("/tls-peer-subjects", form).status(http.StatusUnprocessableEntity).page().One(t, "form[action='/tls-peer-subjects']").Form()
	if got := kept["contexts"]; !slices.Equal(got, form["contexts"]) {
		t.Errorf("after a refusal %q are ticked", got)
	}
	form.Set("name", "pool.synergy.com")
	revision := c.snapshot().Revision
	c.postForm("/tls-peer-subjects", form).to("/tls-peer-subjects")
	c.get("/tls-peer-subjects").page().Says(t, ".banner", "It is selected in sip-proxy-peer-auth.")
	if got := c.selected(federation.PeerAuthContext); !slices.Equal(got, []string{"pool.synergy.com"}) || len(c.selected("lab")) > 0 || c.snapshot().Revision != revision+1 {
		t.Errorf("selected are %v and %v", got, c.selected("lab"))
	}

	form = c.get("/tls-peer-subjects/new?name=fe1.synergy.com").page().One(t, "form[action='/tls-peer-subjects']").Form()
	c.postForm("/tls-peer-subjects", form).to("/tls-peer-subjects")
	if got := c.selected("lab"); !slices.Equal(got, []string{"fe1.synergy.com"}) {
		t.Errorf("selected in lab are %v", got)
	}
	c.post("/tls-peer-subjects", "name", "script.synergy.com").to("/tls-peer-subjects") // what is not asked for is not done
	c.get("/tls-peer-subjects").page().Says(t, ".banner", "Select it in the TLS context sip-proxy-peer-auth as well; until then it admits nobody.")
	if got := c.selected("lab"); len(got) != 1 {
		t.Errorf("selected in lab are %v", got)
	}
}

func TestWhereASavedSubjectIsSelectedIsTrue(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Admin)
	c.post("/tls-contexts", "name", "lab", "verify_client", "true").to("/tls-contexts")
	c.post("/tls-peer-subjects", "name", "fe1.synergy.com", "contexts", federation.PeerAuthContext).to("/tls-peer-subjects")
	c.post("/tls-peer-subjects", "name", "fe2.synergy.com").to("/tls-peer-subjects")
	for _, test := range []struct {
		name, says string
		form       []string
	}{
		{"fe1.synergy.com", "Saved. It is selected in sip-proxy-peer-auth.", []string{"description", "The first"}},
		{"fe2.synergy.com", "Saved. Select it in the TLS context sip-proxy-peer-auth as well; until then it admits nobody.", []string{"contexts", "lab"}},
	} {
		subjects := c.snapshot().TLSPeerSubjects
		at := slices.IndexFunc(subjects, func(p federation.TLSPeerSubject) bool { return p.Name == test.name })
		c.post(fmt.Sprintf("/tls-peer-subjects/%d", subjects[at].ID), test.form...).to("/tls-peer-subjects")
		c.get("/tls-peer-subjects").page().Says(t, ".banner", test.says)
	}
}

func TestASelectionThatSomebodyElseOvertookIsAskedAgain(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Admin)
	c.post("/tls-contexts", "name", "lab", "verify_client", "true").to("/tls-contexts")
	form := c.get("/tls-peer-subjects/new").page().One(t, "form[action='/tls-peer-subjects']").Form()
	form.Set("name", "fe1.synergy.com")
	c.post(fmt.Sprintf("/tls-contexts/%d", c.snapshot().TLSContext("lab").ID), "min_version", "1.3").to("/tls-contexts")
	page := c.postForm("/tls-peer-subjects", form).status(409).page()
	page.Says(t, "#error-contexts", "The TLS context lab was saved after you opened this")
	if c.snapshot().HasPeerSubject("fe1.synergy.com") {
		t.Error("it was added all the same")
	}
	again := page.One(t, "form[action='/tls-peer-subjects']").Form()
	if again.Get("name") != "fe1.synergy.com" || !slices.Equal(again["contexts"], form["contexts"]) {
		t.Errorf("the form comes back with %v", again)
	}
	form["contexts"] = []string{"", federation.PeerAuthContext} // the one that was not changed
	form.Set("name", "fe2.synergy.com")
	c.postForm("/tls-peer-subjects", form).to("/tls-peer-subjects")
	c.postForm("/tls-peer-subjects", again).status(409) // the selection of fe2 came between
	c.post("/tls-peer-subjects", "name", "fe1.synergy.com", "contexts", "lab", "contexts", "gone").status(422).page().
		Says(t, "#error-contexts", `There is no TLS context "gone"`)
	c.post("/tls-peer-subjects", "name", "FE2.synergy.com", "contexts", "lab").status(422).page().Says(t, "#error-name", "already")
}

func TestAnOperatorIsToldWhoSelectsASubject(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Operator)
	ca := siptest.NewAuthority("Synergy Root")
	c.trusts(ca)
	const who = "it admits nobody until an administrator selects it in the TLS context sip-proxy-peer-auth."
	for _, page := range []htmltest.Node{
		c.get("/tls-peer-subjects/new").page(),
		c.post("/tls-peer-subjects/certificate", "text", string(siptest.CertificatePEM(ca.Leaf("pool.synergy.com")))).page(),
	} {
		page.Says(t, "form[action='/tls-peer-subjects']", who)
		page.Count(t, "input[name=contexts]", 0)
	}
	c.post("/tls-peer-subjects", "name", "pool.synergy.com", "contexts", federation.PeerAuthContext).status(403)
	if c.snapshot().HasPeerSubject("pool.synergy.com") {
		t.Error("an operator changed a context")
	}
	c.post("/tls-peer-subjects", "name", "pool.synergy.com").to("/tls-peer-subjects")
	page := c.get("/tls-peer-subjects").page()
	page.Says(t, ".banner", who[len("it "):])
	page.Says(t, ".findings", "An administrator can select")
}
