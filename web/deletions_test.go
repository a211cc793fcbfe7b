package web_test

import (
	"fmt"
	"net/http"
	"testing"

	"isthmus/internal/auth"
	"isthmus/internal/federation"
)

func TestWhatOthersStandOnIsNotDeleted(t *testing.T) {
	t.Parallel()
	c := collisions(t)
	c.post("/nodes", "name", "imp2.here.com", "address", "127.0.0.12").to("/nodes")
	c.post("/users", "id", "ann", "licensed", "true", "node", "imp2.here.com", "im_address", "ann@synergy.com").to("/users")
	c.post("/tls-contexts", "name", "lab").to("/tls-contexts")
	c.post("/listeners", "name", "Lab TLS", "transport", "tls", "port", "5075", "tls_context", "lab").to("/listeners")
	s := c.snapshot()
	for _, test := range []struct {
		path     string
		id       int64
		sentence string
	}{
		{"/domains", s.Domains[0].ID, "2 static routes lead to synergy.com, so it cannot be deleted. Delete those routes first."},
		{"/nodes", s.Node("imp2.here.com").ID, "1 user is homed on imp2.here.com, so it cannot be deleted."},
		{"/tls-contexts", s.TLSContext("lab").ID, `The listener "Lab TLS" uses lab, so it cannot be deleted.`},
		{"/tls-contexts", s.TLSContext(federation.PeerAuthContext).ID, "sip-proxy-peer-auth holds the peer subjects of next hops, so it cannot be deleted."},
	} {
		id := fmt.Sprint(test.id)
		ask := c.get(test.path + "/delete?id=" + id).status(http.StatusOK).page()
		ask.Says(t, "main p", test.sentence)
		ask.Count(t, "main .button.danger", 0)
		c.post(test.path+"/delete", "id", id).status(http.StatusConflict).page().Says(t, "main p", test.sentence)
		c.get(fmt.Sprintf("%s/%d", test.path, test.id)).status(http.StatusOK)
	}
}

func TestDeletingTellsWhatFollows(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Admin)
	c.post("/acl", "pattern", "10.0.0.1").to("/acl")
	c.post("/acl", "pattern", "10.0.0.2").to("/acl")
	c.post("/listeners", "name", "Lab", "transport", "tcp", "port", "5070").to("/listeners")
	c.post("/listeners", "name", "Spare", "transport", "tcp", "port", "5071", "enabled", "false").to("/listeners")
	ids := map[string]int64{}
	for _, l := range c.snapshot().Listeners {
		ids[l.Name] = l.ID
	}
	for path, effect := range map[string]string{
		fmt.Sprintf("/acl/delete?id=%d", c.snapshot().ACL[0].ID): "1 other entry remains.",
		fmt.Sprintf("/listeners/delete?id=%d", ids["Lab"]):       `"Lab" closes port 5070 on every node.`,
		fmt.Sprintf("/listeners/delete?id=%d", ids["Spare"]):     "What is deleted here is switched off, so no connection ends.",
	} {
		c.get(path).page().Says(t, "main form", effect)
	}
}

func TestRoutesOutOfServiceAreNoNextHopsLeft(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Operator)
	for i, in := range []string{"true", "false"} {
		c.post("/static-routes", "destination", "synergy.com", "type", "domain", "next_hop", fmt.Sprintf("127.0.0.2%d", i), "in_service", in).to("/static-routes")
	}
	c.post("/static-routes", "destination", "other.com", "type", "domain", "next_hop", "127.0.0.20").to("/static-routes")
	query := ""
	for _, r := range c.snapshot().StaticRoutes {
		if r.NextHop == "127.0.0.20" {
			query += fmt.Sprintf("&id=%d", r.ID)
		}
	}
	page := c.get("/static-routes/delete?" + query[1:]).page()
	page.Says(t, "main form", ".com.synergy then has no next hop left")
	page.Says(t, "main form", ".com.other then has no next hop left")
}
