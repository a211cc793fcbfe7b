package web_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"isthmus/internal/auth"
	"isthmus/internal/federation"
)

// nodePath is the page of a node.
func (c *console) nodePath(name string) string {
	c.t.Helper()
	n := c.snapshot().Node(name)
	if n == nil {
		c.t.Fatalf("there is no node %s", name)
	}
	return fmt.Sprintf("/nodes/%d", n.ID)
}

// says fails when a text lacks one of the words.
func says(t *testing.T, what, text string, words ...string) {
	t.Helper()
	for _, w := range words {
		if !strings.Contains(text, w) {
			t.Errorf("%s does not say %q: %s", what, w, text)
		}
	}
}

func TestTheListOfNodesTellsWhatEachIsAndHowItRuns(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Admin)
	c.nodesOf("imp2.here.com", "imp1.here.com")
	c.post(c.nodePath("imp1.here.com"), "routing", "true").to("/nodes")
	c.post(c.nodePath("imp2.here.com"), "backup", "imp1.here.com").to("/nodes")
	for _, name := range []string{"imp1.here.com", "imp2.here.com"} {
		status := federation.NodeStatus{Node: name, AppliedRevision: c.snapshot().Revision, Database: "ok", Version: "1.2.3", StartedAt: time.Now().Add(-3 * time.Hour),
			Listeners: []federation.ListenerStatus{{Name: "A", Open: true}, {Name: "B", Open: name == "imp1.here.com"}}}
		if name == "imp2.here.com" {
			status.Database = "it cannot be reached"
		}
		if err := c.store.ReportStatus(t.Context(), status); err != nil {
			t.Fatal(err)
		}
	}
	rows := c.get("/nodes").status(http.StatusOK).page().All("table.nodes tbody tr")
	if len(rows) != 2 {
		t.Fatalf("%d rows", len(rows))
	}
	says(t, "the second node, which is a routing node", rows[0].Text(), "imp1.here.com", "Subscriber, routing node", "2 of 2", "Answers", "3 hours", "1.2.3", "Ready")
	says(t, "the first node", rows[1].Text(), "imp2.here.com", "Publisher, home node; backup imp1.here.com", "1 of 2", "Does not answer", "it cannot be reached", "Without database")
}

func TestThePageOfANodeTellsAllThatItReports(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Admin)
	c.nodesOf("imp1.here.com", "imp2.here.com")
	path := c.nodePath("imp1.here.com")
	c.get(path).page().Says(t, "main [data-live=state]", "Not seen")
	listener := c.snapshot().Listeners[0].Name
	now := time.Now()
	status := federation.NodeStatus{Node: "imp1.here.com", AppliedRevision: c.snapshot().Revision, Database: "ok", Version: "1.2.3", StartedAt: now, ReportedAt: now.Add(-7 * time.Second),
		Connections: 12, Transactions: 4, Error: "no such context", Listeners: []federation.ListenerStatus{{Name: listener, Error: "Port 5060 is taken by haproxy (pid 812)."}},
		Hops: []federation.HopStatus{{Host: "10.1.20.21", Port: 5061, Transport: "tls", State: federation.HopDown, Reason: "connection refused", Since: now}}}
	for _, error := range []string{"no such context", ""} {
		if status.Error = error; c.store.ReportStatus(t.Context(), status) != nil {
			t.Fatal("the report is refused")
		}
		page := c.get(path).status(http.StatusOK).page()
		facts := page.One(t, "main [data-live=state]").Text()
		says(t, "the state", facts, "Publisher", "Home node", "12 connections, 4 transactions", "no such context", "1.2.3", "7s behind the database's", "Differs")
		if error == "" {
			says(t, "the error that is gone", facts, "mended since")
		} else {
			says(t, "the error", facts, "told since")
		}
		says(t, "the listeners", page.One(t, "main [data-live=listeners]").Text(), listener, "TCP 127.0.0.11:5060", "Not open", "Port 5060 is taken by haproxy (pid 812).")
		says(t, "the next hops", page.One(t, "main [data-live=hops]").Text(), "10.1.20.21:5061", "Down", "connection refused")
		says(t, "the services", page.One(t, "main [data-live=control]").Text(), "Cisco SIP Proxy", "Restart")
	}
}

func TestANodeThatIsNotHeardIsKnownNoMore(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Admin)
	c.nodesOf("imp1.here.com")
	c.reportAs(federation.NodeStatus{Node: "imp1.here.com", AppliedRevision: c.snapshot().Revision, Database: "ok", Listeners: []federation.ListenerStatus{{Name: "A", Open: true}}})
	row := c.later(5*time.Minute).get("/nodes").page().One(t, "table tbody tr").Text()
	says(t, "the row", row, "Silent", "not known", "Not known")
	if strings.Contains(row, "Answers") || strings.Contains(row, "1 of 1") {
		t.Errorf("what was true five minutes ago is told as of now: %s", row)
	}
}

