package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"isthmus/internal/auth"
	"isthmus/internal/federation"
)

const printedPool = `Identity  : pool.synergy.com
Computers : {fe1.synergy.com, fe2.synergy.com}
Services  : {Registrar:pool.synergy.com, UserServer:pool.synergy.com}
Site      : Site:Redmond

Identity : Site:Redmond
SiteId   : 7
Pools    : {pool.synergy.com}
`

func TestAPasteFillsTheFieldsIn(t *testing.T) {
	t.Parallel()
	c := ready(t, auth.Admin)
	c.withDNS("fe1.synergy.com. 60 IN A 10.1.20.21")
	c.walk(1)
	page := c.post("/wizard/2", "load_balancer", "10.1.20.9", "paste", printedPool, "read", "true").status(http.StatusOK).page()
	page.Says(t, ".banner", "Filled in. Pool: pool.synergy.com.")
	page.Says(t, ".banner", "Front ends: fe1.synergy.com, fe2.synergy.com.")
	page.One(t, "[name=pool][value=pool.synergy.com]")
	page.One(t, "[name=registrar][value=pool.synergy.com]")
	page.One(t, "[name=site][value='7']")
	page.One(t, "[name=load_balancer][value=10.1.20.9]")
	if !page.One(t, "[name=edition][value=enterprise]").Has("checked") {
		t.Error("the edition is not chosen")
	}
	c.postForm("/wizard/2", page.One(t, "form.wizard").Form()).to("/wizard/3")
	page = c.get("/wizard/3").page()
	page.One(t, "#field-front_ends-0-address[value=10.1.20.21]") // looked up at once
	page.One(t, "#field-front_ends-1-fqdn[value=fe2.synergy.com]")
	page = c.post("/wizard/3", "paste", strings.Replace(printedPool, "fe2.", "fe3.", 1)).status(http.StatusOK).page() // Next reads it too
	page.One(t, "#field-front_ends-1-fqdn[value=fe3.synergy.com]")
}

func TestAPasteThatIsNotUnderstoodStaysToBeRead(t *testing.T) {
	t.Parallel()
	c := ready(t, auth.Admin)
	c.walk(1)
	for _, text := range []string{"not of this shell", "", strings.Repeat("x", 300<<10)} {
		page := c.post("/wizard/2", "edition", "enterprise", "pool", "kept.synergy.com", "paste", text, "read", "true").status(http.StatusUnprocessableEntity).page()
		page.One(t, "#error-paste")
		page.One(t, "[role=alert] a[href=#field-paste]")
		page.One(t, "[name=pool][value=kept.synergy.com]")
		if kept := page.One(t, "#field-paste").Text(); kept != text {
			t.Errorf("the text comes back as %.40q, want %.40q", kept, text)
		}
		if !page.One(t, "details.paste").Has("open") {
			t.Error("the box with the problem is closed")
		}
	}
	c.post("/wizard/2", "paste", "not of this shell", "back", "true").to("/wizard/1")
}

func TestTheCommandsStandBesideTheirFields(t *testing.T) {
	t.Parallel()
	c := ready(t, auth.Admin)
	c.walk(1)
	page := c.get("/wizard/2").page()
	for id, command := range map[string]string{"command-pool": "Get-CsPool", "command-registrar": "Get-CsService", "command-site": "Get-CsSite", "command-paste": "$FormatEnumerationLimit = -1"} {
		page.Says(t, "#"+id, command)
		if !page.One(t, "button[data-copy="+id+"]").Has("hidden") {
			t.Errorf("%s can be copied without a script", id)
		}
	}
}

// domainsOfBothSides is a console at step 4 with a domain that the Microsoft side does not have.
func domainsOfBothSides(t *testing.T) *console {
	t.Helper()
	c := ready(t, auth.Admin)
	must[federation.Domain](t)(c.store.SaveDomain(t.Context(), federation.Domain{Name: "synergy.co.uk"}))
	c.walk(3)
	return c
}

