package web_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"

	"isthmus/internal/auth"
)

// least is the weakest role that a route lets in; "" is a route for everybody. A route that is missing here fails the
// test, so nobody adds one without deciding.
var least = map[string]auth.Role{
	"GET /healthz": "", "GET /readyz": "", "GET /metrics": "", "GET /static/{file}": "",
	"GET /login": "", "POST /login": "", "GET /setup": "", "POST /setup": "", "POST /logout": "",
	"GET /": auth.Viewer, "GET /pages": auth.Viewer, "GET /audit": auth.Viewer, "GET /handshakes": auth.Viewer,
	"GET /acl/server": auth.Operator, "POST /acl/server": auth.Operator, "POST /listeners/swap": auth.Operator,
	"GET /settings": auth.Viewer, "POST /settings": auth.Admin,
	"GET /services": auth.Viewer, "POST /services/profile": auth.Operator, "POST /services/{id:[0-9]+}": auth.Operator,
	"POST /services/{id:[0-9]+}/control": auth.Operator, "POST /services/control": auth.Operator, "POST /services/rolling": auth.Operator,
	"GET /pending": auth.Viewer, "POST /pending/accept": auth.Admin,
	"GET /nodes/live": auth.Viewer, "GET /nodes/assign": auth.Admin, "POST /nodes/assign": auth.Admin,
	"GET /wizard": auth.Operator, "POST /wizard": auth.Operator,
	"GET /wizard/{step:[1-5]}": auth.Operator, "POST /wizard/{step:[1-5]}": auth.Operator,
	"GET /wizard/look": auth.Operator, "POST /wizard/6": auth.Operator, "GET /wizard/6": auth.Operator, "POST /wizard/finish": auth.Operator, "POST /wizard/discard": auth.Operator,
	"GET /wizard/drafts/{id:[0-9]+}": auth.Operator, "POST /wizard/drafts/{id:[0-9]+}/take": auth.Operator,
	"GET /certificates": auth.Viewer, "GET /certificates/{id:[0-9]+}": auth.Viewer, "GET /certificates/{id:[0-9]+}.pem": auth.Viewer,
	"GET /certificates/new": auth.Admin, "POST /certificates": auth.Admin, "GET /certificates/delete": auth.Admin, "POST /certificates/delete": auth.Admin,
	"GET /certificates/requests/new": auth.Admin, "POST /certificates/requests": auth.Admin, "GET /certificates/requests/{id:[0-9]+}.csr": auth.Viewer,
	"GET /certificates/requests/{id:[0-9]+}/delete": auth.Admin, "POST /certificates/requests/{id:[0-9]+}/delete": auth.Admin,
	"POST /tls-peer-subjects/certificate": auth.Operator, "POST /tls-peer-subjects/probe": auth.Operator,
	"GET /deployments": auth.Viewer, "GET /deployments/{id:[0-9]+}": auth.Viewer, "GET /deployments/{id:[0-9]+}/{file}": auth.Viewer,
}

func init() {
	for path, change := range map[string]auth.Role{
		"/domains": auth.Operator, "/federated-domains": auth.Operator, "/static-routes": auth.Operator, "/acl": auth.Operator, "/tls-peer-subjects": auth.Operator,
		"/tls-contexts": auth.Admin, "/listeners": auth.Operator, "/nodes": auth.Admin, "/users": auth.Operator,
	} {
		least["GET "+path], least["GET "+path+"/{id:[0-9]+}"] = auth.Viewer, auth.Viewer
		for _, route := range []string{"GET " + path + "/new", "POST " + path, "GET " + path + "/delete", "POST " + path + "/delete", "POST " + path + "/{id:[0-9]+}"} {
			least[route] = change
		}
	}
}

// routes are all routes of a console as "METHOD pattern".
func (c *console) routes() []string {
	c.t.Helper()
	var list []string
	err := chi.Walk(c.handler.(chi.Routes), func(method, pattern string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		list = append(list, method+" "+pattern)
		return nil
	})
	if err != nil {
		c.t.Fatal(err)
	}
	return list
}

// open asks for a route, with an id that nothing has.
func (c *console) open(route string) answer {
	c.t.Helper()
	method, path, _ := strings.Cut(route, " ")
	path = strings.NewReplacer("{id:[0-9]+}", "9999", "{step:[1-5]}", "1", "{file}", "app.css").Replace(path)
	r := httptest.NewRequest(method, path, strings.NewReader(url.Values{}.Encode()))
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return c.send(r)
}

