package web_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"isthmus/internal/auth"
	"isthmus/internal/federation"
)

func init() {
	const one = "/deployments/{id:[0-9]+}"
	for _, page := range []string{"/tasks", "/certificates", "/pop-ups", "/tracing"} {
		least["GET "+one+page] = auth.Viewer
	}
	for _, change := range []string{"POST " + one + "/verification", "POST " + one + "/ticks", "GET " + one + "/remove", "POST " + one + "/remove"} {
		least[change] = auth.Operator
	}
}

// overTCP are the answers for an OCS pool without TLS.
func overTCP() federation.Answers {
	return federation.Answers{Platform: federation.OCS2007R2, Deployment: federation.ChatOnly, Edition: federation.EditionStandard, Transport: federation.TCP,
		Registrar: "ocs.synergy.com", Site: "1", FrontEnds: []federation.Host{{FQDN: "ocs.synergy.com", Address: "10.1.20.31"}}, Domains: []string{"synergy.com"}, RoutingNode: "imp1.synergy.com"}
}

// withOCS is a console with a finished deployment of OCS without TLS.
func withOCS(t *testing.T) *console {
	t.Helper()
	c := ready(t, auth.Admin)
	c.keep(overTCP())
	return c
}

// keep stores a deployment of these answers, and none of the objects that it needs.
func (c *console) keep(answers federation.Answers) {
	c.t.Helper()
	_, _, err := c.store.FinishWizard(c.t.Context(), answers, func(s federation.Snapshot) (federation.Changes, error) {
		return federation.Changes{Target: s.Configuration}, nil
	})
	if err != nil {
		c.t.Fatal(err)
	}
}

func (c *console) delete(path, field, value string) {
	c.t.Helper()
	id := c.get(path+"?field="+field+"&op=is_exactly&q="+value).page().One(c.t, "tbody input[name=id]").Attr("value")
	c.post(path+"/delete", "id", id).to(path)
}

func TestWhatIsInPlaceHereIsCountedAndWhatIsNotIsNamed(t *testing.T) {
	t.Parallel()
	c := finished(t)
	page := c.get("/deployments/1").status(http.StatusOK).page()
	page.Says(t, "h1", "Done here. Now the Microsoft side.")
	page.Says(t, ".title .state", "In place")
	page.Count(t, ".findings li", 0)

	c.delete("/acl", "pattern", "10.1.20.21")
	c.delete("/acl", "pattern", "fe2.synergy.com")
	page = c.get("/deployments/1").page()
	page.Says(t, "h1", "This side is not as the deployment needs it.")
	page.Says(t, ".title .state.part", "2 missing")
	page.Count(t, ".findings .part", 2)
	page.Says(t, ".findings h3", "Missing: 10.1.20.21")
	c.get("/deployments").page().Says(t, "td .state.part", "2 missing")
	c.get("/deployments").page().Says(t, "td .note", "of")
	c.get("/deployments/1/tasks").page().Says(t, "#task-acl p", "2 of 5 objects are not there any more")
}

func TestAConflictHereIsNamedFirstWithItsReason(t *testing.T) {
	t.Parallel()
	c := finished(t)
	c.delete("/acl", "pattern", "10.1.20.21")
	posted := c.get("/settings").page().One(t, "main form.form").Form()
	posted.Set("partitioned_federation", "false")
	posted.Del("ask")
	c.postForm("/settings", posted).to("/settings")
	page := c.get("/deployments/1").page()
	page.Says(t, ".title .state.down", "1 in conflict")
	if rows := page.All(".findings li"); len(rows) != 2 || !strings.HasPrefix(rows[0].Text(), "Conflict: ") || !strings.HasPrefix(rows[1].Text(), "Missing: ") {
		t.Errorf("the findings are %s", page.One(t, ".findings").Text())
	}
}

