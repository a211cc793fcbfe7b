package web_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"isthmus/internal/auth"
	"isthmus/internal/federation"
	"isthmus/web"
)

// reportAs is a node that reports all of a status now.
func (c *console) reportAs(status federation.NodeStatus) {
	c.t.Helper()
	status.StartedAt = time.Now()
	if err := c.store.ReportStatus(c.t.Context(), status); err != nil {
		c.t.Fatal(err)
	}
}

// later is the same console when some time has gone by.
func (c *console) later(by time.Duration) *console {
	config := c.config
	config.Now = func() time.Time { return time.Now().Add(by) }
	return &console{t: c.t, store: c.store, handler: web.New(config), config: config, cookies: c.cookies}
}

// nodes adds nodes imp1.here.com, imp2.here.com and so on.
func (c *console) nodes(n int) {
	c.t.Helper()
	for i := range n {
		c.post("/nodes", "name", fmt.Sprintf("imp%d.here.com", i+1), "address", fmt.Sprintf("127.0.0.1%d", i+1)).to("/nodes")
	}
}

// states are the words of a page's marks in turn, each with its note.
func states(a answer, selector string) string {
	a.t.Helper()
	var words []string
	for _, row := range a.status(http.StatusOK).page().All(selector) {
		words = append(words, row.Text())
	}
	return strings.Join(words, "; ")
}

func TestNodeListTellsWhyANodeIsNotReady(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Admin)
	c.nodes(1)
	revision := c.snapshot().Revision
	row := func(c *console) string { return c.get("/nodes").page().One(t, "table tbody tr").Text() }
	if got := row(c); !strings.Contains(got, "Not seen") || !strings.Contains(got, "none") {
		t.Errorf("a node that never reported: %s", got)
	}
	for _, test := range []struct {
		promise string
		status  federation.NodeStatus
		after   time.Duration
		want    string
	}{
		{"everything is open", federation.NodeStatus{AppliedRevision: revision, Listeners: []federation.ListenerStatus{{Name: "A", Open: true}, {Name: "B"}}}, 0, "Ready"},
		{"a port is taken", federation.NodeStatus{AppliedRevision: revision, Listeners: []federation.ListenerStatus{{Name: "A", Error: "port 5060 is in use"}, {Name: "B", Error: "no certificate"}}}, 0,
			"Listener not open A: port 5060 is in use; B: no certificate"},
		{"the newest revision does not work", federation.NodeStatus{AppliedRevision: revision, Error: "no such context"}, 0, "Not applied no such context"},
		{"the disk is full", federation.NodeStatus{AppliedRevision: revision, Unkept: "A start would use revision 1."}, 0, "Not kept A start would use revision 1."},
		{"the disk is full and a port is taken", federation.NodeStatus{AppliedRevision: revision, Unkept: "A start would use revision 1.", Listeners: []federation.ListenerStatus{{Name: "A", Error: "port 5060 is in use"}}}, 0, "Listener not open"},
		{"the SIP proxy is stopped", federation.NodeStatus{AppliedRevision: revision, State: web.Stopped}, 0, "Stopped the SIP proxy does not run on it"},
		{"the SIP proxy is stopped and the disk is full", federation.NodeStatus{AppliedRevision: revision, State: web.Stopped, Unkept: "A start would use revision 1."}, 0, "Not kept"},
		{"an older revision is in force", federation.NodeStatus{AppliedRevision: revision - 1}, 0, fmt.Sprintf("Behind holds revision %d", revision-1)},
		{"nothing for a minute", federation.NodeStatus{AppliedRevision: revision}, 5 * time.Minute, "Silent last heard 5 minutes ago"},
	} {
		test.status.Node = "imp1.here.com"
		c.reportAs(test.status)
		if got := row(c.later(test.after)); !strings.Contains(got, test.want) {
			t.Errorf("%s: the row says %q, want %q", test.promise, got, test.want)
		}
	}
}

func TestANodeWithAFaultCountsAsBehind(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Admin)
	c.nodes(2)
	revision := c.snapshot().Revision
	c.report("imp1.here.com", revision)
	c.reportAs(federation.NodeStatus{Node: "imp2.here.com", AppliedRevision: revision, Error: "no such context"})
	c.get("/acl").page().Says(t, ".applied", "in force on 1 of 2 nodes")
	c.post("/acl", "pattern", "10.0.0.1").to("/acl")
	c.get("/acl").page().Says(t, ".banner", "It is in force within a second on every node that reaches the database.")

	c.post("/acl", "pattern", "10.0.0.2").to("/acl")
	for _, node := range []string{"imp1.here.com", "imp2.here.com"} {
		c.report(node, c.snapshot().Revision)
	}
	page := c.get("/acl").page()
	page.Says(t, ".applied", "all 2 nodes")
	if text := page.One(t, ".banner").Text(); strings.Contains(text, "within a second") {
		t.Errorf("what is in force everywhere is announced: %s", text)
	}
}

