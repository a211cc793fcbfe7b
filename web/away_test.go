package web_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"isthmus/internal/auth"
	"isthmus/internal/federation"
	"isthmus/internal/htmltest"
	"isthmus/internal/pgtest"
	"isthmus/internal/store"
	"isthmus/migrations"
	"isthmus/templates"
	"isthmus/web"
)

// An outage is a console whose way to the database can be cut. Its node goes on with what it had in force.
type outage struct {
	*console
	link   *pgtest.Link
	direct *store.Store // the database itself, by its own way

	mu     sync.Mutex
	taken  federation.Snapshot
	at     time.Time
	known  bool
	clock  time.Duration // by which the console's clock is ahead
	health web.Health
}

// newOutage is a console with one thing of each kind, where somebody of that role is signed in.
func newOutage(t *testing.T, role auth.Role) *outage {
	t.Helper()
	return newOutageAt(t, role, pgtest.New(t, migrations.FS, migrate))
}

func newOutageAt(t *testing.T, role auth.Role, url string) *outage {
	t.Helper()
	o := &outage{link: pgtest.NewLink(t, url), health: web.Health{State: web.Ready, Database: "ok"}}
	o.direct = opened(t, url)
	config := web.Config{Store: opened(t, o.link.URL()), Node: "imp1.synergy.com", Version: "test", Resolver: noDNS{},
		Log: logOf(t), Latest: o.latest, Health: o.told,
		Now: func() time.Time { o.mu.Lock(); defer o.mu.Unlock(); return time.Now().Add(o.clock) }}
	o.console = &console{t: t, store: config.Store, handler: web.New(config), config: config, cookies: map[string]*http.Cookie{}}
	o.fill()
	o.signIn(role)
	o.get("/").status(200)
	o.applies()
	return o
}

func opened(t *testing.T, url string) *store.Store {
	t.Helper()
	s := must[*store.Store](t)(store.Open(t.Context(), url))
	t.Cleanup(s.Close)
	return s
}

func (o *outage) fill() {
	t, ctx := o.t, o.t.Context()
	must[federation.Node](t)(o.direct.SaveNode(ctx, federation.Node{Name: "imp1.synergy.com", Address: "127.0.0.11", Services: []string{federation.ServiceSIPProxy, federation.ServiceSIPFederation}}))
	must[federation.Domain](t)(o.direct.SaveDomain(ctx, federation.Domain{Name: "synergy.com"}))
	must[federation.FederatedDomain](t)(o.direct.SaveFederatedDomain(ctx, federation.FederatedDomain{Name: "partner.example"}))
	for i, hop := range []string{"127.0.0.21", "127.0.0.22"} {
		must[federation.StaticRoute](t)(o.direct.SaveStaticRoute(ctx, federation.StaticRoute{Destination: ".com.synergy", Type: "domain", NextHop: hop,
			Port: []int{5061, 600}[i], Transport: "tls", Priority: 1 + i, Weight: 1, InService: i == 0, Description: "front end"}))
	}
	must[federation.ACLEntry](t)(o.direct.SaveACLEntry(ctx, federation.ACLEntry{Pattern: "127.0.0.21"}))
	must[federation.TLSPeerSubject](t)(o.direct.SaveTLSPeerSubject(ctx, federation.TLSPeerSubject{Name: "fe1.synergy.com"}))
}

// applies has the node take what is stored.
func (o *outage) applies() {
	o.t.Helper()
	snapshot := must[federation.Snapshot](o.t)(o.direct.Snapshot(o.t.Context()))
	o.mu.Lock()
	defer o.mu.Unlock()
	o.taken, o.at, o.known = snapshot, time.Now(), true
	o.health.AppliedRevision = snapshot.Revision
}

func (o *outage) latest() (federation.Snapshot, time.Time, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.taken, o.at, o.known
}

func (o *outage) told() web.Health {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.health
}

// forward moves the console's clock.
func (o *outage) forward(d time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.clock += d
}

// mends opens the way to the database and waits until the console has found that, as its node would.
func (o *outage) mends() {
	o.t.Helper()
	o.link.Mend()
	ctx, cancel := context.WithTimeout(o.t.Context(), 15*time.Second)
	defer cancel()
	for _, err := o.store.Standing(ctx); err != nil; _, err = o.store.Standing(ctx) {
		if o.store.Pause(ctx, time.Millisecond); ctx.Err() != nil {
			o.t.Fatalf("the database is not found again: %v", err)
		}
	}
}

