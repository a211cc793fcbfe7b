package web_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"isthmus/internal/auth"
	"isthmus/internal/federation"
)

// ready-made objects that others can collide with: a node, a domain and a route.
func collisions(t *testing.T) *console {
	c := signedInAs(t, auth.Admin)
	c.post("/nodes", "name", "imp1.here.com", "address", "127.0.0.11").to("/nodes")
	c.post("/domains", "name", "synergy.com").to("/domains")
	c.post("/static-routes", "destination", "synergy.com", "type", "domain", "next_hop", "127.0.0.21", "transport", "tls").to("/static-routes")
	c.post("/static-routes", "destination", "synergy.com", "type", "domain", "next_hop", "fe1.there.com", "transport", "tls").to("/static-routes")
	return c
}

func TestWhatCollidesWithAnotherObjectComesBackAsItWasTyped(t *testing.T) {
	t.Parallel()
	c := collisions(t)
	for _, test := range []struct{ path, field, value, sentence string }{
		{"/domains", "name", "Imp1.here.com", "imp1.here.com is one of the nodes"},
		{"/nodes", "name", "synergy.com", "synergy.com is one of the domains"},
		{"/nodes", "name", "fe1.there.com", "A static route leads to fe1.there.com"},
		{"/nodes", "address", "127.0.0.21", "A static route leads to 127.0.0.21"},
		{"/static-routes", "destination", ".synergy.com", "For synergy.com enter synergy.com, or its pattern .com.synergy."},
		{"/static-routes", "destination", ".domaina.org", "For domaina.org enter domaina.org, or its pattern .org.domaina."},
		{"/static-routes", "destination", ".example.github.io", "For example.github.io enter example.github.io, or its pattern .io.github.example."},
		{"/static-routes", "destination", ".azurewebsites.net", "For azurewebsites.net enter azurewebsites.net, or its pattern .net.azurewebsites."},
		{"/static-routes", "next_hop", "127.0.0.11", "belongs to the node imp1.here.com"},
		{"/static-routes", "next_hop", "0.0.0.0", "is no address of a server"},
	} {
		posted := form("name", "imp2.here.com", "address", "127.0.0.12", "destination", "a.com", "type", "domain", "next_hop", "127.0.0.22")
		posted.Set(test.field, test.value)
		page := c.postForm(test.path, posted).status(http.StatusUnprocessableEntity).page()
		page.Says(t, "#error-"+test.field+" .error", test.sentence)
		if got := page.One(t, "#field-"+test.field).Attr("value"); got != test.value {
			t.Errorf("%s %s: %q came back as %q", test.path, test.field, test.value, got)
		}
	}
}

func TestADomainUnderAnUnlistedTopLevelIsTakenAsItIs(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Operator)
	for _, destination := range []string{".corp.lab", ".lab.corp", ".uk.co.domaina", ".io.github.example", ".net.azurewebsites"} {
		c.post("/static-routes", "destination", destination, "type", "domain", "next_hop", "127.0.0.21").to("/static-routes")
	}
}

func TestSettingsThatUsersCannotFollowComeBackAsTheyWereChosen(t *testing.T) {
	t.Parallel()
	c := collisions(t)
	c.post("/settings", "default_domain", "synergy.com").to("/settings")
	c.post("/users", "id", "ann", "licensed", "true", "node", "imp1.here.com").to("/users")
	page := c.post("/settings", "im_address_scheme", "directory_uri").status(http.StatusUnprocessableEntity).page()
	page.Says(t, "#error-im_address_scheme .error", "1 licensed user would have no IM address, ann among them.")
	page.One(t, "input[name=im_address_scheme][value=directory_uri][checked]")
	page.One(t, "#field-default_domain option[value='synergy.com'][selected]")
}

func TestAUserIDWithAnAtSignMakesNoAddress(t *testing.T) {
	t.Parallel()
	c := collisions(t)
	c.post("/settings", "default_domain", "synergy.com").to("/settings")
	posted := form("id", "ann@synergy.com", "licensed", "true", "node", "imp1.here.com")
	c.postForm("/users", posted).status(http.StatusUnprocessableEntity).page().Says(t, "#error-im_address .error", "the id holds an @")
	posted.Set("im_address", "ann@b@synergy.com")
	c.postForm("/users", posted).status(http.StatusUnprocessableEntity)
	posted.Set("im_address", "ann@synergy.com")
	c.postForm("/users", posted).to("/users")
}