func TestTheDomainsOfBothSidesAreCompared(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"printed":  "Identity  : Synergy.com\nName      : Synergy.com\nIsDefault : True\n\nIdentity  : other.com\nName      : other.com\nIsDefault : False\n",
		"as lines": "Synergy.com\r\nother.com\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			c := domainsOfBothSides(t)
			c.postForm("/wizard/4", url.Values{"domains": {"synergy.com", "synergy.co.uk"}, "microsoft_domains": {text}, "compare": {"domains"}}).to("/wizard/4")
			page := c.get("/wizard/4").page()
			page.Says(t, "#field-domains label", "synergy.com 1 user here. On both sides.")
			page.Says(t, "#field-domains label", "synergy.co.uk 0 users here. Only here: the Microsoft side does not know it.")
			page.Says(t, "[data-cautions=domains] .caution", "synergy.co.uk is not among the domains of the Microsoft side")
			page.Count(t, "#only-there li", 1)
			page.One(t, "#only-there a[href=/domains/new?name=other.com]")
			c.get("/domains/new?name=other.com").page().One(t, "[name=name][value=other.com]")
			c.postForm("/wizard/4", page.One(t, "form.wizard").Form()).to("/wizard/5")
		})
	}
}

func TestDomainsThatAreNoneKeepTheStep(t *testing.T) {
	t.Parallel()
	c := domainsOfBothSides(t)
	for text, want := range map[string]string{
		"synergy.com\nno_domain":                             "such as",
		"synergy.com\nSynergy.com":                           "synergy.com is listed twice",
		"Get-CsSipDomain : the term is not recognized as it": "That PowerShell does not know the cmdlet",
		printedPool: "There is no SIP domain in this",
	} {
		page := c.postForm("/wizard/4", url.Values{"domains": {"synergy.com"}, "microsoft_domains": {text}}).status(http.StatusUnprocessableEntity).page()
		page.Says(t, "#error-microsoft_domains", want)
		if kept := page.One(t, "#field-microsoft_domains").Text(); strings.Join(strings.Fields(kept), " ") != strings.Join(strings.Fields(text), " ") {
			t.Errorf("%q comes back as %q", text, kept)
		}
	}
}

func TestHostsBelowADomainAreNotOfferedOverIPv6(t *testing.T) {
	t.Parallel()
	c := ready(t, auth.Admin)
	c.walk(3)
	c.postForm("/wizard/4", url.Values{"domains": {"synergy.com"}, "child_domains": {"true"}}).to("/wizard/5")
	c.postForm("/wizard/3", hosts("fe1.synergy.com", "2001:db8::21")).to("/wizard/4")
	page := c.get("/wizard/4").page()
	page.Count(t, "[name=child_domains]", 0)
	page.Says(t, "#field-child_domains", "fe1.synergy.com has an IPv6 address")
	c.postForm("/wizard/4", url.Values{"domains": {"synergy.com"}}).to("/wizard/5")
	c.postForm("/wizard/5", steps()[4]).to("/wizard/6")
	c.finish().to("/deployments/1")
	if c.snapshot().Deployments[0].Answers.ChildDomains {
		t.Error("a route that is not offered is planned")
	}
}

func TestAnExpresswayWithIPv6OffersNoHostsBelowADomain(t *testing.T) {
	t.Parallel()
	c := ready(t, auth.Admin)
	c.walkWith(lyncWithCalls())
	c.get("/wizard/4").page().One(t, "[type=checkbox][name=child_domains]")
	edited := c.get("/wizard/3").page().One(t, "form.wizard").Form()
	edited.Set("expressway.address", "2001:db8::31")
	c.postForm("/wizard/3", edited).to("/wizard/4")
	page := c.get("/wizard/4").page()
	page.Count(t, "[name=child_domains]", 0)
	page.Says(t, "#field-child_domains", "has an IPv6 address")
}

func TestBackKeepsTheDomainsThatWereTyped(t *testing.T) {
	t.Parallel()
	c := domainsOfBothSides(t)
	c.postForm("/wizard/4", url.Values{"domains": {"synergy.com"}, "microsoft_domains": {"Synergy.com\nother.com"}, "back": {"true"}}).to("/wizard/3")
	if typed := c.get("/wizard/4").page().One(t, "[name=microsoft_domains]").Text(); strings.Join(strings.Fields(typed), " ") != "synergy.com other.com" {
		t.Errorf("Back kept %q", typed)
	}
	c.postForm("/wizard/4", url.Values{"microsoft_domains": {printedPool}, "back": {"true"}}).to("/wizard/3") // what is not understood keeps nobody here
}