// opens gets a page whose status is to be that.
func (o *outage) opens(path string, status int) htmltest.Node {
	o.t.Helper()
	a := o.get(path)
	if a.code != status {
		o.t.Errorf("%s: status %d, want %d", path, a.code, status)
	}
	return a.page()
}

// needsDatabase are the pages of the menu that show what is kept nowhere else.
var needsDatabase = []string{"/wizard", "/users", "/audit", "/pending"}

func TestEveryPageStaysUpWithoutTheDatabase(t *testing.T) {
	t.Parallel()
	for _, role := range []auth.Role{auth.Admin, auth.Viewer} {
		o := newOutage(t, role)
		o.get("/certificates").status(200)
		o.get("/handshakes").status(200)
		o.link.Cut()
		for _, group := range templates.Menu {
			for _, entry := range group.Entries {
				if !entry.Open(role != auth.Viewer) {
					continue
				}
				want := http.StatusOK
				if slices.Contains(needsDatabase, entry.Path) {
					want = http.StatusServiceUnavailable
				}
				page := o.opens(entry.Path, want)
				page.Says(t, ".who", string(role))
				page.Says(t, "main .banner.down", "The database does not answer. Shown is revision")
				page.Says(t, "main .banner.down", "Nothing can be saved until it is back; traffic goes on.")
				page.Count(t, "nav.menu", 1)
				savesNothing(t, entry.Path, page)
			}
		}
	}
}

// savesNothing holds that a page has no way to send a change but to sign out.
func savesNothing(t *testing.T, path string, page htmltest.Node) {
	t.Helper()
	for _, form := range page.All("form") {
		if strings.EqualFold(form.Attr("method"), "post") && form.Attr("action") != "/logout" && len(form.All("button")) > 0 {
			t.Errorf("%s: the form to %s has a button", path, form.Attr("action"))
		}
	}
}

func TestFormsAreDrawnReadOnlyWithoutTheDatabase(t *testing.T) {
	t.Parallel()
	o := newOutage(t, auth.Admin)
	s := o.snapshot()
	o.link.Cut()
	for _, path := range []string{
		fmt.Sprintf("/domains/%d", s.Domains[0].ID), fmt.Sprintf("/federated-domains/%d", s.FederatedDomains[0].ID),
		fmt.Sprintf("/static-routes/%d", s.StaticRoutes[0].ID), fmt.Sprintf("/acl/%d", s.ACL[0].ID), fmt.Sprintf("/tls-peer-subjects/%d", s.TLSPeerSubjects[0].ID),
		fmt.Sprintf("/tls-contexts/%d", s.TLSContexts[0].ID), fmt.Sprintf("/listeners/%d", s.Listeners[0].ID), fmt.Sprintf("/nodes/%d", s.Nodes[0].ID), "/settings",
	} {
		page := o.opens(path, http.StatusOK)
		page.Says(t, "main .banner.down", "The database does not answer.")
		if len(page.All("main form fieldset[disabled]")) == 0 {
			t.Errorf("%s: the fields can be changed", path)
		}
		savesNothing(t, path, page)
	}
	o.get("/acl/999").status(http.StatusNotFound)
	for _, path := range []string{"/acl/new", "/acl/delete?id=1", "/acl/server"} {
		o.get(path).status(http.StatusServiceUnavailable).page().Says(t, ".who", "admin, admin")
	}
}

func TestAChangeWithoutTheDatabaseSaysThatNothingWasSaved(t *testing.T) {
	t.Parallel()
	o := newOutage(t, auth.Admin)
	o.get("/acl").status(200)
	o.link.Cut()
	for _, path := range []string{"/acl", "/settings", "/services/profile", "/nodes", "/wizard"} {
		page := o.post(path, "pattern", "10.1.2.3").status(http.StatusServiceUnavailable).page()
		page.Says(t, "main", "The database does not answer, so nothing was saved. Traffic goes on;")
		page.Says(t, ".who", "admin, admin")
	}
	if got := len(o.stored().ACL); got != 1 {
		t.Errorf("%d entries are stored, want the one of before", got)
	}
}

