package web_test

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"isthmus/internal/auth"
	"isthmus/internal/federation"
	"isthmus/internal/pgtest"
	"isthmus/migrations"
	"isthmus/web"
)

// soon is far beyond what anything here takes.
const soon = 20 * time.Second

// served is the console on a socket, as browsers find it.
type served struct {
	*console
	server *http.Server
	site   string
	clock  *atomic.Pointer[time.Time]
}

// serve puts the console on a socket, whose clock stands still: nothing changes by itself then.
func (c *console) serve() *served {
	c.t.Helper()
	clock, now := &atomic.Pointer[time.Time]{}, time.Now()
	clock.Store(&now)
	c.config.Now = func() time.Time { return *clock.Load() }
	c.config.LiveBeat = time.Second
	c.handler = web.New(c.config)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		c.t.Fatal(err)
	}
	server := web.HTTPServer(c.handler, slog.Default())
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	c.t.Cleanup(func() { _ = server.Close(); <-ended })
	return &served{c, server, "http://" + listener.Addr().String(), clock}
}

// sets sets the console's clock.
func (s *served) sets(now time.Time) { s.clock.Store(&now) }

// knock asks for a stream.
func (s *served) knock(ctx context.Context) *http.Response {
	s.t.Helper()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.site+"/nodes/live", nil)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, cookie := range s.cookies {
		r.AddCookie(cookie)
	}
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		s.t.Fatal(err)
	}
	return answer
}

// stream opens a stream. Its events come by their names; the channel is closed when the stream ends.
func (s *served) stream() (answer *http.Response, events <-chan string, leave func()) {
	s.t.Helper()
	ctx, cancel := context.WithCancel(s.t.Context())
	s.t.Cleanup(cancel)
	answer = s.knock(ctx)
	names := make(chan string, 100)
	go func() {
		defer close(names)
		defer answer.Body.Close()
		for lines := bufio.NewScanner(answer.Body); lines.Scan(); {
			if name, ok := strings.CutPrefix(lines.Text(), "event: "); ok {
				names <- name
			}
		}
	}()
	return answer, names, cancel
}

// next is the next event, "end" when there is none.
func next(t *testing.T, events <-chan string) string {
	t.Helper()
	select {
	case name, more := <-events:
		if !more {
			return "end"
		}
		return name
	case <-time.After(soon):
		t.Fatal("no event comes")
		return ""
	}
}

// comes waits for an event, and lets signs of life go by.
func comes(t *testing.T, events <-chan string, want string) {
	t.Helper()
	for end := time.Now().Add(soon); time.Now().Before(end); {
		if got := next(t, events); got == want {
			return
		} else if got != "beat" {
			t.Fatalf("the event %q comes before %q", got, want)
		}
	}
	t.Fatalf("nothing but signs of life comes, and no %q", want)
}

func TestAPageHearsOfAListenerThatFailsAndOfNothingElse(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Admin)
	c.nodesOf("imp1.here.com")
	status := federation.NodeStatus{Node: "imp1.here.com", AppliedEra: 1, AppliedRevision: c.snapshot().Revision, Database: "ok", StartedAt: time.Now(),
		Listeners: []federation.ListenerStatus{{Name: "A", Open: true}}}
	ahead := 500 * time.Millisecond
	report := func() {
		t.Helper()
		ahead -= 10 * time.Millisecond // the way of a report is never the same
		status.ReportedAt = time.Now().Add(ahead)
		if err := c.store.ReportStatus(t.Context(), status); err != nil {
			t.Fatal(err)
		}
	}
	report()
	s := c.serve()
	answer, events, _ := s.stream()
	if kind := answer.Header.Get("Content-Type"); answer.StatusCode != http.StatusOK || kind != "text/event-stream" {
		t.Fatalf("status %d, %s", answer.StatusCode, kind)
	}
	if first := next(t, events); first != "change" {
		t.Fatalf("begins with %q: what changed before the stream was there would be missed", first)
	}
	for range 3 {
		report() // the same again, only later
		if got := next(t, events); got != "beat" {
			t.Fatalf("a report without news makes %q", got)
		}
	}
	status.Listeners = []federation.ListenerStatus{{Name: "A", Error: "port 5060 is in use"}}
	report()
	comes(t, events, "change")
}

