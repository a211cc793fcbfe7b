package web_test

import (
	"bufio"
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"isthmus/internal/auth"
	"isthmus/internal/federation"
	"isthmus/web"
)

// soon is far beyond what anything here takes.
const soon = 20 * time.Second

// served is the console on a socket, as browsers find it.
type served struct {
	*console
	server *http.Server
	site   string
}

// serve puts the console on a socket, whose clock stands still: nothing changes by itself then.
func (c *console) serve() *served {
	c.t.Helper()
	now := time.Now()
	c.config.Now = func() time.Time { return now }
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
	return &served{c, server, "http://" + listener.Addr().String()}
}

// stream opens a stream. Its events come by their names; the channel is closed when the stream ends.
func (s *served) stream() (answer *http.Response, events <-chan string, leave func()) {
	s.t.Helper()
	ctx, cancel := context.WithCancel(s.t.Context())
	s.t.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.site+"/nodes/live", nil)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, cookie := range s.cookies {
		r.AddCookie(cookie)
	}
	answer, err = http.DefaultTransport.RoundTrip(r)
	if err != nil {
		s.t.Fatal(err)
	}
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
	for {
		if got := next(t, events); got == want {
			return
		} else if got != "beat" {
			t.Fatalf("the event %q comes before %q", got, want)
		}
	}
}

func TestAPageHearsOfAListenerThatFailsAndOfNothingElse(t *testing.T) {
	c := signedInAs(t, auth.Admin)
	c.nodesOf("imp1.here.com")
	status := federation.NodeStatus{Node: "imp1.here.com", AppliedEra: 1, AppliedRevision: c.snapshot().Revision, Database: "ok", StartedAt: time.Now(),
		Listeners: []federation.ListenerStatus{{Name: "A", Open: true}}}
	report := func() {
		t.Helper()
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

func TestAStreamEndsWithTheSession(t *testing.T) {
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

func TestStreamsAreLimitedAndAPlaceIsGivenBack(t *testing.T) {
	c := signedInAs(t, auth.Viewer)
	s := c.serve()
	var leave func()
	for range 64 {
		_, events, leaves := s.stream()
		comes(t, events, "change")
		leave = leaves
	}
	refused, _, _ := s.stream()
	if refused.StatusCode != http.StatusServiceUnavailable || refused.Header.Get("Retry-After") == "" {
		t.Errorf("the stream after the last: %d %v", refused.StatusCode, refused.Header)
	}
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

func TestNobodyFollowsWhoIsNotSignedIn(t *testing.T) {
	newConsole(t).get("/nodes/live").to("/login?next=%2Fnodes%2Flive")
}

// TestARefreshTakesNoNotice: the page for which a notice is kept may still be on its way.
func TestARefreshTakesNoNotice(t *testing.T) {
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
