package web_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/jackc/pgx/v5"

	"isthmus/internal/auth"
	"isthmus/internal/federation"
	"isthmus/internal/pgtest"
	"isthmus/migrations"
)

func TestAcceptingARestoredDatabaseAcceptsTheStateThatWasShownAndNoOther(t *testing.T) {
	t.Parallel()
	url := pgtest.New(t, migrations.FS, migrate)
	o := newOutageAt(t, auth.Admin, url)
	s := o.stored()
	if err := o.direct.ReportStatus(t.Context(), federation.NodeStatus{Node: "imp1.synergy.com", AppliedEra: s.Era, AppliedRevision: s.Revision + 20}); err != nil {
		t.Fatal(err)
	}
	answer := o.post("/pending/accept", "ask", "true").status(200).page().One(t, "main form").Form()
	goesBack(t, url, 3)
	page := o.postForm("/pending/accept", answer).status(http.StatusConflict).page()
	page.Says(t, "main", fmt.Sprintf("Nothing was accepted: the database has gone to another state since you were asked, and has revision %d now.", s.Revision-3))
	page.Says(t, "main form button", fmt.Sprintf("Accept revision %d", s.Revision-3))
	if now := o.stored(); now.Era != s.Era || now.Revision != s.Revision-3 {
		t.Errorf("it was accepted: %+v", now.Point())
	}
	o.postForm("/pending/accept", page.One(t, "main form").Form()).to("/pending")
	if now := o.stored(); now.Era != s.Era+1 {
		t.Errorf("it was not accepted: %+v", now.Point())
	}
	o.postForm("/pending/accept", answer).status(http.StatusConflict).page().Says(t, "main", "nothing to accept")
}

func TestAScriptAcceptsTheRestoredDatabaseThereIs(t *testing.T) {
	t.Parallel()
	o := newOutage(t, auth.Admin)
	s := o.stored()
	if err := o.direct.ReportStatus(t.Context(), federation.NodeStatus{Node: "imp1.synergy.com", AppliedEra: s.Era, AppliedRevision: s.Revision + 20}); err != nil {
		t.Fatal(err)
	}
	o.post("/pending/accept").to("/pending")
}

// The answer is judged before it waits for whoever saves at that moment, and once more after.
func TestADatabaseThatIsRestoredOnceMoreWhileTheAnswerWaitsIsNotAccepted(t *testing.T) {
	t.Parallel()
	url := pgtest.New(t, migrations.FS, migrate)
	o := newOutageAt(t, auth.Admin, url)
	s := o.stored()
	if err := o.direct.ReportStatus(t.Context(), federation.NodeStatus{Node: "imp1.synergy.com", AppliedEra: s.Era, AppliedRevision: s.Revision + 20}); err != nil {
		t.Fatal(err)
	}
	answer := o.post("/pending/accept", "ask", "true").status(200).page().One(t, "main form").Form()
	page := o.overtaken(url, "/pending/accept", answer, `UPDATE revision SET number = number - 3`).status(http.StatusConflict).page()
	page.Says(t, "main", "Nothing was accepted: the database has gone to another state since you were asked")
	if now := o.stored(); now.Era != s.Era || now.Revision != s.Revision-3 {
		t.Errorf("it was accepted: %+v", now.Point())
	}
}

// goesBack has the database at an earlier revision, as after another restore.
func goesBack(t *testing.T, url string, by int64) {
	t.Helper()
	conn := must[*pgx.Conn](t)(pgx.Connect(t.Context(), url))
	defer conn.Close(t.Context())
	if _, err := conn.Exec(t.Context(), `UPDATE revision SET number = number - $1`, by); err != nil {
		t.Fatal(err)
	}
}
