package web_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"isthmus/internal/auth"
	"isthmus/internal/federation"
	"isthmus/internal/htmltest"
	"isthmus/internal/pgtest"
	"isthmus/internal/siptest"
	"isthmus/internal/store"
	"isthmus/migrations"
	"isthmus/web"
)

const keptBelow = "Nothing was saved. What you typed is kept below. The database does not answer, so nothing was saved."

func TestAUserThatWasTypedComesBackWithoutTheDatabaseAndIsSavedOnceItAnswers(t *testing.T) {
	t.Parallel()
	o := newOutage(t, auth.Operator)
	known := must[federation.User](t)(o.direct.SaveUser(t.Context(), federation.User{UserID: "ben"}))
	o.link.Cut()
	var kept []answer
	for _, path := range []string{"/users", "/users/1"} {
		a := o.post(path, "id", "ann", "mail", "ann@synergy.com").status(http.StatusServiceUnavailable)
		a.page().Says(t, "main .banner[role=alert]", keptBelow)
		a.page().One(t, "#field-id[value='ann']")
		a.page().One(t, "#field-mail[value='ann@synergy.com']")
		kept = append(kept, a)
	}
	if known.ID != 1 || kept[1].page().One(t, "main form").Attr("action") != "/users/1" {
		t.Errorf("the form of user %d comes back for %s", known.ID, kept[1].page().One(t, "main form").Attr("action"))
	}
	o.mends()
	o.postForm("/users", kept[0].page().One(t, "main form").Form()).to("/users")
	if u := must[federation.User](t)(o.direct.User(t.Context(), known.ID+1)); u.UserID != "ann" || u.Mail != "ann@synergy.com" {
		t.Errorf("stored is %+v", u)
	}
}

func TestACAThatWasPastedComesBackWithoutTheDatabaseFromEachStep(t *testing.T) {
	t.Parallel()
	o := newOutage(t, auth.Admin)
	ca := string(siptest.NewAuthority("Synergy Root").PEM())
	first := []string{"purpose", "cup-trust", "text", ca, "description", "of the partner", "ask", "true"}
	confirmed := o.post("/certificates?purpose=cup-trust", first...).status(http.StatusOK).page().One(t, "main form").Form()
	o.link.Cut()
	asked := o.post("/certificates?purpose=cup-trust", first...).status(http.StatusServiceUnavailable).page()
	said := o.postForm("/certificates?purpose=cup-trust", confirmed).status(http.StatusServiceUnavailable).page()
	asked.Says(t, "main .banner[role=alert]", keptBelow)
	said.Says(t, "main .banner[role=alert]", keptBelow)
	for _, kept := range []string{asked.One(t, "#field-text").Text(), said.One(t, "#field-text").Text()} {
		if !slices.Equal(strings.Fields(kept), strings.Fields(ca)) {
			t.Errorf("the text comes back as %q", kept)
		}
	}
	asked.One(t, "#field-description[value='of the partner']")
	said.One(t, "#field-description[value='of the partner']")
	o.mends()
	again := said.One(t, "main form").Form()
	again.Set("text", ca)
	o.postForm("/certificates?purpose=cup-trust", again).status(http.StatusOK).page().Says(t, "h1", "Trust")
}

func TestAFileThatWasChosenIsAskedForAgainWithoutTheDatabase(t *testing.T) {
	t.Parallel()
	o := newOutage(t, auth.Admin)
	ca := siptest.NewAuthority("Synergy Root")
	o.link.Cut()
	for purpose, files := range map[string][]string{"cup-trust": {"file"}, "cup": {"file", "key"}} {
		sent := map[string][]byte{}
		for _, name := range files {
			sent[name] = ca.PEM()
		}
		page := o.sendFiles("/certificates?purpose="+purpose, sent, "purpose", purpose, "node", "imp1.synergy.com", "description", "of the partner").status(http.StatusServiceUnavailable).page()
		page.Says(t, "main .banner[role=alert]", keptBelow)
		page.One(t, "#field-description[value='of the partner']")
		for _, name := range files {
			page.Says(t, "#error-"+name, "Choose the file again: a file cannot be kept.")
		}
	}
}

