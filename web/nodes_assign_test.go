package web_test

import (
	"fmt"
	"net/http"
	"testing"

	"isthmus/internal/auth"
	"isthmus/internal/federation"
)

// manyUsers homes licensed users on one node, numbered from the first to before the end.
func (c *console) manyUsers(node string, first, end int) {
	c.t.Helper()
	for i := first; i < end; i++ {
		must[federation.User](c.t)(c.store.SaveUser(c.t.Context(), federation.User{UserID: fmt.Sprintf("u%02d", i), IMAddress: fmt.Sprintf("u%02d@synergy.com", i), Licensed: true, Node: node}))
	}
}

// assignable is a routing node and a pair of home nodes, whose users are all on one.
func assignable(t *testing.T, users int) *console {
	t.Helper()
	c := signedInAs(t, auth.Admin)
	must[federation.Domain](t)(c.store.SaveDomain(t.Context(), federation.Domain{Name: "synergy.com"}))
	c.nodesOf("imp1.here.com", "imp2.here.com", "imp3.here.com")
	c.post(c.nodePath("imp1.here.com"), "routing", "true").to("/nodes")
	c.manyUsers("imp2.here.com", 0, users)
	return c
}

func TestAssigningUsersShowsWhoMovesAndMovesThemInOneChange(t *testing.T) {
	t.Parallel()
	c := assignable(t, 25)
	c.get("/nodes").page().Says(t, "main .head a", "Assign users")
	page := c.get("/nodes/assign").status(http.StatusOK).page()
	page.Says(t, "#moves", "12 users move")
	page.Says(t, "main li", "12 users from imp2.here.com to imp3.here.com: u13, u14")
	page.Says(t, "main li", "and 2 more")
	if c.snapshot().Usage.ByNode["imp3.here.com"] != 0 {
		t.Fatal("the preview moves users")
	}
	before := c.snapshot().Revision
	c.postForm("/nodes/assign", page.One(t, "form[method=post][action=/nodes/assign]").Form()).to("/nodes")
	after := c.snapshot()
	if u := after.Usage.ByNode; u["imp1.here.com"] != 0 || u["imp2.here.com"] != 13 || u["imp3.here.com"] != 12 || after.Revision != before+1 {
		t.Errorf("users are on %v, after %d revisions", u, after.Revision-before)
	}
	c.get("/nodes").page().Says(t, ".banner", "12 users have another home node.")
	c.get("/audit").page().Says(t, "table tbody", "assign users, balanced")
	c.get("/nodes/assign").page().Says(t, "#moves", "Nobody moves")
}

func TestActiveStandbyAsksForABackupAndEmptiesTheStandby(t *testing.T) {
	t.Parallel()
	c := assignable(t, 3)
	c.get("/nodes/assign?mode=active_standby").page().Says(t, "main [role=alert]", "No home node is the backup of another")
	c.post("/nodes/assign", "mode", "active_standby").status(http.StatusConflict)
	c.post(c.nodePath("imp3.here.com"), "backup", "imp2.here.com").to("/nodes")
	c.post(c.nodePath("imp2.here.com"), "backup", "imp3.here.com").to("/nodes")
	c.post("/nodes/assign", "mode", "balanced").to("/nodes")
	c.post("/nodes/assign", "mode", "active_standby").to("/nodes")
	if u := c.snapshot().Usage.ByNode; u["imp2.here.com"] != 3 {
		t.Errorf("users are on %v", u)
	}
}

func TestActiveStandbyEmptiesTheFirstNodeWhereItIsTheBackup(t *testing.T) {
	t.Parallel()
	c := assignable(t, 3)
	c.post(c.nodePath("imp3.here.com"), "backup", "imp2.here.com").to("/nodes")
	c.get("/nodes/assign?mode=active_standby").status(http.StatusOK).page().Says(t, "#moves", "3 users move")
	c.post("/nodes/assign", "mode", "active_standby").to("/nodes")
	if u := c.snapshot().Usage.ByNode; u["imp3.here.com"] != 3 {
		t.Errorf("users are on %v", u)
	}
}

func TestUsersWhoChangedMeanwhileAreNotMovedUnseen(t *testing.T) {
	t.Parallel()
	c := assignable(t, 4)
	posted := c.get("/nodes/assign").page().One(t, "form[method=post][action=/nodes/assign]").Form()
	c.manyUsers("imp2.here.com", 4, 8)
	c.postForm("/nodes/assign", posted).status(http.StatusConflict).page().Says(t, "main [role=alert]", "nobody was moved")
	if u := c.snapshot().Usage.ByNode; u["imp2.here.com"] != 8 {
		t.Errorf("users are on %v", u)
	}
	c.post("/nodes/assign", "mode", "none").status(http.StatusConflict)
}

func TestOnlyAdministratorsAssignUsers(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Operator)
	c.get("/nodes/assign").status(http.StatusForbidden)
	c.post("/nodes/assign", "mode", "balanced").status(http.StatusForbidden)
}
