package web_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"isthmus/internal/auth"
	"isthmus/internal/federation"
)

func TestStaticRouteIsTypedAsADomainAndShownBothWays(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Operator)
	c.post("/static-routes", "destination", "domaina.co.uk", "type", "domain", "next_hop", "127.0.0.21", "transport", "tls", "in_service", "true").to("/static-routes")
	route := c.snapshot().StaticRoutes[0]
	if route.Destination != ".uk.co.domaina" || route.Port != 5061 || route.Priority != 1 || route.Weight != 1 || !route.InService {
		t.Errorf("stored %+v", route)
	}
	page := c.get("/static-routes").page()
	page.Says(t, ".banner", "domaina.co.uk (.uk.co.domaina) leads to 127.0.0.21:5061.")
	page.Says(t, "table tbody th", ".uk.co.domaina domaina.co.uk")
	c.get(fmt.Sprintf("/static-routes/%d", route.ID)).page().Says(t, "#hint-destination", "domaina.co.uk is .uk.co.domaina.")
}

func TestPortFollowsTheProtocolWhenItIsNotGiven(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Operator)
	c.post("/static-routes", "destination", "a.com", "type", "domain", "next_hop", "127.0.0.21").to("/static-routes")
	if r := c.snapshot().StaticRoutes[0]; r.Port != 5060 || r.Transport != "tcp" {
		t.Errorf("stored %+v", r)
	}
}

func TestRoutesThatCannotWorkAreRefused(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Operator)
	good := form("destination", "synergy.com", "type", "domain", "next_hop", "127.0.0.21", "port", "5061", "transport", "tls")
	c.postForm("/static-routes", good).to("/static-routes")
	for _, test := range []struct{ promise, field, value, sentence string }{
		{"the same route twice", "destination", ".com.synergy", "is listed already"},
		{"a domain for a user route", "type", "user", "choose the type domain"},
		{"an address without a port", "port", "0", "Port 0 asks DNS for SRV records"},
		{"a port that is none", "port", "65536", "Enter a port between 1 and 65535."},
		{"a transport that is none", "transport", "sctp", "Choose one of"},
		{"no priority", "priority", "0", "between 1 and 65535"},
		{"a next hop that is none", "next_hop", "fe1", "Enter an IP address such as"},
	} {
		posted := form()
		for name, v := range good {
			posted[name] = slices.Clone(v)
		}
		posted.Set(test.field, test.value)
		page := c.postForm("/static-routes", posted).status(http.StatusUnprocessableEntity).page()
		if !strings.Contains(page.One(t, ".banner[role=alert]").Text(), test.sentence) {
			t.Errorf("%s: %s", test.promise, page.One(t, ".banner").Text())
		}
	}
}

func TestRouteListShowsTheStateOfItsNextHop(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Admin)
	c.post("/nodes", "name", "imp1.synergy.com", "address", "127.0.0.11").to("/nodes")
	for i, flags := range []string{"", "", "blocked", "out"} {
		posted := form("destination", "synergy.com", "type", "domain", "next_hop", fmt.Sprintf("127.0.0.2%d", i), "port", "5061", "transport", "tls", "priority", fmt.Sprint(i+1))
		if flags == "blocked" {
			posted.Set("blocked", "true")
		}
		if flags == "out" {
			posted.Set("in_service", "false") // as the page posts it without a tick
		}
		c.postForm("/static-routes", posted).to("/static-routes")
	}
	c.report("imp1.synergy.com", 1, federation.HopStatus{Host: "127.0.0.20", Port: 5061, Transport: "tls", State: "up"},
		federation.HopStatus{Host: "127.0.0.21", Port: 5061, Transport: "tls", State: "down", Reason: "connection refused", Since: time.Now()})
	var words []string
	for _, state := range c.get("/static-routes").page().All("table .state") {
		words = append(words, state.Text())
	}
	if got := strings.Join(words, ", "); got != "Up, Down, Blocked, Out of service" {
		t.Errorf("states are %s", got)
	}
}