func TestWhatWasTypedComesBackWithoutTheDatabaseAndIsSavedOnceItAnswers(t *testing.T) {
	t.Parallel()
	o := newOutage(t, auth.Operator)
	path := fmt.Sprintf("/static-routes/%d", o.stored().StaticRoutes[0].ID)
	form := o.get(path).status(200).page().One(t, "main form").Form()
	form.Set("description", "typed in the outage")
	o.link.Cut()
	page := o.postForm(path, form).status(http.StatusServiceUnavailable).page()
	page.Says(t, "main .banner[role=alert]", "Nothing was saved. What you typed is kept below. The database does not answer, so nothing was saved.")
	page.Says(t, ".who", "operator, operator")
	kept := page.One(t, "main form").Form()
	if kept.Get("description") != "typed in the outage" {
		t.Errorf("the form comes back as %v", kept)
	}
	added := o.post("/acl", "pattern", "10.1.2.3").status(http.StatusServiceUnavailable).page().One(t, "main form").Form()
	o.post("/acl/99", "pattern", "10.1.2.4").status(http.StatusServiceUnavailable)
	o.mends()
	o.postForm(path, kept).to("/static-routes")
	o.postForm("/acl", added).to("/acl")
	s := o.stored()
	if s.StaticRoutes[0].Description != "typed in the outage" || len(s.ACL) != 2 {
		t.Errorf("stored are %+v and %+v", s.StaticRoutes[0], s.ACL)
	}
	o.get("/acl").status(200).page().Count(t, "main .banner.down", 0)
}

func TestSettingsThatWereTypedComeBackWithoutTheDatabaseAndAreSavedOnceItAnswers(t *testing.T) {
	t.Parallel()
	o := newOutage(t, auth.Admin)
	form := o.get("/settings").status(200).page().One(t, "main form.form").Form()
	form.Set("max_contacts", "17")
	form.Set("partitioned_federation", "true")
	asked := o.postForm("/settings", form).status(200).page().One(t, "main form").Form()
	o.link.Cut()
	for _, posted := range []url.Values{form, asked} { // the form, and the answer to what it made the console ask
		page := o.postForm("/settings", posted).status(http.StatusServiceUnavailable).page()
		page.Says(t, "main .banner[role=alert]", "Nothing was saved. What you typed is kept below. The database does not answer, so nothing was saved.")
		kept := page.One(t, "main form.form").Form()
		if kept.Get("max_contacts") != "17" || !slices.Contains(kept["partitioned_federation"], "true") || kept.Get("was") != form.Get("was") {
			t.Errorf("the form comes back as %v", kept)
		}
		form = kept
	}
	o.mends()
	form.Del("ask")
	o.postForm("/settings", form).to("/settings")
	if s := o.stored().Settings; s.MaxContacts != 17 || !s.PartitionedFederation {
		t.Errorf("stored are %+v", s)
	}
}

// stored is what the database has, whatever becomes of the link.
func (o *outage) stored() *federation.Snapshot {
	snapshot := must[federation.Snapshot](o.t)(o.direct.Snapshot(o.t.Context()))
	return &snapshot
}

func TestListsAreFoundAndSortedTheSameWithAndWithoutTheDatabase(t *testing.T) {
	t.Parallel()
	o := newOutage(t, auth.Viewer)
	for _, name := range []string{"Zeta", "alpha 100%", "beta_1"} {
		must[federation.TLSContext](t)(o.direct.SaveTLSContext(t.Context(), federation.TLSContext{Name: name, MinVersion: "1.2", VerifyClient: name == "Zeta", PeerSubjects: []string{"fe1.synergy.com"}}))
	}
	o.applies()
	var paths []string
	for path, fields := range map[string][]string{
		"/domains": {"name"}, "/federated-domains": {"name", "direct"}, "/acl": {"pattern", "description"}, "/tls-peer-subjects": {"name"},
		"/static-routes": {"destination", "domain", "type", "next_hop", "port", "transport", "priority", "weight", "allow_less_specific", "in_service", "blocked", "description"},
		"/tls-contexts":  {"name", "verify_client", "min_version", "ciphers", "peer_subjects"}, "/listeners": {"name", "transport", "port", "tls_context", "enabled"},
		"/nodes": {"name", "address", "connector", "routing", "backup", "services"},
	} {
		paths = append(paths, path, path+"?rows=25&page=2", path+"?op=is_empty", path+"?sort=nothing")
		for _, field := range append(fields, "", "nothing") {
			paths = append(paths, path+"?sort="+field, path+"?sort=-"+field)
			for _, text := range []string{"e", "YES", "127.0.0.2", "%25", "_"} {
				for _, op := range []string{"begins_with", "contains", "is_empty"} {
					paths = append(paths, fmt.Sprintf("%s?field=%s&op=%s&q=%s", path, field, op, text))
				}
			}
		}
	}
	with := map[string]string{}
	for _, path := range paths {
		with[path] = o.rows(path)
	}
	o.link.Cut()
	for _, path := range paths {
		if got := o.rows(path); got != with[path] {
			t.Errorf("%s without the database:\n%s\nwith it:\n%s", path, got, with[path])
		}
	}
}

