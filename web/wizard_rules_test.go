package web_test

import (
	"net/http"
	"net/url"
	"testing"

	"isthmus/internal/auth"
	"isthmus/internal/federation"
)

// TestEveryRuleIsToldUnderItsField goes through what the wizard refuses (guide p.66, 69-71, 74): each rule is reachable in
// the pages, and its sentence stands under the field that it is about and in the summary, which leads there.
func TestEveryRuleIsToldUnderItsField(t *testing.T) {
	t.Parallel()
	c := ready(t, auth.Admin)
	c.walkWith(lyncWithCalls())
	for _, w := range []struct {
		rule  string
		step  int
		edit  url.Values
		field string // what the summary leads to
		place string // what the sentence stands in
		say   string
	}{
		{"no platform", 1, url.Values{"platform": {""}}, "platform", "#field-platform", "Choose what runs on the Microsoft side."},
		{"a platform that is none", 1, url.Values{"platform": {"lync_2020"}}, "platform", "#field-platform", "Choose one of"},
		{"a deployment that is none", 1, url.Values{"deployment": {"video"}}, "deployment", "#field-deployment", "Choose one of"},
		{"no edition", 2, url.Values{"edition": {""}}, "edition", "#field-edition", "Choose the edition"},
		{"Enterprise without a pool", 2, url.Values{"pool": {""}}, "pool", "#error-pool", "Enter the pool's name, as Get-CsPool prints it"},
		{"a pool of one label", 2, url.Values{"pool": {"pool"}}, "pool", "#error-pool", "single label"},
		{"a pool that is an address", 2, url.Values{"pool": {"10.1.20.1"}}, "pool", "#error-pool", "IP address"},
		{"a pool that is a domain", 2, url.Values{"pool": {"synergy.com"}}, "pool", "#error-pool", "It is one of your domains"},
		{"a pool that is a node", 2, url.Values{"pool": {"imp1.synergy.com"}}, "pool", "#error-pool", "It is the name of a node"},
		{"a pool with a quote", 2, url.Values{"pool": {"po'ol.synergy.com"}}, "pool", "#error-pool", "letters, digits, hyphens and dots"},
		{"a pool with a prefix", 2, url.Values{"pool": {"service:pool.synergy.com"}}, "pool", "#error-pool", "Leave out service:"},
		{"a balancer that is a name", 2, url.Values{"load_balancer": {"lb.synergy.com"}}, "load_balancer", "#error-load_balancer", "Enter an IP address"},
		{"a balancer that is nowhere", 2, url.Values{"load_balancer": {"0.0.0.0"}}, "load_balancer", "#error-load_balancer", "no address of one server"},
		{"a balancer that is many", 2, url.Values{"load_balancer": {"ff02::1"}}, "load_balancer", "#error-load_balancer", "no address of one server"},
		{"a balancer that is a node", 2, url.Values{"load_balancer": {"10.1.10.11"}}, "load_balancer", "#error-load_balancer", "It belongs to the node imp1.synergy.com"},
		{"a registrar with a prefix", 2, url.Values{"registrar": {"service:pool.synergy.com"}}, "registrar", "#error-registrar", "Leave out service:"},
		{"a registrar with a blank", 2, url.Values{"registrar": {"pool synergy.com"}}, "registrar", "#error-registrar", "letters, digits, hyphens and dots"},
		{"a registrar that is a domain", 2, url.Values{"registrar": {"synergy.com"}}, "registrar", "#error-registrar", "It is one of your domains"},
		{"no site", 2, url.Values{"site": {""}}, "site", "#error-site", "Enter the SiteId that Get-CsSite prints"},
		{"a site with its prefix", 2, url.Values{"site": {"site:Redmond"}}, "site", "#error-site", "without site: before it: Redmond"},
		{"a site of two lines", 2, url.Values{"site": {"a\nb"}}, "site", "#error-site", "one line"},
		{"no front end", 3, hosts("", "", "", "", "", ""), "front_ends", "#field-front_ends", "at least one front end"},
		{"a front end without a name", 3, hosts("", "10.1.20.21"), "front_ends-0-fqdn", ".server", "Enter the front end's own name"},
		{"a front end of one label", 3, hosts("fe1", "10.1.20.21"), "front_ends-0-fqdn", ".server", "single label"},
		{"a front end's name twice", 3, hosts("fe1.synergy.com", "10.1.20.21", "FE1.synergy.com", "10.1.20.22"), "front_ends-1-fqdn", ".server", "another server in these answers"},
		{"a front end's address twice", 3, hosts("fe1.synergy.com", "10.1.20.21", "fe2.synergy.com", "10.1.20.21"), "front_ends-1-address", ".server", "another server in these answers"},
		{"a front end at a node's address", 3, hosts("fe1.synergy.com", "10.1.10.12"), "front_ends-0-address", ".server", "It belongs to the node imp2.synergy.com"},
		{"a front end at a broadcast address", 3, hosts("fe1.synergy.com", "255.255.255.255"), "front_ends-0-address", ".server", "no address of one server"},
		{"a front end that is the pool", 3, hosts("pool.synergy.com", "10.1.20.21"), "front_ends-0-fqdn", ".server", "It is the name of the pool"},
		{"no Expressway", 3, url.Values{"expressway.fqdn": {""}, "expressway.address": {""}}, "expressway", "#field-expressway", "enter its name and address"},
		{"an Expressway that is a front end", 3, url.Values{"expressway.fqdn": {"fe1.synergy.com"}}, "expressway-fqdn", "#field-expressway", "another server in these answers"},
		{"an Expressway at no address", 3, url.Values{"expressway.address": {"none"}}, "expressway-address", "#field-expressway", "Enter an IP address"},
		{"an Expressway's port that is none", 3, url.Values{"expressway.port": {"0"}}, "expressway-port", "#field-expressway", "between 1 and 65535"},
		{"no domain", 4, url.Values{"domains": {""}}, "domains", "#field-domains", "Choose at least one domain"},
		{"a domain of nobody", 4, url.Values{"domains": {"other.com"}}, "domains", "#field-domains", "add it there first"},
		{"a priority that is none", 4, url.Values{"first_priority": {"first"}}, "first_priority", "#error-first_priority", "Enter a number between 1 and"},
		{"a domain of the other side that is none", 4, url.Values{"microsoft_domains": {"under_score.com"}}, "microsoft_domains", "#error-microsoft_domains", "letters, digits, hyphens and dots"},
		{"a node that is none", 5, url.Values{"routing_node": {"imp9.synergy.com"}}, "routing_node", "#field-routing_node", "There is no node imp9.synergy.com"},
		{"a trusted pool that is a node", 5, url.Values{"trusted_pool": {"imp2.synergy.com"}}, "trusted_pool", "#error-trusted_pool", "It is the name of a node"},
		{"a trusted pool that is the pool", 5, url.Values{"trusted_pool": {"pool.synergy.com"}}, "trusted_pool", "#error-trusted_pool", "It is the name of the pool"},
		{"a trusted pool that is a domain", 5, url.Values{"trusted_pool": {"synergy.com"}}, "trusted_pool", "#error-trusted_pool", "It is one of your domains"},
		{"an application id with a blank", 5, url.Values{"application_id": {"my app"}}, "application_id", "#error-application_id", "no blanks"},
	} {
		t.Run(w.rule, func(t *testing.T) {
			c.t = t
			page := c.postForm(step(w.step), edited(steps()[w.step-1], w.edit)).status(http.StatusUnprocessableEntity).page()
			page.Says(t, w.place+" .error", w.say)
			page.Says(t, "[role=alert] a[href=#field-"+w.field+"]", w.say)
			page.One(t, "#field-"+w.field)
			c.postForm(step(w.step), edited(steps()[w.step-1], lyncWithCalls())).to(step(w.step + 1))
		})
	}
	c.t = t
	c.get("/wizard/6").status(http.StatusOK)
	if c.snapshot().Settings.PartitionedFederation {
		t.Error("a step changed the configuration")
	}
}