// What a live page shows changes by other things than reports, too.
func TestAPageHearsOfAllThatItShows(t *testing.T) {
	t.Parallel()
	o := newOutage(t, auth.Viewer)
	reports := func(revision int64) {
		o.reportAs(federation.NodeStatus{Node: "imp1.synergy.com", AppliedRevision: revision, State: web.Ready, Database: "ok", Version: "test", StartedAt: time.Now()})
	}
	reports(o.stored().Revision)
	s := o.serve()
	minute := time.Now().Truncate(time.Minute)
	s.sets(minute.Add(-time.Minute))
	_, events, _ := s.stream()
	comes(t, events, "change")
	for _, step := range []struct {
		what   string
		change func()
	}{
		{"this node says something else of itself", func() {
			o.mu.Lock()
			defer o.mu.Unlock()
			o.health.State = web.Degraded
		}},
		{"a new revision", func() {
			must[federation.ACLEntry](t)(o.direct.SaveACLEntry(t.Context(), federation.ACLEntry{Pattern: "10.1.20.21"}))
		}},
		{"a node has it in force", func() { reports(o.stored().Revision) }},
		{"a rolling restart", func() {
			must[federation.RollingRestart](t)(o.direct.StartRolling(t.Context(), []string{"imp1.synergy.com"}, federation.ServiceSIPProxy))
		}},
		{"the next minute", func() { s.sets(minute) }},
		{"a node is behind", func() { reports(1) }},
		{"ten seconds more for which it is", func() { s.sets(minute.Add(10 * time.Second)) }},
	} {
		step.change()
		t.Log("waits for the change:", step.what)
		comes(t, events, "change")
	}
}

// Also when nothing else of what a page shows changes by it.
func TestAPageHearsThatTheDatabaseIsAway(t *testing.T) {
	t.Parallel()
	o := newOutage(t, auth.Viewer) // no node has reported
	o.config.Health = nil
	s := o.serve()
	_, events, _ := s.stream()
	comes(t, events, "change")
	comes(t, events, "beat")
	o.link.Cut()
	comes(t, events, "change")
}

// The database is asked once a second for all pages that follow, however many there are.
func TestManyStreamsAskTheDatabaseNoMoreThanOne(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Viewer)
	var looks atomic.Int64
	c.config.Health = func() web.Health { looks.Add(1); return web.Health{State: web.Ready} }
	s := c.serve()
	s.followed(7)
	_, events, _ := s.stream()
	comes(t, events, "change")
	comes(t, events, "beat")
	before := looks.Load()
	for range 3 {
		comes(t, events, "beat")
	}
	if more := looks.Load() - before; more < 2 || more > 8 {
		t.Errorf("in three seconds of eight streams it is looked %d times", more)
	}
}

// A page has ten seconds, a stream has no end.
func TestAStreamOutlivesTheTimeOfAPage(t *testing.T) {
	t.Parallel()
	_, events, _ := signedInAs(t, auth.Viewer).serve().stream()
	comes(t, events, "change")
	for range 11 {
		comes(t, events, "beat")
	}
}

// A patientWriter is a reader's connection that keeps what it was asked, and is gone after so many events.
type patientWriter struct {
	*httptest.ResponseRecorder
	gone      context.CancelFunc
	events    int
	deadlines []time.Duration // each from when it was set
	flushed   []int           // bytes
}

func (w *patientWriter) SetWriteDeadline(at time.Time) error {
	w.deadlines = append(w.deadlines, time.Until(at))
	return nil
}

func (w *patientWriter) FlushError() error {
	if w.flushed = append(w.flushed, w.Body.Len()); len(w.flushed) == w.events {
		w.gone()
	}
	return nil
}