func TestServicesThatAreNotNamedRunOn(t *testing.T) {
	t.Parallel()
	c := collisions(t)
	home := fmt.Sprintf("/services/%d", c.snapshot().Node("imp1.here.com").ID)
	c.post(home, "x", "y").to("/services")
	if got := c.snapshot().Node("imp1.here.com").Services; !slices.Equal(got, []string{federation.ServiceSIPFederation, federation.ServiceSIPProxy}) {
		t.Errorf("the node runs %v", got)
	}
	c.post(home, "services", "").to("/services")
	if got := c.snapshot().Node("imp1.here.com").Services; len(got) > 0 {
		t.Errorf("the node still runs %v", got)
	}
}

func TestAForeignPageIsNotBlamedOnTheRole(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Admin)
	r := httptest.NewRequest(http.MethodPost, "/acl", strings.NewReader("pattern=all"))
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	page := c.send(r).status(http.StatusForbidden).page()
	page.Says(t, "h1", "Nothing was changed")
	page.Says(t, "main p", "This request came from a page of another site.")
}

// RFC 9110 sections 9.1 and 15.5.6: HEAD is answered wherever GET is, and 405 names what is answered.
func TestMethodsAreAnsweredOrNamed(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Admin)
	for _, path := range []string{"/healthz", "/acl", "/acl/new", "/"} {
		c.send(httptest.NewRequest(http.MethodHead, path, nil)).status(http.StatusOK)
	}
	for _, test := range []struct{ method, path, allow string }{
		{http.MethodPut, "/acl", "GET HEAD POST"}, {http.MethodDelete, "/healthz", "GET HEAD"}, {http.MethodGet, "/logout", "POST"},
	} {
		a := c.send(httptest.NewRequest(test.method, test.path, nil)).status(http.StatusMethodNotAllowed)
		if got := strings.Join(a.head.Values("Allow"), " "); got != test.allow {
			t.Errorf("%s %s: Allow is %q, want %q", test.method, test.path, got, test.allow)
		}
	}
}

func TestAFormOpenedBeforeAnotherSavedIsAskedAgain(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Admin)
	c.post("/acl", "pattern", "10.0.0.1", "description", "front end").to("/acl")
	for path, field := range map[string]string{fmt.Sprintf("/acl/%d", c.snapshot().ACL[0].ID): "description", "/settings": "max_contacts"} {
		mine := c.get(path).page().One(t, "form.form").Form()
		theirs := c.get(path).page().One(t, "form.form").Form()
		theirs.Set(field, "17")
		c.postForm(path, theirs).status(http.StatusSeeOther)
		mine.Set(field, "19")
		page := c.postForm(path, mine).status(http.StatusConflict).page()
		page.Says(t, ".banner[role=alert]", `is now "17".`)
		again := page.One(t, "form.form").Form()
		if again.Get(field) != "19" {
			t.Errorf("%s: %q came back", path, again.Get(field))
		}
		c.postForm(path, again).status(http.StatusSeeOther)
		if got := c.get(path).page().One(t, "form.form").Form().Get(field); got != "19" {
			t.Errorf("%s holds %q", path, got)
		}
	}
}

