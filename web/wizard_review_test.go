package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"isthmus/internal/auth"
	"isthmus/internal/federation"
)

// reopened is a console with one finished deployment, and a draft with its answers.
func reopened(t *testing.T) *console {
	t.Helper()
	c := ready(t, auth.Admin)
	c.walk(5)
	c.finish().to("/deployments/1")
	c.post("/wizard", "from", "1").to("/wizard/1")
	return c
}

func TestTheWayBackOfBeforeIsOfferedWhileItCanBeWritten(t *testing.T) {
	t.Parallel()
	c := reopened(t)
	page := c.get("/wizard/6").status(http.StatusOK).page()
	if href := page.One(t, ".run a").Attr("href"); href != "/deployments/1/rollback.ps1" {
		t.Errorf("the link leads to %s", href)
	}
	c.get("/deployments/1/rollback.ps1").status(http.StatusOK)
	new := ready(t, auth.Admin)
	new.walk(5)
	new.get("/wizard/6").page().Count(t, ".run a", 0)
	saved := c.get("/deployments/1").page()
	saved.Says(t, "section .row .note .mono", "configure-pool.synergy.com-")
}

func TestTheReviewOfAnEditShowsWhatGoes(t *testing.T) {
	t.Parallel()
	c := reopened(t)
	c.postForm("/wizard/3", hosts("fe1.synergy.com", "10.1.20.21", "fe3.synergy.com", "10.1.20.23")).to("/wizard/4")
	page := c.get("/wizard/6").status(http.StatusOK).page()
	page.Says(t, ".run", "This run changes the deployment pool.synergy.com.")
	page.Says(t, ".lede", "objects go, because earlier runs made them and these answers do not want them so any more")
	page.Says(t, "details.plan .state.remove", "Goes")
	page.Says(t, ".title .state.remove", "go")
	if first := page.All("details.plan")[1].All("tbody .state")[0].Text(); !strings.Contains(first, "Goes") {
		t.Errorf("the first row of the routes is %q", first)
	}
	c.finish().to("/deployments/1")
	for _, e := range c.snapshot().ACL {
		if e.Pattern == "10.1.20.22" || e.Pattern == "fe2.synergy.com" {
			t.Errorf("%s is still admitted", e.Pattern)
		}
	}
	if n := len(c.snapshot().Deployments); n != 1 {
		t.Errorf("there are %d deployments", n)
	}
}

func TestWhatWasThereBeforeStaysWhenAFrontEndGoes(t *testing.T) {
	t.Parallel()
	c := ready(t, auth.Admin)
	must[federation.ACLEntry](t)(c.store.SaveACLEntry(t.Context(), federation.ACLEntry{Pattern: "10.1.20.22", Description: "by hand"}))
	c.walk(5)
	c.finish().to("/deployments/1")
	c.post("/wizard", "from", "1").to("/wizard/1")
	c.postForm("/wizard/3", hosts("fe1.synergy.com", "10.1.20.21")).to("/wizard/4")
	c.get("/wizard/6").page().Says(t, "section .note", "Whatever is not named here stays as it is")
	c.finish().to("/deployments/1")
	kept := false
	for _, e := range c.snapshot().ACL {
		kept = kept || e.Pattern == "10.1.20.22"
	}
	if !kept {
		t.Error("an entry that was made by hand went with a front end")
	}
}

func TestARunUnderAnotherNameSaysThatItMakesASecondDeployment(t *testing.T) {
	t.Parallel()
	c := reopened(t)
	values := steps()[1]
	values.Set("pool", "west.synergy.com")
	c.postForm("/wizard/2", values).to("/wizard/3")
	c.get("/wizard/6").status(http.StatusOK).page().Says(t, ".run", "This run makes a second deployment, west.synergy.com, beside pool.synergy.com.")
}

// west is a second pool with the same domain.
func west() url.Values {
	edits := hosts("fe1.west.synergy.com", "10.2.20.21", "fe2.west.synergy.com", "10.2.20.22")
	edits.Set("front_ends[2].fqdn", "")
	edits.Set("front_ends[2].address", "")
	edits.Set("pool", "west.synergy.com")
	edits.Set("trusted_pool", "trustedwest.synergy.com")
	return edits
}

func TestRoutesThatAreInTheWayCanStayFirst(t *testing.T) {
	t.Parallel()
	c := ready(t, auth.Admin)
	c.walk(5)
	c.finish().to("/deployments/1")
	c.walkWith(west())
	page := c.get("/wizard/6").status(http.StatusOK).page()
	page.Count(t, "form.finish button", 0)
	form := page.One(t, "#decide-behind").Form()
	if form.Get("first_priority") != "3" {
		t.Errorf("the proposal is %q, want 3", form.Get("first_priority"))
	}
	c.postForm("/wizard/6", form).to("/wizard/6")
	page = c.get("/wizard/6").status(http.StatusOK).page()
	page.Count(t, "#decide", 0)
	page.Says(t, ".answers", "3, behind other routes")
	page.Says(t, "details.plan th", ".com.synergy to 10.2.20.21 port 5061 over TLS, priority 3")
	c.finish().to("/deployments/2")
	c.post("/wizard", "from", "2").to("/wizard/1")
	c.get("/wizard/4").page().One(t, "[name=first_priority][value='3']")
}

