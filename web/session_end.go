package web

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/gorilla/sessions"

	"isthmus/internal/store"
)

// signOut takes the cookie away from the browser in any case, and ends the session that it names. Without the database
// that may be one which this process has never seen, as after a restart.
func (s *Server) signOut(w http.ResponseWriter, r *http.Request) error {
	cookie, err := r.Cookie(cookieName(r))
	if err != nil {
		return nil
	}
	gone := cookieOptions(r)
	gone.MaxAge = -1
	http.SetCookie(w, sessions.NewCookie(cookie.Name, "", gone))
	known, away := signedIn(r) != nil, reachOf(r.Context()).away()
	if !known && away == nil {
		return nil // the database knows no such session
	}
	hash := hashOf(cookie.Value)
	if !known && !s.memory.roomToEnd(hash) {
		return notTried{away}
	}
	return s.endSession(r.Context(), hash)
}

// endSession signs a session out, here at once and everywhere as soon as the database takes it.
func (s *Server) endSession(ctx context.Context, hash []byte) error {
	err := reachOf(ctx).away()
	if err == nil {
		err = s.store.DeleteSession(ctx, hash)
	}
	s.memory.forget(hash)
	if notNow(err) {
		s.memory.end(hash, s.Now())
		s.makeUp()
		return nil
	}
	return err
}

// notNow reports whether the database may take tomorrow what it did not take today.
func notNow(err error) bool {
	return errors.Is(err, store.ErrUnavailable) || errors.Is(err, store.ErrReadOnly) || errors.Is(err, store.ErrFull) || errors.Is(err, store.ErrBusy)
}

// makeUpEvery is how often the database is asked to end what was signed out without it.
const makeUpEvery = 2 * time.Second

// makeUp tells the database which sessions were signed out without it, once it answers, whether or not anybody opens a page
// here until then. One that can no longer be told ends by itself.
func (s *Server) makeUp() {
	if !s.memory.beginMakingUp() {
		return
	}
	go func() {
		tick := time.NewTicker(makeUpEvery)
		defer tick.Stop()
		for s.memory.owes() {
			<-tick.C
			if err := s.tellEnded(); err != nil && !notNow(err) { // the next session that is read here tries again
				s.Log.Warn("a sign-out could not be told to the database", "reason", err)
				s.memory.stopMakingUp()
				return
			}
		}
	}()
}

func (s *Server) tellEnded() error {
	ctx, cancel := context.WithTimeout(context.Background(), maxDuration)
	defer cancel()
	return s.memory.tell(ctx, s.store.DeleteSession, s.Now())
}
