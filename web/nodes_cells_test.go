package web_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"isthmus/internal/auth"
	"isthmus/internal/federation"
)

// texts are those of all elements of a selector below the one of another.
func (a answer) texts(within, selector string) []string {
	a.t.Helper()
	var list []string
	for _, n := range a.page().One(a.t, within).All(selector) {
		list = append(list, n.Text())
	}
	return list
}

func TestEachCellOfTheListOfNodesTellsItsOwn(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Viewer)
	save := func(n federation.Node) federation.Node {
		n.Services = federation.Services
		return must[federation.Node](t)(c.store.SaveNode(t.Context(), n))
	}
	save(federation.Node{Name: "imp2.here.com", Address: "127.0.0.12"})
	node := save(federation.Node{Name: "imp1.here.com", Address: "127.0.0.11", Backup: "imp2.here.com"})
	must[federation.Domain](t)(c.store.SaveDomain(t.Context(), federation.Domain{Name: "synergy.com"}))
	must[federation.User](t)(c.store.SaveUser(t.Context(), federation.User{UserID: "ann", IMAddress: "ann@synergy.com", Licensed: true, Node: "imp1.here.com"}))
	revision := c.snapshot().Revision
	status := federation.NodeStatus{Node: "imp1.here.com", AppliedRevision: revision, State: "ready", Database: "ok", Version: "1.2.3", StartedAt: time.Now().Add(-3*time.Hour - time.Minute)}
	for _, listeners := range []struct {
		list []federation.ListenerStatus
		cell string
	}{{nil, "none"}, {[]federation.ListenerStatus{{Name: "A", Open: true}, {Name: "B"}}, "1 of 2"}} {
		status.Listeners = listeners.list
		if err := c.store.ReportStatus(t.Context(), status); err != nil {
			t.Fatal(err)
		}
		a := c.get("/nodes").status(http.StatusOK)
		row := a.page().All("table.nodes tbody tr")[0]
		got := []string{row.One(t, "[role=rowheader]").Text()}
		for _, cell := range row.All("[role=cell]") {
			got = append(got, cell.Text())
		}
		want := []string{"imp1.here.com Subscriber, home node; backup imp2.here.com", "127.0.0.11", "1", fmt.Sprint(revision), listeners.cell, "Answers", "3 hours 1.2.3", "Ready"}
		if !slices.Equal(got, want) {
			t.Errorf("the cells are %q, want %q", got, want)
		}
		row.One(t, fmt.Sprintf("a[href='/nodes/%d']", node.ID))
	}
	for _, up := range []struct {
		since time.Duration
		want  string
	}{{30 * time.Second, "under a minute"}, {90 * time.Second, "a minute"}, {3 * time.Minute, "3 minutes"}} {
		status.StartedAt = time.Now().Add(-up.since)
		if err := c.store.ReportStatus(t.Context(), status); err != nil {
			t.Fatal(err)
		}
		says(t, "the row", c.get("/nodes").page().All("table.nodes tbody tr")[0].Text(), "Answers "+up.want+" 1.2.3")
	}
}

func TestTheStateOfANodeTellsWhatIsOdd(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Admin)
	c.nodesOf("imp1.here.com", "imp2.here.com")
	state := func(seen *console, name string) string {
		t.Helper()
		return seen.get(c.nodePath(name)).status(http.StatusOK).page().One(t, "main [data-live=state]").Text()
	}
	lacks := func(text string, words ...string) {
		t.Helper()
		for _, word := range words {
			if strings.Contains(text, word) {
				t.Errorf("it says %q: %s", word, text)
			}
		}
	}
	status := federation.NodeStatus{Node: "imp1.here.com", AppliedEra: 1, AppliedRevision: c.snapshot().Revision, State: "ready", Database: "ok", Version: "1.2.3"}
	reports := func(ahead time.Duration) string {
		status.ReportedAt = time.Now().Add(ahead)
		c.reportAs(status)
		return state(c, "imp1.here.com")
	}
	sound := reports(400 * time.Millisecond)
	says(t, "a clock that is right", sound, "Agrees with the database's within a second", "Last error none", "0 connections, 0 transactions")
	lacks(sound, "Era ", "Not kept", "mended since", "told since", "load balancer")
	says(t, "a clock that is ahead", reports(8*time.Second+400*time.Millisecond), "Differs", "8s ahead of the database's")
	status.Unkept = "No space is left."
	says(t, "a disk that is full", reports(0), "On its disk Not kept No space is left.")
	lacks(state(c.later(5*time.Minute), "imp1.here.com"), "Under way", "Clock", "Running for")

	c.post(c.nodePath("imp1.here.com"), "routing", "true").to("/nodes")
	lacks(state(c, "imp1.here.com")+state(c, "imp2.here.com"), "load balancer")
	c.post("/nodes", "name", "imp3.here.com", "address", "127.0.0.13", "routing", "true").to("/nodes")
	lacks(state(c, "imp2.here.com"), "load balancer") // a home node, beside two routing nodes

	status.AppliedRevision = c.snapshot().Revision + 3
	says(t, "a node that holds what was lost", reports(0), "which the restored database does not know")
	c.post("/pending/accept").to("/pending")
	status.AppliedEra, status.AppliedRevision = 2, c.snapshot().Revision
	says(t, "a node that took the restored database", reports(0), "Era 2 of 2: a restored database was accepted.")
}

