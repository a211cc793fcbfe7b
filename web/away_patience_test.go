package web_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"isthmus/internal/auth"
	"isthmus/internal/pgtest"
	"isthmus/migrations"
)

// A database may answer one question and hang at the next, as when somebody holds a lock. Each question that a request begins
// with has a short limit of its own, and after the first that runs out nobody waits for another.
func TestEachFirstQuestionIsWaitedForShortly(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		promise, locked string
		ask             func(*outage) answer
		status          int
		says            string
	}{
		{"who is it", "sessions, static_routes", func(o *outage) answer { return o.get("/static-routes") }, 200, "The database does not answer. Shown is revision"},
		{"how does the database stand", "revision, static_routes", func(o *outage) answer { return o.get("/static-routes") }, 200, "The database does not answer. Shown is revision"},
		{"could anybody sign in", "administrators", func(o *outage) answer { clear(o.cookies); return o.get("/login") }, 503, "nobody can sign in now"},
		{"how many tries were there", "login_tries", func(o *outage) answer { return o.post("/login", "name", "admin", "password", password) }, 503, "nobody can sign in now"},
		{"who changes settings", "sessions", func(o *outage) answer { return o.post("/settings", "max_contacts", "17") }, 503, "so nothing was saved"},
		{"who changes an entry", "sessions", func(o *outage) answer { return o.post("/acl/1", "pattern", "10.1.2.3") }, 503, "so nothing was saved"},
	} {
		t.Run(test.promise, func(t *testing.T) {
			t.Parallel()
			url := pgtest.New(t, migrations.FS, migrate)
			o := newOutageAt(t, auth.Admin, url)
			o.mu.Lock()
			o.health.Database = "The node had no answer either."
			o.mu.Unlock()
			holds(t, url, test.locked)
			began := time.Now()
			test.ask(o).status(test.status).page().Says(t, "main .banner", test.says)
			if took := time.Since(began); took > 6*time.Second { // one second for the question; without it the limit of the whole request is ten
				t.Errorf("it took %v", took)
			}
		})
	}
}

// holds locks tables until the test ends.
func holds(t *testing.T, url, tables string) {
	t.Helper()
	conn := must[*pgx.Conn](t)(pgx.Connect(t.Context(), url))
	t.Cleanup(func() { conn.Close(context.Background()) })
	tx := must[pgx.Tx](t)(conn.Begin(t.Context()))
	if _, err := tx.Exec(t.Context(), `LOCK TABLE `+tables+` IN ACCESS EXCLUSIVE MODE`); err != nil {
		t.Fatal(err)
	}
}