// rows are the names in a list, one a line.
func (o *outage) rows(path string) string {
	o.t.Helper()
	var names []string
	for _, row := range o.opens(path, http.StatusOK).All("table tbody tr") {
		if links := row.All("a"); len(links) > 0 {
			names = append(names, links[0].Attr("href"))
		}
	}
	return strings.Join(names, "\n")
}

func TestASaveIsSeenAtOnceByTheNextPage(t *testing.T) {
	t.Parallel()
	o := newOutage(t, auth.Admin)
	for i := range 20 {
		name := fmt.Sprintf("d%d.example", i)
		o.post("/domains", "name", name).to("/domains")
		if page := o.get("/settings").page(); !strings.Contains(page.One(t, "#field-default_domain").Text(), name) {
			t.Fatalf("the page after the save does not know %s", name)
		}
		must[federation.Domain](t)(o.direct.SaveDomain(t.Context(), federation.Domain{Name: "other-" + name})) // by another console
		if page := o.get("/settings").page(); !strings.Contains(page.One(t, "#field-default_domain").Text(), "other-"+name) {
			t.Fatalf("the page does not know what another console saved")
		}
	}
}

func TestASessionGoesOnForLookingWithTheRoleItHad(t *testing.T) {
	t.Parallel()
	o := newOutage(t, auth.Operator)
	o.get("/acl").status(200)
	o.link.Cut()
	for range 8 { // whoever looks on stays signed in
		o.forward(10 * time.Minute)
		o.get("/acl").status(200).page().Says(t, ".who", "operator, operator")
	}
	o.get("/tls-contexts/new").status(http.StatusForbidden)
	o.forward(16 * time.Minute)
	o.get("/acl").to("/login?next=%2Facl")
}

func TestASessionOlderThanAnyMayBecomeEndsWithoutTheDatabaseToo(t *testing.T) {
	t.Parallel()
	o := newOutage(t, auth.Viewer)
	o.get("/acl").status(200)
	o.link.Cut()
	for range 75 {
		o.forward(10 * time.Minute)
		if o.get("/acl").code != 200 {
			break
		}
	}
	o.get("/acl").to("/login?next=%2Facl")
}

func TestASessionThatWasNeverVouchedForIsNoneWithoutTheDatabase(t *testing.T) {
	t.Parallel()
	o := newOutage(t, auth.Admin)
	o.get("/acl").status(200)
	other := &console{t: t, store: o.store, handler: o.handler, cookies: map[string]*http.Cookie{"isthmus": {Name: "isthmus", Value: "guess"}}}
	ended := *o.cookies["isthmus"]
	o.post("/logout").to("/login")
	o.link.Cut()
	other.get("/acl").to("/login?next=%2Facl")
	other.cookies["isthmus"] = &ended
	other.get("/acl").to("/login?next=%2Facl")
	other.post("/acl", "pattern", "10.1.2.3").status(http.StatusServiceUnavailable).page().Count(t, ".who", 0)
}