func TestDeletingARouteTellsHowManyNextHopsAreLeft(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Operator)
	for _, hop := range []string{"127.0.0.21", "127.0.0.22"} {
		c.post("/static-routes", "destination", "synergy.com", "type", "domain", "next_hop", hop, "in_service", "true").to("/static-routes")
	}
	routes := c.snapshot().StaticRoutes
	c.get(fmt.Sprintf("/static-routes/delete?id=%d", routes[0].ID)).page().Says(t, "main p", "then has 1 next hop left")
	c.get(fmt.Sprintf("/static-routes/delete?id=%d&id=%d", routes[0].ID, routes[1].ID)).page().Says(t, "main p", "has no next hop left")
}

func TestContextSelectsCiphersAndSubjectsWithoutAScript(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Admin)
	for _, name := range []string{"fe1.synergy.com", "pool.synergy.com"} {
		c.post("/tls-peer-subjects", "name", name).to("/tls-peer-subjects")
	}
	c.get("/tls-peer-subjects").page().Says(t, ".findings", "2 peer subjects are in no TLS context")
	path := fmt.Sprintf("/tls-contexts/%d", c.snapshot().TLSContext(federation.PeerAuthContext).ID)
	page := c.get(path).page()
	page.Count(t, "input[name=ciphers][type=checkbox]", len(federation.Ciphers()))
	page.Count(t, "input[name=peer_subjects][type=checkbox]", 2)

	posted := page.One(t, "main form").Form()
	posted.Del("was") // one form is sent three times here
	posted.Set("peer_subjects", "pool.synergy.com")
	c.postForm(path, posted).to("/tls-contexts")
	c.get("/tls-contexts").page().Says(t, ".banner", "Not selected, and so refused in the handshake: fe1.synergy.com.")
	posted.Set("arrange", "ciphers all")
	posted = c.postForm(path, posted).status(http.StatusOK).page().One(t, "main form").Form()
	posted.Del("was")
	if before := c.snapshot().TLSContext(federation.PeerAuthContext); len(before.Ciphers) > 0 {
		t.Errorf("a button of the lists saved %v", before.Ciphers)
	}
	posted.Set("arrange", "peer_subjects all")
	page = c.postForm(path, posted).status(http.StatusOK).page()
	page.Says(t, "main form [role=status]", "Nothing is saved yet.")
	posted = page.One(t, "main form").Form()
	posted.Del("was")
	c.postForm(path, posted).to("/tls-contexts")
	context := c.snapshot().TLSContext(federation.PeerAuthContext)
	if !slices.Equal(context.Ciphers, federation.Ciphers()) || !slices.Equal(context.PeerSubjects, []string{"fe1.synergy.com", "pool.synergy.com"}) || !context.VerifyClient {
		t.Errorf("stored %+v", context)
	}
}

func TestSubjectInUseIsNotDeleted(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Admin)
	c.post("/tls-peer-subjects", "name", "CN=pool.synergy.com").to("/tls-peer-subjects")
	c.get("/tls-peer-subjects").page().Says(t, ".banner", "CN= was left out: the name is pool.synergy.com.")
	path := fmt.Sprintf("/tls-contexts/%d", c.snapshot().TLSContext(federation.PeerAuthContext).ID)
	c.post(path, "name", federation.PeerAuthContext, "verify_client", "true", "peer_subjects", "pool.synergy.com").to("/tls-contexts")
	id := fmt.Sprint(c.snapshot().TLSPeerSubjects[0].ID)
	page := c.get("/tls-peer-subjects/delete?id=" + id).status(200).page()
	page.Says(t, "main p", "is selected in sip-proxy-peer-auth, so it cannot be deleted.")
	page.Count(t, "main .button.danger", 0)
	c.post("/tls-peer-subjects/delete", "id", id).status(http.StatusConflict)
}

func TestUDPIsATransportLikeTheOthers(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Operator)
	c.post("/listeners", "name", "Lab UDP", "transport", "udp", "port", "5090", "enabled", "true").to("/listeners")
	c.post("/listeners", "name", "Lab UDP 2", "transport", "udp", "port", "5090", "enabled", "true").status(422).page().
		Says(t, "#error-port", "is taken by the listener")
	c.post("/static-routes", "destination", "synergy.com", "type", "domain", "next_hop", "127.0.0.21", "port", "5060", "transport", "udp").to("/static-routes")
}