func TestTheWizardOpensOnADeploymentFromItsPage(t *testing.T) {
	t.Parallel()
	c := finished(t)
	page := c.get("/deployments/1").page()
	page.Count(t, "form.under .note", 0)
	c.postForm("/wizard", page.One(t, "form.under").Form()).to("/wizard/1")
	c.get("/wizard/2").page().One(t, "[name=pool][value=pool.synergy.com]")
	c.get("/deployments/1").page().Says(t, "form.under .note", "takes the place of the draft that you have begun")
}

func TestAnswersThatDoNotFitAnyMoreAreAFindingAndNoErrorPage(t *testing.T) {
	t.Parallel()
	c := finished(t)
	c.delete("/nodes", "name", "imp1.synergy.com")
	page := c.get("/deployments/1").status(http.StatusOK).page()
	page.Says(t, ".title .state.down", "Does not fit")
	page.Says(t, ".findings p", "imp1.synergy.com")
	c.get("/deployments").status(http.StatusOK).page().Says(t, "td .state", "Does not fit")
	c.get("/deployments/1/tasks").status(http.StatusOK).page().Says(t, "#task-static_routes", "Not verified")
	c.get("/deployments/1/remove").status(http.StatusOK)
}

func TestScriptsThatCannotBeWrittenAreAFindingToo(t *testing.T) {
	t.Parallel()
	c := deployed(t, federation.Answers{Platform: federation.SkypeForBusiness2019, Pool: "pool.synergy.com"})
	page := c.get("/deployments/1").status(http.StatusOK).page()
	page.Says(t, "section p", "so its scripts cannot be written")
	page.Count(t, "a[download]", 0)
	page.Count(t, "code.command", 0) // there is no verify.ps1 to run
	page.Count(t, "a[href='#hand-in']", 0)
	page.Says(t, "section p", "Nobody has looked there yet.")
	c.get("/deployments/1/configure.ps1").status(http.StatusConflict)
	c.get("/deployments/1/certificates").status(http.StatusConflict)
	c.get("/deployments").status(http.StatusOK)
	page = c.get("/deployments/1/remove").status(http.StatusOK).page()
	page.Says(t, "section p", "so its scripts cannot be written")
	page.Says(t, "section p", "Mend that before you remove anything here")
	page.Says(t, "section p", "only then is there a file")
	if text := page.One(t, "section[aria-labelledby=first]").Text(); strings.Contains(text, "checklist") {
		t.Errorf("no checklist is written, and the page says %s", text)
	}
}

func TestWhatCanBeWrittenIsDownloadedThoughTheRestCannot(t *testing.T) {
	t.Parallel()
	c := ready(t, auth.Admin)
	answers := overTCP()
	answers.Platform, answers.Transport, answers.ChildDomains = federation.SkypeForBusiness2019, federation.TLS, true
	answers.TrustedPool, answers.ApplicationID, answers.FrontEnds[0].Address = "trustedpool.synergy.com", "isthmus", "2001:db8::31"
	c.keep(answers)
	c.get("/deployments/1/configure.ps1").status(http.StatusConflict).page().Says(t, "main p", "takes no routes for child domains")
	c.get("/deployments/1/certificates").status(http.StatusOK).page().Says(t, "a[download]", "Download certificates.ps1")
	for _, file := range []string{"certificates.ps1", "popups-off.ps1"} {
		if a := c.get("/deployments/1/" + file).status(http.StatusOK); !strings.HasPrefix(a.body, "\ufeff#Requires") {
			t.Errorf("%s begins with %.20q", file, a.body)
		}
	}
}

func TestTheListOfDeploymentsReplacesNoDraft(t *testing.T) {
	t.Parallel()
	c := finished(t)
	c.get("/deployments").page().Says(t, "td button", "Go through it again")
	c.post("/wizard", "acknowledged", "true").to("/wizard/1")
	page := c.get("/deployments").page()
	page.Count(t, "td button", 0)
	page.Says(t, "main p", "Your draft waits in the wizard")
	page.One(t, "main p a[href=/wizard]")
	c.post("/logout")
	c.signIn(auth.Viewer)
	c.get("/deployments").page().Count(t, "main p a[href=/wizard]", 0)
}