func TestAPriorityThatIsNoneIsRefused(t *testing.T) {
	t.Parallel()
	c := reopened(t)
	c.post("/wizard/6").status(http.StatusConflict)
	c.post("/wizard/6", "first_priority", "x").status(http.StatusConflict)
	c.post("/wizard/6", "first_priority", "-5").status(http.StatusUnprocessableEntity)
	c.post("/wizard/6", "first_priority", "65535").status(http.StatusUnprocessableEntity)
	c.get("/wizard/6").status(http.StatusOK)
	c.post("/wizard/discard").to("/wizard")
	c.post("/wizard/6", "first_priority", "3").to("/wizard")
}

func TestAnotherConflictOffersNoPlaceBehind(t *testing.T) {
	t.Parallel()
	c := ready(t, auth.Admin)
	c.walk(5)
	route := federation.NewStaticRoute()
	route.Destination, route.Type, route.NextHop, route.Port, route.Transport = ".com.synergy", "domain", "10.1.20.21", 5061, "tls"
	route.Blocked = true
	must[federation.StaticRoute](t)(c.store.SaveStaticRoute(t.Context(), route))
	page := c.get("/wizard/6").status(http.StatusOK).page()
	page.Says(t, ".findings .conflict", "blocked")
	page.Count(t, "#decide-behind", 0)
}

func TestASecondTabThatChangedTheDraftMakesTheFirstStale(t *testing.T) {
	t.Parallel()
	c := ready(t, auth.Admin)
	c.walk(5)
	first := c.get("/wizard/6").page().One(t, "form.finish").Form()
	// The site changes no object here, and what the scripts say.
	values := steps()[1]
	values.Set("site", "2")
	c.postForm("/wizard/2", values).to("/wizard/3")
	page := c.postForm("/wizard/finish", first).status(http.StatusConflict).page()
	page.Says(t, ".banner", "Nothing was changed. The plan is another one than the one you read")
	page.Says(t, ".answers", "2")
	if c.snapshot().Settings.PartitionedFederation {
		t.Error("answers that this tab never showed were applied")
	}
	c.postForm("/wizard/finish", page.One(t, "form.finish").Form()).to("/deployments/1")
	c.postForm("/wizard/finish", first).to("/wizard") // the draft is finished, so a third press has nothing to do
}

func TestTheReviewListsAllAnswersOfEachPlatform(t *testing.T) {
	t.Parallel()
	c := ready(t, auth.Admin)
	c.walkWith(lyncWithCalls())
	page := c.get("/wizard/6").page()
	for _, want := range []string{"Lync 2013", "Chat and calling", "Enterprise Edition", "pool.synergy.com", "fe2.synergy.com 10.1.20.22", "exp.synergy.com", "imp1.synergy.com", "trustedpool.synergy.com"} {
		page.Says(t, ".answers", want)
	}
	c.walkWith(url.Values{"platform": {federation.OCS2007R2}, "transport": {federation.TCP}, "load_balancer": {"10.1.20.9"}})
	page = c.get("/wizard/6").page()
	page.Says(t, ".answers", "OCS 2007 R2")
	page.Says(t, ".answers", "TCP")
	page.Says(t, ".findings", "A load balancer between the two sides is not supported")
	if text := page.One(t, ".answers").Text(); strings.Contains(text, "trustedpool") || strings.Contains(text, "Site") {
		t.Errorf("answers that OCS does not know: %s", text)
	}
}

// contextRow is the review's row about a context.
func contextRow(t *testing.T, c *console, name string) string {
	t.Helper()
	for _, row := range c.get("/wizard/6").status(http.StatusOK).page().All("details.plan tbody tr") {
		if text := row.Text(); strings.Contains(text, name) {
			return text
		}
	}
	t.Fatalf("the review has no row about %s", name)
	return ""
}

func TestTheReviewSaysWhatBecomesOfAContext(t *testing.T) {
	t.Parallel()
	c := ready(t, auth.Admin)
	c.walkWith(url.Values{"platform": {federation.Lync2013}})
	says := func(wants ...string) {
		t.Helper()
		row := contextRow(t, c, federation.PeerAuthContext)
		for _, want := range wants {
			if !strings.Contains(row, want) {
				t.Errorf("the row %q does not say %q", row, want)
			}
		}
	}
	says("Changes", "The oldest version was TLS 1.2 and will be TLS 1.0.", "Comes in: fe1.synergy.com, fe2.synergy.com, pool.synergy.com.")
	page := c.get("/wizard/6").page()
	page.Says(t, ".lede", "1 object changes")
	page.Says(t, ".title .state", "1 changes")
	if row := contextRow(t, c, federation.ServerAuthContext); !strings.Contains(row, "Exists") {
		t.Errorf("the row of a context that stays is %q", row)
	}
	c.finish().to("/deployments/1")

	c.post("/wizard", "from", "1").to("/wizard/1")
	says("Exists", "TLS 1.0 or newer")
	c.get("/wizard/6").page().Says(t, ".lede", "All of it exists already.")
	c.postForm("/wizard/3", hosts("fe1.synergy.com", "10.1.20.21")).to("/wizard/4")
	says("Changes", "Taken out: fe2.synergy.com.", "Stays: fe1.synergy.com, pool.synergy.com.")
	c.finish().to("/deployments/1")
}
