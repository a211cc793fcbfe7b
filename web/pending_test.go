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

func TestNothingIsPendingWhenEveryNodeHoldsEverything(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Admin)
	c.get("/pending").page().Says(t, "table tbody td", "No node has run yet")
	c.nodesOf("imp1.here.com", "imp2.here.com")
	c.obeys("imp1.here.com", 0, 0)
	page := c.get("/pending").page() // imp2 has never run, so it lacks nothing
	page.Says(t, "main .state", "Nothing is pending")
	page.Says(t, "[aria-labelledby=kinds] tbody td", "In force on 1 node")
	for _, guide := range []string{"Restart the Cisco SIP Proxy.", "The Cisco SIP Proxy restarts by itself; restart the Cisco XCP Router on all nodes.", "Restart the Cisco XCP Router.",
		"Restart the Cisco XCP Router on all nodes.", "No restart.", "Service Activation and Control Center."} {
		page.Says(t, "[aria-labelledby=kinds] tbody td", guide)
	}
}

func TestANodeThatIsBehindIsShownWithTheChangesThatItLacks(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Admin)
	c.nodesOf("imp1.here.com", "imp2.here.com")
	c.obeys("imp1.here.com", 0, 0)
	c.obeys("imp2.here.com", 0, 0)
	c.post("/acl", "description", "front ends", "pattern", "10.1.20.0/24").to("/acl")
	c.post("/domains", "name", "synergy.com").to("/domains")
	c.obeys("imp1.here.com", 0, 0)
	page := c.get("/pending").page()
	page.Count(t, "[aria-labelledby=behind] h3", 1)
	lacks := page.One(t, "[aria-labelledby=behind]").Text()
	for _, want := range []string{"imp2.here.com", "added domain synergy.com", "added ACL entry 10.1.20.0/24", "admin", "The first change that it lacks was made", "It follows within a second"} {
		if !strings.Contains(lacks, want) {
			t.Errorf("it lacks %q: %s", want, lacks)
		}
	}
	if strings.Contains(lacks, "imp1.here.com") {
		t.Error("a node that holds everything is called behind, or changes that are in force are called lacking")
	}
	var kinds []string
	for _, s := range page.All("[aria-labelledby=kinds] tbody .state") {
		kinds = append(kinds, s.Text())
	}
	want := "In force on 1 of 2 nodes, In force on 2 nodes, In force on 2 nodes, In force on 2 nodes, In force on 1 of 2 nodes, In force on 2 nodes"
	if got := strings.Join(kinds, ", "); got != want {
		t.Errorf("the kinds of changes: %s", got)
	}
}

func TestWhyANodeIsBehindIsSaid(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Admin)
	c.nodesOf("imp1.here.com")
	for _, test := range []struct {
		status federation.NodeStatus
		word   string
		way    string
	}{
		{federation.NodeStatus{Error: "The node imp1 has no address."}, "Cannot apply it", "Mend what the reason names"},
		{federation.NodeStatus{Database: "read-only"}, "Does not read the database", "follows by itself when the database answers"},
		{federation.NodeStatus{Database: "ok"}, "Behind", "within a second"},
	} {
		test.status.Node, test.status.AppliedEra, test.status.AppliedRevision = "imp1.here.com", 1, 1
		if err := c.store.ReportStatus(t.Context(), test.status); err != nil {
			t.Fatal(err)
		}
		page := c.get("/pending").page()
		page.Says(t, "[aria-labelledby=behind] .state", test.word)
		page.Says(t, "[aria-labelledby=behind] p", test.way)
	}
	c.config.Now = func() time.Time { return time.Now().Add(2 * time.Minute) }
	c.rebuild()
	c.get("/pending").page().Says(t, "[aria-labelledby=behind] .state", "Does not report")
}

func TestAStoppedServiceWaitsToBeStarted(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Admin)
	c.nodesOf("imp1.here.com")
	c.obeys("imp1.here.com", 0, 0)
	c.post("/services/control", "service", "sip_proxy", "order", "stop").to("/services")
	c.obeys("imp1.here.com", 0, 0)
	page := c.get("/pending").page()
	page.Says(t, "[aria-labelledby=stopped] tbody", "by admin")
	form := page.One(t, "[aria-labelledby=stopped] tbody form")
	to := fmt.Sprintf("/services/%d/control", c.snapshot().Node("imp1.here.com").ID)
	if got := form.Attr("action"); got != to {
		t.Errorf("the order goes to %s", got)
	}
	c.post(to, "service", "sip_proxy", "order", "start", "ask", "true").to("/services")
	c.obeys("imp1.here.com", 0, 0)
	c.get("/pending").page().Says(t, "main .state", "Nothing is pending")
}

