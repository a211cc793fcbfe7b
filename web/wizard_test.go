package web_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"isthmus/internal/auth"
	"isthmus/internal/federation"
)

// ready is a console with a domain and two nodes, the second with a user.
func ready(t *testing.T, role auth.Role) *console {
	t.Helper()
	c := signedInAs(t, role)
	ctx := t.Context()
	must[federation.Domain](t)(c.store.SaveDomain(ctx, federation.Domain{Name: "synergy.com"}))
	for name, address := range map[string]string{"imp1.synergy.com": "10.1.10.11", "imp2.synergy.com": "10.1.10.12"} {
		must[federation.Node](t)(c.store.SaveNode(ctx, federation.Node{Name: name, Address: address, Services: []string{"sip_proxy"}}))
	}
	must[federation.User](t)(c.store.SaveUser(ctx, federation.User{UserID: "ann", IMAddress: "ann@synergy.com", Licensed: true, Node: "imp2.synergy.com"}))
	return c
}

// steps are the answers of the five steps, as a browser posts them.
func steps() []url.Values {
	return []url.Values{
		{"platform": {"skype_for_business_2019"}},
		{"edition": {"enterprise"}, "pool": {"Pool.synergy.com"}, "load_balancer": {""}, "registrar": {""}, "site": {"1"}},
		{"front_ends[0].fqdn": {"fe1.synergy.com"}, "front_ends[0].address": {"10.1.20.21"},
			"front_ends[1].fqdn": {""}, "front_ends[1].address": {""},
			"front_ends[2].fqdn": {"fe2.synergy.com"}, "front_ends[2].address": {"10.1.20.22"}},
		{"domains": {"synergy.com"}},
		{"routing_node": {"imp1.synergy.com"}, "trusted_pool": {"trustedpool.synergy.com"}, "application_id": {"isthmus"}},
	}
}

// walk begins a draft and answers the first n steps.
func (c *console) walk(n int) {
	c.t.Helper()
	c.post("/wizard", "acknowledged", "true").to("/wizard/1")
	for i, values := range steps()[:n] {
		c.postForm("/wizard/"+string(rune('1'+i)), values).to("/wizard/" + string(rune('2'+i)))
	}
}

// finish presses Finish on the review as it stands.
func (c *console) finish() answer {
	c.t.Helper()
	review := c.get("/wizard/6").status(http.StatusOK).page()
	return c.postForm("/wizard/finish", review.One(c.t, "form.finish").Form())
}

func TestTheWizardLeadsFromFiveStepsToScripts(t *testing.T) {
	t.Parallel()
	c := ready(t, auth.Admin)
	c.walk(5)
	page := c.get("/wizard/6").status(http.StatusOK).page()
	page.Says(t, ".lede", "Finish saves all of it in one step, or nothing.")
	page.Says(t, "details.plan th", ".com.synergy to 10.1.20.21 port 5061 over TLS, priority 1")
	page.Says(t, "details.plan .state", "New")
	page.Says(t, "details.plan .state", "Exists")
	page.Says(t, ".steps [aria-current=step]", "Review")

	c.finish().to("/deployments/1")
	s := c.snapshot()
	if !s.Settings.PartitionedFederation || len(s.StaticRoutes) != 6 || len(s.ACL) != 5 || len(s.TLSPeerSubjects) != 3 {
		t.Errorf("after Finish there are %d routes, %d ACL entries, %d peer subjects, federation %v", len(s.StaticRoutes), len(s.ACL), len(s.TLSPeerSubjects), s.Settings.PartitionedFederation)
	}
	page = c.get("/deployments/1").status(http.StatusOK).page()
	page.Says(t, "h1", "Done here. Now the Microsoft side.")
	page.Says(t, "#text-configure-ps1", "$Registrar = 'pool.synergy.com'")
	page.Says(t, "#text-configure-ps1", "$Computers = @('imp1.synergy.com', 'imp2.synergy.com')")
	page.Says(t, "a[download]", "Download rollback.ps1")
	c.get("/wizard").page().Says(t, "h2", "Before you begin")
	c.get("/deployments").page().Says(t, "table tbody th a", "pool.synergy.com")
}

func TestAScriptIsDownloadedForWindows(t *testing.T) {
	t.Parallel()
	c := ready(t, auth.Admin)
	c.walk(5)
	c.finish().to("/deployments/1")
	a := c.get("/deployments/1/configure.ps1").status(http.StatusOK)
	if !strings.HasPrefix(a.body, "\ufeff#Requires") || !strings.Contains(a.body, "\r\n") {
		t.Errorf("the file begins with %q", a.body[:40])
	}
	if d := a.head.Get("Content-Disposition"); !strings.HasPrefix(d, "attachment; filename=configure-pool.synergy.com-") {
		t.Errorf("the file is delivered as %q", d)
	}
	c.get("/deployments/1/secret.ps1").status(http.StatusNotFound)
	c.get("/deployments/9").status(http.StatusNotFound)
	c.get("/deployments/9/configure.ps1").status(http.StatusNotFound)
}

