package web_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"isthmus/internal/auth"
	"isthmus/internal/federation"
	"isthmus/web"
)

// nodesOf adds nodes that run both services and homes nobody.
func (c *console) nodesOf(names ...string) {
	c.t.Helper()
	for i, name := range names {
		c.post("/nodes", "name", name, "address", fmt.Sprintf("127.0.0.%d", 11+i), "services", "sip_proxy", "services", "sip_federation").to("/nodes")
	}
}

// obeys is a node that reports what it was ordered, with so much under way.
func (c *console) obeys(node string, connections, transactions int) {
	c.t.Helper()
	if err := c.obey(c.t.Context(), node, connections, transactions); err != nil {
		c.t.Fatal(err)
	}
}

func (c *console) obey(ctx context.Context, node string, connections, transactions int) error {
	s, err := c.store.Snapshot(ctx)
	if err != nil {
		return err
	}
	done := map[string]int64{}
	for _, service := range federation.Services {
		done[service] = s.Restarts(node, service)
	}
	return c.store.ReportStatus(ctx, federation.NodeStatus{Node: node, AppliedEra: s.Era, AppliedRevision: s.Revision, State: "ready", Database: "ok", Version: "test",
		StartedAt: time.Now(), Connections: connections, Transactions: transactions, Restarted: done})
}

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

func TestAProfileTellsWhatItStops(t *testing.T) {
	c := signedInAs(t, auth.Admin)
	c.nodesOf("imp1.here.com", "imp2.here.com")
	one := c.snapshot().Node("imp1.here.com").ID
	c.post(fmt.Sprintf("/nodes/%d", one), "name", "imp1.here.com", "address", "127.0.0.11", "routing", "true").to("/nodes")
	ask := c.post("/services/profile", "profile", "routing", "ask", "true").status(200).page()
	ask.Says(t, "main li", "imp1.here.com: Cisco XCP SIP Federation Connection Manager:")
	ask.Count(t, "main li", 2)
	if !c.snapshot().Node("imp1.here.com").Runs("sip_federation") {
		t.Fatal("it was switched off before anybody answered")
	}
	c.postForm("/services/profile", ask.One(t, "main form").Form()).to("/services")
	if c.snapshot().Node("imp1.here.com").Runs("sip_federation") {
		t.Error("it still runs")
	}
	c.post("/services/profile", "profile", "home", "ask", "true").to("/services") // stops nothing
}

// What Isthmus does not run is told of, and no control stands there that would do nothing.
func TestServicesOfTheGuideThatDoNotRunHereHaveNoControl(t *testing.T) {
	c := signedInAs(t, auth.Admin)
	c.nodesOf("imp1.here.com")
	page := c.get("/services").page()
	for _, name := range []string{"Cisco XCP Router", "Cisco Presence Engine", "Cisco XCP Text Conference Manager", "Cisco XCP Web Connection Manager",
		"Cisco XCP XMPP Federation Connection Manager", "Cisco XCP Message Archiver", "Cisco XCP Directory Service", "Cisco XCP Authentication Service", "Cisco Bulk Provisioning Service"} {
		page.Says(t, "[aria-labelledby=foreign]", name)
	}
	page.Count(t, "[aria-labelledby=foreign] button", 0)
	page.Count(t, "[aria-labelledby=foreign] input", 0)
	page.Count(t, "table.control tbody tr", 2) // one node, two services, and no row for all nodes
}

func TestAnOrderIsNoPartOfTheConfigurationDocument(t *testing.T) {
	c := signedInAs(t, auth.Admin)
	c.nodesOf("imp1.here.com")
	before := c.snapshot().Configuration
	c.post("/services/control", "service", "sip_proxy", "order", "stop").to("/services")
	after := c.snapshot().Configuration
	if !slices.EqualFunc(before.Nodes, after.Nodes, func(a, b federation.Node) bool { return slices.Equal(a.Services, b.Services) }) {
		t.Error("an order changed what is activated")
	}
}

// rollable is a console with three nodes of which each obeys its orders after a while.
func rollable(t *testing.T, obeying ...string) *console {
	t.Helper()
	c := signedInAs(t, auth.Admin)
	c.config.RollingLimit = 2 * time.Second
	c.rebuild()
	names := []string{"imp1.here.com", "imp2.here.com", "imp3.here.com"}
	c.nodesOf(names...)
	for _, name := range names {
		c.obeys(name, 0, 0)
	}
	stop, stopped := make(chan struct{}), make(chan struct{})
	t.Cleanup(func() { close(stop); <-stopped })
	go func() {
		defer close(stopped)
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
				for _, name := range obeying {
					_ = c.obey(context.Background(), name, 0, 0) // a node that cannot report tries again
				}
			}
		}
	}()
	return c
}

