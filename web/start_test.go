package web_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"isthmus/internal/auth"
	"isthmus/internal/federation"
	"isthmus/internal/store"
	"isthmus/web"
)

func TestStartPageLeadsFromNothingToACrossing(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Admin)
	page := c.get("/").status(200).page()
	page.Says(t, "h1", "Nothing is set up yet.")
	page.Says(t, ".findings a", "1. Add the domain that both sides share")

	c.post("/nodes", "name", "imp1.here.com", "address", "127.0.0.11", "services", "sip_proxy", "services", "sip_federation").to("/nodes")
	c.post("/domains", "name", "synergy.com").to("/domains")
	page = c.get("/").page()
	page.Says(t, "h1", "synergy.com does not cross yet.")
	page.Says(t, ".strait", "Federation is off")
	page.Says(t, ".findings .down h3", "The incoming ACL is empty")

	c.post("/settings", "partitioned_federation", "true").to("/settings")
	c.post("/acl/server", "fqdn", "fe1.synergy.com", "address", "127.0.0.21").to("/acl")
	c.post("/static-routes", "destination", "synergy.com", "type", "domain", "next_hop", "127.0.0.21", "port", "5061", "transport", "tls", "in_service", "true").to("/static-routes")
	revision := must[int64](t)(c.store.Revision(t.Context()))
	c.report("imp1.here.com", revision, federation.HopStatus{Host: "127.0.0.21", Port: 5061, Transport: "tls", State: "up"})
	page = c.get("/").page()
	page.Says(t, "h1", "synergy.com crosses.")
	page.Says(t, ".strait .state.up", "Crosses")
	page.Says(t, "[aria-labelledby=nodes] tbody tr", "Ready")
	page.Says(t, ".applied", "in force on the one node")

	c.post("/static-routes", "destination", "synergy.com", "type", "domain", "next_hop", "127.0.0.22", "transport", "tls", "priority", "2").to("/static-routes")
	c.get("/").page().Says(t, ".strait", "1 next hop is up, 1 not used yet") // a backup that was never needed is no fault
	c.report("imp1.here.com", revision, federation.HopStatus{Host: "127.0.0.21", Port: 5061, Transport: "tls", State: "up"},
		federation.HopStatus{Host: "127.0.0.22", Port: 5061, Transport: "tls", State: "down", Reason: "connection refused"})
	page = c.get("/").page()
	page.Says(t, ".strait .state.part", "Crosses")
	page.Says(t, ".strait", "1 of 2 next hops up")

	page.Says(t, ".applied", "in force on 0 of 1 node")
	page.Says(t, "nav.menu small", "1 behind")
}

func TestStartPageTellsOnePathFromTheDomainThroughTheWizard(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Admin)
	page := c.get("/").page()
	if button := page.One(t, ".head a.button"); button.Attr("href") != "/domains/new" {
		t.Errorf("the first step is the domain, and the button leads to %s", button.Attr("href"))
	}
	page.Says(t, ".lede", "Begin with the domain; the wizard does the rest.")
	page.Says(t, ".findings a", "2. Go through the wizard, which does the rest")
	page.Says(t, ".findings h3", "4. Add a static route to each front end The wizard does this")

	c.post("/domains", "name", "synergy.com").to("/domains")
	page = c.get("/").page()
	page.Says(t, ".head a.button[href=/wizard]", "Open the wizard")
	c.get("/domains").page().Count(t, "main a[href=/wizard/1]", 0)

	c.post("/wizard", "acknowledged", "true").to("/wizard/1")
	page = c.get("/").page()
	page.Says(t, ".lede", "Your draft waits in the wizard.")
	page.Says(t, ".head a.button[href=/wizard]", "Continue in the wizard")
	c.get("/wizard").page().Says(t, "section p", "Last changed ") // a time of today, or a day and a time
	c.post("/domains", "name", "other.com").to("/domains")
	c.get("/domains").page().Says(t, "main a[href=/wizard/1]", "Continue in the wizard")

	c.post("/logout")
	c.signIn(auth.Viewer)
	page = c.get("/").page()
	page.Count(t, ".head a.button", 0)
	page.Count(t, ".findings a[href=/wizard]", 0)
}

func TestStartPageLeadsFromFinishToTheScripts(t *testing.T) {
	t.Parallel()
	c := finished(t)
	page := c.get("/").page()
	page.Says(t, ".findings .part h3", "The Microsoft side of pool.synergy.com was never seen.")
	page.Says(t, ".findings a[href=/deployments/1]", "The scripts of pool.synergy.com")
	c.upload([]byte(c.result("exists")), "").to("/deployments/1")
	c.get("/").page().Count(t, ".findings a[href=/deployments/1]", 0)

	c.keep(overTCP())
	page = c.get("/").page()
	page.Count(t, ".findings a[href=/deployments/2]", 0) // OCS has nothing to hand in
	page.Says(t, ".strait .name", "ocs.synergy.com, pool.synergy.com")
	page.Says(t, ".strait", "OCS 2007 R2, Skype for Business 2019")
}

func TestStartPageSaysWhenNoDomainCrosses(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Admin)
	for _, domain := range []string{"synergy.com", "synergy.co.uk"} {
		c.post("/domains", "name", domain).to("/domains")
	}
	c.post("/settings", "partitioned_federation", "true").to("/settings")
	c.get("/").page().Says(t, "h1", "None of the 2 domains crosses.")
}

func TestReadinessTellsDetailsToThisMachineAndToThoseSignedIn(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Viewer)
	revision := int64(7)
	health := web.Health{State: web.Ready, Revision: &revision, AppliedRevision: 7, Database: "ok"}
	c.config.Health = func() web.Health { return health }
	c.config.Metrics = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("isthmus_up 1\n")) })
	c.handler = web.New(c.config)
	stranger := &console{t: t, handler: c.handler, cookies: map[string]*http.Cookie{}}

	var told map[string]any
	if err := json.Unmarshal([]byte(c.get("/readyz").status(200).body), &told); err != nil || told["state"] != "ready" || told["applied_revision"] != 7.0 {
		t.Errorf("told %v, %v", told, err)
	}
	if a := stranger.get("/readyz").status(200); a.body != "" {
		t.Errorf("a stranger is told %q", a.body)
	}
	stranger.get("/metrics").status(http.StatusForbidden)
	near := httptest.NewRequest(http.MethodGet, "/metrics", nil)
	near.RemoteAddr = "127.0.0.1:40000"
	if a := stranger.send(near).status(200); a.body != "isthmus_up 1\n" {
		t.Errorf("metrics are %q", a.body)
	}
	for state, want := range map[string]int{web.Degraded: 200, web.Starting: 503, web.Stopped: 503, web.Draining: 503} {
		health.State = state
		stranger.get("/readyz").status(want)
		stranger.get("/healthz").status(200)
	}
}

func TestConsoleSaysWhenTheDatabaseIsAway(t *testing.T) {
	t.Parallel()
	s, err := store.Open(t.Context(), "postgres://nobody@/none?host="+t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	c := &console{t: t, store: s, handler: web.New(web.Config{Store: s, Log: logOf(t)}), cookies: map[string]*http.Cookie{"isthmus": {Name: "isthmus", Value: "x"}}}
	c.get("/acl").to("/login?next=%2Facl")
	for _, a := range []answer{c.post("/acl", "pattern", "all"), c.get("/login")} {
		a.status(http.StatusServiceUnavailable).page().Says(t, "main", "The database")
	}
	c.get("/healthz").status(200)
}
