package web_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"isthmus/internal/auth"
	"isthmus/internal/federation"
	"isthmus/internal/siptest"
)

// deletion is the page that asks before the trusted CA of that name goes.
func (c *console) deletion(subject string) answer {
	c.t.Helper()
	return c.get(fmt.Sprintf("/certificates/delete?id=%d", c.stored(subject).ID)).status(http.StatusOK)
}

func TestBeforeACAGoesItIsToldWhatChainsToIt(t *testing.T) {
	t.Parallel()
	c := withKey(t, auth.Admin)
	root := siptest.NewAuthority("Synergy Root")
	issuing := root.Intermediate("Synergy Issuing")
	for _, ca := range []*siptest.Authority{root, issuing, siptest.NewAuthority("Other Root")} {
		c.trusts(ca)
	}
	c.owns(root, siptest.Leaf{})
	c.post("/static-routes", "destination", "synergy.com", "type", "domain", "next_hop", "127.0.0.21", "transport", "tls", "in_service", "true").to("/static-routes")

	page := c.deletion("Synergy Root").page()
	for _, want := range []string{`on the listener "Default SIP Proxy TLS Listener - Peer Auth" (context sip-proxy-peer-auth), and at the next hop 127.0.0.21:5061`,
		"The certificate of " + ownNode + " chains to nothing trusted then", "The intermediate CA Synergy Issuing below stays trusted"} {
		page.Says(t, "main p", want)
	}
	if text := c.deletion("Other Root").page().Text(); strings.Contains(text, "trusted then") || strings.Contains(text, "No CA is left") {
		t.Errorf("a CA that nothing here needs: %s", text)
	}
	page.Says(t, "main li a", "Synergy Root")
	c.get(fmt.Sprintf("/certificates/%d", c.stored("Synergy Root").ID)).page().Says(t, ".prose p", "The certificate of "+ownNode+" chains to nothing trusted then")
	c.postForm("/certificates/delete", page.One(t, "main form").Form()).to("/certificates")
	c.get("/certificates").page().Count(t, "[aria-labelledby=trusted] tbody tr", 2)
}

func TestTheLastTrustedCAIsToldToBeTheLast(t *testing.T) {
	t.Parallel()
	c := withKey(t, auth.Admin)
	c.trusts(siptest.NewAuthority("Synergy Root"))
	page := c.deletion("Synergy Root").page()
	page.Says(t, "main p", "No CA is left then")
	c.postForm("/certificates/delete", page.One(t, "main form").Form()).to("/certificates")
	c.get("/certificates").page().Says(t, "[aria-labelledby=trusted]", "No CA is trusted yet")
}

func TestANodesOwnCertificateIsNeverDeleted(t *testing.T) {
	t.Parallel()
	c := withKey(t, auth.Admin)
	own := fmt.Sprint(c.stored(ownNode).ID)
	c.get("/certificates/delete?id="+own).status(http.StatusConflict).page().Says(t, "main", "needs its certificate")
	c.post("/certificates/delete", "id", own).status(http.StatusConflict)
	c.post("/certificates/delete").status(http.StatusConflict).page().Says(t, "main", "Nothing was selected.")
	for _, id := range []string{"9999", "x"} {
		c.post("/certificates/delete", "id", id).status(http.StatusNotFound)
	}
	if c.stored(ownNode).Purpose != federation.PurposeOwn {
		t.Error("it is gone")
	}
}
