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
