package web

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/gorilla/sessions"

	"isthmus/internal/auth"
	"isthmus/internal/federation"
	"isthmus/internal/store"
)

// Keys of a session's values.
const (
	valueName   = "name"   // the administrator
	valueRole   = "role"   // read with the session, never stored with it
	valueNotice = "notice" // what the next page says
)

// A reader is whoever sends a request with a session.
type reader struct {
	Name    string
	Role    auth.Role
	session *sessions.Session
}

// signedIn is the reader of a request, nil when nobody is signed in.
func signedIn(r *http.Request) *reader {
	who, _ := r.Context().Value(keySession).(*reader)
	return who
}

// withSession finds the request's session and makes its administrator the actor of every change under it.
func (s *Server) withSession(r *http.Request) (*http.Request, error) {
	session, err := s.sessions.Get(r, cookieName(r))
	if err != nil || session.IsNew {
		return r, err
	}
	who := &reader{session: session}
	who.Name, _ = session.Values[valueName].(string)
	who.Role, _ = session.Values[valueRole].(auth.Role)
	ctx := auth.WithActor(r.Context(), auth.Actor{Name: who.Name, Role: who.Role, Address: address(r), Request: requestID(r)})
	return r.WithContext(context.WithValue(ctx, keySession, who)), nil
}

// signIn begins a session with an id of its own, whatever id the request brought, and drops the old one. It is good for
// looking from now on, even when the database goes before the next page.
func (s *Server) signIn(w http.ResponseWriter, r *http.Request, name string, role auth.Role) error {
	if old := signedIn(r); old != nil {
		hash := hashOf(old.session.ID)
		if err := s.store.DeleteSession(r.Context(), hash); err != nil {
			return err
		}
		s.memory.forget(hash)
	}
	session := sessions.NewSession(s.sessions, cookieName(r))
	session.Options = cookieOptions(r)
	session.Values[valueName] = name
	if err := s.sessions.Save(r, w, session); err != nil {
		return err
	}
	s.memory.keep(auth.Session{IDHash: hashOf(session.ID), Name: name, Role: role, CreatedAt: s.Now()}, s.Now())
	return nil
}

// notify keeps a sentence for the next page.
func (s *Server) notify(w http.ResponseWriter, r *http.Request, text string) {
	who := signedIn(r)
	if who == nil {
		return
	}
	who.session.Values[valueNotice] = text
	if err := s.sessions.Save(r, w, who.session); err != nil {
		s.Log.Warn("notice not kept", "request", requestID(r), "reason", err)
	}
}

// notice takes the sentence that was kept for this page.
func (s *Server) notice(r *http.Request) string {
	who := signedIn(r)
	if who == nil || r.Method != http.MethodGet || refreshing(r) || !reachOf(r.Context()).writable() {
		return ""
	}
	text, _ := who.session.Values[valueNotice].(string)
	if text == "" {
		return ""
	}
	delete(who.session.Values, valueNotice)
	if err := s.sessions.Save(r, nil, who.session); err != nil {
		s.Log.Warn("notice not taken", "request", requestID(r), "reason", err)
	}
	return text
}

// cookieName binds the cookie to this host where the browser can check it, which is over TLS only.
func cookieName(r *http.Request) string {
	if r.TLS != nil {
		return "__Host-isthmus"
	}
	return "isthmus"
}

func cookieOptions(r *http.Request) *sessions.Options {
	return &sessions.Options{Path: "/", MaxAge: int(auth.SessionAbsolute / time.Second), HttpOnly: true, Secure: r.TLS != nil, SameSite: http.SameSiteStrictMode}
}

// sessionStore keeps sessions in the database, so that they end everywhere at once. The cookie holds a random id of 256
// bits and nothing else. While the database is away, those that it vouched for last are good for looking.
type sessionStore struct {
	db     *store.Store
	memory *sessionMemory
	s      *Server
}

// row is the session of an id's hash, from the database or else from memory.
func (st sessionStore) row(ctx context.Context, hash []byte) (auth.Session, error) {
	within, cancel := context.WithTimeout(ctx, st.s.patience())
	defer cancel()
	row, err := st.db.Session(within, hash)
	st.s.heard(err)
	switch {
	case err == nil && st.memory.hasEnded(hash), errors.Is(err, federation.ErrNotFound):
		st.memory.forget(hash)
		err = federation.ErrNotFound
	case err == nil:
		st.memory.keep(row, st.s.Now())
	case errors.Is(err, store.ErrUnavailable):
		reachOf(ctx).miss(err)
		if row, ok := st.memory.find(hash, st.s.Now(), !store.IsUnattended(ctx)); ok {
			return row, nil
		}
		return row, federation.ErrNotFound
	default:
		return row, err
	}
	_ = st.memory.tell(ctx, st.db.DeleteSession, st.s.Now()) // else later
	return row, err
}

// Get returns the session of a request, the same one each time it is asked.
func (st sessionStore) Get(r *http.Request, name string) (*sessions.Session, error) {
	return sessions.GetRegistry(r).Get(st, name)
}

// New reads the session that the cookie names, or makes an empty one that is not stored.
func (st sessionStore) New(r *http.Request, name string) (*sessions.Session, error) {
	session := sessions.NewSession(st, name)
	session.Options, session.IsNew = cookieOptions(r), true
	cookie, err := r.Cookie(name)
	if err != nil {
		return session, nil
	}
	row, err := st.row(r.Context(), hashOf(cookie.Value))
	if errors.Is(err, federation.ErrNotFound) {
		return session, nil
	}
	if err != nil {
		return session, err
	}
	session.ID, session.IsNew = cookie.Value, false
	session.Values[valueName], session.Values[valueRole] = row.Name, row.Role
	var kept map[string]string
	if json.Unmarshal(row.Data, &kept) == nil && kept[valueNotice] != "" {
		session.Values[valueNotice] = kept[valueNotice]
	}
	return session, nil
}

// Save writes the session; one that is new gets its id and its cookie now.
func (st sessionStore) Save(r *http.Request, w http.ResponseWriter, session *sessions.Session) error {
	kept := map[string]string{}
	if text, _ := session.Values[valueNotice].(string); text != "" {
		kept[valueNotice] = text
	}
	data, err := json.Marshal(kept)
	if err != nil {
		return err
	}
	if session.ID != "" {
		return st.db.KeepSessionData(r.Context(), hashOf(session.ID), data)
	}
	session.ID = newID()
	http.SetCookie(w, sessions.NewCookie(session.Name(), session.ID, session.Options))
	name, _ := session.Values[valueName].(string)
	return st.db.AddSession(r.Context(), auth.Session{IDHash: hashOf(session.ID), Name: name, Data: data})
}

// newID is 256 random bits.
func newID() string {
	b := make([]byte, 32)
	rand.Read(b) // never fails: crypto/rand ends the program instead
	return base64.RawURLEncoding.EncodeToString(b)
}

func hashOf(id string) []byte {
	sum := sha256.Sum256([]byte(id))
	return sum[:]
}
