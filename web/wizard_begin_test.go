package web_test

import (
	"net/http"
	"testing"

	"isthmus/internal/auth"
)

func TestTheLimitsAreAcknowledgedBeforeANewRun(t *testing.T) {
	t.Parallel()
	c := ready(t, auth.Admin)
	page := c.get("/wizard").status(http.StatusOK).page()
	for _, limit := range []string{"Group chat", "VCS or an Expressway", "Exchange Unified Messaging", "firewall or an ASA", "Presence Web Service", "Back up first", "restarted"} {
		page.Says(t, ".prose li", limit)
	}
	page.Says(t, "details dd", "Office Communications Server 2007 R2")
	for _, sent := range [][]string{nil, {"acknowledged", ""}, {"acknowledged", "false"}} {
		page = c.post("/wizard", sent...).status(http.StatusUnprocessableEntity).page()
		page.Says(t, "#error-acknowledged", "Tick that you know the limits")
		page.One(t, "[role=alert] a[href=#field-acknowledged]")
		c.get("/wizard/1").to("/wizard")
	}
	c.post("/wizard", "acknowledged", "false", "acknowledged", "true").to("/wizard/1") // as a browser sends a tick
}

func TestARunWithoutAcknowledgementReplacesNoDraft(t *testing.T) {
	t.Parallel()
	c := ready(t, auth.Admin)
	c.walk(2)
	page := c.post("/wizard").status(http.StatusUnprocessableEntity).page()
	page.One(t, "#field-acknowledged")
	page.Says(t, "h2", "Your draft waits at step 3")
}

func TestADeploymentIsGoneThroughAgainWithoutTheLimits(t *testing.T) {
	t.Parallel()
	c := ready(t, auth.Admin)
	c.walk(5)
	c.finish().to("/deployments/1")
	c.post("/wizard", "from", "1").to("/wizard/1")
	c.get("/wizard/2").page().One(t, "[name=pool][value=pool.synergy.com]")
}
