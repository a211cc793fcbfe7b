package web_test

import (
	"net/http"
	"testing"

	"isthmus/internal/auth"
	"isthmus/internal/federation"
)

func TestAnOperatorFinishesOnlyWhatAnOperatorMayChange(t *testing.T) {
	t.Parallel()
	c := ready(t, auth.Operator)
	c.walk(5)
	page := c.get("/wizard/6").status(http.StatusOK).page()
	page.Count(t, "form.finish button", 0)
	page.Says(t, "form.finish p", "Ask an administrator to take over this draft")
	c.post("/wizard/finish", "fingerprint", "anything").status(http.StatusForbidden)
	if c.snapshot().Settings.PartitionedFederation {
		t.Error("an operator changed the settings")
	}
}

func TestAnOperatorChangesNoTLSContextByAPlan(t *testing.T) {
	t.Parallel()
	c := ready(t, auth.Admin)
	c.walk(5)
	c.finish().to("/deployments/1")
	peer := *c.snapshot().TLSContext(federation.PeerAuthContext)
	peer.PeerSubjects = nil
	must[federation.TLSContext](t)(c.store.SaveTLSContext(t.Context(), peer))
	c.post("/logout")
	c.signIn(auth.Operator)
	c.post("/wizard", "from", "1").to("/wizard/1")
	c.get("/wizard/6").status(http.StatusOK).page().Says(t, "form.finish p", "This changes settings or TLS contexts")
	c.post("/wizard/finish", "fingerprint", "anything").status(http.StatusForbidden)
	if now := c.snapshot().TLSContext(federation.PeerAuthContext).PeerSubjects; len(now) != 0 {
		t.Errorf("an operator let %q in", now)
	}
}

func TestAnOperatorTakesNoNameOutOfATLSContextByAnEdit(t *testing.T) {
	t.Parallel()
	c := ready(t, auth.Admin)
	c.walk(5)
	c.finish().to("/deployments/1")
	before := c.snapshot().TLSContext(federation.PeerAuthContext).PeerSubjects
	c.post("/logout")
	c.signIn(auth.Operator)
	c.post("/wizard", "from", "1").to("/wizard/1")
	c.post("/wizard/3", "front_ends[0].fqdn", "fe1.synergy.com", "front_ends[0].address", "10.1.20.21").to("/wizard/4")
	page := c.get("/wizard/6").status(http.StatusOK).page()
	page.Count(t, "form.finish button.primary", 0)
	page.Says(t, "form.finish p", "Ask an administrator to take over this draft")
	c.post("/wizard/finish", "fingerprint", "anything").status(http.StatusForbidden)
	if now := c.snapshot().TLSContext(federation.PeerAuthContext).PeerSubjects; len(now) != len(before) {
		t.Errorf("an operator took a name out: %q", now)
	}
}

func TestAViewerReadsDeploymentsAndNoMore(t *testing.T) {
	t.Parallel()
	c := ready(t, auth.Admin)
	c.walk(5)
	c.finish().to("/deployments/1")
	c.post("/logout")
	c.signIn(auth.Viewer)
	page := c.get("/deployments").status(http.StatusOK).page()
	page.Count(t, "main button", 0)
	page.Count(t, "main a[href=/wizard]", 0)
	c.get("/deployments/1").status(http.StatusOK)
	c.get("/deployments/1/verify.ps1").status(http.StatusOK)
	c.get("/wizard").status(http.StatusForbidden)
	c.post("/wizard").status(http.StatusForbidden)
}

func TestAnothersDraftCanBeLookedAtAndTakenOver(t *testing.T) {
	t.Parallel()
	c := ready(t, auth.Operator)
	c.walk(3)
	c.post("/logout")
	c.signIn(auth.Admin)
	page := c.get("/wizard").page()
	page.Says(t, ".findings h3", "operator is at step 4: Domains")
	look := page.One(t, ".findings a").Attr("href")
	page = c.get(look).status(http.StatusOK).page()
	page.Says(t, ".answers", "fe2.synergy.com 10.1.20.22")
	c.post(look + "/take").to("/wizard/4")
	c.get("/wizard/4").status(http.StatusOK)
	c.get(look).status(http.StatusNotFound)
	c.postForm("/wizard/4", steps()[3]).to("/wizard/5")
}

func TestADraftIsDroppedOnlyByItsOwner(t *testing.T) {
	t.Parallel()
	c := ready(t, auth.Operator)
	c.walk(2)
	c.post("/logout")
	c.signIn(auth.Admin)
	c.post("/wizard/discard").to("/wizard")
	c.get("/wizard").page().Says(t, ".findings h3", "operator is at step 3")
	c.walk(1)
	c.post("/wizard/discard").to("/wizard")
	c.get("/wizard").page().Says(t, ".banner", "Dropped.")
	c.get("/wizard/1").to("/wizard")
}

func TestAnOperatorIsToldBeforeTheFirstStepWhoFinishes(t *testing.T) {
	t.Parallel()
	c := ready(t, auth.Operator)
	c.get("/wizard").page().Says(t, ".run", "Your role, operator, can answer every step, but not finish this run, because it changes settings and TLS contexts.")
	c.post("/logout")
	c.signIn(auth.Admin)
	c.get("/wizard").page().Count(t, ".run", 0)
	c.walk(5)
	c.finish().to("/deployments/1")
	c.post("/logout")
	c.signIn(auth.Viewer)
	c.get("/wizard").status(http.StatusForbidden)
}

func TestAnOperatorIsToldWhichLaterRunsAreForAnAdministrator(t *testing.T) {
	t.Parallel()
	c := ready(t, auth.Admin)
	c.walk(5)
	c.finish().to("/deployments/1")
	c.post("/logout")
	c.signIn(auth.Operator)
	c.get("/wizard").page().Says(t, ".run", "Your role, operator, can finish a run that changes no settings and no TLS contexts. A new server over TLS changes a context")
}