func TestANodesListenersAreToldAsTheyStand(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Admin)
	c.nodesOf("imp1.here.com")
	path := c.nodePath("imp1.here.com")
	list := c.snapshot().Listeners
	status := federation.NodeStatus{Node: "imp1.here.com", AppliedRevision: c.snapshot().Revision, State: "ready", Database: "ok",
		Listeners: []federation.ListenerStatus{{Name: list[0].Name, Open: true}}}
	c.reportAs(status)
	rows := c.get(path).texts("main [data-live=listeners]", "tbody tr")
	enabled := 0
	for _, l := range list {
		if l.Enabled {
			enabled++
		}
	}
	if len(rows) != enabled || enabled == len(list) {
		t.Fatalf("of %d listeners %d are switched on; shown are %q", len(list), enabled, rows)
	}
	says(t, "the listener that is open", rows[0], list[0].Name, "Open")
	says(t, "the next", rows[1], "Not reported")
	c.post("/services/control", "service", "sip_proxy", "order", "stop").to("/services")
	says(t, "a listener of a service that was stopped", c.get(path).texts("main [data-live=listeners]", "tbody tr")[0], "Off", "the SIP proxy does not run here")
}

func TestTheListOfNodesShowsARollingRestartWhileItIsUnderWay(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Admin)
	c.nodesOf("imp1.here.com", "imp2.here.com")
	if _, err := c.store.StartRolling(t.Context(), []string{"imp1.here.com", "imp2.here.com"}, "sip_proxy"); err != nil {
		t.Fatal(err)
	}
	c.get("/nodes").page().Says(t, "[data-live=alarms]", "Rolling restart of Cisco SIP Proxy Under way ordered on 0 of 2 nodes, begun by ")
	c.post("/services/rolling", "order", "end").to("/services")
	c.get("/nodes").page().Count(t, "[data-live=alarms] h3", 0)
}

func TestUsersAreAssignedWhereThereIsAChoiceOfNodes(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Admin)
	c.nodesOf("imp1.here.com", "imp2.here.com")
	c.get("/nodes").page().Count(t, "main a[href='/nodes/assign']", 1)
	c.post(c.nodePath("imp1.here.com"), "routing", "true").to("/nodes")
	c.get("/nodes").page().Count(t, "main a[href='/nodes/assign']", 0)
}

func TestALivePageTellsAsOfWhenItIs(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Viewer)
	c.config.Now = func() time.Time { return time.Date(2026, 3, 4, 9, 41, 7, 0, time.UTC) }
	c.rebuild()
	for _, path := range []string{"/", "/nodes", "/services", "/pending"} {
		c.get(path).page().Says(t, "main .live", "As of 09:41:07 Refresh")
	}
}

// What a page fetches again by itself asks the DNS for nothing: it would each time.
func TestARefreshAsksNoDNS(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Admin)
	c.nodesOf("imp1.here.com")
	c.get(c.nodePath("imp1.here.com")).page().Count(t, "#dns", 1)
	r := httptest.NewRequest(http.MethodGet, c.nodePath("imp1.here.com"), nil)
	r.Header.Set("Isthmus-Refresh", "1")
	c.send(r).status(http.StatusOK).page().Count(t, "#dns", 0)
}

func TestANodeIsNotWhereAStaticRouteLeads(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Admin)
	c.post("/static-routes", "destination", "synergy.com", "type", "domain", "next_hop", "10.1.20.21", "port", "5061", "transport", "tls").to("/static-routes")
	c.post("/nodes", "name", "imp1.here.com", "address", "10.1.20.21").status(http.StatusUnprocessableEntity).page().
		Says(t, "#error-address", "A static route leads to 10.1.20.21, which makes it a server of the Microsoft side.")
	c.post("/nodes", "name", "imp1.here.com", "address", "10.1.10.11").to("/nodes")
}

func TestDeletingANodeThatNeverRanTellsWhatGoesWithIt(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Admin)
	c.nodesOf("imp1.here.com")
	id := strings.TrimPrefix(c.nodePath("imp1.here.com"), "/nodes/")
	c.get("/nodes/delete?id="+id).page().Says(t, "main", "Its certificate goes with it. It adds itself again when isthmus serve starts on it.")
}

func TestChatAloneOverSeveralNodesNeedsARoutingNode(t *testing.T) {
	t.Parallel()
	c := deployed(t, federation.Answers{Platform: federation.Lync2013, Deployment: federation.ChatOnly, Pool: "pool.synergy.com"})
	c.nodesOf("imp1.here.com", "imp2.here.com")
	c.get(c.nodePath("imp1.here.com")).page().Count(t, "form input[name=routing][type=checkbox]", 1)
}