func TestAnswersOutliveBackReloadAndAnotherDay(t *testing.T) {
	t.Parallel()
	c := ready(t, auth.Admin)
	c.walk(3)
	c.postForm("/wizard/4", url.Values{"domains": {"synergy.com"}, "child_domains": {"true"}, "back": {"true"}}).to("/wizard/3")
	c.get("/wizard/3").page().One(t, "#field-front_ends-1-fqdn[value=fe2.synergy.com]")
	c.get("/wizard/2").page().One(t, "[name=pool][value=Pool.synergy.com]")
	page := c.get("/wizard/4").page()
	if !page.One(t, "[name=domains][value=synergy.com]").Has("checked") || !page.One(t, "[name=child_domains][type=checkbox]").Has("checked") {
		t.Error("what was ticked before Back is not ticked any more")
	}
	c.get("/wizard").page().Says(t, "h2", "Your draft waits at step 4: Domains")
}

func TestNoStepIsSkipped(t *testing.T) {
	t.Parallel()
	c := ready(t, auth.Admin)
	c.get("/wizard/1").to("/wizard")
	c.walk(1)
	c.post("/wizard/2", "pool", "pool.synergy.com").status(422).page().Says(t, "#error-edition", "Choose the edition of the deployment.")
	c.get("/wizard/6").to("/wizard/2")
	c.get("/wizard/5").to("/wizard/2")
	c.postForm("/wizard/4", steps()[3]).to("/wizard/2")
	c.post("/wizard/finish").to("/wizard/2")
	if s := c.snapshot(); s.Settings.PartitionedFederation {
		t.Error("Finish worked without the steps")
	}
	c.get("/wizard/7").status(http.StatusNotFound)
}

func TestTheStepsThatWereReachedAreLinks(t *testing.T) {
	t.Parallel()
	c := ready(t, auth.Admin)
	c.walk(2)
	var links []string
	page := c.get("/wizard/2").page()
	for _, a := range page.All(".steps a") {
		links = append(links, a.Attr("href"))
	}
	if want := []string{"/wizard/1", "/wizard/3"}; !slices.Equal(links, want) {
		t.Errorf("step 2 of 3 links to %q, want %q", links, want)
	}
	page.Count(t, ".steps li.done", 2)
}

func TestAnAnswerThatDoesNotHoldStaysInTheForm(t *testing.T) {
	t.Parallel()
	for _, w := range []struct {
		name       string
		step       int
		edit       url.Values
		field, say string
	}{
		{"no platform", 1, url.Values{"platform": nil}, "#error-platform", "Choose what runs on the Microsoft side."},
		{"a quote in a name", 2, url.Values{"pool": {"pool’s.synergy.com"}}, "#error-pool", "characters"},
		{"a site with its prefix", 2, url.Values{"site": {"site:Redmond"}}, "#error-site", "without site:"},
		{"an incomplete front end", 3, url.Values{"front_ends[0].address": {"10.1.20"}}, ".server .error", "Enter an IP address"},
		{"no domain", 4, url.Values{"domains": nil}, "#error-domains", "at least one domain"},
		{"a strange application id", 5, url.Values{"application_id": {"a b"}}, "#error-application_id", "no blanks"},
	} {
		t.Run(w.name, func(t *testing.T) {
			c := ready(t, auth.Admin)
			c.walk(w.step - 1)
			values := steps()[w.step-1]
			for name, v := range w.edit {
				values[name] = v
			}
			page := c.postForm("/wizard/"+string(rune('0'+w.step)), values).status(http.StatusUnprocessableEntity).page()
			page.Says(t, w.field, w.say)
			page.Says(t, "[role=alert]", "What you typed is kept")
			for _, v := range w.edit {
				if v != nil {
					page.One(t, "main input[value="+v[0]+"]")
				}
			}
		})
	}
}

func TestStandardEditionAsksForNoPool(t *testing.T) {
	t.Parallel()
	c := ready(t, auth.Admin)
	c.walk(1)
	c.post("/wizard/2", "edition", "standard", "pool", "left.over.com", "load_balancer", "10.1.1.1", "registrar", "", "site", "1").to("/wizard/3")
	page := c.get("/wizard/3").page()
	page.Count(t, ".server", 1)
	c.postForm("/wizard/3", hosts("fe1.synergy.com", "10.1.20.21")).to("/wizard/4")
	c.postForm("/wizard/4", steps()[3]).to("/wizard/5")
	c.postForm("/wizard/5", steps()[4]).to("/wizard/6")
	if text := c.get("/wizard/6").page().One(t, "main").Text(); strings.Contains(text, "left.over.com") || strings.Contains(text, "10.1.1.1") {
		t.Errorf("the review holds the pool or the balancer of Enterprise Edition: %s", text)
	}
	c.get("/wizard/2").page().One(t, "[name=pool][value=left.over.com]") // for whoever chooses Enterprise Edition again
}