func TestSigningOutWithoutTheDatabaseHoldsWhenItIsBack(t *testing.T) {
	t.Parallel()
	o := newOutage(t, auth.Viewer)
	o.get("/acl").status(200)
	kept := *o.cookies["isthmus"]
	o.link.Cut()
	o.post("/logout").to("/login")
	if left, ok := o.cookies["isthmus"]; ok {
		t.Errorf("the browser keeps the cookie %v", left)
	}
	o.cookies["isthmus"] = &kept
	o.get("/acl").to("/login?next=%2Facl")
	o.mends()
	for range 2 { // the first tells the database
		o.cookies["isthmus"] = &kept
		o.get("/acl").to("/login?next=%2Facl")
	}
	another := &console{t: t, store: o.direct, handler: web.New(web.Config{Store: o.direct}), cookies: map[string]*http.Cookie{"isthmus": &kept}}
	another.get("/acl").to("/login?next=%2Facl")
}

func TestNobodyCanSignInWithoutTheDatabaseAndThePageSaysSo(t *testing.T) {
	t.Parallel()
	o := newOutage(t, auth.Viewer)
	o.post("/logout").to("/login")
	o.link.Cut()
	o.get("/login").status(http.StatusServiceUnavailable).page().Says(t, ".banner", "The database does not answer, so nobody can sign in now.")
	page := o.post("/login", "name", "viewer", "password", password, "next", "/acl").status(http.StatusServiceUnavailable).page()
	page.Says(t, ".banner", "The database does not answer, so nobody can sign in now.")
	page.One(t, "#name[value='viewer']")
	page.One(t, "input[name='next'][value='/acl']")
	o.get("/setup?token=x").status(http.StatusServiceUnavailable).page().Says(t, "main", "Nobody can be added now")
	o.post("/setup", "token", "x").status(http.StatusServiceUnavailable).page().Says(t, "main", "nothing was saved")
	o.mends()
	o.post("/login", "name", "viewer", "password", password).to("/")
}

func TestANodeWithoutAnySnapshotSaysThatNothingIsKnown(t *testing.T) {
	t.Parallel()
	o := newOutage(t, auth.Viewer)
	o.mu.Lock()
	o.known = false
	o.mu.Unlock()
	fresh := &console{t: t, store: o.store, handler: web.New(o.config), cookies: o.cookies}
	fresh.get("/audit").status(200) // reads no snapshot but that of its frame
	o.link.Cut()
	fresh.get("/audit").status(http.StatusServiceUnavailable).page().Says(t, "main .banner.down", "The database does not answer.")
}

func TestAHungDatabaseKeepsNobodyWaiting(t *testing.T) {
	t.Parallel()
	o := newOutage(t, auth.Admin)
	o.get("/static-routes").status(200)
	o.link.Hold()
	o.within(8*time.Second, "/static-routes") // finds out
	for range 4 {
		o.within(3*time.Second, "/static-routes")
	}
	o.post("/acl", "pattern", "10.1.2.3").status(http.StatusServiceUnavailable)
	o.mends()
	deadline := time.Now().Add(20 * time.Second)
	for len(o.get("/acl").status(200).page().All("main .banner.down")) > 0 {
		if time.Now().After(deadline) {
			t.Fatal("the pages do not find the database again")
		}
	}
}

// within opens a page that the database does not answer for, and holds how long that takes.
func (o *outage) within(limit time.Duration, path string) {
	o.t.Helper()
	began := time.Now()
	o.opens(path, http.StatusOK).Says(o.t, "main .banner.down", "The database does not answer.")
	if took := time.Since(began); took > limit {
		o.t.Errorf("%s took %v, want at most %v", path, took, limit)
	}
}

func TestASlowDatabaseIsLeftOutAfterAFewSeconds(t *testing.T) {
	t.Parallel()
	o := newOutage(t, auth.Viewer)
	o.get("/nodes").status(200)
	o.link.Delay(5 * time.Second)
	o.within(10*time.Second, "/nodes")
}

// turns makes a database one that can only be read, or ends that, and waits until its connections know.
func (o *outage) turns(server *pgtest.Server, readOnly string) {
	o.t.Helper()
	server.Set("default_transaction_read_only", readOnly)
	deadline := time.Now().Add(20 * time.Second)
	for known := 0; known < 50; known++ { // each connection hears of it by itself
		if must[store.Standing](o.t)(o.store.Standing(o.t.Context())).ReadOnly != (readOnly == "on") {
			known = 0
		}
		if time.Now().After(deadline) {
			o.t.Fatal("the server does not take the setting")
		}
	}
}