// edited are posted values with others in place of some; rows of front ends are replaced together.
func edited(values, edit url.Values) url.Values {
	out := url.Values{"platform": {federation.Lync2013}, "microsoft_domains": {""}, "first_priority": {""}}
	for name, v := range lyncWithCalls() {
		out[name] = v
	}
	for name, v := range values {
		if edit.Has("front_ends[0].fqdn") && len(name) > 10 && name[:10] == "front_ends" {
			continue
		}
		if name != "platform" {
			out[name] = v
		}
	}
	for name, v := range edit {
		out[name] = v
	}
	return out
}

func TestStandardEditionIsOneFrontEnd(t *testing.T) {
	t.Parallel()
	c := ready(t, auth.Admin)
	c.walk(3)
	c.post("/wizard/2", "edition", "standard", "site", "1").to("/wizard/3")
	page := c.get("/wizard/3").page()
	page.Count(t, "[name=rows]", 0)
	page.Count(t, ".server", 2) // what was typed for Enterprise Edition, to choose from
	c.postForm("/wizard/3", page.One(t, "form.wizard").Form()).status(http.StatusUnprocessableEntity).page().
		Says(t, "#field-front_ends .error", "Standard Edition is one front end; leave one")
	c.postForm("/wizard/3", hosts("fe1.synergy.com", "10.1.20.21", "", "")).to("/wizard/4")
}

func TestAFieldWithAProblemHasNoCautionBesides(t *testing.T) {
	t.Parallel()
	c := ready(t, auth.Admin)
	c.walk(2)
	page := c.postForm("/wizard/3", hosts("fe1.synergy.com", "127.0.0.1", "fe2.synergy.com", "127.0.0.1")).status(http.StatusUnprocessableEntity).page()
	page.Count(t, ".caution", 1)
	page.Says(t, ".caution", "No other machine can reach the loopback address 127.0.0.1.")
	page.Count(t, ".server .error", 1)
}

func TestAWarningStandsWhereItArises(t *testing.T) {
	t.Parallel()
	c := ready(t, auth.Admin)
	c.walkWith(url.Values{"load_balancer": {"10.1.20.9"}, "routing_node": {"imp2.synergy.com"}})
	c.get("/wizard/2").page().Says(t, "[data-cautions=load_balancer] .caution", "does not support a load balancer")
	c.get("/wizard/5").page().Says(t, "[data-cautions=routing_node] .caution", "1 user on imp2.synergy.com would share it")
	page := c.get("/wizard/6").page()
	page.Says(t, ".findings", "A load balancer between the two sides")
	page.Says(t, ".findings", "Users are homed on the routing node imp2.synergy.com")
}