func TestTheNamesOfARequestComeBackWithoutTheDatabase(t *testing.T) {
	t.Parallel()
	o := newOutage(t, auth.Admin)
	o.link.Cut()
	page := o.post("/certificates/requests", "node", "imp1.synergy.com", "more", "pool.synergy.com", "key_kind", "p-256", "replace", "x").status(http.StatusServiceUnavailable).page()
	page.Says(t, "main .banner[role=alert]", keptBelow)
	form := page.One(t, "main form.form").Form()
	page.Says(t, "#field-more", "pool.synergy.com")
	if form.Get("key_kind") != "p-256" || form.Get("node") != "imp1.synergy.com" {
		t.Errorf("the form comes back as %v", form)
	}
}

// It has a server of its own, and starts it before the tests that run beside each other.
func TestADatabaseThatLetsNobodyInIsCalledThatWithWhatMendsIt(t *testing.T) {
	const remedy = "correct the database URL of this node, or what the server allows"
	server := pgtest.NewServer(t, migrations.FS, migrate)
	o := newOutageAt(t, auth.Admin, server.URL())
	server.Execute(`DO $$ BEGIN EXECUTE format('ALTER ROLE %I NOLOGIN', current_user); END $$`)
	o.link.Drop()
	o.get("/acl").status(http.StatusOK) // loses the connection that it had
	page := o.get("/acl").status(http.StatusOK).page()
	page.Says(t, "main .banner.down", "The database does not let this node in. Shown is revision")
	page.Says(t, "main .banner.down", "To mend it, "+remedy+".")
	for _, path := range []string{"/acl", "/settings", "/users", "/certificates?purpose=cup-trust", "/certificates/requests", "/services/profile", "/wizard"} {
		text := o.post(path, "pattern", "10.1.2.3", "id", "ann", "purpose", "cup-trust").status(http.StatusServiceUnavailable).page().One(t, "main").Text()
		if !strings.Contains(text, "The database does not let this node in, so nothing was saved. Traffic goes on; "+remedy+", and make the change again.") {
			t.Errorf("%s says %s", path, text)
		}
	}
	for _, path := range []string{"/users", "/audit", "/acl/new"} {
		o.get(path).status(http.StatusServiceUnavailable).page().Says(t, "main .prose", "The database does not let this node in. C"+remedy[1:]+".")
	}
	o.get("/audit").page().Says(t, "main .prose", "what the server allows. What this page shows is kept nowhere else. It is here again then.")
	stranger := &console{t: t, store: o.store, handler: web.New(o.config), cookies: map[string]*http.Cookie{}}
	for _, a := range []answer{o.restarted().get("/login"), stranger.get("/login"), stranger.post("/login", "name", "admin", "password", password)} {
		a.status(http.StatusServiceUnavailable).page().Says(t, ".banner", "The database does not let this node in, so nobody can sign in now. Traffic goes on; "+remedy+".")
	}
	for _, a := range []answer{stranger.get("/setup?token=x"), stranger.post("/setup", "token", "x")} {
		a.status(http.StatusServiceUnavailable).page().Says(t, "main", "The database does not let this node in, so nothing was saved. C"+remedy[1:]+", and open the link again;")
	}
}

// What has no form of its own to come back in is kept on the page that says so.
func TestWhateverWasSentCanBeSentAgainOnceTheDatabaseAnswers(t *testing.T) {
	t.Parallel()
	o := newOutage(t, auth.Admin)
	o.post("/wizard", "acknowledged", "true").to("/wizard/1")
	entry := o.stored().ACL[0]
	o.link.Cut()
	step := o.post("/wizard/1", "platform", "sfb2019").status(http.StatusServiceUnavailable).page()
	deletion := o.post("/acl/delete", "id", fmt.Sprint(entry.ID), "key", entry.Pattern).status(http.StatusServiceUnavailable).page()
	for _, page := range []htmltest.Node{step, deletion} {
		page.Says(t, "main form", "What you sent is kept on this page. Send it again")
	}
	o.mends()
	o.postForm(step.One(t, "main form").Attr("action"), step.One(t, "main form").Form())
	if d := must[store.Draft](t)(o.direct.Draft(t.Context(), "admin")); d.Answers.Platform != "sfb2019" {
		t.Errorf("the draft holds %+v", d.Answers)
	}
	o.postForm(deletion.One(t, "main form").Attr("action"), deletion.One(t, "main form").Form())
	if got := o.stored().ACL; len(got) != 0 {
		t.Errorf("still there: %v", got)
	}
}

