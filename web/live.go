package web

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/go-chi/chi/v5"

	"isthmus/internal/auth"
	"isthmus/internal/federation"
	"isthmus/internal/store"
)

const (
	livePath = "/nodes/live"

	maxStreams  = 64               // of this console
	liveEvery   = time.Second      // between two looks at what the nodes report
	liveLimit   = 2 * time.Second  // of one look
	liveBeat    = 10 * time.Second // between two signs of life of a stream
	liveWriting = 10 * time.Second // for one event to leave; a reader who takes longer is cut off
)

// refreshHeader marks the requests that a page sends by itself, to show what changed. They take no notice away from the
// page for which it is kept, and they are no sign that anybody sits there: an unattended page does not keep a session.
const refreshHeader = "Isthmus-Refresh"

func refreshing(r *http.Request) bool {
	return r.Header.Get(refreshHeader) != "" || r.URL.Path == livePath
}

func (s *Server) liveRoutes(r chi.Router) {
	r.Get(livePath, s.may(auth.Read, s.stream))
}

// unattended keeps what a page does by itself from counting as a sign of life of whoever is signed in.
func unattended(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if refreshing(r) {
			r = r.WithContext(store.Unattended(r.Context()))
		}
		next.ServeHTTP(w, r)
	})
}

// notStreams applies a middleware to all but the streams, which have no end and so no limit of time.
func notStreams(middleware func(http.Handler) http.Handler) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		limited := middleware(next)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == livePath {
				next.ServeHTTP(w, r)
				return
			}
			limited.ServeHTTP(w, r)
		})
	}
}

// live is what all streams share: how many there are, and what the nodes were seen to report last. Its zero value is ready.
type live struct {
	mu      sync.Mutex
	streams int

	look   sync.Mutex // one look at a time
	looked time.Time
	seen   string
}

func (l *live) enter() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.streams >= maxStreams {
		return false
	}
	l.streams++
	return true
}

func (l *live) leave() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.streams--
}

// state is a fingerprint of all that live pages show. However many streams ask, the database is asked once a second.
func (l *live) state(read func() string) string {
	l.look.Lock()
	defer l.look.Unlock()
	if now := time.Now(); now.Sub(l.looked) >= liveEvery/2 {
		l.seen, l.looked = read(), now
	}
	return l.seen
}

// stream tells a page when to fetch itself again. An event "change" says that what pages show is different, "beat" that
// it is not, and "ended" that the session is over; each has the time as its data. The first event is a change, so that
// nothing is missed between the page and its stream.
func (s *Server) stream(w http.ResponseWriter, r *http.Request) error {
	if !s.live.enter() {
		w.Header().Set("Retry-After", "30")
		http.Error(w, "As many pages follow the nodes as this console can serve. Use the link Refresh on the page.", http.StatusServiceUnavailable)
		return nil
	}
	defer s.live.leave()
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no") // a proxy that collects the events delays them
	s.follow(r, func(name string) error { return s.tell(w, name) })
	return nil // whatever ended it, no page can follow
}

// follow ends when the reader leaves, the session ends or the server closes.
func (s *Server) follow(r *http.Request, tell func(event string) error) {
	look, beat := time.NewTicker(liveEvery), time.NewTicker(s.LiveBeat)
	defer look.Stop()
	defer beat.Stop()
	for seen := ""; ; {
		if state := s.live.state(s.shown); state != seen {
			if tell("change") != nil {
				return
			}
			seen = state
		}
		select {
		case <-r.Context().Done():
			return
		case <-closing(r):
			return
		case <-look.C:
		case <-beat.C:
			if event := s.pulse(r); tell(event) != nil || event == "ended" {
				return
			}
		}
	}
}

// pulse is "ended" once the session is. A database that does not answer ends none.
func (s *Server) pulse(r *http.Request) string {
	ctx, cancel := context.WithTimeout(r.Context(), liveLimit)
	defer cancel()
	if _, err := s.store.Session(ctx, hashOf(signedIn(r).session.ID)); errors.Is(err, federation.ErrNotFound) {
		return "ended"
	}
	return "beat"
}

// tell sends one event, and gives the reader some time to take it: the server's own limit is for whole answers.
func (s *Server) tell(w http.ResponseWriter, event string) error {
	c := http.NewResponseController(w)
	if err := c.SetWriteDeadline(time.Now().Add(liveWriting)); err != nil {
		return err
	}
	if _, err := fmt.Fprintf(w, "retry: 1000\nevent: %s\ndata: %s\n\n", event, s.clock()); err != nil {
		return err
	}
	return c.Flush()
}

// clock is the time for a page that says as of when it is.
func (s *Server) clock() string { return s.Now().Format(time.TimeOnly) }

// shown is a fingerprint of what live pages show: what is newest, what the nodes report, and what this node says of
// itself. The minute is in it for the words that change by themselves, such as for how long a node has run.
func (s *Server) shown() string {
	ctx, cancel := context.WithTimeout(context.Background(), liveLimit)
	defer cancel()
	var facts struct {
		Newest  federation.Point
		Nodes   []federation.NodeStatus
		Rolling federation.RollingRestart
		Own     Health
		Away    bool
		Clock   time.Time
	}
	sight, err := s.serviceSight(ctx)
	facts.Newest, facts.Away, facts.Clock = sight.Point(), err != nil || !sight.asOf.IsZero(), s.Now().Truncate(time.Minute)
	for _, status := range sight.statuses {
		if !sight.fresh(&status) || behindOf(&status, &sight.Snapshot) {
			facts.Clock = s.Now().Truncate(liveBeat)
		}
		status.ReportedAt, status.SkewMS = time.Time{}, status.SkewMS/1000
		facts.Nodes = append(facts.Nodes, status)
	}
	facts.Rolling, _ = s.store.Rolling(ctx) // none, or the database is away
	if s.Health != nil {
		facts.Own = s.Health()
	}
	text, err := json.Marshal(facts)
	if err != nil {
		s.Log.Error("the state of the nodes cannot be written", "reason", err)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// closingKey is where a request's context has the one that ends with its server.
type closingKey struct{}

// closing is done when the server that took a request closes: then it waits for its requests, and streams would not end.
func closing(r *http.Request) <-chan struct{} {
	ctx, _ := r.Context().Value(closingKey{}).(context.Context)
	if ctx == nil {
		return nil
	}
	return ctx.Done()
}
