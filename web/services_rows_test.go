package web_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"isthmus/internal/auth"
	"isthmus/internal/federation"
)

// controlled is a row of the Control Center: what it tells and what can be ordered.
func (c *console) controlled(place, service string) (state string, orders []string) {
	c.t.Helper()
	for _, row := range c.get("/services").status(http.StatusOK).page().All("table.control tbody tr") {
		cells := row.All("[role=cell]")
		if row.One(c.t, "[role=rowheader]").Text() != place || cells[0].Text() != service {
			continue
		}
		for _, button := range row.All("button") {
			orders = append(orders, button.Attr("value"))
		}
		return cells[1].Text(), orders
	}
	c.t.Fatalf("there is no row of %s on %s", service, place)
	return "", nil
}

func TestEachRowOfTheControlCenterOffersWhatCanBeDone(t *testing.T) {
	t.Parallel()
	const proxy = "Cisco SIP Proxy"
	c := signedInAs(t, auth.Admin)
	c.nodesOf("imp1.here.com", "imp2.here.com")
	row := func(place, state string, orders ...string) {
		t.Helper()
		got, can := c.controlled(place, proxy)
		if !strings.HasPrefix(got, state) || !slices.Equal(can, orders) {
			t.Errorf("%s: %q with %q, want %q with %q", place, got, can, state, orders)
		}
	}
	control := func(name string) string { return fmt.Sprintf("/services/%d/control", c.snapshot().Node(name).ID) }
	obey := func() { c.obeys("imp1.here.com", 0, 0); c.obeys("imp2.here.com", 0, 0) }
	obey()
	row("All nodes", "Started on 2 nodes", "stop", "restart", "rolling")
	row("imp2.here.com", "Running", "stop", "restart")
	c.post(control("imp2.here.com"), "service", "sip_proxy", "order", "stop").to("/services")
	row("imp2.here.com", "Stopped by admin, ", "start")
	obey()
	row("All nodes", "1 of 2 started", "start", "stop", "restart")
	c.post("/services/control", "service", "sip_proxy", "order", "rolling").status(http.StatusConflict).page().Says(t, "main", "A rolling restart needs several nodes on which Cisco SIP Proxy runs.")
	c.post("/services/control", "service", "sip_proxy", "order", "stop").to("/services")
	row("All nodes", "0 of 2 started", "start")
	for _, n := range c.snapshot().Nodes {
		c.post(fmt.Sprintf("/services/%d", n.ID), "services", "sip_federation").to("/services")
	}
	obey()
	row("All nodes", "Deactivated")
	row("imp1.here.com", "Deactivated")

	state, _ := c.controlled("imp1.here.com", "Cisco XCP SIP Federation Connection Manager")
	if state != "Running" {
		t.Errorf("the other service is %q", state)
	}
	c.reportAs(federation.NodeStatus{Node: "imp1.here.com", AppliedRevision: c.snapshot().Revision, State: "ready"}) // of no era
	if state, _ := c.controlled("imp1.here.com", "Cisco XCP SIP Federation Connection Manager"); state != "Running" {
		t.Errorf("of a node that tells no era it is %q", state)
	}
}

func TestServiceActivationTellsHowEachNodeDiffersFromTheGuide(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Admin)
	c.get("/services").page().Says(t, "main .empty", "There is no node yet. A node adds itself when isthmus serve starts on it.")
	c.nodesOf("imp1.here.com", "imp2.here.com", "imp3.here.com")
	c.post(c.nodePath("imp1.here.com"), "routing", "true").to("/nodes")
	path := func(name string) string { return fmt.Sprintf("/services/%d", c.snapshot().Node(name).ID) }
	c.post(path("imp2.here.com"), "services", "sip_proxy").to("/services")
	c.post(path("imp2.here.com")).to("/services") // which asks for nothing
	if !c.snapshot().Node("imp2.here.com").Runs("sip_proxy") {
		t.Error("what a form leaves out is switched off")
	}
	rows := c.get("/services").texts("table[aria-labelledby=activation] tbody", "tr")
	for i, want := range []string{"Different A routing node runs the SIP proxy alone.", "Different A node with users needs both services, or federation does not reach them.", "As recommended"} {
		says(t, "a row", rows[i], want)
	}
	says(t, "the first row", rows[0], "imp1.here.com Routing node")
	if strings.Contains(rows[1], "Routing node") {
		t.Errorf("a home node is called a routing node: %s", rows[1])
	}
	c.post("/services/profile", "profile", "home").to("/services")
	c.get("/services").page().Says(t, ".banner", "Saved. 2 nodes have the services that the guide activates there.")

	c.post(path("imp1.here.com"), "services", "").to("/services")
	stale := c.get("/services").page().One(t, "form[action='"+path("imp1.here.com")+"']").Form()
	stale["services"] = []string{"", "sip_federation"}
	c.post(path("imp1.here.com"), "services", "sip_proxy").to("/services")
	c.postForm(path("imp1.here.com"), stale).status(http.StatusConflict).page().Says(t, ".banner", "Cisco SIP Proxy was switched on.")
}