func TestAReadOnlyDatabaseShowsPagesAndNoButtons(t *testing.T) {
	t.Parallel()
	server := pgtest.NewServer(t, migrations.FS, migrate)
	o := newOutageAt(t, auth.Admin, server.URL())
	s := o.snapshot()
	o.get("/acl").status(200)
	kept := *o.cookies["isthmus"]
	o.turns(server, "on")
	for _, path := range []string{"/", "/acl", fmt.Sprintf("/acl/%d", s.ACL[0].ID), "/nodes", "/services", "/settings", "/users", "/audit", "/pending", "/certificates", "/deployments"} {
		page := o.get(path).status(200).page()
		page.Says(t, "main .banner.part", "The database can be read only. Nothing can be saved until it is writable again")
		savesNothing(t, path, page)
	}
	o.get("/acl/new").status(http.StatusServiceUnavailable).page().Says(t, "main", "The database can be read only, so nothing can be added or changed")
	typed := o.post("/settings", "max_contacts", "17").status(http.StatusServiceUnavailable).page()
	typed.Says(t, "main .banner[role=alert]", "The database is read-only, so nothing was saved.")
	typed.One(t, "#field-max_contacts[value='17']")
	page := o.post("/acl", "pattern", "10.1.2.3").status(http.StatusServiceUnavailable).page()
	page.Says(t, "main", "The database is read-only, so nothing was saved.")
	page.One(t, "#field-pattern[value='10.1.2.3']")
	o.post("/logout").to("/login")
	o.cookies["isthmus"] = &kept
	o.get("/acl").to("/login?next=%2Facl")
	o.post("/login", "name", "admin", "password", password).status(http.StatusServiceUnavailable).page().Says(t, ".banner", "The database can be read only, so nobody can sign in now.")
	o.turns(server, "off")
	o.post("/login", "name", "admin", "password", password).to("/")
	o.get("/acl").status(200).page().Count(t, "main .banner.part", 0)
	o.post("/acl", "pattern", "10.1.2.3").to("/acl")
}

func TestADatabaseWithoutAFreeConnectionIsCalledThat(t *testing.T) {
	t.Parallel()
	server := pgtest.NewServer(t, migrations.FS, migrate, "max_connections=12")
	o := newOutageAt(t, auth.Admin, server.URL())
	o.direct.Close()
	deadline := time.Now().Add(30 * time.Second)
	for { // connections that were cut end a moment later
		o.link.Cut()
		fill(t, server.URL())
		o.link.Mend()
		page := o.get("/acl").status(200).page()
		if banner := page.All("main .banner.down"); len(banner) == 1 && strings.HasPrefix(banner[0].Text(), "The database has no connection left. Shown is revision") {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the page says %s", page.One(t, "main").Text())
		}
	}
	page := o.post("/settings").status(http.StatusServiceUnavailable).page()
	page.Says(t, "main", "The database has no connection left, so nothing was saved.")
}

// fill takes every connection that a server still has, until the test ends.
func fill(t *testing.T, url string) {
	t.Helper()
	for {
		conn, err := pgx.Connect(t.Context(), url)
		if err != nil {
			return
		}
		t.Cleanup(func() { conn.Close(context.Background()) })
	}
}

func TestSomebodyElseSavingAtTheSameMomentIsAConflictAndNothingIsLost(t *testing.T) {
	t.Parallel()
	url := pgtest.New(t, migrations.FS, migrate)
	o := newOutageAt(t, auth.Operator, url)
	o.handler = web.New(web.Config{Store: opened(t, url+"&lock_timeout=500"), Log: o.config.Log})
	other := must[*pgx.Conn](t)(pgx.Connect(t.Context(), url))
	defer other.Close(context.Background())
	tx := must[pgx.Tx](t)(other.Begin(t.Context()))
	if _, err := tx.Exec(t.Context(), `SELECT number FROM revision FOR UPDATE`); err != nil {
		t.Fatal(err)
	}
	page := o.post("/acl", "pattern", "10.1.2.3").status(http.StatusConflict).page()
	page.Says(t, "main .banner", "Somebody else is saving at this moment, so nothing was saved. Try again.")
	again := page.One(t, "main form").Form()
	o.post("/acl/delete", "id", fmt.Sprint(o.stored().ACL[0].ID)).status(http.StatusConflict).page().Says(t, "main", "Somebody else is saving at this moment")
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	o.postForm("/acl", again).to("/acl")
}