func TestADeploymentThatIsGoneHasNoPages(t *testing.T) {
	t.Parallel()
	c := finished(t)
	for _, path := range []string{"", "/tasks", "/certificates", "/pop-ups", "/tracing", "/remove", "/configure.ps1"} {
		c.get("/deployments/9" + path).status(http.StatusNotFound)
	}
	for _, path := range []string{"/verification", "/ticks", "/remove"} {
		c.post("/deployments/9"+path, "task", "backup", "done", "true", "text", "{}").status(http.StatusNotFound)
	}
}

func TestOwnPagesAreThoseThatThePlatformHas(t *testing.T) {
	t.Parallel()
	c := finished(t)
	for path, title := range map[string]string{"certificates": "Exchange certificates", "pop-ups": "Pop-ups during a migration", "tracing": "Trace the Microsoft side"} {
		page := c.get("/deployments/1/" + path).status(http.StatusOK).page()
		page.Says(t, "h1", title)
		page.Says(t, ".tabs [aria-current=page]", strings.ToUpper(path[:1])+path[1:])
		page.Says(t, ".instructions li p", ".")
		if lines := page.All(".line pre"); len(lines) == 0 || page.One(t, "#"+lines[0].Attr("id")).Text() == "" {
			t.Errorf("%s has no lines to copy", path)
		}
	}
	c.get("/deployments/1/certificates").page().Says(t, ".line pre", "isthmus cert import --purpose cup-trust")
	c.get("/deployments/1").page().Count(t, ".tabs a", 6)

	c = withOCS(t)
	c.get("/deployments/1/certificates").status(http.StatusNotFound)
	c.get("/deployments/1/pop-ups").status(http.StatusNotFound)
	c.get("/deployments/1/tracing").status(http.StatusOK)
	page := c.get("/deployments/1").status(http.StatusOK).page()
	page.Count(t, ".tabs a", 4)
	page.Count(t, "#exchange", 0)
	page.Says(t, ".stages h2", "1. Routes and host authorization")
}

func TestTheScriptsOfOwnPagesAreDownloadedForWindows(t *testing.T) {
	t.Parallel()
	c := finished(t)
	for page, files := range map[string][]string{"certificates": {"certificates.ps1"}, "pop-ups": {"popups-off.ps1", "popups-on.ps1"}} {
		read := c.get("/deployments/1/" + page).page()
		for _, file := range files {
			read.Says(t, "a[download]", "Download "+file)
			a := c.get("/deployments/1/" + file).status(http.StatusOK)
			if !strings.HasPrefix(a.body, "\ufeff#Requires") || !strings.Contains(a.head.Get("Content-Disposition"), "pool.synergy.com") {
				t.Errorf("%s begins with %q, delivered as %s", file, a.body[:20], a.head.Get("Content-Disposition"))
			}
		}
	}
}

func TestAViewerReadsEveryPageOfADeploymentAndChangesNothing(t *testing.T) {
	t.Parallel()
	c := finished(t)
	c.post("/logout")
	c.signIn(auth.Viewer)
	for _, path := range []string{"", "/tasks", "/certificates", "/pop-ups", "/tracing"} {
		page := c.get("/deployments/1" + path).status(http.StatusOK).page()
		for _, button := range page.All("main button") {
			if !button.Has("data-copy") {
				t.Errorf("%s shows a viewer the button %s", path, button.Text())
			}
		}
		page.Count(t, "main form", 0)
		page.Count(t, fmt.Sprintf("main a[href=%s]", "/deployments/1/remove"), 0)
	}
	c.get("/deployments/1/remove").status(http.StatusForbidden)
	for _, path := range []string{"/verification", "/ticks", "/remove"} {
		c.post("/deployments/1"+path, "task", "backup", "done", "true").status(http.StatusForbidden)
	}
}
