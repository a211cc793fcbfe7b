package web_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"isthmus/internal/auth"
	"isthmus/internal/federation"
)

func TestPartitionedFederationIsTurnedOnAfterItsWarning(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Admin)
	c.nodesOf("imp1.here.com")
	c.post("/static-routes", "destination", "synergy.com", "type", "domain", "next_hop", "127.0.0.21", "in_service", "true").to("/static-routes")
	posted := c.get("/settings").page().One(t, "main form.form").Form()
	posted.Set("partitioned_federation", "true")
	posted.Set("max_watchers", "unlimited")

	posted.Set("email_federation", "true") // excluded by it: refused before anybody is asked
	c.postForm("/settings", posted).status(http.StatusUnprocessableEntity).page().Says(t, "#error-email_federation", "exclude each other")
	posted.Set("email_federation", "false")

	ask := c.postForm("/settings", posted).status(200).page()
	ask.Says(t, "h1", "Turn partitioned federation on?")
	ask.Says(t, "main ul", "by the 1 static route in service.")
	ask.Says(t, "main ul", "Group chat does not cross")
	ask.Says(t, "main ul", "in force on 1 node within a second")
	if c.snapshot().Settings.PartitionedFederation {
		t.Fatal("it was turned on before anybody answered")
	}
	c.postForm("/settings", ask.One(t, "main form").Form()).to("/settings")
	if s := c.snapshot().Settings; !s.PartitionedFederation || s.MaxWatchers != federation.Unlimited {
		t.Errorf("stored %+v", s)
	}

	posted = c.get("/settings").page().One(t, "main form.form").Form()
	posted.Set("max_watchers", "100")
	c.postForm("/settings", posted).to("/settings") // nothing of that kind changed
	posted = c.get("/settings").page().One(t, "main form.form").Form()
	posted.Set("partitioned_federation", "false")
	c.postForm("/settings", posted).status(200).page().Says(t, "main ul", "answered with 404")
	c.post("/settings", "partitioned_federation", "false").to("/settings") // as a script does it
}

func TestWhatSomebodyElseSavedWhileOneWasAskedIsNotLost(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Admin)
	posted := c.get("/settings").page().One(t, "main form.form").Form()
	posted.Set("partitioned_federation", "true")
	ask := c.postForm("/settings", posted).status(200).page()
	c.post("/settings", "max_contacts", "17").to("/settings")
	c.postForm("/settings", ask.One(t, "main form").Form()).status(http.StatusConflict)
}

func TestTheSettingsNameThePreferredListenersAndRestartAllProxies(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Admin)
	c.get("/settings").page().Count(t, "[aria-labelledby=routing] button", 0) // there is no proxy yet
	c.nodesOf("imp1.here.com", "imp2.here.com")
	section := c.get("/settings").page().One(t, "[aria-labelledby=routing]")
	for _, l := range c.snapshot().Listeners {
		if named := l.TLSContext == federation.PeerAuthContext || l.Transport == federation.TCP; named {
			c.get("/settings").page().Says(t, "[aria-labelledby=routing] dd", fmt.Sprintf("%s (port %d)", l.Name, l.Port))
		}
	}
	looks := signedInAs(t, auth.Viewer)
	must[federation.Node](t)(looks.store.SaveNode(t.Context(), federation.Node{Name: "imp1.here.com", Address: "127.0.0.11", Services: []string{federation.ServiceSIPProxy}}))
	looks.get("/settings").page().Count(t, "[aria-labelledby=routing] button", 0)
	posted := section.One(t, "form").Form()
	posted.Set("order", "restart") // its button
	ask := c.postForm("/services/control", posted).status(200).page()
	ask.Says(t, "h1", "Restart: Cisco SIP Proxy on all nodes?")
	c.postForm("/services/control", ask.One(t, "main form").Form()).to("/services")
	if c.snapshot().Restarts("imp2.here.com", "sip_proxy") != 1 {
		t.Error("nothing was ordered")
	}
}

// The preferred listener is the one that a next hop is told to come back to, so it has to be open.
func TestThePreferredListenerIsOneThatIsOpenAndBestOneThatVerifies(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Admin)
	peer, server := c.listener(federation.PeerAuthContext), c.listener(federation.ServerAuthContext)
	c.preferred(peer.Name)
	extra := federation.Listener{Name: "Further", Transport: federation.TLS, Port: 5071, TLSContext: federation.PeerAuthContext, Enabled: true}
	must[federation.Listener](t)(c.store.SaveListener(t.Context(), extra))
	server.TLSContext, peer.TLSContext = peer.TLSContext, server.TLSContext
	for _, l := range []federation.Listener{peer, server} {
		must[federation.Listener](t)(c.store.SaveListener(t.Context(), l))
	}
	c.preferred(server.Name) // whatever their names and order
	server.Enabled = false
	must[federation.Listener](t)(c.store.SaveListener(t.Context(), server))
	c.preferred(extra.Name)
}

func (c *console) preferred(name string) {
	c.t.Helper()
	text := c.get("/settings").page().All("[aria-labelledby=routing] dd")[0].Text()
	if !strings.HasPrefix(text, name+" (port ") {
		c.t.Errorf("preferred is %q, want %s", text, name)
	}
}
