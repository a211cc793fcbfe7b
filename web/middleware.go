package web

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"runtime/debug"
	"time"

	"isthmus/internal/auth"
	"isthmus/internal/store"
)

const (
	maxBody     = 1 << 20          // bytes of a form
	maxDuration = 10 * time.Second // of one page or change, the database included
)

type contextKey int

const (
	keyRequest contextKey = iota
	keySession
	keyReach
)

// policy lets a page load its own files and nothing else; text that came from a SIP message can run nothing.
const policy = "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self'; object-src 'none'; base-uri 'none'; " +
	"form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'"

// identify gives each request an id, which the log, the audit row and an error page share.
func (s *Server) identify(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b := make([]byte, 6)
		rand.Read(b) // never fails: crypto/rand ends the program instead
		id := hex.EncodeToString(b)
		w.Header().Set("X-Request-Id", id)
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), keyRequest, id)))
	})
}

func requestID(r *http.Request) string {
	id, _ := r.Context().Value(keyRequest).(string)
	return id
}

// secure sets the headers that every response carries, errors and files included.
func secure(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
		h.Set("Cache-Control", "no-store")
		if r.TLS != nil {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		next.ServeHTTP(w, r)
	})
}

// recover turns a panic into a page and a log line with the stack.
func (s *Server) recover(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if fault := recover(); fault != nil {
				s.Log.Error("panic", "request", requestID(r), "path", r.URL.Path, "reason", fmt.Sprint(fault), "stack", string(debug.Stack()))
				s.fail(w, r, fmt.Errorf("panic: %v", fault))
			}
		}()
		next.ServeHTTP(w, r)
	})
}

// limit bounds the size and the time of a request.
func limit(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Content-Encoding") != "" {
			http.Error(w, "Send the form without compression.", http.StatusUnsupportedMediaType)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		ctx, cancel := context.WithTimeout(r.Context(), maxDuration)
		defer cancel()
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// looking reports whether a request changes nothing.
func looking(r *http.Request) bool { return r.Method == http.MethodGet || r.Method == http.MethodHead }

// streaming reports whether a request is a stream, which goes on through an outage.
func streaming(r *http.Request) bool { return r.URL.Path == livePath }

// sameOrigin lets a change through only when it comes from a page of this console.
var sameOrigin = http.NewCrossOriginProtection()

// open is a request that needs no session. Its session is there when the reader has one. A change is not even begun while
// the database is away.
func (s *Server) open(h handler) http.HandlerFunc {
	return s.always(func(w http.ResponseWriter, r *http.Request) error {
		v := reachOf(r.Context())
		switch err := v.away(); {
		case err != nil && v.changing:
			return notTried{err}
		case err != nil && !streaming(r):
			hurried, cancel := withoutDatabase(r)
			defer cancel()
			return h(w, hurried)
		}
		return h(w, r)
	})
}

// always is a request that has an answer of its own while the database is away.
func (s *Server) always(h handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		r = r.WithContext(context.WithValue(r.Context(), keyReach, &reach{changing: !looking(r)}))
		r, err := s.begin(r)
		if err == nil {
			r = r.WithContext(store.Remembering(r.Context()))
			err = h(w, r)
		}
		if err != nil {
			s.fail(w, r, err)
		}
	}
}

// may is a request that needs a session whose role has the right.
func (s *Server) may(right auth.Right, h handler) http.HandlerFunc {
	return s.open(s.guarded(right, h))
}

// keeping is a change whose handler gives back what was typed when the database is away.
func (s *Server) keeping(right auth.Right, h handler) http.HandlerFunc {
	return s.always(s.guarded(right, h))
}

func (s *Server) guarded(right auth.Right, h handler) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		who := signedIn(r)
		if who == nil {
			if err := reachOf(r.Context()).away(); err != nil && !looking(r) {
				return notTried{err}
			}
			return s.toLogin(w, r)
		}
		if !who.Role.May(right) {
			return denial(who.Role, right)
		}
		if right != auth.Read && looking(r) {
			if err := reachOf(r.Context()).unsavable(); err != nil {
				return err
			}
		}
		return h(w, r)
	}
}

// begin refuses requests from foreign pages, finds the session and how the database stands, and reads the form.
func (s *Server) begin(r *http.Request) (*http.Request, error) {
	if err := sameOrigin.Check(r); err != nil {
		return r, errForeign
	}
	r, err := s.withSession(r)
	if err != nil {
		return r, err
	}
	if signedIn(r) != nil && looking(r) {
		s.regard(r.Context())
	}
	if r.Method == http.MethodPost {
		err = parseForm(r)
		if large := (*http.MaxBytesError)(nil); err != nil && !errors.As(err, &large) {
			err = errNoForm
		}
	}
	if err != nil {
		return r, err
	}
	return r, misplacedKey(r)
}

// parseForm reads a form in either of the encodings that browsers send.
func parseForm(r *http.Request) error {
	switch kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind {
	case "multipart/form-data":
		return r.ParseMultipartForm(maxBody)
	case "application/x-www-form-urlencoded":
		return r.ParseForm()
	}
	if r.ContentLength != 0 {
		return errNoForm
	}
	return r.ParseForm()
}

func denial(role auth.Role, right auth.Right) error {
	needed := auth.Operator
	if right == auth.Administer {
		needed = auth.Admin
	}
	return forbidden(fmt.Sprintf("Your role, %s, may look but not change this. Ask an administrator for the role %s.", role, needed))
}

// may reports whether the reader's role has the right, and the database takes changes when it is one to change something;
// buttons for what cannot be done are not shown.
func may(r *http.Request, right auth.Right) bool {
	return has(r, right) && (right == auth.Read || reachOf(r.Context()).savable())
}

func has(r *http.Request, right auth.Right) bool {
	who := signedIn(r)
	return who != nil && who.Role.May(right)
}

// address is where a request came from, without the port.
func address(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// onLoopback reports whether a request came from this machine itself.
func onLoopback(r *http.Request) bool {
	a, err := netip.ParseAddr(address(r))
	return err == nil && a.Unmap().IsLoopback()
}
