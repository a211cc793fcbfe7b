package web_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"isthmus/internal/auth"
)

// resources are one good and one bad form of each resource, and what the list then says.
var resources = []struct {
	path       string
	good       url.Values
	says       string // in the row's header
	find       string // that finds the row and no other
	bad        url.Values
	field      string // that is wrong in bad
	sentence   string
	edit, seen url.Values // posted over the good one; what the form then shows
}{
	{"/domains", form("name", "Synergy.com"), "synergy.com", "field=name&op=is_exactly&q=synergy.com",
		form("name", "synergy"), "name", "This is a single label", form("name", "synergy.net"), form("name", "synergy.net")},
	{"/federated-domains", form("name", "Remote.com"), "remote.com", "field=name&op=is_exactly&q=remote.com",
		form("name", "remote"), "name", "This is a single label", form("name", "remote.net", "direct", "false"), form("name", "remote.net", "direct", "false")},
	{"/static-routes", form("destination", "synergy.com", "type", "domain", "next_hop", "127.0.0.21", "port", "5061", "transport", "tls"),
		".com.synergy", "field=next_hop&op=ends_with&q=.21",
		form("destination", "synergy.com", "type", "domain", "next_hop", "127.0.0.21", "priority", "first"), "priority", "whole number",
		form("destination", ".com.synergy", "type", "domain", "next_hop", "127.0.0.22", "port", "5061", "transport", "tls", "priority", "2", "in_service", "true"),
		form("next_hop", "127.0.0.22", "priority", "2", "weight", "1")},
	{"/acl", form("pattern", "10.1.20.21"), "10.1.20.21", "field=pattern&op=begins_with&q=10.1",
		form("pattern", "two words"), "pattern", "Enter an IP address, a domain such as foo.com, or All.", form("pattern", "10.1.20.22"), form("pattern", "10.1.20.22")},
	{"/tls-peer-subjects", form("name", "CN=Pool.synergy.com"), "pool.synergy.com", "field=name&op=contains&q=POOL",
		form("name", "*.synergy.com"), "name", "no wildcard", form("name", "pool2.synergy.com", "description", "x"), form("name", "pool2.synergy.com", "description", "x")},
	{"/tls-contexts", form("name", "lab", "verify_client", "true"), "lab", "field=name&op=is_exactly&q=lab",
		form("name", "lab2", "ciphers", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"), "ciphers", "Lync offers no elliptic-curve cipher",
		form("name", "lab", "min_version", "1.0", "legacy", "true"), form("name", "lab", "min_version", "1.0")},
	{"/listeners", form("name", "Lab TCP", "transport", "tcp", "port", "5070"), "Lab TCP", "field=port&op=is_exactly&q=5070",
		form("name", "Lab", "transport", "tcp", "port", "5060"), "port", `Port 5060 is taken by the listener "Default SIP Proxy TCP Listener".`,
		form("name", "Lab TCP", "transport", "tcp", "port", "5071"), form("port", "5071")},
	{"/nodes", form("name", "imp9.synergy.com", "address", "127.0.0.19", "services", "sip_proxy"), "imp9.synergy.com", "field=address&op=is_exactly&q=127.0.0.19",
		form("name", "imp10.synergy.com", "address", "0.0.0.0"), "address", "Listeners need one address",
		form("name", "imp9.synergy.com", "address", "127.0.0.20", "connector", ""), form("address", "127.0.0.20", "connector", "127.0.0.20:5080")},
	{"/users", form("id", "ann", "mail", "ann@synergy.com", "microsoft_address", "sip:Ann@synergy.com"), "ann", "field=id&op=begins_with&q=an",
		form("id", "bob", "licensed", "true"), "node", "A licensed user needs a home node", form("id", "ann", "mail", "a@synergy.com"), form("mail", "a@synergy.com", "microsoft_address", "ann@synergy.com")},
}

func form(pairs ...string) url.Values {
	values := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		values.Add(pairs[i], pairs[i+1])
	}
	return values
}

