package web_test

import (
	"net/http"
	"net/url"
	"testing"

	"isthmus/internal/auth"
	"isthmus/internal/federation"
)

// walkWith begins a draft and answers all steps, with these fields in place of the usual ones.
func (c *console) walkWith(edits url.Values) {
	c.t.Helper()
	c.post("/wizard", "acknowledged", "true").to("/wizard/1")
	for i, values := range steps() {
		for name, v := range edits {
			values[name] = v
		}
		c.postForm(step(i+1), values).to(step(i + 2))
	}
}

func step(n int) string { return "/wizard/" + string(rune('0'+n)) }

// lyncWithCalls is a deployment that has all that can be asked.
func lyncWithCalls() url.Values {
	return url.Values{"platform": {federation.Lync2013}, "deployment": {federation.ChatAndCalling},
		"expressway.fqdn": {"exp.synergy.com"}, "expressway.address": {"10.1.20.31"}, "expressway.port": {""}}
}

func TestEveryPlatformLeadsToItsScripts(t *testing.T) {
	t.Parallel()
	for _, platform := range []string{federation.SkypeForBusiness2019, federation.SkypeForBusiness2015, federation.Lync2013, federation.Lync2010, federation.OCS2007R2} {
		t.Run(platform, func(t *testing.T) {
			c := ready(t, auth.Admin)
			c.walkWith(url.Values{"platform": {platform}, "deployment": {federation.ChatOnly}, "transport": {federation.TLS}})
			c.finish().to("/deployments/1")
			c.get("/deployments/1/configure.ps1").status(http.StatusOK)
		})
	}
}

func TestCallingAsksForAnExpressway(t *testing.T) {
	t.Parallel()
	c := ready(t, auth.Admin)
	c.walk(2)
	c.get("/wizard/3").page().Count(t, "#field-expressway", 0)
	c.postForm("/wizard/1", url.Values{"platform": {federation.Lync2013}, "deployment": {federation.ChatAndCalling}}).to("/wizard/2")
	c.postForm("/wizard/2", steps()[1]).to("/wizard/3")
	c.get("/wizard/3").page().One(t, "#field-expressway-port[value=65072]")
	values := steps()[2]
	values.Set("expressway.fqdn", "")
	c.postForm("/wizard/3", values).status(http.StatusUnprocessableEntity).page().
		Says(t, "#field-expressway .error", "Chat and calling goes through an Expressway; enter its name and address")
	values.Set("expressway.fqdn", "exp.synergy.com")
	values.Set("expressway.address", "10.1.20.31")
	values.Set("expressway.port", "many")
	page := c.postForm("/wizard/3", values).status(http.StatusUnprocessableEntity).page()
	page.Says(t, "#field-expressway .error", "Enter a port between 1 and 65535")
	page.One(t, "#field-expressway-port[value=many]")
	page.One(t, "[role=alert] a[href=#field-expressway-port]")
	values.Set("expressway.port", "")
	c.postForm("/wizard/3", values).to("/wizard/4")
	c.postForm("/wizard/4", steps()[3]).to("/wizard/5")
	c.postForm("/wizard/5", steps()[4]).to("/wizard/6")
	page = c.get("/wizard/6").page()
	page.Says(t, ".answers", "Chat and calling")
	page.Says(t, ".answers", "exp.synergy.com 10.1.20.31 port 65072")
	page.Says(t, "details.plan th", "10.1.20.31")
}

func TestOCSIsAskedWhatItKnows(t *testing.T) {
	t.Parallel()
	c := ready(t, auth.Admin)
	c.post("/wizard", "acknowledged", "true").to("/wizard/1")
	// A browser without style sheets sends the fields of other platforms too.
	c.postForm("/wizard/1", url.Values{"platform": {federation.OCS2007R2}, "deployment": {federation.ChatAndCalling}, "transport": {federation.TCP}}).to("/wizard/2")
	page := c.get("/wizard/2").page()
	page.Count(t, "[name=registrar]", 0)
	page.Count(t, "[name=site]", 0)
	page.Count(t, "[name=paste]", 0)
	page.One(t, "[name=pool]")
	c.postForm("/wizard/2", url.Values{"edition": {"enterprise"}, "pool": {"ocs.synergy.com"}, "load_balancer": {""}}).to("/wizard/3")
	c.get("/wizard/3").page().Count(t, "#field-expressway", 0)
	c.postForm("/wizard/3", hosts("ocs1.synergy.com", "10.1.20.41")).to("/wizard/4")
	c.postForm("/wizard/4", steps()[3]).to("/wizard/5")
	page = c.get("/wizard/5").page()
	page.Count(t, "[name=trusted_pool]", 0)
	page.Count(t, "[name=application_id]", 0)
	c.postForm("/wizard/5", url.Values{"routing_node": {"imp1.synergy.com"}}).to("/wizard/6")
	page = c.get("/wizard/6").page()
	page.Says(t, "details.plan th", ".com.synergy to 10.1.20.41 port 5060 over TCP, priority 1")
	c.finish().to("/deployments/1")
	if a := c.snapshot().Deployments[0].Answers; a.Expressway != nil || a.Deployment != federation.ChatOnly || a.Site != "" {
		t.Errorf("the deployment holds what OCS does not know: %+v", a)
	}
}

func TestSwitchingThePlatformBackLosesNothing(t *testing.T) {
	t.Parallel()
	c := ready(t, auth.Admin)
	c.walkWith(lyncWithCalls())
	c.postForm("/wizard/1", url.Values{"platform": {federation.OCS2007R2}}).to("/wizard/2")
	c.postForm("/wizard/2", url.Values{"edition": {"standard"}}).to("/wizard/3")
	c.get("/wizard/3").page().Count(t, "#field-expressway", 0)
	c.postForm("/wizard/1", url.Values{"platform": {federation.Lync2013}}).to("/wizard/2")
	page := c.get("/wizard/2").page()
	page.One(t, "[name=pool][value=Pool.synergy.com]")
	page.One(t, "[name=site][value='1']")
	c.postForm("/wizard/2", url.Values{"edition": {"enterprise"}}).to("/wizard/3")
	c.get("/wizard/3").page().One(t, "#field-expressway-fqdn[value=exp.synergy.com]")
	c.get("/wizard/6").status(http.StatusOK).page().Says(t, ".answers", "exp.synergy.com 10.1.20.31 port 65072")
}

func TestFieldsOfOtherPlatformsAreMarkedForTheStyleSheet(t *testing.T) {
	t.Parallel()
	c := ready(t, auth.Admin)
	c.walk(0)
	page := c.get("/wizard/1").page()
	page.One(t, ".not-ocs [name=deployment][value=chat_and_calling]")
	page.One(t, ".ocs-only [name=transport][value=tcp]")
	if !page.One(t, "[name=deployment][value=chat_only]").Has("checked") || !page.One(t, "[name=transport][value=tls]").Has("checked") {
		t.Error("chat only over TLS is not proposed")
	}
}
