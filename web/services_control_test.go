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

// states are the words of the Control Center, row by row.
func (c *console) states() []string {
	c.t.Helper()
	var words []string
	for _, s := range c.get("/services").page().All("table.control tbody .state") {
		words = append(words, s.Text())
	}
	return words
}

func TestTheControlCenterStopsStartsAndRestartsOnOneNode(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Operator)
	admin := *c
	admin.cookies = map[string]*http.Cookie{}
	admin.signIn(auth.Admin)
	admin.nodesOf("imp1.here.com")
	c.obeys("imp1.here.com", 12, 4)
	to := fmt.Sprintf("/services/%d/control", c.snapshot().Node("imp1.here.com").ID)
	if got := c.states(); !slices.Equal(got, []string{"Running", "Running"}) {
		t.Fatalf("at first %v", got)
	}

	ask := c.post(to, "service", "sip_proxy", "order", "stop", "ask", "true").status(200).page()
	ask.Says(t, "h1", "Stop: Cisco SIP Proxy on imp1.here.com?")
	ask.Says(t, "main li", "12 connections are open and 4 transactions are under way.")
	ask.Says(t, "main li", "The listeners close (TCP 5060")
	ask.Says(t, "main ul", "nothing is taken from either side until one is started")
	if !c.snapshot().Runs("imp1.here.com", "sip_proxy") {
		t.Fatal("it was stopped before anybody answered")
	}
	c.postForm(to, ask.One(t, "main form").Form()).to("/services")
	c.get("/services").page().Says(t, ".banner", "Cisco SIP Proxy stops on imp1.here.com within a second.")
	c.obeys("imp1.here.com", 0, 0)
	if got := c.states(); !slices.Equal(got, []string{"Stopped", "Running"}) || c.snapshot().Runs("imp1.here.com", "sip_proxy") {
		t.Errorf("stopped, it says %v", got)
	}

	c.post(to, "service", "sip_proxy", "order", "start", "ask", "true").to("/services") // ends nothing, so nobody is asked
	c.obeys("imp1.here.com", 0, 0)
	c.post(to, "service", "sip_proxy", "order", "restart").to("/services") // as a script does it
	if got := c.states(); got[0] != "Running" || c.snapshot().Restarts("imp1.here.com", "sip_proxy") != 1 {
		t.Errorf("a restart that the node does not hold yet: %v", got)
	}
	c.obeys("imp1.here.com", 0, 0)
	c.get("/services").page().Says(t, "table.control", "last order by operator")

	c.post(fmt.Sprintf("/services/%d", c.snapshot().Node("imp1.here.com").ID), "services", "sip_federation").to("/services")
	c.post(to, "service", "sip_proxy", "order", "restart").status(http.StatusConflict).page().Says(t, "main", "Activate it first.")
	c.post(to, "service", "cisco_xcp_router", "order", "restart").status(http.StatusConflict).page().Says(t, "main", "Isthmus runs no service")
	c.post(to, "service", "sip_federation", "order", "explode").status(http.StatusConflict)
	c.post(to, "service", "sip_federation", "order", "explode", "ask", "true").status(http.StatusConflict)
	if got := c.states(); !slices.Equal(got, []string{"Deactivated", "Running"}) {
		t.Errorf("deactivated, it says %v", got)
	}
}

func TestTheControlCenterTellsWhatANodeDoesNot(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Admin)
	c.nodesOf("imp1.here.com", "imp2.here.com")
	c.obeys("imp1.here.com", 0, 0)
	c.post("/services/control", "service", "sip_federation", "order", "restart").to("/services")
	page := c.get("/services").page()
	page.Says(t, "table.control", "the node does not report")
	page.Says(t, "table.control", "the node still holds revision")
	s := c.snapshot()
	if err := c.store.ReportStatus(t.Context(), federation.NodeStatus{Node: "imp1.here.com", AppliedEra: s.Era, AppliedRevision: s.Revision,
		Listeners: []federation.ListenerStatus{{Name: "Lab", Error: "port 5070 is in use"}}}); err != nil {
		t.Fatal(err)
	}
	page = c.get("/services").page()
	page.Says(t, "table.control", "Restarting")
	page.Says(t, "table.control", "Lab: port 5070 is in use")
}