func TestEveryResourceIsAddedFoundChangedAndDeleted(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Admin)
	for _, re := range resources {
		t.Run(strings.TrimPrefix(re.path, "/"), func(t *testing.T) {
			c.t = t
			empty := c.get(re.path + "/new").status(200).page()
			empty.One(t, "form.form[action="+re.path+"]")
			empty.One(t, ".actions a[href="+re.path+"]")
			c.postForm(re.path, re.good).to(re.path)
			page := c.get(re.path + "?" + re.find).status(200).page()
			page.Says(t, "table tbody th", re.says)
			page.Says(t, ".pager", " 1 of 1 where")

			bad := c.postForm(re.path, re.bad).status(http.StatusUnprocessableEntity).page()
			bad.Says(t, "#error-"+re.field+" .error", re.sentence)
			c.get(re.path+"?field=none&op=is_exactly&q=nothing").page().Says(t, ".empty", "Show all")

			one := page.One(t, "table tbody th a").Attr("href")
			c.postForm(one, re.edit).to(re.path)
			shown := c.get(one).status(200).page().One(t, "form.form[action="+one+"]").Form()
			for name := range re.seen {
				if got := shown.Get(name); got != re.seen.Get(name) {
					t.Errorf("%s is %q after the change, want %q", name, got, re.seen.Get(name))
				}
			}

			id := one[strings.LastIndexByte(one, '/')+1:]
			c.get(re.path+"/delete?id="+id).status(200).page().One(t, "main .button.danger")
			c.post(re.path+"/delete", "id", id).to(re.path)
			c.get(one).status(http.StatusNotFound)
			c.post(re.path+"/delete", "id", id).status(http.StatusNotFound)
		})
	}
}

func TestWrongInputComesBackAsItWasTyped(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Admin)
	for _, re := range resources {
		shown := c.postForm(re.path, re.bad).status(http.StatusUnprocessableEntity).page().One(t, "main form").Form()
		for name, typed := range re.bad {
			// Beside a tick box stands a hidden value for the case without a tick.
			got := slices.DeleteFunc(slices.Clone(shown[name]), func(s string) bool { return !slices.Contains(typed, s) })
			if !slices.Equal(got, typed) {
				t.Errorf("%s: %s came back as %q, was typed as %q", re.path, name, shown[name], typed)
			}
		}
	}
}

func TestSaveAndAddAnotherLeadsToAnEmptyForm(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Operator)
	c.post("/domains", "name", "synergy.com", "again", "true").to("/domains/new")
	page := c.get("/domains/new").page()
	page.Says(t, ".banner", "Saved.")
	if got := page.One(t, "#field-name").Attr("value"); got != "" {
		t.Errorf("the form holds %q", got)
	}
}

func TestDeletingNothingSaysSo(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Operator)
	c.get("/acl/delete").status(http.StatusConflict).page().Says(t, "main", "Nothing was selected.")
	c.post("/acl/delete").status(http.StatusConflict)
	c.post("/acl/delete", "id", "x").status(http.StatusNotFound)
	c.get("/acl/99999999999999999999").status(http.StatusNotFound)
}

func TestSeveralAreDeletedTogetherOrNotAtAll(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Operator)
	for _, p := range []string{"10.0.0.1", "10.0.0.2", "10.0.0.3"} {
		c.post("/acl", "pattern", p).to("/acl")
	}
	acl := c.snapshot().ACL
	ids := []string{fmt.Sprint(acl[0].ID), fmt.Sprint(acl[1].ID)}
	c.post("/acl/delete", "id", ids[0], "id", "9999").status(http.StatusNotFound)
	if n := len(c.snapshot().ACL); n != 3 {
		t.Fatalf("%d entries are left after a refused deletion", n)
	}
	c.post("/acl/delete", "id", ids[0], "id", ids[1]).to("/acl")
	c.get("/acl").page().Says(t, ".banner", "Deleted 2 incoming ACL entries.")
}

func TestBodiesThatAreNoFormsAreRefused(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Operator)
	for promise, test := range map[string]struct {
		body, encoding string
		want           int
	}{
		"larger than a form may be": {"pattern=" + strings.Repeat("a", 1<<20+1), "", http.StatusRequestEntityTooLarge},
		"broken escapes":            {"pattern=%zz", "", http.StatusBadRequest},
		"compressed":                {"pattern=a", "gzip", http.StatusUnsupportedMediaType},
	} {
		r := httptest.NewRequest(http.MethodPost, "/acl", strings.NewReader(test.body))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if test.encoding != "" {
			r.Header.Set("Content-Encoding", test.encoding)
		}
		if a := c.send(r); a.code != test.want {
			t.Errorf("%s: status %d, want %d", promise, a.code, test.want)
		}
	}
}

func TestAddressesThatLeadNowhereAreAPageInTheFrame(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Viewer)
	page := c.get("/presence").status(http.StatusNotFound).page()
	page.Says(t, "h1", "There is no such page")
	page.One(t, "nav.menu")
	c.post("/audit").status(http.StatusMethodNotAllowed)
}

func TestMenuHoldsOnlyPagesThatExist(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Admin)
	for _, link := range c.get("/").page().All("nav.menu a") {
		page := c.get(link.Attr("href")).status(200).page()
		if link.Attr("href") != "/" {
			page.Says(t, "nav.menu a[aria-current=page]", link.Text())
		}
	}
	c.get("/pages").status(200).page().Says(t, "table td", "Presence > Routing > Static Routes")
}