func TestARestoredDatabaseIsAcceptedOnPendingActions(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Admin)
	c.nodesOf("imp1.here.com", "imp2.here.com")
	s := c.snapshot()
	c.post("/pending/accept").status(http.StatusConflict).page().Says(t, "main", "nothing to accept")
	c.post("/pending/accept", "ask", "true").status(http.StatusConflict)
	for node, ahead := range map[string]int64{"imp1.here.com": 26, "imp2.here.com": 24} {
		if err := c.store.ReportStatus(t.Context(), federation.NodeStatus{Node: node, AppliedEra: s.Era, AppliedRevision: s.Revision + ahead}); err != nil {
			t.Fatal(err)
		}
	}
	c.post("/domains", "name", "synergy.com").status(http.StatusUnprocessableEntity).page().Says(t, "main", "page Pending actions")
	went := fmt.Sprintf("The database went back from revision %d to %d", s.Revision+26, s.Revision)
	for _, path := range []string{"/services", "/", "/acl"} {
		c.get(path).page().Says(t, ".banner", went) // wherever one looks
	}
	page := c.get("/pending").page()
	page.Says(t, ".findings h3", went)
	page.Count(t, "[aria-labelledby=kinds]", 0) // nodes have in force what the database does not know
	ask := c.postForm("/pending/accept", page.One(t, "form[action='/pending/accept']").Form()).status(200).page()
	for _, text := range []string{"imp1.here.com", "imp2.here.com", fmt.Sprintf("Revision %d there gives way", s.Revision+26), fmt.Sprintf("Revision %d there gives way", s.Revision+24)} {
		ask.Says(t, "main", text)
	}
	c.postForm("/pending/accept", ask.One(t, "main form").Form()).to("/pending")
	if now := c.snapshot(); now.Era != s.Era+1 {
		t.Errorf("the era is %d", now.Era)
	}
	page = c.get("/pending").page()
	page.Count(t, ".findings", 0)
	page.Says(t, "[aria-labelledby=behind] .state", "Behind")
	c.post("/domains", "name", "synergy.com").to("/domains")
}

func TestWhileARestoredDatabaseWaitsNoPageOffersAChange(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Admin)
	c.nodesOf("imp1.here.com")
	s := c.snapshot()
	if err := c.store.ReportStatus(t.Context(), federation.NodeStatus{Node: "imp1.here.com", AppliedEra: s.Era, AppliedRevision: s.Revision + 1}); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/", "/acl", fmt.Sprintf("/nodes/%d", s.Node("imp1.here.com").ID), "/nodes", "/services", "/settings", "/users", "/certificates", "/deployments"} {
		page := c.get(path).status(200).page()
		page.One(t, "main .banner a[href='/pending']")
		savesNothing(t, path, page)
	}
	for _, path := range []string{"/acl/new", "/wizard"} {
		c.get(path).status(http.StatusConflict).page().Says(t, "main", "so nothing can be changed. Accept that on the page Pending actions first")
	}
	c.postForm("/pending/accept", c.get("/pending").page().One(t, "form[action='/pending/accept']").Form()).status(200)
	c.post("/pending/accept").to("/pending")
	c.get("/acl/new").status(200)
}

func TestWhoMayNotAcceptARestoredDatabaseIsToldWhoMay(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Operator)
	admin := *c
	admin.cookies = map[string]*http.Cookie{}
	admin.signIn(auth.Admin)
	admin.nodesOf("imp1.here.com")
	s := c.snapshot()
	if err := c.store.ReportStatus(t.Context(), federation.NodeStatus{Node: "imp1.here.com", AppliedEra: s.Era, AppliedRevision: s.Revision + 1}); err != nil {
		t.Fatal(err)
	}
	page := c.get("/pending").page()
	page.Count(t, "main form", 0)
	page.Says(t, ".findings .note", "role admin")
	c.post("/pending/accept").status(http.StatusForbidden)
}

func TestWhileARestoredDatabaseWaitsARollingRestartIsRefusedLikeEveryOrder(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Admin)
	c.nodesOf("imp1.here.com", "imp2.here.com")
	s := c.snapshot()
	if err := c.store.ReportStatus(t.Context(), federation.NodeStatus{Node: "imp1.here.com", AppliedEra: s.Era, AppliedRevision: s.Revision + 4}); err != nil {
		t.Fatal(err)
	}
	for _, order := range []string{"restart", "rolling"} {
		c.post("/services/control", "service", "sip_proxy", "order", order).status(http.StatusConflict).page().Says(t, "main", "Pending actions")
	}
	page := c.get("/services").page()
	page.Count(t, "form[action='/services/rolling']", 0)
	page.Says(t, ".banner", "Pages show what the database has now")
	text := c.get(fmt.Sprintf("/nodes/%d", s.Node("imp1.here.com").ID)).page().Text()
	if of := fmt.Sprintf("%d of %d", s.Revision+4, s.Revision); strings.Contains(text, of) || !strings.Contains(text, "which the restored database does not know") {
		t.Errorf("the node is said to hold %s: %s", of, text)
	}
}