func TestEveryRouteAsksForTheRightThatTheTableSays(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	for _, route := range c.routes() {
		role, known := least[route]
		if !known {
			t.Errorf("%s stands in no row of the table of rights", route)
			continue
		}
		if role == "" {
			continue
		}
		if a := c.open(route); a.code != http.StatusSeeOther || !strings.HasPrefix(a.head.Get("Location"), "/login") {
			t.Errorf("%s lets in somebody who is not signed in: %d", route, a.code)
		}
	}
	for _, role := range auth.Roles {
		c.signIn(role)
		for _, route := range c.routes() {
			if least[route] == "" {
				continue
			}
			allowed := weight(role) >= weight(least[route])
			a := c.open(route)
			if (a.code != http.StatusForbidden) != allowed {
				t.Errorf("%s as %s: status %d", route, role, a.code)
			}
			if a.code == http.StatusForbidden {
				a.page().Says(t, "main", "Your role, "+string(role)+", may look but not change this.")
			}
			if a.code >= 500 {
				t.Errorf("%s as %s fails: %s", route, role, a.page().Text())
			}
		}
	}
}

func weight(role auth.Role) int {
	for i, r := range auth.Roles {
		if r == role {
			return i
		}
	}
	return -1
}

func TestButtonsThatARoleMayNotUseAreNotShown(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Viewer)
	for _, path := range []string{"/domains", "/static-routes", "/acl", "/tls-peer-subjects", "/tls-contexts", "/listeners", "/nodes", "/users", "/services", "/settings"} {
		page := c.get(path).status(200).page()
		page.Count(t, "main .button.primary", 0)
		page.Count(t, "main .button.danger", 0)
		page.Count(t, "main input[type=checkbox][name=id]", 0)
	}
	one := c.get("/listeners/1").status(200).page()
	one.Count(t, "main button", 0)
	one.Count(t, "fieldset[disabled]", 1)
}

func TestARefusalNamesTheRoleThatIsNeeded(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Viewer)
	c.get("/acl/new").status(http.StatusForbidden).page().Says(t, "main p", "Ask an administrator for the role operator.")
	c.get("/nodes/new").status(http.StatusForbidden).page().Says(t, "main p", "Ask an administrator for the role admin.")
}

func TestEveryAnswerCarriesTheHeadersThatProtectIt(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Admin)
	for _, route := range append(c.routes(), "GET /nowhere", "DELETE /acl") {
		if route == "POST /logout" {
			continue
		}
		head := c.open(route).head
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "same-origin",
			"Cross-Origin-Opener-Policy": "same-origin", "Cache-Control": "no-store", "Cross-Origin-Resource-Policy": "same-origin",
			"Permissions-Policy": "camera=(), geolocation=(), microphone=()", "Strict-Transport-Security": "", // the last over TLS alone
		} {
			if got := head.Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", route, name, got, want)
			}
		}
		policy := head.Get("Content-Security-Policy")
		for _, part := range []string{"default-src 'self'", "object-src 'none'", "base-uri 'none'", "frame-ancestors 'none'", "form-action 'self'"} {
			if !strings.Contains(policy, part) {
				t.Errorf("%s: the policy lacks %s: %q", route, part, policy)
			}
		}
		if strings.Contains(policy, "unsafe") || head.Get("X-Request-Id") == "" {
			t.Errorf("%s: policy %q, request %q", route, policy, head.Get("X-Request-Id"))
		}
	}
}

func TestChangesFromForeignPagesAreRefused(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Operator)
	for promise, set := range map[string]func(http.Header){
		"by the browser's word":    func(h http.Header) { h.Set("Sec-Fetch-Site", "cross-site") },
		"from a neighbouring name": func(h http.Header) { h.Set("Sec-Fetch-Site", "same-site") },
		"by another origin":        func(h http.Header) { h.Set("Origin", "https://evil.example") },
		"by no origin at all":      func(h http.Header) { h.Set("Origin", "null") },
	} {
		r := httptest.NewRequest(http.MethodPost, "/acl", strings.NewReader("pattern=all"))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		set(r.Header)
		if a := c.send(r); a.code != http.StatusForbidden {
			t.Errorf("%s: status %d", promise, a.code)
		}
	}
	if n := len(c.snapshot().ACL); n != 0 {
		t.Errorf("%d entries were saved", n)
	}
}

func TestTextFromOutsideStaysText(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Admin)
	const payload = `"><script>alert(1)</script><img src=x onerror=alert(1)>{{7*7}}`
	c.post("/acl", "pattern", "10.0.0.1", "description", payload).to("/acl")
	c.post("/listeners", "name", payload, "transport", "tcp", "port", "5070").to("/listeners")
	c.post("/tls-contexts", "name", payload).to("/tls-contexts")
	pages := []answer{c.get("/acl"), c.get("/listeners"), c.get("/tls-contexts"), c.get("/audit"), c.get("/listeners/1"),
		c.get("/acl?field=description&op=contains&q=" + url.QueryEscape(payload)), c.post("/acl", "pattern", payload),
		c.post("/login", "name", payload, "password", "x", "next", "/"+payload), c.post("/domains", "name", payload)}
	for _, a := range pages {
		page := a.page()
		page.Count(t, "script", 1)
		page.Count(t, "img", 0)
	}
	pages[0].page().Says(t, "table td", payload)
}
