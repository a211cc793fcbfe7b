package web_test

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"isthmus/internal/auth"
	"isthmus/internal/certs"
	"isthmus/internal/pgtest"
	"isthmus/internal/siptest"
	"isthmus/migrations"
	"isthmus/web"
)

// keyed is a console with a key file, whose way to the database can be cut.
func keyed(t *testing.T) (o *outage, url string) {
	t.Helper()
	url = pgtest.New(t, migrations.FS, migrate)
	o = newOutageAt(t, auth.Admin, url)
	o.config.Key = must[*certs.Key](t)(certs.OpenKey(filepath.Join(t.TempDir(), "key"), "", false))
	o.handler = web.New(o.config)
	o.post("/login", "name", "admin", "password", password)
	return o, url
}

func givenBack(t *testing.T, a answer, typed string) {
	t.Helper()
	a.status(http.StatusServiceUnavailable)
	if text := a.page().One(t, "main").Text(); !strings.Contains(text, "othing was saved") || !strings.Contains(a.body, typed) {
		t.Errorf("%q is given back with %s", typed, text)
	}
}

// That the key's fingerprint was kept before is nothing of the certificate.
func TestACertificateIsGivenBackWhenTheDatabaseGoesAfterTheKeyWasLookedAt(t *testing.T) {
	o, url := keyed(t)
	ca := string(siptest.NewAuthority("Synergy Root").PEM())
	holds(t, url, "certificate_requests") // which are asked for next
	answered := make(chan answer)
	go func() {
		answered <- o.post("/certificates?purpose=cup", "purpose", "cup", "node", "imp1.synergy.com", "text", ca, "description", "of the partner", "ask", "true")
	}()
	other := must[*pgx.Conn](t)(pgx.Connect(t.Context(), url))
	defer other.Close(context.Background())
	for waiting := false; !waiting; {
		row := other.QueryRow(t.Context(), `SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))`)
		if err := row.Scan(&waiting); err != nil {
			t.Fatal(err)
		}
	}
	o.link.Cut()
	givenBack(t, <-answered, "of the partner")
}

func TestARequestIsGivenBackWhenTheDatabaseGoesAsTheKeyIsLookedAt(t *testing.T) {
	o, url := keyed(t)
	a := o.endsAt(url, fmt.Sprintf(waits, "cluster", "DEFERRED"), o.link.Cut, "/certificates/requests", "node", "imp1.synergy.com", "more", "pool.synergy.com", "key_kind", "p-256")
	givenBack(t, a, "pool.synergy.com")
}
