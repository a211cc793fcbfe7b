package web_test

import (
	"strings"
	"testing"
	"time"

	"isthmus/internal/auth"
	"isthmus/internal/federation"
	"isthmus/internal/pgtest"
	"isthmus/migrations"
)

func TestPagesSayHowOldReportsAreWhenTheDatabaseTakesNone(t *testing.T) {
	t.Parallel()
	server := pgtest.NewServer(t, migrations.FS, migrate)
	o := newOutageAt(t, auth.Viewer, server.URL())
	must[federation.Node](t)(o.direct.SaveNode(t.Context(), federation.Node{Name: "imp2.synergy.com", Address: "127.0.0.12"}))
	must[federation.Node](t)(o.direct.SaveNode(t.Context(), federation.Node{Name: "imp3.synergy.com", Address: "127.0.0.13"}))
	if err := o.direct.ReportStatus(t.Context(), federation.NodeStatus{Node: "imp3.synergy.com", State: "ready", Database: "ok", AppliedRevision: 1}); err != nil {
		t.Fatal(err)
	}
	if err := o.direct.ReportStatus(t.Context(), federation.NodeStatus{Node: "imp1.synergy.com", State: "ready", Database: "ok"}); err != nil {
		t.Fatal(err)
	}
	if err := o.direct.ReportStatus(t.Context(), federation.NodeStatus{Node: "imp2.synergy.com", State: "ready", Database: "ok", AppliedRevision: 1000}); err != nil {
		t.Fatal(err)
	}
	at := must[[]federation.NodeStatus](t)(o.direct.NodeStatuses(t.Context()))[0].ReportedAt.In(time.Local).Format(time.TimeOnly)
	o.turns(server, "on")
	if text := o.get("/nodes").page().One(t, "main .banner.part").Text(); strings.Contains(text, "cannot report") {
		t.Errorf("at once it says %s", text)
	}
	o.mu.Lock()
	o.health.Database, o.health.AppliedRevision = "The database is read-only.", o.stored().Revision
	o.mu.Unlock()
	o.forward(11 * time.Second)
	for _, path := range []string{"/", "/nodes", "/services", "/nodes/1"} {
		page := o.get(path).page()
		page.Says(t, "header .applied", "The database can be read only")
		banner := page.One(t, "main .banner.part").Text()
		if want := "Nodes cannot report either: what pages show of them is of " + at + ", and how they are since is not known."; !strings.Contains(banner, want) {
			t.Errorf("%s says %s, want %s", path, banner, want)
		}
	}
	o.get("/nodes").page().Count(t, "main .findings", 0) // nobody can tell which changes imp3 lacks by now
	page := o.get("/nodes/1").page()
	page.Says(t, "main", "Can be read only")
	page.Says(t, "main", "Cannot report")
	o.get("/nodes/2").page().Says(t, "main", "ready at ")
	o.turns(server, "off")
	o.get("/nodes").page().Count(t, "main .banner.part", 0)
}