// ended waits until the rolling restart has ended, and returns the most nodes that were down at a time.
func (c *console) ended() (r federation.RollingRestart, down int) {
	c.t.Helper()
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	limit := time.After(20 * time.Second)
	for {
		s, statuses := c.snapshot(), must[[]federation.NodeStatus](c.t)(c.store.NodeStatuses(c.t.Context()))
		now := 0
		for _, status := range statuses {
			if status.Restarted["sip_proxy"] < s.Restarts(status.Node, "sip_proxy") {
				now++
			}
		}
		down = max(down, now)
		r = must[federation.RollingRestart](c.t)(c.store.Rolling(c.t.Context()))
		if r.EndedAt != nil {
			return r, down
		}
		select {
		case <-look.C:
		case <-limit:
			c.t.Fatalf("it has not ended: %+v", r)
		}
	}
}

func TestARollingRestartHasNeverTwoNodesDown(t *testing.T) {
	c := rollable(t, "imp1.here.com", "imp2.here.com", "imp3.here.com")
	ask := c.post("/services/control", "service", "sip_proxy", "order", "rolling", "ask", "true").status(200).page()
	ask.Says(t, "main .lede", "never two are down")
	c.postForm("/services/control", ask.One(t, "main form").Form()).to("/services")
	c.post("/services/control", "service", "sip_proxy", "order", "rolling").status(http.StatusConflict).page().Says(t, "main", "under way already")
	c.post("/services/rolling", "order", "continue").status(http.StatusConflict)
	r, down := c.ended()
	if r.Failure != "" || r.Done != 3 || down > 1 {
		t.Errorf("%d were down at a time; it ended as %+v", down, r)
	}
	c.get("/services").page().Says(t, "section .pad", "Done on 3 nodes")
	for _, n := range c.snapshot().Nodes {
		if got := c.snapshot().Restarts(n.Name, "sip_proxy"); got != 1 {
			t.Errorf("%s was ordered %d restarts", n.Name, got)
		}
	}
}

func TestARollingRestartEndsWithTheFirstNodeThatDoesNotComeBack(t *testing.T) {
	c := rollable(t, "imp1.here.com", "imp3.here.com")
	c.post("/services/control", "service", "sip_proxy", "order", "rolling").to("/services")
	r, _ := c.ended()
	if r.Done != 2 || !strings.Contains(r.Failure, "imp2.here.com was not ready within 2s of its restart") {
		t.Errorf("it ended as %+v", r)
	}
	if n := c.snapshot().Restarts("imp3.here.com", "sip_proxy"); n != 0 {
		t.Error("the node after it was restarted")
	}
	page := c.get("/services").page()
	page.Says(t, "section .pad", "Ended early")
	page.Count(t, "form[action='/services/rolling']", 0)

	c.post("/services/control", "service", "sip_proxy", "order", "rolling").to("/services") // imp2 is still down
	r, _ = c.ended()
	if r.Done != 0 || !strings.Contains(r.Failure, "imp2.here.com is not ready, so imp1.here.com was not restarted") {
		t.Errorf("with a node down it ended as %+v", r)
	}
}

func TestARollingRestartThatNobodyGoesOnWithCanBeGoneOnWith(t *testing.T) {
	c := rollable(t, "imp1.here.com", "imp2.here.com", "imp3.here.com")
	if _, err := c.store.StartRolling(t.Context(), []string{"imp1.here.com", "imp2.here.com"}, "sip_proxy"); err != nil {
		t.Fatal(err)
	}
	page := c.get("/services").page()
	page.Says(t, "section .pad", "Under way")
	page.Count(t, "button[value=continue]", 0)
	// As long after the order that nobody goes on with it, and so soon after their last reports that the nodes still count.
	c.config.Now = func() time.Time { return time.Now().Add(57 * time.Second) }
	c.rebuild()
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	limit := time.After(10 * time.Second)
	for len(c.get("/services").page().All("button[value=continue]")) == 0 {
		select {
		case <-look.C:
		case <-limit:
			t.Fatal("nobody is offered to go on with it")
		}
	}
	c.post("/services/rolling", "order", "continue").to("/services")
	if r, _ := c.ended(); r.Failure != "" || r.Done != 2 {
		t.Errorf("it ended as %+v", r)
	}
}

func TestARollingRestartCanBeEnded(t *testing.T) {
	c := rollable(t)
	c.post("/services/rolling", "order", "end").status(http.StatusNotFound)
	if _, err := c.store.StartRolling(t.Context(), []string{"imp1.here.com", "imp2.here.com"}, "sip_proxy"); err != nil {
		t.Fatal(err)
	}
	c.post("/services/rolling", "order", "something").status(http.StatusConflict)
	c.post("/services/rolling", "order", "end").to("/services")
	if r, _ := c.ended(); r.Failure != "ended by admin" {
		t.Errorf("it ended as %+v", r)
	}
	c.post("/services/rolling", "order", "end").status(http.StatusConflict)
}

// rebuild makes the console's server anew, by its present configuration.
func (c *console) rebuild() {
	c.handler = web.New(c.config)
}

// steppedTo waits until the last rolling restart was ordered on so many nodes.
func (c *console) steppedTo(done int) {
	c.t.Helper()
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	limit := time.After(20 * time.Second)
	for {
		if r := must[federation.RollingRestart](c.t)(c.store.Rolling(c.t.Context())); r.Done >= done {
			return
		}
		select {
		case <-look.C:
		case <-limit:
			c.t.Fatalf("it was not ordered on %d nodes", done)
		}
	}
}