// I1: a node with an old configuration lets in who was taken away since.
func TestANodeThatLacksChangesForLongIsAnAlarm(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Admin)
	c.nodesOf("imp1.here.com")
	c.report("imp1.here.com", c.snapshot().Revision)
	c.post("/acl", "pattern", "10.0.0.1").to("/acl")
	soonAfter := c.later(-10 * time.Second).get("/nodes").page()
	soonAfter.Count(t, "[data-live=alarms] li", 0)
	soonAfter.Count(t, "table tbody .state.part", 1)

	late := c.later(25 * time.Second).get("/nodes").page()
	late.Says(t, "[data-live=alarms] li.down", "imp1.here.com has lacked changes since")
	late.Says(t, "[data-live=alarms] li.down a", "Which changes, and what to do")
	says(t, "the row", late.One(t, "table tbody tr").Text(), "Behind", "since", "holds revision")
	late.Count(t, "table tbody .state.part", 0)
}

func TestASingleNodeIsAskedForNeitherRoutingNorABackup(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Admin)
	c.nodesOf("imp1.here.com")
	page := c.get(c.nodePath("imp1.here.com")).status(http.StatusOK).page()
	page.Count(t, "form [name=routing]", 0)
	page.Count(t, "form [name=backup]", 0)
	page.Says(t, "form .hint", "While there is one node, it does everything")
	posted := page.One(t, "form[data-guard]").Form()
	c.postForm(c.nodePath("imp1.here.com"), posted).to("/nodes")
	if n := c.snapshot().Node("imp1.here.com"); n.Routing || n.Backup != "" || len(n.Services) != 2 {
		t.Errorf("saving the form made %+v", n)
	}
}

func TestARoutingNodeThatIsAloneCanBeMadeAHomeNodeAgain(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Admin)
	c.nodesOf("imp1.here.com")
	c.get("/services").page().Count(t, "main button[value=routing]", 0) // there is nothing to which it could be applied
	c.post(c.nodePath("imp1.here.com"), "routing", "true").to("/nodes")
	page := c.get(c.nodePath("imp1.here.com")).page()
	page.Count(t, "form input[name=routing][type=checkbox]", 1)
	page.Says(t, "form .hint", "While there is one node, it does everything")
	c.get("/services").page().Count(t, "main button[value=routing]", 1)

	refused := c.post(c.nodePath("imp1.here.com"), "routing", "false", "address", "nowhere").status(http.StatusUnprocessableEntity).page()
	refused.Count(t, "form input[name=routing][type=checkbox]", 1) // or the choice is lost when the address is mended
	posted := refused.One(t, "form[data-guard]").Form()
	posted.Set("address", "127.0.0.11")
	c.postForm(c.nodePath("imp1.here.com"), posted).to("/nodes")
	if c.snapshot().Node("imp1.here.com").Routing {
		t.Error("what the box was to take back stays")
	}
}

func TestASecondNodeBringsTheQuestionsBack(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Admin)
	c.nodesOf("imp1.here.com", "imp2.here.com")
	page := c.get(c.nodePath("imp1.here.com")).page()
	page.Count(t, "form input[name=routing][type=checkbox]", 1)
	page.Count(t, "form select[name=backup]", 1)
	c.post(c.nodePath("imp1.here.com"), "routing", "true").to("/nodes")
	c.post("/nodes/delete", "id", strings.TrimPrefix(c.nodePath("imp2.here.com"), "/nodes/")).to("/nodes")
	page = c.get(c.nodePath("imp1.here.com")).page()
	page.Count(t, "form input[name=routing][type=checkbox]", 1) // what is set stays in sight
	page.Count(t, "form select[name=backup]", 0)
}

func TestCallsThroughAnExpresswayNeedNoRoutingNode(t *testing.T) {
	t.Parallel()
	c := deployed(t, federation.Answers{Platform: federation.Lync2013, Deployment: federation.ChatAndCalling, Pool: "pool.synergy.com"})
	c.nodesOf("imp1.here.com", "imp2.here.com")
	page := c.get(c.nodePath("imp1.here.com")).page()
	page.Count(t, "form [name=routing]", 0)
	page.Count(t, "form select[name=backup]", 1)
	page.Says(t, "form .hint", "Every deployment sends calls to an Expressway, and needs no routing node.")
}

func TestTwoNodesThatBackEachOtherUpHaveToCarryAll(t *testing.T) {
	t.Parallel()
	c := ready(t, auth.Admin) // one user on imp2
	c.post(c.nodePath("imp2.synergy.com"), "backup", "imp1.synergy.com").to("/nodes")
	c.get(c.nodePath("imp1.synergy.com")).page().Says(t, "[data-live=state] .note", "1 more while imp2.synergy.com is down, so it has to be able to carry 1.")
}

