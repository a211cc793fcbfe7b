package web_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"isthmus/internal/auth"
)

func TestANoticeIsSaidOnceOnTheNextPageAndByGETAlone(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Operator)
	c.post("/domains", "name", "synergy.com").to("/domains")
	c.post("/domains", "name", "synergy").status(http.StatusUnprocessableEntity).page().Count(t, ".banner[role=status]", 0)
	c.send(httptest.NewRequest(http.MethodHead, "/domains", nil)).status(http.StatusOK)
	page := c.get("/domains").page()
	if got := page.One(t, ".banner b").Text(); got != "Saved." {
		t.Errorf("the notice begins with %q", got)
	}
	if got := page.One(t, ".banner p").Text(); got != "Saved." {
		t.Errorf("the notice says %q", got)
	}
	c.get("/domains").page().Count(t, ".banner", 0)
}

func TestSignedInTheLoginPageLeadsToTheStart(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Viewer)
	c.get("/login").to("/")
	c.post("/logout")
	page := c.get("/login").status(http.StatusOK).page()
	page.Count(t, ".banner", 0)
	page.Count(t, "nav.menu", 0)
	page.Count(t, ".who", 0)
}