// The server's own limit of 60 s is for whole answers, and a proxy that collects an answer would keep a stream back.
func TestEachEventOfAStreamLeavesAtOnceOrEndsIt(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Viewer)
	c.config.Now = func() time.Time { return time.Date(2026, 3, 4, 9, 41, 7, 0, time.UTC) }
	c.config.LiveBeat = 100 * time.Millisecond
	c.rebuild()
	ctx, gone := context.WithTimeout(t.Context(), soon)
	defer gone()
	w := &patientWriter{ResponseRecorder: httptest.NewRecorder(), gone: gone, events: 3}
	r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/nodes/live", nil)
	for _, cookie := range c.cookies {
		r.AddCookie(cookie)
	}
	c.handler.ServeHTTP(w, r)
	event := func(name string) string { return "retry: 1000\nevent: " + name + "\ndata: 09:41:07\n\n" }
	if got, want := w.Body.String(), event("change")+event("beat")+event("beat"); got != want {
		t.Errorf("the stream is %q, want %q", got, want)
	}
	if length := len(event("change")); len(w.flushed) != 3 || w.flushed[0] != length {
		t.Errorf("after each event there were %v bytes out", w.flushed)
	}
	if len(w.deadlines) != 3 {
		t.Errorf("the reader got %v for three events", w.deadlines)
	}
	for _, limit := range w.deadlines {
		if limit < 5*time.Second || limit > 10*time.Second {
			t.Errorf("the reader has %s for one event", limit)
		}
	}
	for name, want := range map[string]string{"Content-Type": "text/event-stream", "X-Accel-Buffering": "no", "Cache-Control": "no-store"} {
		if got := w.Header().Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

// What follows by itself is no sign that anybody sits there, so a stream lives no longer than any session may.
func TestAStreamEndsWhenItsSessionHasRunOut(t *testing.T) {
	t.Parallel()
	for what, old := range map[string]string{"as old as any may become": "created_at = now() - interval '12 hours'", "unused for too long": "seen_at = now() - interval '30 minutes'"} {
		database := pgtest.New(t, migrations.FS, migrate)
		s := newOutageAt(t, auth.Viewer, database).serve()
		_, events, _ := s.stream()
		comes(t, events, "change")
		comes(t, events, "beat")
		conn := must[*pgx.Conn](t)(pgx.Connect(t.Context(), database))
		must[pgconn.CommandTag](t)(conn.Exec(t.Context(), `UPDATE sessions SET `+old))
		_ = conn.Close(t.Context())
		comes(t, events, "ended")
		if got := next(t, events); got != "end" {
			t.Errorf("with a session %s there is still %q", what, got)
		}
	}
}

func TestAPageThatFollowsIsNoSignOfLife(t *testing.T) {
	t.Parallel()
	database := pgtest.New(t, migrations.FS, migrate)
	s := newOutageAt(t, auth.Viewer, database).serve()
	conn := must[*pgx.Conn](t)(pgx.Connect(t.Context(), database))
	defer conn.Close(t.Context())
	must[pgconn.CommandTag](t)(conn.Exec(t.Context(), `UPDATE sessions SET seen_at = now() - interval '10 minutes'`))
	_, events, _ := s.stream()
	comes(t, events, "change")
	comes(t, events, "beat")
	var untouched bool
	if err := conn.QueryRow(t.Context(), `SELECT bool_and(seen_at < now() - interval '9 minutes') FROM sessions`).Scan(&untouched); err != nil || !untouched {
		t.Errorf("following counts as use: %v", err)
	}
	s.get("/nodes").status(http.StatusOK)
	if err := conn.QueryRow(t.Context(), `SELECT bool_and(seen_at < now() - interval '9 minutes') FROM sessions`).Scan(&untouched); err != nil || untouched {
		t.Errorf("opening a page counts as none: %v", err)
	}
}

func TestAStreamEndsWithTheSession(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Viewer)
	s := c.serve()
	_, events, _ := s.stream()
	comes(t, events, "change")
	c.post("/logout").to("/login")
	comes(t, events, "ended")
	if got := next(t, events); got != "end" {
		t.Errorf("after the session there is still %q", got)
	}
}