func TestAnOrderForAllNodesTellsItsEffectOnEach(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Admin)
	c.nodesOf("imp1.here.com", "imp2.here.com", "imp3.here.com")
	for i := range 3 {
		c.obeys(fmt.Sprintf("imp%d.here.com", i+1), i, i)
	}
	ask := c.post("/services/control", "service", "sip_proxy", "order", "restart", "ask", "true").status(200).page()
	ask.Says(t, "h1", "Restart: Cisco SIP Proxy on all nodes?")
	ask.Count(t, "main li", 5)
	ask.Says(t, "main ul", "1 connection is open and 1 transaction is under way.")
	ask.Says(t, "main ul", "A rolling restart takes one node after the other.")
	c.postForm("/services/control", ask.One(t, "main form").Form()).to("/services")
	for i := range 3 {
		if n := c.snapshot().Restarts(fmt.Sprintf("imp%d.here.com", i+1), "sip_proxy"); n != 1 {
			t.Errorf("node %d was ordered %d restarts", i+1, n)
		}
	}
}

func TestAStopTellsWhoServesTheUsersMeanwhile(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Admin)
	c.nodesOf("imp1.here.com", "imp2.here.com")
	c.post("/domains", "name", "synergy.com").to("/domains")
	c.post("/users", "id", "ann", "licensed", "true", "node", "imp2.here.com", "im_address", "ann@synergy.com").to("/users")
	two := c.snapshot().Node("imp2.here.com").ID
	ask := func(node int64, service string) string {
		return c.post(fmt.Sprintf("/services/%d/control", node), "service", service, "order", "stop", "ask", "true").status(200).page().One(t, "main ul").Text()
	}
	if got := ask(two, "sip_federation"); !strings.Contains(got, "No backup serves the 1 user homed here: requests for them are answered with 480.") {
		t.Error(got)
	}
	c.post(fmt.Sprintf("/nodes/%d", two), "name", "imp2.here.com", "address", "127.0.0.12", "backup", "imp1.here.com").to("/nodes")
	if got := ask(two, "sip_proxy"); !strings.Contains(got, "Its backup imp1.here.com serves the 1 user homed here meanwhile.") {
		t.Error(got)
	}
}

func TestARestartOnAllNodesNamesThoseThatItLeavesStopped(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Admin)
	c.nodesOf("imp1.here.com", "imp2.here.com", "imp3.here.com")
	c.post(fmt.Sprintf("/services/%d/control", c.snapshot().Node("imp2.here.com").ID), "service", "sip_proxy", "order", "stop").to("/services")
	for order, button := range map[string]string{"restart": "Restart", "rolling": "Restart one after the other"} {
		ask := c.post("/services/control", "service", "sip_proxy", "order", order, "ask", "true").status(200).page()
		ask.Says(t, "h1", button+": Cisco SIP Proxy on 2 nodes?")
		ask.Says(t, "main li", "imp2.here.com: It was stopped by admin")
		ask.Says(t, "main ul", "and stays stopped.")
	}
	c.post("/services/control", "service", "sip_proxy", "order", "restart").to("/services")
	c.get("/services").page().Says(t, ".banner", "Cisco SIP Proxy restarts on 2 nodes within a second; it stays stopped on imp2.here.com.")
	for node, want := range map[string]int64{"imp1.here.com": 1, "imp2.here.com": 0, "imp3.here.com": 1} {
		if s := c.snapshot(); s.Restarts(node, "sip_proxy") != want || s.Runs(node, "sip_proxy") != (want == 1) {
			t.Errorf("%s was ordered %+v", node, s.ServiceState(node, "sip_proxy"))
		}
	}
	c.post("/services/control", "service", "sip_proxy", "order", "stop").to("/services")
	for _, order := range []string{"restart", "rolling"} {
		c.post("/services/control", "service", "sip_proxy", "order", order, "ask", "true").status(http.StatusConflict).page().Says(t, "main", "Start it instead")
	}
}