func TestListenerListJoinsWhatTheNodesReport(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Admin)
	c.nodes(2)
	c.post("/listeners", "name", "Lab", "transport", "tcp", "port", "5070").to("/listeners")
	c.post("/listeners", "name", "Spare", "transport", "tcp", "port", "5071", "enabled", "false").to("/listeners")
	row := func(c *console, name string) string {
		return states(c.get("/listeners?field=name&op=is_exactly&q="+name), "table tbody tr")
	}
	lab := func(node string, status federation.ListenerStatus) {
		status.Name = "Lab"
		c.reportAs(federation.NodeStatus{Node: node, Listeners: []federation.ListenerStatus{{Name: "Other", Error: "port 1 is in use"}, status}})
	}
	says := func(c *console, name, want string) {
		t.Helper()
		if got := row(c, name); !strings.HasSuffix(got, want) {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	says(c, "Lab", "Not reported")
	lab("imp1.here.com", federation.ListenerStatus{Open: true})
	says(c, "Lab", "Open on 1 node")
	says(c.later(2*time.Minute), "Lab", "Not reported") // a silent node is not believed
	lab("imp2.here.com", federation.ListenerStatus{Error: "port 5070 is in use"})
	says(c, "Lab", "Not open imp2.here.com: port 5070 is in use")
	lab("imp2.here.com", federation.ListenerStatus{Open: true})
	says(c, "Lab", "Open on 2 nodes")
	says(c, "Spare", "Off")
}

func TestNextHopsAreShownOnceWithWhatTheNodesSay(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Admin)
	c.nodes(2)
	for i, pattern := range []string{"a.com", "b.com", "c.com"} {
		c.post("/static-routes", "destination", pattern, "type", "domain", "next_hop", "127.0.0.21", "transport", "tls", "in_service", fmt.Sprint(i < 2)).to("/static-routes")
	}
	c.post("/static-routes", "destination", "spare.com", "type", "domain", "next_hop", "127.0.0.22", "in_service", "false").to("/static-routes")
	said := func(c *console) string { return states(c.get("/"), "table[aria-labelledby=hops] tbody tr") }
	hop := func(state, reason string) federation.HopStatus {
		return federation.HopStatus{Host: "127.0.0.21", Port: 5061, Transport: "tls", State: state, Reason: reason, Since: time.Now()}
	}
	other := []federation.HopStatus{{Host: "127.0.0.21", Port: 5060, Transport: "tls", State: "down"}, {Host: "127.0.0.21", Port: 5061, Transport: "tcp", State: "down"},
		{Host: "127.0.0.29", Port: 5061, Transport: "tls", State: "down"}}
	for _, test := range []struct {
		promise     string
		one, two    string
		after       time.Duration
		begin, part string
	}{
		{"both reach it", "up", "up", 0, "127.0.0.21:5061 TLS Up", ""},
		{"neither reaches it", "down", "down", 0, "127.0.0.21:5061 TLS Down", "refused, since"},
		{"one reaches it", "up", "down", 0, "127.0.0.21:5061 TLS Down on 1 of 2 nodes", "refused, since"},
		{"nobody tried", "unknown", "unknown", 0, "127.0.0.21:5061 TLS Not checked", ""},
		{"silent nodes are not believed", "up", "up", 2 * time.Minute, "127.0.0.21:5061 TLS Not checked", ""},
	} {
		c.report("imp1.here.com", 1, append(other, hop(test.one, "refused"))...)
		c.report("imp2.here.com", 1, append(other, hop(test.two, "refused"))...)
		got := said(c.later(test.after))
		if !strings.HasPrefix(got, test.begin) || !strings.Contains(got, test.part) || strings.Contains(got, ";") {
			t.Errorf("%s: %q", test.promise, got)
		}
	}
	c.report("imp1.here.com", 1, hop("down", ""))
	if got := said(c); !strings.Contains(got, "Down on 1 of 2 nodes since") {
		t.Errorf("down without a reason: %q", got)
	}
}

func TestStartPageCountsTheDomainsThatCross(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Admin)
	c.nodes(1)
	c.post("/settings", "partitioned_federation", "true").to("/settings")
	names := []string{"a.com", "b.com"}
	for i, name := range names {
		c.post("/domains", "name", name).to("/domains")
		c.post("/static-routes", "destination", name, "type", "domain", "next_hop", fmt.Sprintf("127.0.0.2%d", i), "transport", "tls").to("/static-routes")
	}
	for _, test := range []struct{ a, b, headline, crossings string }{
		{"up", "up", "All 2 domains cross.", "Crosses 1 next hop is up; Crosses 1 next hop is up"},
		{"up", "down", "1 of 2 domains cross. b.com does not.", "Crosses 1 next hop is up; Does not cross no next hop answers"},
		{"up", "", "1 of 2 domains cross; the others were not used yet.", "Crosses 1 next hop is up; Not checked 1 next hop, none used yet"},
		{"", "", "Routes are set up, and nothing has crossed yet.", "Not checked 1 next hop, none used yet; Not checked 1 next hop, none used yet"},
		{"down", "down", "None of the 2 domains crosses.", "Does not cross no next hop answers; Does not cross no next hop answers"},
	} {
		var hops []federation.HopStatus
		for i, state := range []string{test.a, test.b} {
			hops = append(hops, federation.HopStatus{Host: fmt.Sprintf("127.0.0.2%d", i), Port: 5061, Transport: "tls", State: state})
		}
		c.report("imp1.here.com", c.snapshot().Revision, hops...)
		page := c.get("/").page()
		page.Says(t, "h1", test.headline)
		var said []string
		for i, cell := range page.All(".strait div[role=cell]") {
			if i%2 == 0 { // beside it stands the Microsoft side
				said = append(said, cell.Text())
			}
		}
		if got := strings.Join(said, "; "); got != test.crossings {
			t.Errorf("%s, %s: %q, want %q", test.a, test.b, got, test.crossings)
		}
	}
	c.post("/static-routes/delete", "id", fmt.Sprint(c.snapshot().StaticRoutes[1].ID)).to("/static-routes")
	c.get("/").page().Says(t, ".strait", "no static route in service")
	page := c.get("/static-routes").page()
	page.Says(t, ".findings .down h3", "No static route in service leads to b.com")
	form := c.get(page.One(t, ".findings a").Attr("href")).page().One(t, "main form").Form()
	if form.Get("destination") != "b.com" || form.Get("port") != "5061" || form.Get("transport") != "tls" || form.Get("type") != "domain" {
		t.Errorf("the link fills in %v", form)
	}
}
