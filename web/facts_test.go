package web_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"isthmus/internal/auth"
	"isthmus/internal/federation"
)

func TestAuditShowsOldAndNewValues(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Admin)
	c.post("/acl", "pattern", "10.0.0.1", "description", "old").to("/acl")
	c.post(fmt.Sprintf("/acl/%d", c.snapshot().ACL[0].ID), "description", "new").to("/acl")
	c.post("/settings", "max_contacts", "17").to("/settings")
	c.post("/acl/server", "fqdn", "fe1.synergy.com", "address", "10.1.20.21").to("/acl")
	rows := c.get("/audit").page().All("table tbody tr")
	for i, want := range [][]string{
		{"added ACL entry fe1.synergy.com", "added ACL entry 10.1.20.21"},
		{"changed setting: max_contacts 200 -> 17"},
		{"changed ACL entry 10.0.0.1: description old -> new"},
	} {
		for _, part := range want {
			if text := rows[i].Text(); !strings.Contains(text, part) {
				t.Errorf("row %d lacks %q: %s", i, part, text)
			}
		}
	}
	if text := rows[3].Text(); strings.Count(text, "10.0.0.1") != 1 {
		t.Errorf("a change that its action names whole is told twice: %s", text)
	}
}

func TestAuditCountsWhatARowLeavesOut(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Admin)
	_, err := c.store.Apply(t.Context(), "list a network", func(all federation.Configuration) (federation.Configuration, error) {
		for i := range 60 {
			all.ACL = append(all.ACL, federation.ACLEntry{Pattern: fmt.Sprintf("10.0.1.%d", i)})
		}
		return all, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	c.get("/audit").page().Says(t, "table tbody tr", "and 10 more")
}

func TestUserListTellsWhereAnAccountIs(t *testing.T) {
	t.Parallel()
	c := collisions(t)
	c.post("/settings", "default_domain", "synergy.com").to("/settings")
	c.post("/users", "id", "here", "licensed", "true", "node", "imp1.here.com").to("/users")
	c.post("/users", "id", "there", "microsoft_address", "there@synergy.com").to("/users")
	c.post("/users", "id", "neither").to("/users")
	for id, want := range map[string]string{"here": "Here", "there": "There", "neither": "On neither side"} {
		if got := states(c.get("/users?field=id&op=is_exactly&q="+id), "table .state"); got != want {
			t.Errorf("%s: %s", id, got)
		}
	}
	page := c.get("/users?field=id&op=is_exactly&q=here").page()
	page.Says(t, "table tbody", "here@synergy.com")
	c.get(page.One(t, "tbody th a").Attr("href")).page().Says(t, "#hint-im_address", "Here: here@synergy.com.")
	if hint := c.get("/users/new").page().One(t, "#hint-im_address").Text(); strings.Contains(hint, "Here:") {
		t.Errorf("an address without a user: %s", hint)
	}
	c.get("/users/new").page().Count(t, "#field-node option", 2)
	c.post("/nodes", "name", "imp2.here.com", "address", "127.0.0.12", "routing", "true").to("/nodes")
	c.get("/users/new").page().Count(t, "#field-node option", 2) // a routing node homes nobody
}

func TestSettingsNameWhatFitsNeitherDomainsNorUsers(t *testing.T) {
	t.Parallel()
	c := collisions(t)
	c.get("/settings").page().Count(t, ".findings", 0)
	c.post("/domains", "name", "a.com").to("/domains")
	page := c.get("/settings").page()
	page.Says(t, ".findings", "2 domains, and an address scheme for one")
	page.One(t, ".findings a[href=#field-im_address_scheme]")
	c.get("/domains").page().One(t, ".findings a[href=/settings]")

	c.post("/settings", "im_address_scheme", "directory_uri", "routing_mode", "advanced").to("/settings")
	page = c.get("/settings").page()
	page.Says(t, ".findings .down", "Advanced routing knows no Microsoft SIP address")
	page.Count(t, ".findings li", 1)
	c.get("/domains").page().Count(t, ".findings", 0)
	c.post("/users", "id", "ann", "mail", "ann@synergy.com", "microsoft_address", "ann@synergy.com").to("/users")
	c.get("/settings").page().Count(t, ".findings", 0)
}

func TestSavedSettingsTellWhatFollows(t *testing.T) {
	t.Parallel()
	c := collisions(t)
	for _, test := range []struct{ field, value, want string }{
		{"partitioned_federation", "true", "Saved. Federation is on: requests for recipients who are not licensed here go to the Microsoft side."},
		{"partitioned_federation", "true", "Saved."},
		{"partitioned_federation", "false", "Saved. Federation is off: requests for recipients who are not licensed here are answered with 404."},
		{"im_address_scheme", "directory_uri", "Saved. Everybody's IM address follows the new scheme; those entered by hand stay."},
		{"directory_uri_source", "microsoft_address", "Saved. Everybody's IM address follows the new scheme; those entered by hand stay."},
		{"max_contacts", "17", "Saved."},
	} {
		c.post("/settings", test.field, test.value).to("/settings")
		got, _, _ := strings.Cut(c.get("/settings").page().One(t, ".banner p").Text(), " It is in force")
		if strings.Join(strings.Fields(got), " ") != test.want {
			t.Errorf("%s %s: %q, want %q", test.field, test.value, got, test.want)
		}
	}
}

func TestTheSourceOfAddressesIsRefusedBesideItsField(t *testing.T) {
	t.Parallel()
	c := collisions(t)
	c.post("/settings", "im_address_scheme", "directory_uri").to("/settings")
	c.post("/users", "id", "ann", "licensed", "true", "node", "imp1.here.com", "mail", "ann@synergy.com").to("/users")
	c.post("/settings", "directory_uri_source", "microsoft_address").status(http.StatusUnprocessableEntity).page().
		Says(t, "#error-directory_uri_source .error", "1 licensed user would have no IM address")
	c.post("/settings", "im_address_scheme", "user_id", "default_domain", "synergy.com").to("/settings")
	c.post("/users", "id", "bob", "licensed", "true", "node", "imp1.here.com", "mail", "bob@other.com").to("/users")
	page := c.post("/settings", "im_address_scheme", "directory_uri").status(http.StatusUnprocessableEntity).page()
	page.Says(t, "#error-im_address_scheme .error", "Users have addresses in other.com (1), which would be none of the domains")
	c.post("/settings", "default_domain", "").status(http.StatusUnprocessableEntity).page().Says(t, "#error-default_domain .error", "no IM address")
}

func TestRoutesAreShownAsPeopleSayThem(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Operator)
	for _, test := range []struct {
		route []string
		row   []string
		saved string
	}{
		{[]string{"destination", "a.com", "next_hop", "2001:db8::21"}, []string{"a.com and under it", "[2001:db8::21]:5060"}, "a.com (.com.a) leads to [2001:db8::21]:5060."},
		{[]string{"destination", "b.com", "next_hop", "pool.b.com", "port", "0", "allow_less_specific", "false"}, []string{"b.com alone", "pool.b.com (SRV)"}, "leads to pool.b.com (SRV)."},
		{[]string{"destination", "4420*", "type", "user", "next_hop", "127.0.0.21", "transport", "tls"}, []string{"user parts such as phone numbers", "127.0.0.21:5061"}, "4420* leads to 127.0.0.21:5061."},
	} {
		posted := form("type", "domain")
		for i := 0; i < len(test.route); i += 2 {
			posted.Set(test.route[i], test.route[i+1])
		}
		c.postForm("/static-routes", posted).to("/static-routes")
		page := c.get("/static-routes?field=next_hop&op=is_exactly&q=" + url.QueryEscape(posted.Get("next_hop"))).page()
		page.Says(t, ".banner", test.saved)
		for _, part := range test.row {
			page.Says(t, "table tbody tr", part)
		}
	}
}

func TestRoutesOfOnePriorityAreTold(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Operator)
	const told = "All 2 routes of this pattern have priority 1, so they share requests by weight"
	for i, test := range []struct {
		destination, priority string
		want                  bool
	}{{"a.com", "1", false}, {"b.com", "1", false}, {"a.com", "1", true}, {"a.com", "2", false}, {"a.com", "2", false}} {
		c.post("/static-routes", "destination", test.destination, "type", "domain", "next_hop", fmt.Sprintf("127.0.0.2%d", i), "priority", test.priority).to("/static-routes")
		if got := strings.Contains(c.get("/static-routes").page().One(t, ".banner").Text(), told); got != test.want {
			t.Errorf("route %d: told %v", i, got)
		}
	}
}