func TestNoKeyAndNoPasswordIsOnAPageThatCanBeSentAgain(t *testing.T) {
	t.Parallel()
	o := newOutage(t, auth.Admin)
	o.link.Cut()
	for _, path := range []string{"/certificates?purpose=cup", "/tls-peer-subjects/certificate"} {
		if strings.Contains(o.post(path, "text", "-----BEGIN PRIVATE KEY-----", "passphrase", "known to one").status(http.StatusServiceUnavailable).body, "PRIVATE KEY") {
			t.Errorf("the answer to %s holds a key", path)
		}
	}
	if strings.Contains(o.post("/setup", "token", "x", "name", "ann", "password", "known to one", "password_again", "known to one").status(http.StatusServiceUnavailable).body, "known to one") {
		t.Error("the answer to a set-up holds the password")
	}
}

// cutAt is a wizard's step that waits for a lock in its transaction, as the trigger has it, when the way to the database is cut.
func (o *outage) cutAt(url, trigger string) answer {
	return o.endsAt(url, trigger, o.link.Cut, "/wizard/1", "platform", "sfb2019")
}

// endsAt posts a form that waits for a lock in its transaction, as the trigger has it, when the way to the database ends.
func (o *outage) endsAt(url, trigger string, end func(), path string, form ...string) answer {
	t, ctx := o.t, o.t.Context()
	t.Helper()
	other := must[*pgx.Conn](t)(pgx.Connect(ctx, url))
	defer other.Close(context.Background())
	must[pgconn.CommandTag](t)(other.Exec(ctx, trigger))
	must[pgconn.CommandTag](t)(other.Exec(ctx, `SELECT pg_advisory_lock(1)`))
	answered := make(chan answer)
	go func() { answered <- o.post(path, form...) }()
	for waits := false; !waits; {
		if err := other.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))`).Scan(&waits); err != nil {
			t.Fatal(err)
		}
	}
	end()
	return <-answered
}

const waits = `CREATE FUNCTION waits() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_advisory_xact_lock(1); RETURN NEW; END $$;
CREATE CONSTRAINT TRIGGER waits AFTER INSERT OR UPDATE ON %s DEFERRABLE INITIALLY %s FOR EACH ROW EXECUTE FUNCTION waits()`

// A change whose COMMIT was not answered may have been saved: to send it again could do it twice.
func TestWhatMayHaveBeenSavedIsNotOfferedToBeSentAgain(t *testing.T) {
	t.Parallel()
	for when, want := range map[string]struct {
		says  string
		forms int
	}{"IMMEDIATE": {"so nothing was saved. Traffic goes on; make the change again", 1}, "DEFERRED": {"so whether this was saved is not known.", 0}} {
		url := pgtest.New(t, migrations.FS, migrate)
		o := newOutageAt(t, auth.Admin, url)
		o.post("/wizard", "acknowledged", "true").to("/wizard/1")
		page := o.cutAt(url, fmt.Sprintf(waits, "drafts", when)).status(http.StatusServiceUnavailable).page()
		page.Says(t, "main", want.says)
		page.Count(t, "main form", want.forms)
	}
}

// A save has the ten seconds of a page too, and the page that says what became of it waits no second time.
func TestASaveThatHangsInTheDatabaseIsAnsweredWithinTenSeconds(t *testing.T) {
	t.Parallel()
	url := pgtest.New(t, migrations.FS, migrate)
	o := newOutageAt(t, auth.Admin, url)
	var began time.Time
	end := func() { began = time.Now(); o.link.Hold() }
	page := o.endsAt(url, fmt.Sprintf(waits, "acl_entries", "IMMEDIATE"), end, "/acl", "pattern", "10.1.2.3").status(http.StatusServiceUnavailable).page()
	if took := time.Since(began); took > 12*time.Second {
		t.Errorf("it took %v", took)
	}
	page.Says(t, "main", "so nothing was saved.")
	o.link.Mend()
}

// Somebody who saves at the same time is no outage.
func TestAFormWaitsForAnotherForLessThanItHasInAll(t *testing.T) {
	t.Parallel()
	url := pgtest.New(t, migrations.FS, migrate)
	o := newOutageAt(t, auth.Operator, url)
	other := must[*pgx.Conn](t)(pgx.Connect(t.Context(), url))
	defer other.Close(context.Background())
	tx := must[pgx.Tx](t)(other.Begin(t.Context()))
	if _, err := tx.Exec(t.Context(), `SELECT number FROM revision FOR UPDATE`); err != nil {
		t.Fatal(err)
	}
	o.post("/acl", "pattern", "10.1.2.3").status(http.StatusConflict).page().Says(t, "main .banner", "Somebody else is saving at this moment")
}