func TestPeerAuthIsPutOnItsPortInOneStep(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Operator)
	for _, l := range c.snapshot().Listeners {
		if l.Transport == federation.TLS { // the ports of Cisco's console before the guide changes them, by way of a third one
			c.post(fmt.Sprintf("/listeners/%d", l.ID), "name", l.Name, "transport", "tls", "port", fmt.Sprint(l.Port+1000), "tls_context", l.TLSContext, "enabled", "true").to("/listeners")
		}
	}
	c.get("/listeners").page().Says(t, ".banner.part", "No listener with the TLS context sip-proxy-peer-auth is on port 5061")
	for range 2 { // twice is once
		c.post("/listeners/swap").to("/listeners")
		for _, l := range c.snapshot().Listeners {
			if want := map[string]int{federation.PeerAuthContext: 5061, federation.ServerAuthContext: 5062}[l.TLSContext]; want != 0 && l.Port != want {
				t.Errorf("%s is on port %d", l.Name, l.Port)
			}
		}
	}
	c.get("/listeners").page().Count(t, ".banner.part", 0)
}

func TestTheLastOpenListenerOfItsKindIsNotDeleted(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Operator)
	first := c.snapshot().Listeners
	c.post("/listeners", "name", "Lab", "transport", "tcp", "port", "5090").to("/listeners")
	for _, l := range c.snapshot().Listeners {
		if l.Name == "Lab" {
			c.post("/listeners/delete", "id", fmt.Sprint(l.ID)).to("/listeners")
		}
	}
	for _, l := range first {
		if l.Transport != federation.TCP {
			continue
		}
		id := fmt.Sprint(l.ID)
		c.post("/listeners/delete", "id", id).status(http.StatusConflict).page().Says(t, "main", "is the last open listener of its kind")
		c.post("/listeners/"+id, "name", l.Name, "enabled", "false").to("/listeners")
		c.post("/listeners/delete", "id", id).to("/listeners")
	}
}

func TestSettingsAreCheckedTogetherAndTellTheirEffect(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Admin)
	c.get("/settings").page().Says(t, "main", "kept for the SIP Federation Connection Manager, which this version does not contain")
	page := c.post("/settings", "partitioned_federation", "true", "email_federation", "true", "max_contacts", "none").status(422).page()
	page.Says(t, "#error-max_contacts", "or unlimited")
	page.Says(t, "#error-email_federation", "exclude each other")
	if got := page.One(t, "#field-max_contacts").Attr("value"); got != "none" {
		t.Errorf("max_contacts came back as %q", got)
	}
	c.post("/settings", "default_domain", "nowhere.com").status(422).page().Says(t, "#error-default_domain", "is not among the domains")

	posted := c.get("/settings").page().One(t, "main form.form").Form()
	posted.Set("partitioned_federation", "true")
	posted.Set("max_watchers", "unlimited")
	posted.Del("ask")
	c.postForm("/settings", posted).to("/settings")
	c.get("/settings").page().Says(t, ".banner", "Federation is on:")
	if s := c.snapshot().Settings; !s.PartitionedFederation || s.MaxWatchers != federation.Unlimited || !s.AutoAuthorize || s.MaxContacts != 200 {
		t.Errorf("stored %+v", s)
	}
}

func TestAddressPreviewShowsWhatEachSchemeGives(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Admin)
	c.post("/domains", "name", "cisco.com").to("/domains")
	c.post("/settings", "default_domain", "cisco.com").to("/settings")
	c.post("/users", "id", "js12345", "mail", "jsmith@cisco-sales.com", "microsoft_address", "john.smith@webex.com").to("/users")
	row := c.get("/settings").page().One(t, "table tbody tr").Text()
	for _, want := range []string{"js12345@cisco.com", "jsmith@cisco-sales.com", "john.smith@webex.com", "Not the Microsoft address"} {
		if !strings.Contains(row, want) {
			t.Errorf("the preview lacks %s: %s", want, row)
		}
	}
}

