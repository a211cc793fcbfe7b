package web_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"isthmus/internal/auth"
	"isthmus/internal/federation"
	"isthmus/internal/pgtest"
	"isthmus/migrations"
)

// pages are the addresses of all pages that a reader who is signed in can open, with something at each that stands in the
// configuration. A page that is added is among them by itself.
func (o *outage) pages() []string {
	o.t.Helper()
	s := o.stored()
	ids := map[string]int64{
		"/domains": s.Domains[0].ID, "/federated-domains": s.FederatedDomains[0].ID, "/static-routes": s.StaticRoutes[0].ID, "/acl": s.ACL[0].ID,
		"/tls-peer-subjects": s.TLSPeerSubjects[0].ID, "/tls-contexts": s.TLSContexts[0].ID, "/listeners": s.Listeners[0].ID, "/nodes": s.Nodes[0].ID,
	}
	var list []string
	for _, route := range o.routes() {
		method, path, _ := strings.Cut(route, " ")
		file := strings.Contains(path, "}.") || strings.HasSuffix(path, "{file}") || path == "/nodes/live"
		if method != http.MethodGet || least[route] == "" || file {
			continue
		}
		id := ids[strings.TrimSuffix(path, "/{id:[0-9]+}")]
		list = append(list, strings.NewReplacer("{id:[0-9]+}", fmt.Sprint(id), "{step:[1-5]}", "1").Replace(path))
	}
	if len(list) < 50 {
		o.t.Fatalf("these are not all pages: %v", list)
	}
	return list
}

// carried fails for each page that is not drawn for who reads it, or lacks the words in a banner of that mark.
func (o *outage) carried(mark string, pages []string, words ...string) {
	o.t.Helper()
	for _, path := range pages {
		page := o.get(path).page()
		var text string
		for _, banner := range page.All("main .banner." + mark) {
			text += banner.Text()
		}
		for _, word := range words {
			if !strings.Contains(text, word) {
				o.t.Errorf("the banner of %s lacks %q: %q", path, word, text)
			}
		}
		page.Count(o.t, "form.who", 1)
	}
}

func TestEveryPageTellsThatTheDatabaseIsAway(t *testing.T) {
	t.Parallel()
	o := newOutage(t, auth.Admin)
	pages := o.pages()
	o.link.Cut()
	o.carried("down", pages, "The database does not answer. Shown is revision", "Nothing can be saved until it is back; traffic goes on.")
	o.mends()
	o.get("/acl").page().Count(t, "main .banner", 0)
}

func TestEveryPageTellsThatTheDatabaseCanBeReadOnly(t *testing.T) {
	t.Parallel()
	server := pgtest.NewServer(t, migrations.FS, migrate)
	o := newOutageAt(t, auth.Admin, server.URL())
	pages := o.pages()
	o.turns(server, "on")
	o.carried("part", pages, "The database can be read only. Nothing can be saved until it is writable again")
}

func TestEveryPageTellsThatTheDatabaseWentBack(t *testing.T) {
	t.Parallel()
	o := newOutage(t, auth.Admin)
	old := o.stored().TLSContexts[0] // of which pages warn, too
	old.MinVersion = "1.0"
	must[federation.TLSContext](t)(o.direct.SaveTLSContext(t.Context(), old))
	s := o.stored()
	if err := o.direct.ReportStatus(t.Context(), federation.NodeStatus{Node: "imp1.synergy.com", AppliedEra: s.Era, AppliedRevision: s.Revision + 7}); err != nil {
		t.Fatal(err)
	}
	went := fmt.Sprintf("The database went back from revision %d to %d.", s.Revision+7, s.Revision)
	pages := o.pages()
	for i, path := range pages {
		if path == "/pending" { // which is the page about it
			pages = append(pages[:i:i], pages[i+1:]...)
			break
		}
	}
	o.carried("down", pages, went, "Pages show what the database has now", "nothing can be changed", "TLS 1.0")
	for _, path := range pages {
		o.get(path).page().One(t, "main .banner.down a[href='/pending']")
	}
	o.get("/pending").page().Says(t, ".findings h3", strings.TrimSuffix(went, "."))
}