func (c *console) draft() (federation.Answers, error) {
	d, err := c.store.Draft(c.t.Context(), string(auth.Admin))
	return d.Answers, err
}

func TestMoreRowsKeepWhatWasTyped(t *testing.T) {
	t.Parallel()
	c := ready(t, auth.Admin)
	c.walk(2)
	values := steps()[2]
	values.Set("rows", "more")
	c.postForm("/wizard/3", values).to("/wizard/3?rows=5")
	page := c.get("/wizard/3?rows=5").page()
	page.Count(t, ".server", 5)
	page.One(t, "#field-front_ends-1-address[value=10.1.20.22]")
	c.get("/wizard/3?rows=100000").page().Count(t, ".server", 99)
}

func TestFinishAppliesOnlyThePlanThatWasRead(t *testing.T) {
	t.Parallel()
	c := ready(t, auth.Admin)
	c.walk(5)
	form := c.get("/wizard/6").page().One(t, "form.finish").Form()
	must[federation.ACLEntry](t)(c.store.SaveACLEntry(t.Context(), federation.ACLEntry{Pattern: "10.1.20.21"}))
	page := c.postForm("/wizard/finish", form).status(http.StatusConflict).page()
	page.Says(t, ".banner", "Nothing was changed. The plan is another one than the one you read")
	if s := c.snapshot(); len(s.StaticRoutes) != 0 {
		t.Error("another plan than the one that was read was applied")
	}
	c.postForm("/wizard/finish", page.One(t, "form.finish").Form()).to("/deployments/1")
}

func TestAConflictKeepsFinishAway(t *testing.T) {
	t.Parallel()
	c := ready(t, auth.Admin)
	c.walk(5)
	form := c.get("/wizard/6").page().One(t, "form.finish").Form()
	route := federation.NewStaticRoute()
	route.Destination, route.Type, route.NextHop = ".com.synergy", "domain", "10.9.9.9"
	must[federation.StaticRoute](t)(c.store.SaveStaticRoute(t.Context(), route))
	page := c.get("/wizard/6").status(http.StatusOK).page()
	page.Says(t, "#decide", "Resolve first")
	page.Says(t, ".findings .conflict p", "leads to 10.9.9.9 port 5060 over tcp")
	page.Count(t, "form.finish button", 0)
	page.One(t, ".findings .conflict a[href=/static-routes?field=destination&op=is_exactly&q=.com.synergy]")
	c.postForm("/wizard/finish", form).status(http.StatusConflict)
	if s := c.snapshot(); len(s.StaticRoutes) != 1 || s.Settings.PartitionedFederation {
		t.Error("a plan with a conflict was applied")
	}
}

func TestFinishingTwiceIsFinishingOnce(t *testing.T) {
	t.Parallel()
	c := ready(t, auth.Admin)
	c.walk(5)
	c.finish().to("/deployments/1")
	revision := c.snapshot().Revision
	c.post("/wizard", "from", "1").to("/wizard/1")
	page := c.get("/wizard/6").status(http.StatusOK).page()
	page.Says(t, ".lede", "All of it exists already.")
	c.finish().to("/deployments/1")
	if now := c.snapshot().Revision; now != revision {
		t.Errorf("the second finish made revision %d out of %d", now, revision)
	}
}

func TestTheRoutingStepProposesTheNodeWithoutUsers(t *testing.T) {
	t.Parallel()
	c := ready(t, auth.Admin)
	c.walk(4)
	page := c.get("/wizard/5").page()
	if !page.One(t, "[name=routing_node][value=imp1.synergy.com]").Has("checked") {
		t.Error("the node without users is not proposed")
	}
	page.Says(t, "label small", "1 user would share it.")
	page.One(t, "[name=trusted_pool][value=trustedpool.synergy.com]")
	page.One(t, "[name=application_id][value=isthmus]")
}

func TestTheWizardWithoutDomainsAndNodesSaysWhatToDo(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Admin)
	c.walk(3)
	c.get("/wizard/4").page().Says(t, "#field-domains", "This side holds no domain yet.")
	c.postForm("/wizard/4", url.Values{}).status(http.StatusUnprocessableEntity).page().Says(t, "#error-domains", "at least one domain")
}
