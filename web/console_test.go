package web_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"isthmus/internal/auth"
	"isthmus/internal/federation"
	"isthmus/internal/htmltest"
	"isthmus/internal/keyleak"
	"isthmus/internal/pgtest"
	"isthmus/internal/store"
	"isthmus/migrations"
	"isthmus/web"
)

const password = "herring gull over grey water"

func TestMain(m *testing.M) {
	auth.Cost = auth.Costs{MemoryKiB: 64, Iterations: 1}
	pgtest.Main(m)
}

// A console is a whole server on a database of its own, with a browser's cookies.
type console struct {
	t       *testing.T
	store   *store.Store
	handler http.Handler
	config  web.Config
	cookies map[string]*http.Cookie
}

func migrate(ctx context.Context, url string) error {
	s, err := store.Open(ctx, url)
	if err != nil {
		return err
	}
	defer s.Close()
	return s.Migrate(ctx)
}

// newConsole is a console where nobody is signed in and nobody could be.
func newConsole(t *testing.T) *console {
	t.Helper()
	s, err := store.Open(t.Context(), pgtest.New(t, migrations.FS, migrate))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	config := web.Config{Store: s, Node: "imp1.synergy.com", Version: "test", Resolver: noDNS{}, Log: logOf(t)}
	return &console{t: t, store: s, handler: web.New(config), config: config, cookies: map[string]*http.Cookie{}}
}

// signedInAs is a console with a session of that role.
func signedInAs(t *testing.T, role auth.Role) *console {
	t.Helper()
	c := newConsole(t)
	c.signIn(role)
	return c
}

func (c *console) signIn(role auth.Role) {
	c.t.Helper()
	hash, err := auth.Hash(password)
	if err != nil {
		c.t.Fatal(err)
	}
	if err := c.store.AddAdministrator(c.t.Context(), string(role), role, hash); err != nil {
		c.t.Fatal(err)
	}
	a := c.post("/login", "name", string(role), "password", password)
	a.status(http.StatusSeeOther)
}

// An answer is what came back, read once.
type answer struct {
	t    *testing.T
	code int
	head http.Header
	body string
}

// send does one request with the cookies, and keeps the ones that come back.
func (c *console) send(r *http.Request) answer {
	c.t.Helper()
	for _, cookie := range c.cookies {
		r.AddCookie(cookie)
	}
	learn(c.t, r)
	recorder := httptest.NewRecorder()
	c.handler.ServeHTTP(recorder, r)
	guard.Look(c.t, "the answer to "+r.Method+" "+r.URL.Path+" in "+c.t.Name(), append(keyleak.Headers(recorder.Header()), recorder.Body.Bytes()...))
	for _, cookie := range recorder.Result().Cookies() {
		c.cookies[cookie.Name] = cookie
		if cookie.MaxAge < 0 {
			delete(c.cookies, cookie.Name)
		}
	}
	return answer{c.t, recorder.Code, recorder.Header(), recorder.Body.String()}
}

func (c *console) get(path string) answer {
	c.t.Helper()
	return c.send(httptest.NewRequest(http.MethodGet, path, nil))
}

// post sends a form of names and values in turn.
func (c *console) post(path string, pairs ...string) answer {
	c.t.Helper()
	values := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		values.Add(pairs[i], pairs[i+1])
	}
	return c.postForm(path, values)
}

func (c *console) postForm(path string, values url.Values) answer {
	c.t.Helper()
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(values.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return c.send(r)
}

func (a answer) status(want int) answer {
	a.t.Helper()
	if a.code != want {
		a.t.Fatalf("status %d, want %d, with the page:\n%s", a.code, want, a.page().Text())
	}
	return a
}

func (a answer) to(path string) {
	a.t.Helper()
	a.status(http.StatusSeeOther)
	if got := a.head.Get("Location"); got != path {
		a.t.Fatalf("leads to %q, want %q", got, path)
	}
}

func (a answer) page() htmltest.Node {
	a.t.Helper()
	return htmltest.Parse(a.t, strings.NewReader(a.body))
}

// snapshot is what is stored.
func (c *console) snapshot() *federation.Snapshot {
	c.t.Helper()
	snapshot, err := c.store.Snapshot(c.t.Context())
	if err != nil {
		c.t.Fatal(err)
	}
	return &snapshot
}

// must is for steps that a test stands on.
func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// report is a node that reports now, with everything in force.
func (c *console) report(node string, applied int64, hops ...federation.HopStatus) {
	c.t.Helper()
	status := federation.NodeStatus{Node: node, AppliedRevision: applied, Version: "test", StartedAt: time.Now(), Hops: hops}
	if err := c.store.ReportStatus(c.t.Context(), status); err != nil {
		c.t.Fatal(err)
	}
}