func TestARollingRestartEndsBeforeANodeThatSomebodyStopped(t *testing.T) {
	c := rollable(t, "imp2.here.com", "imp3.here.com")
	c.config.RollingLimit = 20 * time.Second
	c.rebuild()
	c.post("/services/control", "service", "sip_proxy", "order", "rolling").to("/services")
	c.steppedTo(1)
	c.post(fmt.Sprintf("/services/%d/control", c.snapshot().Node("imp2.here.com").ID), "service", "sip_proxy", "order", "stop").to("/services")
	c.obeys("imp1.here.com", 0, 0)
	r, _ := c.ended()
	if s := c.snapshot(); r.Done != 1 || !strings.Contains(r.Failure, "On imp2.here.com sip_proxy was stopped by admin") || s.Runs("imp2.here.com", "sip_proxy") || s.Restarts("imp3.here.com", "sip_proxy") != 0 {
		t.Errorf("it ended as %+v, with %+v", r, s.ServiceStates)
	}
}

// Whoever stops the node that is waited for is named at once: nothing comes back there that could be waited for.
func TestARollingRestartDoesNotWaitForANodeThatSomebodyStopped(t *testing.T) {
	c := rollable(t, "imp2.here.com", "imp3.here.com")
	c.config.RollingLimit = time.Hour
	c.rebuild()
	c.post("/services/control", "service", "sip_proxy", "order", "rolling").to("/services")
	c.steppedTo(1)
	c.post(fmt.Sprintf("/services/%d/control", c.snapshot().Node("imp1.here.com").ID), "service", "sip_proxy", "order", "stop").to("/services")
	if r, _ := c.ended(); r.Done != 1 || !strings.Contains(r.Failure, "stopped on imp1.here.com by admin") {
		t.Errorf("it ended as %+v", r)
	}
}

func TestARestartOnAllNodesNamesThoseThatItLeavesStopped(t *testing.T) {
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

func TestARollingRestartGoesOverTheNodesOnWhichTheServiceRuns(t *testing.T) {
	c := rollable(t, "imp1.here.com", "imp2.here.com", "imp3.here.com")
	c.post(fmt.Sprintf("/services/%d/control", c.snapshot().Node("imp2.here.com").ID), "service", "sip_proxy", "order", "stop").to("/services")
	c.get("/services").page().Count(t, "form[action='/services/control'] button[value=rolling]", 2)
	c.post("/services/control", "service", "sip_proxy", "order", "rolling").to("/services")
	if r, _ := c.ended(); r.Failure != "" || !slices.Equal(r.Nodes, []string{"imp1.here.com", "imp3.here.com"}) || c.snapshot().Runs("imp2.here.com", "sip_proxy") {
		t.Errorf("it ended as %+v", r)
	}
}

func TestAStaleServiceActivationUndoesNobodysChange(t *testing.T) {
	c := signedInAs(t, auth.Admin)
	c.nodesOf("imp1.here.com", "imp2.here.com")
	path := fmt.Sprintf("/services/%d", c.snapshot().Node("imp1.here.com").ID)
	runs := func() []string { return c.snapshot().Node("imp1.here.com").Services }
	opened := c.get("/services").page().One(t, "form[action='"+path+"']").Form()
	if opened.Get("was") != "sip_federation sip_proxy" {
		t.Fatalf("the form was drawn with %q", opened.Get("was"))
	}
	mine := url.Values{"ask": {"true"}, "was": opened["was"], "services": {"", "sip_federation"}}
	ask := c.postForm(path, mine).status(200).page().One(t, "main form").Form()
	c.post(path, "services", "sip_proxy").to("/services") // somebody else, or a script, which has no was

	for _, stale := range []url.Values{mine, ask} { // the page, and the question that was answered too late
		page := c.postForm(path, stale).status(http.StatusConflict).page()
		page.Says(t, ".banner", "The services of imp1.here.com were changed after you opened the page: Cisco XCP SIP Federation Connection Manager was switched off.")
		if got := page.One(t, "form[action='"+path+"'] input[name=was]").Attr("value"); got != "sip_proxy" {
			t.Errorf("the page that came back was drawn with %q", got)
		}
		if got := runs(); !slices.Equal(got, []string{"sip_proxy"}) {
			t.Fatalf("activated are %v", got)
		}
	}
	c.postForm(path, url.Values{"was": opened["was"], "services": {"", "sip_proxy"}}).to("/services") // asks for what is so
	c.postForm(path, url.Values{"was": {"sip_proxy"}, "services": {"", "sip_federation"}}).to("/services")
	c.postForm(path, url.Values{"was": {"sip_federation"}, "services": {""}}).to("/services")
	c.postForm(path, url.Values{"was": {"sip_federation"}, "services": {"", "sip_proxy"}}).status(http.StatusConflict)
	c.postForm(path, url.Values{"was": {""}, "services": {"", "sip_proxy"}}).to("/services")
	if got := runs(); !slices.Equal(got, []string{"sip_proxy"}) {
		t.Errorf("in the end %v are activated", got)
	}
}
