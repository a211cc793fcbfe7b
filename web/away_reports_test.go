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
	server := pgtest.NewServer(t, migrations.FS, migrate)
	o := newOutageAt(t, auth.Viewer, server.URL())
	if err := o.direct.ReportStatus(t.Context(), federation.NodeStatus{Node: "imp1.synergy.com", State: "ready", Database: "ok"}); err != nil {
		t.Fatal(err)
	}
	at := must[[]federation.NodeStatus](t)(o.direct.NodeStatuses(t.Context()))[0].ReportedAt.In(time.Local).Format(time.TimeOnly)
	o.turns(server, "on")
	if text := o.get("/nodes").page().One(t, "main .banner.part").Text(); strings.Contains(text, "cannot report") {
		t.Errorf("at once it says %s", text)
	}
	o.forward(11 * time.Second)
	for _, path := range []string{"/", "/nodes", "/services", "/nodes/1"} {
		banner := o.get(path).page().One(t, "main .banner.part").Text()
		if want := "Nodes cannot report either: what pages show of them is of " + at + ", and how they are since is not known."; !strings.Contains(banner, want) {
			t.Errorf("%s says %s, want %s", path, banner, want)
		}
	}
	o.turns(server, "off")
	o.get("/nodes").page().Count(t, "main .banner.part", 0)
}