func TestABackupThatCannotTakeUsersIsTold(t *testing.T) {
	t.Parallel()
	c := ready(t, auth.Admin)
	c.post(c.nodePath("imp1.synergy.com"), "routing", "true", "services", "sip_proxy").to("/nodes")
	c.post(c.nodePath("imp2.synergy.com"), "backup", "imp1.synergy.com").to("/nodes")
	const why = "imp1.synergy.com is a routing node and does not run the SIP Federation Connection Manager"
	page := c.get("/nodes").page()
	page.Says(t, ".banner", why)
	page.Says(t, "table.nodes tbody", "backup imp1.synergy.com, which cannot take its users")
	says(t, "the node's page", c.get(c.nodePath("imp2.synergy.com")).page().One(t, "[data-live=state]").Text(), "Cannot take its users", why)
	c.get("/").page().Says(t, "main", "The backup of imp2.synergy.com cannot take its users: "+why)

	c.post(c.nodePath("imp1.synergy.com"), "routing", "false", "services", "sip_proxy", "services", "sip_federation").to("/nodes")
	says(t, "the node's page", c.get(c.nodePath("imp2.synergy.com")).page().One(t, "[data-live=state]").Text(), "Takes its users while it is down.")
}

func TestSeveralRoutingNodesNeedSomethingInFrontOfThem(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Admin)
	c.nodesOf("imp1.here.com", "imp2.here.com")
	for _, name := range []string{"imp1.here.com", "imp2.here.com"} {
		c.post(c.nodePath(name), "routing", "true").to("/nodes")
	}
	c.get(c.nodePath("imp1.here.com")).page().Says(t, "[data-live=state] .note", "One of 2: the Microsoft side's route leads to a load balancer in front of them")
}

func TestTheDNSOfANodeIsComparedAndRefusesNothing(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Admin)
	c.withDNS("imp1.here.com. 60 IN A 10.1.10.11", "11.10.1.10.in-addr.arpa. 60 IN PTR imp1.here.com.", "imp2.here.com. 60 IN A 10.1.10.99")
	c.post("/nodes", "name", "imp1.here.com", "address", "10.1.10.11").to("/nodes")
	if text := c.get("/nodes").page().One(t, ".banner").Text(); strings.Contains(text, "DNS") {
		t.Errorf("a node that the DNS has as it is: %s", text)
	}
	c.get(c.nodePath("imp1.here.com")).page().Says(t, "section .state.up", "Agrees with the DNS")

	c.post("/nodes", "name", "imp2.here.com", "address", "10.1.10.12").to("/nodes")
	c.get("/nodes").page().Says(t, ".banner", "The DNS does not agree: the name leads to 10.1.10.99, the address to nothing.")
	c.post("/nodes", "name", "imp3.here.com", "address", "10.1.10.13").to("/nodes")
	c.get("/nodes").page().Says(t, ".banner", "The DNS knows neither imp3.here.com nor 10.1.10.13 from here")
}

func TestWithoutTheDatabaseANodeKnowsItselfAndWhatTheOthersSaidLast(t *testing.T) {
	t.Parallel()
	o := newOutage(t, auth.Admin)
	must[federation.Node](t)(o.direct.SaveNode(t.Context(), federation.Node{Name: "imp2.synergy.com", Address: "127.0.0.12", Services: []string{federation.ServiceSIPProxy}}))
	o.applies()
	for _, name := range []string{"imp1.synergy.com", "imp2.synergy.com"} {
		o.reportAs(federation.NodeStatus{Node: name, AppliedEra: 1, AppliedRevision: o.stored().Revision, Database: "ok", Version: "1.2.3"})
	}
	o.get("/nodes").status(http.StatusOK)
	o.link.Cut()
	o.mu.Lock()
	o.health.Database, o.health.State = "it is away", "degraded"
	o.health.Listeners = []federation.ListenerStatus{{Name: "A", Open: true}, {Name: "B", Error: "port 5061 is taken"}}
	o.mu.Unlock()
	page := o.get("/nodes").status(http.StatusOK).page()
	page.Says(t, ".live", "The other nodes as of")
	rows := page.All("table.nodes tbody tr")
	says(t, "this node's row", rows[0].Text(), "imp1.synergy.com", "1 of 2", "it is away", "port 5061 is taken")
	says(t, "the other node's row", rows[1].Text(), "imp2.synergy.com", "Not known", "ready at")
	if strings.Contains(rows[1].Text(), "Answers") {
		t.Errorf("nobody can know that: %s", rows[1].Text())
	}
	o.get(o.pathOf("imp1.synergy.com")).status(http.StatusOK).page().Says(t, "main [data-live=state]", "it is away")
	o.get(o.pathOf("imp2.synergy.com")).status(http.StatusOK).page().Says(t, "main [data-live=state]", "ready at")
}

// pathOf is the page of a node, found without the link.
func (o *outage) pathOf(name string) string {
	return fmt.Sprintf("/nodes/%d", o.stored().Node(name).ID)
}
