package web_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"isthmus/internal/auth"
	"isthmus/internal/federation"
	"isthmus/internal/store"
)

func TestOnesOwnDraftIsNotTakenOverFromOneself(t *testing.T) {
	t.Parallel()
	c := ready(t, auth.Admin)
	c.walk(2)
	draft := must[store.Draft](t)(c.store.Draft(t.Context(), string(auth.Admin)))
	path := fmt.Sprintf("/wizard/drafts/%d", draft.ID)
	c.get(path).to("/wizard")
	c.post(path + "/take").to("/wizard")
	c.get("/wizard").page().Says(t, "h2", "Your draft waits at step 3")
}

func TestTakingADraftOverSaysWhatItReplaces(t *testing.T) {
	t.Parallel()
	c := ready(t, auth.Operator)
	c.walk(2)
	c.post("/logout")
	c.signIn(auth.Admin)
	look := c.get("/wizard").page().One(t, ".findings a").Attr("href")
	if text := c.get(look).page().One(t, "main").Text(); strings.Contains(text, "Your own draft is dropped.") {
		t.Error("somebody without a draft is told that it is dropped")
	}
	c.walk(1)
	c.get(look).page().Says(t, "main", "Your own draft is dropped.")
	c.post(look + "/take").to("/wizard/3")
	c.get("/wizard/3").page().Says(t, ".banner", "The draft of operator is yours now.")
}

func TestADraftThatIsGoneReplacesNone(t *testing.T) {
	t.Parallel()
	c := ready(t, auth.Admin)
	c.walk(2)
	c.get("/wizard/drafts/9999").status(http.StatusNotFound)
	c.post("/wizard/drafts/9999/take").status(http.StatusNotFound)
	c.get("/wizard").page().Says(t, "h2", "Your draft waits at step 3")
}

func TestAnAnswerThatAFormDoesNotHoldStays(t *testing.T) {
	t.Parallel()
	c := ready(t, auth.Admin)
	c.walk(2)
	c.post("/wizard/2", "pool", "pool2.synergy.com").to("/wizard/3")
	if a := must[federation.Answers](t)(c.draft()); a.Edition != federation.EditionEnterprise || a.Site != "1" || a.Pool != "pool2.synergy.com" {
		t.Errorf("edition %q, site %q, pool %q", a.Edition, a.Site, a.Pool)
	}
}

func TestTheWizardBeginsOnlyWithADeploymentThatExists(t *testing.T) {
	t.Parallel()
	c := ready(t, auth.Admin)
	c.walk(1)
	for _, from := range []string{"x", "99"} {
		c.post("/wizard", "from", from).status(http.StatusNotFound)
	}
	c.get("/wizard").page().Says(t, "h2", "Your draft waits at step 2") // and is not replaced
}

func TestWithoutADraftEveryStepLeadsToTheBeginning(t *testing.T) {
	t.Parallel()
	c := ready(t, auth.Admin)
	c.get("/wizard/6").to("/wizard")
	c.post("/wizard/finish").to("/wizard")
	c.postForm("/wizard/1", steps()[0]).to("/wizard")
}

func TestAnswersFromElsewhereStayChoices(t *testing.T) {
	t.Parallel()
	c := ready(t, auth.Admin)
	answers := federation.Answers{Platform: federation.OCS2007R2, Edition: federation.EditionStandard, Site: "1",
		FrontEnds: []federation.Host{{FQDN: "fe1.synergy.com", Address: "10.1.20.21"}}, Domains: []string{"gone.com"}}
	must[store.Draft](t)(c.store.SaveDraft(t.Context(), store.Draft{Owner: string(auth.Admin), Step: 4, Answers: answers}))
	if !c.get("/wizard/1").page().One(t, "[name=platform][value="+federation.OCS2007R2+"]").Has("checked") {
		t.Error("the platform that came with the answers is not chosen")
	}
	answers.Platform = federation.SkypeForBusiness2019
	must[store.Draft](t)(c.store.SaveDraft(t.Context(), store.Draft{Owner: string(auth.Admin), Step: 4, Answers: answers}))
	c.get("/wizard/1").page().Count(t, "[name=platform]", 5)
	page := c.get("/wizard/4").status(http.StatusOK).page()
	page.Count(t, "[name=domains][type=checkbox]", 2)
	page.Says(t, "#field-domains label", "gone.com No domain of this side any more.")
}

func TestAnOperatorFinishesAPlanThatChangesNoSettings(t *testing.T) {
	t.Parallel()
	c := ready(t, auth.Admin)
	c.walk(5)
	c.finish().to("/deployments/1")
	c.post("/acl/delete", "id", fmt.Sprint(c.snapshot().ACL[0].ID)).to("/acl")
	c.post("/logout")
	c.signIn(auth.Operator)
	c.post("/wizard", "from", "1").to("/wizard/1")
	c.finish().to("/deployments/1")
	if n := len(c.snapshot().ACL); n != 5 {
		t.Errorf("%d ACL entries after Finish, want 5", n)
	}
}

func TestFinishDropsTheDraftAndSaysSo(t *testing.T) {
	t.Parallel()
	c := ready(t, auth.Admin)
	c.walk(5)
	c.finish().to("/deployments/1")
	c.get("/deployments/1").page().Says(t, ".banner", "Finished. This side is set up; the Microsoft side follows by the scripts below.")
	c.get("/wizard/6").to("/wizard")
}

func TestBackAsksNothingAndKeepsTheStep(t *testing.T) {
	t.Parallel()
	c := ready(t, auth.Admin)
	c.walk(2)
	typed := hosts("half", "")
	typed.Set("back", "true")
	c.withDNS()
	c.postForm("/wizard/3", typed).to("/wizard/2")
	c.postForm("/wizard/1", url.Values{"platform": {federation.SkypeForBusiness2015}, "back": {"true"}}).to("/wizard/1")
	c.get("/wizard").page().Says(t, "h2", "Your draft waits at step 3")
	c.get("/wizard/4").to("/wizard/3")
}