func TestTheEffectOfAnOrderIsToldAsItWillBe(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Admin)
	c.nodesOf("imp1.here.com", "imp2.here.com", "imp3.here.com")
	c.post("/domains", "name", "synergy.com").to("/domains")
	c.post("/users", "id", "ann", "licensed", "true", "node", "imp2.here.com", "im_address", "ann@synergy.com").to("/users")
	c.post(c.nodePath("imp1.here.com"), "routing", "true").to("/nodes")
	order := func(name, service, order string) string {
		t.Helper()
		path := "/services/control"
		if name != "" {
			path = fmt.Sprintf("/services/%d/control", c.snapshot().Node(name).ID)
		}
		return c.post(path, "service", service, "order", order, "ask", "true").status(http.StatusOK).page().One(t, "main ul").Text()
	}
	says(t, "of a node that does not report", order("imp3.here.com", "sip_proxy", "stop"), "It does not report, so what is under way there is not known.")
	obey := func() {
		for i := range 3 {
			c.obeys(fmt.Sprintf("imp%d.here.com", i+1), 0, 0)
		}
	}
	obey()
	lone := order("imp3.here.com", "sip_proxy", "stop")
	says(t, "a stop", lone, "No connection is open and nothing is under way.", "The listeners close (TCP 5060")
	never := []string{"routing node", "No backup", "runs on no other node"}
	for _, l := range c.snapshot().Listeners {
		if !l.Enabled {
			never = append(never, fmt.Sprintf("%s %d", strings.ToUpper(l.Transport), l.Port))
		}
	}
	for _, word := range never {
		if strings.Contains(lone, word) {
			t.Errorf("of a home node without users, beside others, it says %q: %s", word, lone)
		}
	}
	says(t, "a restart of the routing node", order("imp1.here.com", "sip_proxy", "restart"), "It is the routing node, to which the Microsoft side sends its requests, and no other one runs.",
		"Requests without an answer get 503, messages that may have been delivered 504, every connection is closed, and the listeners (TCP 5060")
	says(t, "a restart of users' node", order("imp2.here.com", "sip_proxy", "restart"), "No backup serves the 1 user homed here during that second; requests for them are answered with 480.")
	says(t, "a connector's restart", order("imp2.here.com", "sip_federation", "restart"), "Connections with the connector are closed. Requests under way there are answered with 480; the next one connects anew.")
	says(t, "a connector's stop", order("imp3.here.com", "sip_federation", "stop"), "Nobody is homed there.", "The connector is used no longer.")

	c.post(c.nodePath("imp2.here.com"), "backup", "imp3.here.com").to("/nodes")
	obey()
	const serves = "Its backup imp3.here.com serves the 1 user homed here meanwhile."
	says(t, "with a backup", order("imp2.here.com", "sip_proxy", "stop"), serves)
	says(t, "with a backup that stops, too", order("", "sip_proxy", "stop"), "No backup serves the 1 user homed here: requests for them are answered with 480.")
	for _, service := range federation.Services {
		control := fmt.Sprintf("/services/%d/control", c.snapshot().Node("imp3.here.com").ID)
		c.post(control, "service", service, "order", "stop").to("/services")
		says(t, "with a backup that lacks "+service, order("imp2.here.com", "sip_proxy", "stop"), "No backup serves the 1 user homed here: requests")
		c.post(control, "service", service, "order", "start").to("/services")
	}
	obey()

	c.post(c.nodePath("imp3.here.com"), "routing", "true").to("/nodes")
	if got := order("imp1.here.com", "sip_proxy", "restart"); strings.Contains(got, "routing node") {
		t.Errorf("beside another routing node it says %s", got)
	}
	says(t, "a restart of all", order("", "sip_proxy", "restart"), "and no other one runs", "For that second nothing is taken from either side. A rolling restart takes one node after the other.")
	for _, name := range []string{"imp2.here.com", "imp3.here.com"} {
		c.post(fmt.Sprintf("/services/%d/control", c.snapshot().Node(name).ID), "service", "sip_proxy", "order", "stop").to("/services")
	}
	obey()
	says(t, "a stop of what is stopped", order("imp2.here.com", "sip_proxy", "stop"), "It does not run there.")
	says(t, "a restart of the last", order("imp1.here.com", "sip_proxy", "restart"), "The SIP proxy runs on no other node: for that second nothing is taken from either side.")
	says(t, "a stop of the last", order("imp1.here.com", "sip_proxy", "stop"), "The SIP proxy runs on no other node: then nothing is taken from either side until one is started.")
}
