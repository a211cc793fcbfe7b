package web_test

import (
	"net/http"
	"slices"
	"testing"

	"isthmus/internal/auth"
	"isthmus/internal/federation"
)

func TestRemovingADeploymentTellsWhatGoesWhatStaysAndWhatFollows(t *testing.T) {
	t.Parallel()
	c := ready(t, auth.Admin)
	c.post("/acl", "pattern", "10.1.20.21", "description", "by hand").to("/acl")
	c.walk(5)
	c.finish().to("/deployments/1")
	page := c.get("/deployments/1/remove").status(http.StatusOK).page()
	page.Says(t, "h1", "Remove pool.synergy.com?")
	page.Says(t, "section p", "Run rollback.ps1 there before you remove anything here.")
	page.Says(t, "a[download]", "Download rollback.ps1")
	page.Says(t, ".findings li", "No static route in service is left for synergy.com")
	page.Says(t, ".findings li", "Requests from servers of pool.synergy.com that no other entry admits end with 403, because 4 entries go out of the incoming ACL.")
	page.Count(t, ".state.remove", 6+4+3)
	page.Says(t, ".objects li", "Goes .com.synergy to 10.1.20.21 port 5061 over TLS, priority 1")
	page.Says(t, ".objects .note", "Settings stay as they are")
	buttons := page.All("form.form .actions .button")
	if len(buttons) != 2 || buttons[0].Text() != "Cancel" || buttons[1].Text() != "Remove pool.synergy.com" || !slices.Contains([]string{"button danger"}, buttons[1].Attr("class")) {
		t.Errorf("the buttons are %s", page.One(t, "form.form .actions").Text())
	}

	posted := page.One(t, "form.form").Form()
	posted.Set("name", " Pool.synergy.com ")
	c.postForm("/deployments/1/remove", posted).to("/deployments")
	page = c.get("/deployments").page()
	page.Says(t, ".banner", "Removed. pool.synergy.com is gone from here. What its scripts made on the Microsoft side stays until the copy of rollback.ps1 that you kept is run there; nothing writes that file any more.")
	page.Count(t, "table", 0)
	s := c.snapshot()
	if len(s.Deployments) != 0 || len(s.StaticRoutes) != 0 || len(s.TLSPeerSubjects) != 0 || len(s.ACL) != 1 || !s.Settings.PartitionedFederation {
		t.Errorf("left are %d routes, %d subjects, the ACL %v", len(s.StaticRoutes), len(s.TLSPeerSubjects), s.ACL)
	}
	c.get("/deployments/1").status(http.StatusNotFound)
}

func TestADeploymentIsRemovedOnlyByItsWholeName(t *testing.T) {
	t.Parallel()
	c := finished(t)
	posted := c.get("/deployments/1/remove").page().One(t, "form.form").Form()
	for _, name := range []string{"", "pool", "pool.synergy.com.", "yes"} {
		posted.Set("name", name)
		page := c.postForm("/deployments/1/remove", posted).status(http.StatusUnprocessableEntity).page()
		page.Says(t, "#error-name .error", "Type the whole name of the deployment, pool.synergy.com, or go back.")
		if got := page.One(t, "#field-name").Attr("value"); got != name {
			t.Errorf("%q came back as %q", name, got)
		}
	}
	if len(c.snapshot().StaticRoutes) != 6 {
		t.Error("something went")
	}
}

func TestAListThatChangedIsShownAgainInsteadOfBeingRemoved(t *testing.T) {
	t.Parallel()
	c := finished(t)
	posted := c.get("/deployments/1/remove").page().One(t, "form.form").Form()
	posted.Set("name", "pool.synergy.com")
	c.delete("/acl", "pattern", "10.1.20.22")
	page := c.postForm("/deployments/1/remove", posted).status(http.StatusConflict).page()
	page.Says(t, ".banner", "Nothing was changed.")
	page.Count(t, ".state.remove", 6+4+3)
	page.Count(t, "#error-name", 0)
	if len(c.snapshot().StaticRoutes) != 6 {
		t.Error("something went")
	}
	posted = page.One(t, "form.form").Form()
	posted.Set("name", "pool.synergy.com")
	c.postForm("/deployments/1/remove", posted).to("/deployments")
}

func TestNothingIsRemovedWithoutTheListThatWasRead(t *testing.T) {
	t.Parallel()
	c := finished(t)
	c.post("/deployments/1/remove", "name", "pool.synergy.com").status(http.StatusConflict)
	if len(c.snapshot().Deployments) != 1 {
		t.Error("it went")
	}
}

func TestAnOperatorRemovesOnlyWhatLeavesTLSContextsAlone(t *testing.T) {
	t.Parallel()
	c := finished(t)
	posted := c.get("/deployments/1/remove").page().One(t, "form.form").Form()
	posted.Set("name", "pool.synergy.com")
	c.post("/logout")
	c.signIn(auth.Operator)
	page := c.get("/deployments/1/remove").status(http.StatusOK).page()
	page.Count(t, "form.form", 0)
	page.Count(t, "main button", 0)
	page.Says(t, ".actions p", "Ask an administrator to remove the deployment.")
	c.postForm("/deployments/1/remove", posted).status(http.StatusForbidden)
	if len(c.snapshot().Deployments) != 1 {
		t.Error("it went")
	}

	c = withOCS(t)
	c.post("/logout")
	c.signIn(auth.Operator)
	posted = c.get("/deployments/1/remove").page().One(t, "form.form").Form()
	posted.Set("name", "ocs.synergy.com")
	c.postForm("/deployments/1/remove", posted).to("/deployments")
	c.get("/deployments").page().Says(t, ".banner", "Removed. ocs.synergy.com is gone from here. What the checklist had you do on the Microsoft side stays until you take it back there by hand.")
}

func TestWhatAnotherDeploymentUsesStaysWithTheReason(t *testing.T) {
	t.Parallel()
	c := finished(t)
	other := overTCP()
	other.FrontEnds[0].Address, other.FrontEnds[0].FQDN = "10.1.20.22", "fe2.synergy.com"
	c.keep(other)
	page := c.get("/deployments/1/remove").page()
	page.Says(t, ".objects li", "10.1.20.22 ")
	page.Says(t, ".objects .note", "fe2.synergy.com")
	posted := page.One(t, "form.form").Form()
	posted.Set("name", "pool.synergy.com")
	c.postForm("/deployments/1/remove", posted).to("/deployments")
	if acl := c.snapshot().ACL; !slices.ContainsFunc(acl, func(e federation.ACLEntry) bool { return e.Pattern == "10.1.20.22" }) {
		t.Errorf("the ACL is %v", acl)
	}
}
