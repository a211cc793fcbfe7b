package web_test

import (
	"net/http"
	"net/url"
	"testing"

	"isthmus/internal/auth"
	"isthmus/internal/federation"
	"isthmus/internal/store"
)

// The database keeps no NUL in a text, so one that comes along with a paste or a script is no part of any answer.
func TestANULIsNoPartOfAnAnswer(t *testing.T) {
	t.Parallel()
	c := ready(t, auth.Admin)
	c.walk(1)
	values := steps()[1]
	values.Set("pool", "pool\x00.synergy.com")
	values.Set("site", "1\x00")
	c.postForm("/wizard/2", values).to("/wizard/3")
	c.postForm("/wizard/3", hosts("fe1\x00.synergy.com", "10.1.20.21\x00")).to("/wizard/4")
	c.postForm("/wizard/4", url.Values{"domains": {"\x00synergy.com"}, "microsoft_domains": {"synergy\x00.com"}}).to("/wizard/5")
	c.postForm("/wizard/1", url.Values{"platform": {"\x00"}}).status(http.StatusUnprocessableEntity).page().
		Says(t, "#error-platform", "Choose what runs on the Microsoft side.")
	a := must[federation.Answers](t)(c.draft())
	if a.Pool != "pool.synergy.com" || a.Site != "1" || a.FrontEnds[0].FQDN != "fe1.synergy.com" || a.MicrosoftDomains[0] != "synergy.com" {
		t.Errorf("the draft holds %+v", a)
	}
}

func TestWhoeverLostTheDraftIsTold(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/wizard/3", "/wizard/6", "/wizard/finish"} {
		c := ready(t, auth.Admin)
		c.walk(5)
		draft := must[store.Draft](t)(c.store.Draft(t.Context(), string(auth.Admin)))
		if err := c.store.DeleteDraft(t.Context(), draft.ID); err != nil {
			t.Fatal(err)
		}
		c.postForm(path, steps()[2]).to("/wizard")
		page := c.get("/wizard").page()
		page.Says(t, ".banner", "Your draft is gone. It was dropped or finished in another window, or somebody took it over; nothing of what you just sent was kept.")
		page.Count(t, ".banner.up", 0)
	}
}

func TestFinishNamesTheConflictBeforeAnythingElse(t *testing.T) {
	t.Parallel()
	c := ready(t, auth.Admin)
	c.walk(5)
	form := c.get("/wizard/6").page().One(t, "form.finish").Form()
	route := federation.NewStaticRoute()
	route.Destination, route.Type, route.NextHop = ".com.synergy", "domain", "10.9.9.9"
	must[federation.StaticRoute](t)(c.store.SaveStaticRoute(t.Context(), route))
	page := c.postForm("/wizard/finish", form).status(http.StatusConflict).page()
	page.Says(t, ".banner", "The plan has a conflict. Resolve it first; it stands below.")
	page.Says(t, "#decide", "Resolve first")
}

func TestAnEditSaysOnEveryStepWhatItChanges(t *testing.T) {
	t.Parallel()
	c := ready(t, auth.Admin)
	c.walk(3)
	c.get("/wizard/3").page().Count(t, ".run", 0)
	c = reopened(t)
	for n := 1; n <= 6; n++ {
		c.get(step(n)).page().Says(t, ".run", "This run changes the deployment pool.synergy.com.")
	}
	values := steps()[1]
	values.Set("pool", "west.synergy.com")
	c.postForm("/wizard/2", values).to("/wizard/3")
	c.get("/wizard/3").page().Count(t, ".run", 0)
}

func TestTheTrustedPoolSaysWhoHasItAlready(t *testing.T) {
	t.Parallel()
	c := ready(t, auth.Admin)
	c.walk(4)
	c.get("/wizard/5").page().Says(t, "#hint-trusted_pool", "nothing of yours is called so yet")
	c = reopened(t)
	c.get("/wizard/5").page().Says(t, "#hint-trusted_pool", "The name that this deployment has so far.")
	c.postForm("/wizard/2", url.Values{"edition": {"enterprise"}, "pool": {"west.synergy.com"}, "site": {"1"}}).to("/wizard/3")
	c.get("/wizard/5").page().Says(t, "#hint-trusted_pool", "pool.synergy.com has this one already")
}

func TestWithCallingTheExpresswayIsInBetween(t *testing.T) {
	t.Parallel()
	c := ready(t, auth.Admin)
	c.walk(4)
	c.get("/wizard/5").page().Says(t, "h1", "Which node does the Microsoft side send to?")
	c.walkWith(lyncWithCalls())
	page := c.get("/wizard/5").page()
	page.Says(t, "h1", "Which node does the Expressway send to?")
	page.Says(t, ".lede", "The Microsoft side sends to the Expressway")
}

func TestOCSIsNotAskedForACmdletThatItHasNot(t *testing.T) {
	t.Parallel()
	c := ready(t, auth.Admin)
	c.walkWith(url.Values{"platform": {federation.OCS2007R2}, "transport": {federation.TLS}})
	page := c.get("/wizard/4").page()
	page.One(t, "[name=microsoft_domains]")
	page.Says(t, "#hint-microsoft_domains", "Enter one domain a line.")
	page.Count(t, "#command-domains", 0)
	review := c.get("/wizard/6").page()
	review.Says(t, ".answers", "Transport TLS")
}

func TestAddRowsStandsWithTheFrontEndsAndAddressesAreTypedAsText(t *testing.T) {
	t.Parallel()
	c := ready(t, auth.Admin)
	c.walkWith(lyncWithCalls())
	page := c.get("/wizard/3").page()
	page.One(t, "#field-front_ends [name=rows]")
	page.Count(t, "[inputmode=decimal]", 0) // whose keys have no colon, which IPv6 needs
	c.get("/wizard/2").page().Count(t, "[inputmode=decimal]", 0)
}
