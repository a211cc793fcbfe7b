package web_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"isthmus/internal/auth"
	"isthmus/internal/federation"
	"isthmus/static"
	"isthmus/web"
)

// asked is one request from an address of this or another machine, without cookies.
func (c *console) asked(path, from string) answer {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.RemoteAddr = from
	return (&console{t: c.t, handler: web.New(c.config)}).send(r)
}

func TestHealthIsAnsweredAlsoWhereNoSIPCoreRuns(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	if a := c.get("/healthz").status(http.StatusOK); a.body != "alive\n" || !strings.HasPrefix(a.head.Get("Content-Type"), "text/plain") {
		t.Errorf("healthz is %q as %q", a.body, a.head.Get("Content-Type"))
	}
	for _, here := range []string{"127.0.0.1:40000", "[::1]:40000", "[::ffff:127.0.0.1]:40000"} {
		a := c.asked("/readyz", here).status(http.StatusServiceUnavailable)
		if !strings.Contains(a.body, `"state":"starting"`) || !strings.Contains(a.body, `"listeners":[]`) || a.head.Get("Content-Type") != "application/json" {
			t.Errorf("%s: readyz is %s as %q", here, a.body, a.head.Get("Content-Type"))
		}
	}
	for _, elsewhere := range []string{"192.0.2.1:40000", "no address", ""} {
		if a := c.asked("/readyz", elsewhere).status(http.StatusServiceUnavailable); a.body != "" {
			t.Errorf("%q is told %s", elsewhere, a.body)
		}
	}
	c.asked("/metrics", "127.0.0.1:40000").status(http.StatusNotFound).page().Says(t, "h1", "There is no such page")
}

func TestReadinessNamesTheListeners(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	c.config.Health = func() web.Health {
		return web.Health{State: web.Draining, Listeners: []federation.ListenerStatus{{Name: "Lab", Error: "port 5070 is in use"}}}
	}
	if a := c.asked("/readyz", "127.0.0.1:40000").status(http.StatusServiceUnavailable); !strings.Contains(a.body, `"listeners":[{"name":"Lab","open":false,"error":"port 5070 is in use"}]`) {
		t.Errorf("readyz is %s", a.body)
	}
}

func TestAFaultIsAPageWithTheRequestOfTheLog(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Viewer)
	var log bytes.Buffer
	c.config.Log = slog.New(slog.NewTextHandler(watched(t, &log), nil))
	faulty := true
	c.config.Health = func() web.Health {
		if faulty {
			panic("a fault")
		}
		return web.Health{State: web.Ready, Database: "ok"}
	}
	c.handler = web.New(c.config)
	a := c.get("/readyz").status(http.StatusInternalServerError)
	a.page().Says(t, "h1", "This request failed")
	a.page().Says(t, "main .note code", a.head.Get("X-Request-Id"))
	for _, part := range []string{"request=" + a.head.Get("X-Request-Id"), "a fault", "stack="} {
		if !strings.Contains(log.String(), part) {
			t.Errorf("the log lacks %s: %s", part, log.String())
		}
	}
	if other := c.get("/readyz").head.Get("X-Request-Id"); other == a.head.Get("X-Request-Id") {
		t.Errorf("two requests are %s in the log", other)
	}
	if strings.Contains(a.body, "a fault") {
		t.Error("the page shows the fault's own words")
	}
	faulty = false
	if refused := c.get("/acl/99").page(); len(refused.All("main .note code")) > 0 {
		t.Error("what is no fault refers to the log")
	}
}

func TestAPageHasTenSecondsInAll(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	var left time.Duration
	c.config.Metrics = http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if deadline, ok := r.Context().Deadline(); ok {
			left = time.Until(deadline)
		}
	})
	c.asked("/metrics", "127.0.0.1:40000")
	if left <= 0 || left > 10*time.Second {
		t.Errorf("a request may take %v", left)
	}
}

func TestSlowAndLargeRequestsHaveLimits(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	s := web.HTTPServer(c.handler, slog.Default())
	if s.Handler == nil || s.ReadHeaderTimeout <= 0 || s.ReadTimeout <= 0 || s.WriteTimeout <= 0 || s.IdleTimeout <= 0 || s.MaxHeaderBytes <= 0 {
		t.Errorf("a server without a limit: %+v", s)
	}
}

func TestWhatGoesWrongBeforeARequestIsToldInTheLog(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	web.HTTPServer(http.NotFoundHandler(), slog.New(slog.NewJSONHandler(&log, nil))).ErrorLog.Print("http: TLS handshake error from 10.1.10.9:40000: EOF")
	if text := log.String(); !strings.HasPrefix(text, "{") || !strings.Contains(text, `"level":"INFO","msg":"http: TLS handshake error from 10.1.10.9:40000: EOF"`) {
		t.Errorf("the log has %q", text)
	}
}

func TestFilesOfThePagesAreServedAndKeptByVersion(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	for file, kind := range map[string]string{"app.css": "text/css; charset=utf-8", "app.js": "text/javascript; charset=utf-8", "icon.svg": "image/svg+xml"} {
		a := c.get("/static/" + file + "?v=" + static.Version).status(http.StatusOK)
		if a.head.Get("Content-Type") != kind || a.head.Get("Cache-Control") != "public, max-age=31536000, immutable" || len(a.body) < 100 {
			t.Errorf("%s: %d bytes of %q, kept as %q", file, len(a.body), a.head.Get("Content-Type"), a.head.Get("Cache-Control"))
		}
		for _, other := range []string{"", "?v=other"} {
			if got := c.get("/static/" + file + other).head.Get("Cache-Control"); got != "no-store" {
				t.Errorf("%s%s is kept as %q", file, other, got)
			}
		}
	}
	c.get("/static/none.css").status(http.StatusNotFound)
	c.get("/static/embed.go").status(http.StatusNotFound)
}
