package web_test

import (
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"isthmus/internal/auth"
	"isthmus/internal/certs"
	"isthmus/internal/federation"
	"isthmus/internal/siptest"
)

// complete does what the wizard leaves to a person on this side: one node routes, each has its services and a certificate,
// and the CA of these is trusted.
func (c *console) complete() {
	c.t.Helper()
	c.config.Key = must[*certs.Key](c.t)(certs.OpenKey(filepath.Join(c.t.TempDir(), "key"), "", false))
	ca := siptest.NewAuthority("Lab CA")
	c.trusts(ca)
	for _, n := range c.snapshot().Nodes {
		leaf := ca.Issue(siptest.Leaf{Names: []string{n.Name, "trustedpool.synergy.com"}})
		own := must[federation.Certificate](c.t)(certs.ImportOwn(c.config.Key, n.Name, time.Now(), append(siptest.CertificatePEM(leaf), siptest.KeyPEM(leaf)...), nil))
		if err := c.store.SaveCertificate(c.t.Context(), own); err != nil {
			c.t.Fatal(err)
		}
		if n.Routing = n.Name == ownNode; !n.Routing {
			n.Services = federation.Services
		}
		must[federation.Node](c.t)(c.store.SaveNode(c.t.Context(), n))
	}
}

func TestBothSidesAreSetUpOnlyWhenEveryStepThatIsSeenIsDone(t *testing.T) {
	t.Parallel()
	c := finished(t)
	c.get("/deployments/1").page().Says(t, ".lede", "Open on this side: ")
	c.upload([]byte(c.result("exists")), "").to("/deployments/1")
	page := c.get("/deployments/1").page()
	page.Says(t, ".title .state.up", "As verified")
	if h1 := page.One(t, "h1").Text(); !strings.HasPrefix(h1, "Still open: Have a routing node without users, and 3 more steps.") {
		t.Errorf("no CA is trusted, and the page says %s", h1)
	}
	page.Says(t, ".lede", "Trust the CA of its certificates; Give every node a certificate of a CA.")

	c.complete()
	c.upload([]byte(c.result("exists")), "").to("/deployments/1")
	c.get("/deployments/1").page().Says(t, "h1", "Still open: Trust the CA of its certificates.") // nobody has seen that CA
	task := c.get("/deployments/1/tasks").page().One(t, "#task-trusted_cas")
	if href := task.One(t, "a").Attr("href"); href != "/tls-peer-subjects/new#from-certificate" || !strings.Contains(task.Text(), "Not known yet") {
		t.Errorf("the step leads to %s: %s", href, task.Text())
	}
	reader := &console{t: t, store: c.store, handler: c.handler, config: c.config, cookies: map[string]*http.Cookie{}}
	reader.signIn(auth.Viewer)
	reader.get("/deployments/1/tasks").page().Count(t, "#task-trusted_cas a", 0) // which a viewer may not open
	fe := c.snapshot().Deployments[0].Answers.FrontEnds[0]
	shown := peerSeen(fe.Address, fe.FQDN, time.Now().AddDate(1, 0, 0))
	shown.Issuer = "Lab CA"
	c.sees(shown)
	page = c.get("/deployments/1").page()
	page.Says(t, "h1", "Both sides are set up.")
	if lede := page.One(t, ".lede").Text(); !strings.HasPrefix(lede, "The files are made") {
		t.Errorf("nothing is open, and the page says %s", lede)
	}
	page.Count(t, ".tasks .state.down", 0)
}

func TestADeploymentThatIsShutOutIsNotDoneHere(t *testing.T) {
	t.Parallel()
	c := ready(t, auth.Admin)
	c.post("/wizard", "acknowledged", "true").to("/wizard/1")
	for i, values := range []url.Values{
		{"platform": {federation.OCS2007R2}, "transport": {federation.TCP}},
		{"edition": {"enterprise"}, "pool": {"ocs.synergy.com"}},
		{"front_ends[0].fqdn": {"ocs1.synergy.com"}, "front_ends[0].address": {"10.1.20.41"}},
		{"domains": {"synergy.com"}},
		{"routing_node": {"imp1.synergy.com"}},
	} {
		c.postForm(fmt.Sprintf("/wizard/%d", i+1), values).to(fmt.Sprintf("/wizard/%d", i+2))
	}
	c.finish().to("/deployments/1")
	c.get("/deployments/1").page().Says(t, "h1", "Done here. Now the Microsoft side.")
	posted := c.get("/settings").page().One(t, "main form.form").Form()
	posted.Set("require_peer_certificate", "true")
	c.postForm("/settings", posted).to("/settings")
	page := c.get("/deployments/1").status(http.StatusOK).page()
	page.Says(t, "h1", "This side is not as the deployment needs it.")
	page.Says(t, ".lede", "Demand no certificates from outside")
	page = c.get("/deployments/1/tasks").page()
	page.Says(t, "#task-peer_certificate .state.down", "Wrong")
	page.One(t, "#task-peer_certificate a[href=/settings]")
	c.get("/").page().Says(t, ".findings .down h3", "ocs.synergy.com comes over TCP")
}

func TestWhatIsDifferentThereAndWhatIsMissingAreBothCounted(t *testing.T) {
	t.Parallel()
	c := finished(t)
	two := strings.Replace(c.result("conflict"), `"actual":"present"`, `"actual":"missing"`, 1) // the first is the site
	c.upload([]byte(strings.Replace(two, `"state":"exists"`, `"state":"missing"`, 1)), "").to("/deployments/1")
	c.get("/deployments/1").page().Says(t, ".title .state.down", "1 different, 1 missing")
	c.get("/deployments").page().Says(t, "td .state.down", "1 different, 1 missing")
}
