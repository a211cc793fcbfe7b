package web

import (
	"encoding/json"
	"net/http"
	"path"
	"strings"

	"isthmus/internal/federation"
	"isthmus/static"
)

// States of a node.
const (
	Ready    = "ready"
	Degraded = "degraded" // works on without the database
	Starting = "starting"
	Stopped  = "stopped" // its service SIP proxy does not run
	Draining = "draining"
)

// Health is what this node says of itself.
type Health struct {
	State           string                      `json:"state"`
	Revision        *int64                      `json:"revision"`         // the database's, null while it cannot be reached
	AppliedRevision int64                       `json:"applied_revision"` // what traffic obeys
	Database        string                      `json:"database"`         // federation.DatabaseOK, or why it cannot be reached
	Listeners       []federation.ListenerStatus `json:"listeners"`
}

// healthz says that the process lives.
func (s *Server) healthz(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte("alive\n"))
}

// readyz says whether traffic can be sent here. The details are for this machine and for those who are signed in.
func (s *Server) readyz(w http.ResponseWriter, r *http.Request) {
	h := Health{State: Starting}
	if s.Health != nil {
		h = s.Health()
	}
	status := http.StatusOK
	if h.State != Ready && h.State != Degraded {
		status = http.StatusServiceUnavailable
	}
	if !s.insider(r) {
		w.WriteHeader(status)
		return
	}
	if h.Listeners == nil {
		h.Listeners = []federation.ListenerStatus{}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(h)
}

func (s *Server) metrics(w http.ResponseWriter, r *http.Request) {
	switch {
	case s.Metrics == nil:
		s.open(func(http.ResponseWriter, *http.Request) error { return errNoPage })(w, r)
	case !s.insider(r):
		http.Error(w, "Metrics are answered on this machine, or to somebody who is signed in.", http.StatusForbidden)
	default:
		s.Metrics.ServeHTTP(w, r)
	}
}

// insider reports whether details may be told.
func (s *Server) insider(r *http.Request) bool {
	if onLoopback(r) {
		return true
	}
	r, err := s.withSession(r)
	return err == nil && signedIn(r) != nil
}

// serveStatic serves the files that pages name with a version, so browsers may keep them.
func serveStatic(w http.ResponseWriter, r *http.Request) {
	name := path.Base(r.URL.Path)
	content, err := static.Files.ReadFile(name)
	if err != nil {
		http.NotFound(w, r)
		return
	}
	if r.URL.Query().Get("v") == static.Version {
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	w.Header().Set("Content-Type", contentType(name))
	_, _ = w.Write(content)
}

// contentType does not ask the machine's tables, which differ from machine to machine.
func contentType(name string) string {
	switch {
	case strings.HasSuffix(name, ".css"):
		return "text/css; charset=utf-8"
	case strings.HasSuffix(name, ".js"):
		return "text/javascript; charset=utf-8"
	}
	return "image/svg+xml"
}
