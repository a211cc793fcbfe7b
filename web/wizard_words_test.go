package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"isthmus/internal/auth"
	"isthmus/internal/federation"
)

// saysInWords looks for the sentence, and for codes that nobody who reads a page knows.
func saysInWords(t *testing.T, text, want string) {
	t.Helper()
	if !strings.Contains(text, want) {
		t.Errorf("the page does not say %q: %s", want, text)
	}
	for _, code := range []string{"chat_only", "first_priority", "require_peer_certificate", "choose enterprise", "choose tls", "partitioned_federation", "skype_for"} {
		if strings.Contains(text, code) {
			t.Errorf("the page has the code %s: %s", code, text)
		}
	}
}

func TestProblemsHaveTheWordsOfThePage(t *testing.T) {
	t.Parallel()
	c := ready(t, auth.Admin)
	c.walkWith(lyncWithCalls())
	for _, w := range []struct {
		step int
		edit url.Values
		want string
	}{
		{1, url.Values{"platform": {"lync_2020"}}, "Choose one of Skype for Business 2019, Skype for Business 2015, Lync 2013, Lync 2010, OCS 2007 R2."},
		{1, url.Values{"deployment": {"video"}}, "Choose one of Chat only, Chat and calling."},
		{2, url.Values{"edition": {"other"}}, "Choose Enterprise Edition or Standard Edition."},
		{3, url.Values{"expressway.fqdn": {""}, "expressway.address": {""}}, "enter its name and address, or choose Chat only."},
	} {
		page := c.postForm(step(w.step), edited(steps()[w.step-1], w.edit)).status(http.StatusUnprocessableEntity).page()
		saysInWords(t, page.One(t, "[role=alert]").Text(), w.want)
		c.postForm(step(w.step), edited(steps()[w.step-1], lyncWithCalls())).to(step(w.step + 1))
	}
	c.post("/wizard/2", "edition", "standard").to("/wizard/3")
	page := c.postForm("/wizard/3", steps()[2]).status(http.StatusUnprocessableEntity).page()
	saysInWords(t, page.One(t, "#field-front_ends .error").Text(), "leave one, or choose Enterprise Edition.")
}

func TestTheReviewHasTheWordsOfThePage(t *testing.T) {
	t.Parallel()
	c := ready(t, auth.Admin)
	c.walk(5)
	c.finish().to("/deployments/1")
	c.walkWith(west())
	saysInWords(t, c.get("/wizard/6").page().One(t, "main").Text(), "or begin behind it with the priority of the first next hop at 3")

	settings := c.snapshot().Settings
	settings.PartitionedFederation = false
	if err := c.store.SaveSettings(t.Context(), settings); err != nil {
		t.Fatal(err)
	}
	c.walkWith(url.Values{"platform": {federation.OCS2007R2}, "transport": {federation.TCP}, "pool": {"ocs.synergy.com"}})
	text := c.get("/wizard/6").page().One(t, "main").Text()
	saysInWords(t, text, "turn the verified client certificate for requests from outside off in Settings, or choose TLS.")
	saysInWords(t, text, "Somebody turned partitioned intradomain federation off; turn it on in Settings first.")
}
