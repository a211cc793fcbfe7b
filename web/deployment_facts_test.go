package web_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"isthmus/internal/auth"
	"isthmus/internal/federation"
)

// finished is a console with one finished deployment: the pool and its two front ends.
func finished(t *testing.T) *console {
	t.Helper()
	c := ready(t, auth.Admin)
	c.walk(5)
	c.finish().to("/deployments/1")
	return c
}

func TestServersOfTheMicrosoftSideAreNoNodesAndTakeTLSOnly(t *testing.T) {
	t.Parallel()
	c := finished(t)
	for _, test := range []struct{ path, field, value, sentence string }{
		{"/nodes", "name", "pool.synergy.com", "pool.synergy.com is a server of the Microsoft side, in the deployment pool.synergy.com"},
		{"/nodes", "name", "fe2.synergy.com", "fe2.synergy.com is a server of the Microsoft side"},
		{"/static-routes", "next_hop", "fe1.synergy.com", "fe1.synergy.com belongs to pool.synergy.com, and Lync and Skype for Business take TLS only; choose TLS."},
		{"/static-routes", "next_hop", "10.1.20.22", "10.1.20.22 belongs to pool.synergy.com"},
	} {
		posted := form("name", "imp9.synergy.com", "address", "127.0.0.19", "destination", "other.com", "type", "domain", "transport", "tcp")
		posted.Set(test.field, test.value)
		c.postForm(test.path, posted).status(http.StatusUnprocessableEntity).page().Says(t, ".error", test.sentence)
	}
	c.post("/nodes", "name", "imp9.synergy.com", "address", "127.0.0.19").to("/nodes")
	c.post("/static-routes", "destination", "other.com", "type", "domain", "transport", "tcp", "next_hop", "10.9.9.9").to("/static-routes")
	c.post("/static-routes", "destination", "other.com", "type", "domain", "transport", "tls", "next_hop", "10.1.20.22").to("/static-routes")
}

// deployed is a console with a deployment of these answers that no static route leads to.
func deployed(t *testing.T, answers federation.Answers) *console {
	t.Helper()
	c := signedInAs(t, auth.Admin)
	_, _, err := c.store.FinishWizard(t.Context(), answers, func(s federation.Snapshot) (federation.Changes, error) {
		return federation.Changes{Target: s.Configuration}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestNoServerOfADeploymentIsANodeByNameOrByAddress(t *testing.T) {
	t.Parallel()
	c := deployed(t, federation.Answers{Platform: federation.SkypeForBusiness2019, Pool: "pool.synergy.com", LoadBalancer: "10.1.20.20",
		FrontEnds:  []federation.Host{{FQDN: "fe1.synergy.com", Address: "10.1.20.21"}},
		Expressway: &federation.Host{FQDN: "exp.synergy.com", Address: "10.1.20.31", Port: 65072}})
	for field, values := range map[string][]string{
		"name": {"pool.synergy.com", "fe1.synergy.com", "Exp.synergy.com."}, "address": {"10.1.20.20", "10.1.20.21", "::ffff:10.1.20.31"},
	} {
		for _, value := range values {
			posted := form("name", "imp9.synergy.com", "address", "127.0.0.19")
			posted.Set(field, value)
			page := c.postForm("/nodes", posted).status(http.StatusUnprocessableEntity).page()
			page.Says(t, "#error-"+field+" .error", "is a server of the Microsoft side, in the deployment pool.synergy.com; a node needs "+article(field)+" of its own.")
			page.Count(t, "main .error", 1)
		}
	}
}

func article(field string) string {
	if field == "address" {
		return "an address"
	}
	return "a name"
}

func TestANodeWithoutANameIsNotTakenForThePoolOfAStandardEdition(t *testing.T) {
	t.Parallel()
	c := deployed(t, federation.Answers{Platform: federation.SkypeForBusiness2019, Edition: federation.EditionStandard,
		FrontEnds: []federation.Host{{FQDN: "fe1.synergy.com", Address: "10.1.20.21"}}})
	page := c.post("/nodes", "name", "", "address", "").status(http.StatusUnprocessableEntity).page()
	for _, field := range []string{"name", "address"} {
		if got := page.One(t, "#error-"+field+" .error").Text(); strings.Contains(got, "Microsoft") {
			t.Errorf("%s: %s", field, got)
		}
	}
}

func TestAServerWithOneOfItsTwoACLEntriesIsNamed(t *testing.T) {
	t.Parallel()
	c := finished(t)
	c.get("/acl").page().Count(t, ".findings .part", 0)
	for _, gone := range []struct{ listed, missing string }{{"fe1.synergy.com", "10.1.20.21"}, {"10.1.20.22", "fe2.synergy.com"}} {
		rows := c.get("/acl?field=pattern&op=is_exactly&q=" + gone.missing).page()
		id := rows.One(t, "tbody input[name=id]").Attr("value")
		c.post("/acl/delete", "id", id).to("/acl")
		page := c.get("/acl").page()
		page.Says(t, ".findings .part p", gone.listed+" is listed and "+gone.missing+" is not. A server needs both.")
		add := c.get(page.One(t, ".findings .part a").Attr("href")).page().One(t, "main form").Form()
		if add.Get("pattern") != gone.missing || !slices.Contains([]string{"fe1.synergy.com", "fe2.synergy.com"}, add.Get("description")) {
			t.Errorf("the link fills in %v", add)
		}
		c.postForm("/acl", add).to("/acl")
	}
	c.get("/acl").page().Count(t, ".findings .part", 0)
}

func TestStartPageNamesTheMicrosoftSideOfEachDomain(t *testing.T) {
	t.Parallel()
	c := finished(t)
	c.get("/").page().Says(t, ".strait", "pool.synergy.comSkype for Business 2019")

	c = signedInAs(t, auth.Admin)
	c.post("/domains", "name", "a.com").to("/domains")
	c.get("/").page().Says(t, ".strait", "nothing yet")
	c.post("/static-routes", "destination", "a.com", "type", "domain", "next_hop", "127.0.0.21").to("/static-routes")
	c.get("/").page().Says(t, ".strait", "127.0.0.21entered by hand")
}