func TestAChangeWithoutASessionIsToldAndLeadsBackToItsForm(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	r := httptest.NewRequest(http.MethodPost, "http://console.example/acl", strings.NewReader("pattern=all"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Referer", "http://console.example/acl/new?x=y")
	c.send(r).to("/login?lost=true&next=%2Facl%2Fnew%3Fx%3Dy")
	page := c.get("/login?lost=true&next=%2Facl%2Fnew").page()
	page.Says(t, ".banner", "Nothing was saved.")
	page.One(t, "input[name=next][value=/acl/new]")
	for _, foreign := range []string{"http://evil.example/acl/new", "://"} {
		r = httptest.NewRequest(http.MethodPost, "http://console.example/acl", nil)
		r.Header.Set("Referer", foreign)
		c.send(r).to("/login?lost=true")
	}
	r = httptest.NewRequest(http.MethodGet, "http://console.example/", nil)
	r.Header.Set("Referer", "http://console.example/acl")
	c.send(r).to("/login")
}

func TestFormsAreReadInEitherEncodingAndNothingElse(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Operator)
	for _, test := range []struct {
		kind, body string
		want       int
	}{
		{"multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=\"pattern\"\r\n\r\n10.0.0.1\r\n--x--\r\n", http.StatusSeeOther},
		{"multipart/form-data; boundary=x", "pattern=10.0.0.2", http.StatusBadRequest},
		{"application/json", `{"pattern":"10.0.0.3"}`, http.StatusBadRequest},
	} {
		r := httptest.NewRequest(http.MethodPost, "/acl", strings.NewReader(test.body))
		r.Header.Set("Content-Type", test.kind)
		c.send(r).status(test.want)
	}
	if acl := c.snapshot().ACL; len(acl) != 1 || acl[0].Pattern != "10.0.0.1" {
		t.Errorf("stored %v", acl)
	}
}

func TestSelectingARowTwiceDeletesItOnce(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Operator)
	c.post("/acl", "pattern", "10.0.0.1").to("/acl")
	id := fmt.Sprint(c.snapshot().ACL[0].ID)
	c.get("/acl/delete?id="+id+"&id="+id).page().Says(t, "h1", "Delete 1 incoming ACL entry?")
	c.post("/acl/delete", "id", id, "id", id).to("/acl")
	c.get("/acl").page().Says(t, ".banner", "Deleted 1 incoming ACL entry.")
}

func TestFindingAnythingSaysSo(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Viewer)
	c.get("/users?q=x").page().Says(t, ".empty", "There is no user where anything begins with x.")
	c.get("/users?field=microsoft_address&q=x").page().Says(t, ".empty", "where Microsoft SIP address begins with x.")
}

func TestFaultsLeadBackToTheListTheyAreAbout(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Operator)
	c.get("/acl/99").status(http.StatusNotFound).page().Says(t, "main a[href=/acl]", "Back to Incoming ACL")
	c.post("/acl/delete").status(http.StatusConflict).page().One(t, "main a[href=/acl]")
	c.post("/audit").status(http.StatusMethodNotAllowed).page().One(t, "main a[href=/audit]")
	for _, nowhere := range []string{"/presence", "/presence/x"} {
		c.get(nowhere).status(http.StatusNotFound).page().One(t, "main a[href=/]")
	}
	c.post("/logout")
	c.get("/acl/99/x").status(http.StatusNotFound).page().One(t, "main a[href=/]") // the list would ask for a login
}

func TestTheMenuShowsWhatTheRoleMayOpen(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Viewer)
	page := c.get("/pages").page()
	page.Count(t, "a[href=/wizard]", 0)
	for _, link := range page.All("nav.menu a, main a") {
		c.get(link.Attr("href")).status(http.StatusOK)
	}
}

func TestAChangeOfWhatSomebodyDeletedMakesNothingNew(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Admin)
	for _, re := range resources {
		before := c.snapshot().Revision
		c.postForm(re.path+"/9999", re.good).status(http.StatusNotFound)
		if now := c.snapshot().Revision; now != before {
			t.Errorf("%s: something was saved", re.path)
		}
	}
}

func TestWhatTheStoreRefusesComesBackAsItWasTyped(t *testing.T) {
	t.Parallel()
	c := collisions(t)
	c.post("/users", "id", "ann", "licensed", "true", "node", "imp1.here.com", "im_address", "ann@synergy.com").to("/users")
	one := fmt.Sprintf("/domains/%d", c.snapshot().Domains[0].ID)
	page := c.post(one, "name", "other.com").status(http.StatusUnprocessableEntity).page()
	page.Says(t, ".banner[role=alert]", "Users have addresses in synergy.com (1)")
	if got := page.One(t, "#field-name").Attr("value"); got != "other.com" {
		t.Errorf("the name came back as %q", got)
	}
}
