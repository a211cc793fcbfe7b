package web_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"isthmus/internal/auth"
	"isthmus/internal/federation"
)

// listener is the stored listener with a TLS context.
func (c *console) listener(context string) federation.Listener {
	c.t.Helper()
	for _, l := range c.snapshot().Listeners {
		if l.TLSContext == context {
			return l
		}
	}
	c.t.Fatalf("no listener has the context %s", context)
	return federation.Listener{}
}

func TestPeerAuthThatIsOffIsTold(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Operator)
	c.get("/listeners").page().Count(t, ".banner.part", 0)
	peer := c.listener(federation.PeerAuthContext)
	path := fmt.Sprintf("/listeners/%d", peer.ID)
	c.post(path, "enabled", "false").to("/listeners")
	page := c.get("/listeners").page()
	page.Says(t, ".banner.up", peer.Name+" is off, and its port is closed on every node.")
	page.Says(t, ".banner.part", peer.Name+" is off, and Microsoft front ends connect to port 5061 with their certificates.")
	c.post("/listeners/swap").to("/listeners")
	page = c.get("/listeners").page()
	page.Says(t, ".banner", "Saved. Peer authentication answers on port 5061, server authentication on 5062.")
	page.Count(t, ".banner.part", 0)
	c.post(path, "description", "x").to("/listeners")
	c.get("/listeners").page().Says(t, ".banner", peer.Name+" opens on port 5061 of every node with the service SIP proxy.")
}

func TestPeerAuthWithoutAListenerIsNotPutOnAPort(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Operator)
	peer := c.listener(federation.PeerAuthContext)
	c.post(fmt.Sprintf("/listeners/%d", peer.ID), "enabled", "false").to("/listeners")
	c.post("/listeners/delete", "id", fmt.Sprint(peer.ID)).to("/listeners")
	c.get("/listeners").page().Says(t, ".banner.part", "No listener with the TLS context sip-proxy-peer-auth is on port 5061")
	c.post("/listeners/swap").status(http.StatusConflict).page().Says(t, "main p", "No listener has the TLS context sip-proxy-peer-auth. Add one on port 5061.")

	c = signedInAs(t, auth.Operator)
	server := c.listener(federation.ServerAuthContext)
	c.post(fmt.Sprintf("/listeners/%d", server.ID), "enabled", "false").to("/listeners")
	c.post("/listeners/delete", "id", fmt.Sprint(server.ID)).to("/listeners")
	c.post("/listeners/swap").to("/listeners")
}

func TestAViewerIsToldOfThePortAndNotOfferedTheSwap(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Operator)
	c.post(fmt.Sprintf("/listeners/%d", c.listener(federation.PeerAuthContext).ID), "enabled", "false").to("/listeners")
	c.get("/listeners").page().Count(t, ".banner.part button", 1)
	c.post("/logout")
	c.signIn(auth.Viewer)
	c.get("/listeners").page().Count(t, ".banner.part button", 0)
}

func TestAnotherListenerOfAKindMustBeOpenAndOfTheSameContext(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Operator)
	first := c.listener(federation.PeerAuthContext)
	id := fmt.Sprint(first.ID)
	c.post("/listeners", "name", "Spare", "transport", "tls", "port", "5075", "tls_context", federation.PeerAuthContext, "enabled", "false").to("/listeners")
	c.post("/listeners/delete", "id", id).status(http.StatusConflict)
	c.post("/listeners", "name", "Lab", "transport", "tls", "port", "5076", "tls_context", federation.PeerAuthContext).to("/listeners")
	var lab int64
	for _, l := range c.snapshot().Listeners {
		if l.Name == "Lab" {
			lab = l.ID
		}
	}
	c.post("/listeners/delete", "id", id, "id", fmt.Sprint(lab)).status(http.StatusConflict)
	c.post("/listeners/delete", "id", id).to("/listeners")
}

func TestContextsTellWhatTheyDemand(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Admin)
	c.post("/tls-contexts", "name", "lab", "verify_client", "false").to("/tls-contexts")
	page := c.get("/tls-contexts?field=name&op=is_exactly&q=lab").page()
	page.Says(t, "table tbody", "not asked for")
	page.Says(t, "table tbody", "default list")
	if got := page.One(t, ".banner b").Text(); got != "Saved." {
		t.Errorf("the notice of a context that verifies nobody begins with %q", got)
	}
	c.post("/tls-contexts", "name", "strict", "verify_client", "true").to("/tls-contexts")
	page = c.get("/tls-contexts?field=name&op=is_exactly&q=strict").page()
	page.Says(t, ".banner", "Every configured peer subject is selected.")
	page.Says(t, "table tbody", "demanded")
	page = c.get("/tls-contexts/new").page()
	for part, note := range map[string]string{"3DES": "Weak.", "TLS_RSA_WITH_AES_128_GCM": "Without forward secrecy.", "ECDHE_RSA_WITH_AES_128_CBC": "Older mode"} {
		found := false
		for _, label := range page.All("#field-ciphers label") {
			found = found || strings.Contains(label.Text(), part) && strings.Contains(label.Text(), note)
		}
		if !found {
			t.Errorf("no cipher of %s is marked %q", part, note)
		}
	}
}

func TestSubjectsTellWhereTheyAreSelected(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Admin)
	c.post("/tls-peer-subjects", "name", "fe1.synergy.com").to("/tls-peer-subjects")
	page := c.get("/tls-peer-subjects").page()
	page.Says(t, ".banner", "Select it in the TLS context sip-proxy-peer-auth as well; until then it admits nobody.")
	page.Says(t, "table .state.part", "No context")
	path := page.One(t, ".findings a").Attr("href")
	c.post(path, "peer_subjects", "fe1.synergy.com").to("/tls-contexts")
	page = c.get("/tls-peer-subjects").page()
	page.Count(t, ".findings", 0)
	page.Says(t, "table tbody td", "sip-proxy-peer-auth")
}