func TestAServerThatClosesWaitsForNoStream(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Viewer)
	s := c.serve()
	_, events, _ := s.stream()
	comes(t, events, "change")
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	defer cancel()
	if err := s.server.Shutdown(ctx); err != nil {
		t.Fatal(err)
	}
	comes(t, events, "end")
}

// followed opens so many streams of whoever is signed in, and returns how to leave the last.
func (s *served) followed(count int) (leave func()) {
	s.t.Helper()
	for range count {
		_, events, leaves := s.stream()
		comes(s.t, events, "change")
		leave = leaves
	}
	return leave
}

// refuses fails unless the next stream is refused for now with that word.
func (s *served) refuses(word string) {
	s.t.Helper()
	answer := s.knock(s.t.Context())
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusServiceUnavailable || answer.Header.Get("Retry-After") == "" {
		s.t.Fatalf("one stream too many gets %d %v", answer.StatusCode, answer.Header)
	}
	if body, err := io.ReadAll(answer.Body); err != nil || !strings.Contains(string(body), word) {
		s.t.Errorf("it is refused with %q, %v", body, err)
	}
}

// becomes signs somebody else in, and keeps the streams of those before.
func (s *served) becomes(name string) {
	s.t.Helper()
	hash, err := auth.Hash(password)
	if err != nil {
		s.t.Fatal(err)
	}
	if err := s.store.AddAdministrator(s.t.Context(), name, auth.Viewer, hash); err != nil {
		s.t.Fatal(err)
	}
	s.cookies = map[string]*http.Cookie{}
	s.post("/login", "name", name, "password", password).status(http.StatusSeeOther)
}

func TestNobodyTakesTheStreamsOfTheOthers(t *testing.T) {
	t.Parallel()
	s := signedInAs(t, auth.Viewer).serve()
	leave := s.followed(8)
	s.refuses("of yours")
	mine := s.cookies
	s.becomes("heron")
	s.followed(1)

	s.cookies = mine
	leave()
	for end := time.Now().Add(soon); ; {
		answer, _, gone := s.stream()
		if answer.StatusCode == http.StatusOK {
			return
		}
		if gone(); time.Now().After(end) {
			t.Fatal("a place that was left is not given again")
		}
	}
}

func TestStreamsAreLimitedForAllTogether(t *testing.T) {
	t.Parallel()
	s := signedInAs(t, auth.Viewer).serve()
	s.followed(8)
	for _, name := range []string{"avocet", "bittern", "curlew", "dunlin", "egret", "fulmar", "grebe"} {
		s.becomes(name)
		s.followed(8)
	}
	s.becomes("heron")
	s.refuses("this console")
}

func TestNobodyFollowsWhoIsNotSignedIn(t *testing.T) {
	t.Parallel()
	newConsole(t).get("/nodes/live").to("/login?next=%2Fnodes%2Flive")
}

// TestARefreshTakesNoNotice: the page for which a notice is kept may still be on its way.
func TestARefreshTakesNoNotice(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Operator)
	c.post("/acl", "pattern", "10.0.0.1").to("/acl")
	r := httptest.NewRequest(http.MethodGet, "/nodes", nil)
	r.Header.Set("Isthmus-Refresh", "1")
	if text := c.send(r).status(http.StatusOK).page().One(t, "main").Text(); strings.Contains(text, "Saved.") {
		t.Error("a refresh shows the notice of another page")
	}
	c.get("/acl").page().Says(t, ".banner", "Saved.")
}

func TestPagesFollowAndOfferARefreshWithoutAScript(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Admin)
	c.nodesOf("imp1.here.com")
	for _, path := range []string{"/", "/nodes", c.nodePath("imp1.here.com"), "/services", "/pending"} {
		page := c.get(path).status(http.StatusOK).page()
		page.Count(t, "main [data-stream=/nodes/live]", 1)
		page.Says(t, "main .live a", "Refresh")
		if len(page.All("main [data-live]")) == 0 {
			t.Errorf("nothing on %s follows", path)
		}
	}
}