func TestDomainPageTellsWhatUsersHold(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Admin)
	c.post("/nodes", "name", "imp1.here.com", "address", "127.0.0.11").to("/nodes")
	c.post("/domains", "name", "synergy.com").to("/domains")
	c.post("/users", "id", "ann", "licensed", "true", "node", "imp1.here.com", "im_address", "ann@synergy.com").to("/users")
	page := c.get("/domains").page()
	if got := page.One(t, "[aria-labelledby=used] tbody tr").Text(); got != "synergy.com 1" {
		t.Errorf("the domain's row says %q", got)
	}
	page.Count(t, "[aria-labelledby=used] thead th", 2) // every such domain is configured, so a column for that would say nothing
	id := fmt.Sprint(c.snapshot().Domains[0].ID)
	c.get("/domains/delete?id="+id).page().Says(t, "main p", "1 user has an address in synergy.com, so it cannot be deleted.")
	c.post("/domains", "name", "synergy.net").to("/domains")
	c.get("/domains").page().Says(t, ".findings", "2 domains, and an address scheme for one")
}

func TestUserOnBothSidesIsRed(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Admin)
	c.post("/domains", "name", "synergy.com").to("/domains")
	c.post("/nodes", "name", "imp1.here.com", "address", "127.0.0.11").to("/nodes")
	c.post("/nodes", "name", "imp2.here.com", "address", "127.0.0.12", "routing", "true").to("/nodes")
	c.post("/users", "id", "ann", "licensed", "true", "node", "imp1.here.com", "im_address", "ann@synergy.com", "microsoft_address", "ann@synergy.com").to("/users")
	c.get("/users").page().Says(t, "table .state.down", "On both sides")
	c.post("/users", "id", "bob", "licensed", "true", "node", "imp2.here.com", "im_address", "bob@synergy.com").status(422).page().
		Says(t, "#error-node", "is a routing node, which homes nobody")
}

func TestServicesAreSwitchedPerNodeAndByProfile(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Admin)
	c.post("/nodes", "name", "imp1.here.com", "address", "127.0.0.11", "routing", "true", "services", "sip_proxy", "services", "sip_federation").to("/nodes")
	c.post("/nodes", "name", "imp2.here.com", "address", "127.0.0.12").to("/nodes")
	c.get("/services").page().Says(t, "table .state.part", "Different")

	home := fmt.Sprintf("/services/%d", c.snapshot().Node("imp2.here.com").ID)
	c.post(home, "services", "sip_proxy").to("/services")
	ask := c.post(home, "ask", "true", "services", "").status(200).page()
	ask.Says(t, "h1", "Switch off 1 service on imp2.here.com?")
	if !c.snapshot().Node("imp2.here.com").Runs("sip_proxy") {
		t.Fatal("the service was switched off before anybody answered")
	}
	c.postForm(home, ask.One(t, "main form").Form()).to("/services")
	if c.snapshot().Node("imp2.here.com").Runs("sip_proxy") {
		t.Error("the service still runs")
	}
	c.post(home, "services", "xcp_router", "services", "xcp_auth").status(422).page().
		Says(t, "main p", "Choose one of sip_proxy, sip_federation. Choose one of sip_proxy, sip_federation.")

	c.post("/services/profile", "profile", "routing").to("/services")
	c.post("/services/profile", "profile", "home").to("/services")
	c.post("/services/profile", "profile", "other").status(http.StatusConflict)
	c.get("/services").page().Count(t, "table .state.part", 0)
	if got := c.snapshot().Node("imp1.here.com").Services; !slices.Equal(got, []string{"sip_proxy"}) {
		t.Errorf("the routing node runs %v", got)
	}
}

func TestNodeThatRunsIsNotDeleted(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Admin)
	c.post("/nodes", "name", "imp1.here.com", "address", "127.0.0.11").to("/nodes")
	c.report("imp1.here.com", 1)
	id := fmt.Sprint(c.snapshot().Nodes[0].ID)
	c.get("/nodes").page().Says(t, "table tbody tr", "Behind")
	c.get("/nodes/delete?id="+id).page().Says(t, "main p", "imp1.here.com is running")
	c.post("/nodes/delete", "id", id).status(http.StatusConflict)
}

func TestAuditTellsWhoChangedWhat(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Operator)
	c.post("/acl", "pattern", "10.1.20.21").to("/acl")
	row := c.get("/audit").page().All("table tbody tr")[0].Text()
	for _, want := range []string{"operator", "from 192.0.2.1", "added", "10.1.20.21"} {
		if !strings.Contains(row, want) {
			t.Errorf("the newest row lacks %q: %s", want, row)
		}
	}
	c.get("/audit?field=actor&op=is_exactly&q=operator").page().Count(t, "table tbody tr", 1)
}
