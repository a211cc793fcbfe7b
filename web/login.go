package web

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"isthmus/internal/auth"
	"isthmus/internal/federation"
	"isthmus/internal/store"
	"isthmus/templates"
)

// wrongLogin is the one answer to a wrong name and to a wrong password, so that names cannot be found out.
const wrongLogin = "No administrator has this name and password. Check both, and the caps lock key."

const onlyReadSignIn = "The database can be read only, so nobody can sign in now. Traffic goes on; try again when it is writable, or point Isthmus to the primary server."

func (s *Server) toLogin(w http.ResponseWriter, r *http.Request) error {
	query := url.Values{}
	switch from, err := url.Parse(r.Referer()); {
	case r.Method == http.MethodGet && r.URL.Path != "/":
		query.Set("next", r.URL.RequestURI())
	case r.Method == http.MethodPost && err == nil && from.Host == r.Host: // back to the form whose answer was not taken
		query.Set("next", from.RequestURI())
	}
	if r.Method == http.MethodPost {
		query.Set("lost", "true")
	}
	to := "/login"
	if len(query) > 0 {
		to += "?" + query.Encode()
	}
	return redirect(w, r, to)
}

func (s *Server) showLogin(w http.ResponseWriter, r *http.Request) error {
	if signedIn(r) != nil {
		return redirect(w, r, "/")
	}
	return s.loginPage(w, r, http.StatusOK, templates.Login{Next: local(r.URL.Query().Get("next")), Lost: r.URL.Query().Has("lost")})
}

func (s *Server) loginPage(w http.ResponseWriter, r *http.Request, status int, l templates.Login) error {
	within, cancel := context.WithTimeout(r.Context(), s.patience())
	defer cancel()
	known, err := s.store.HasAdministrator(within)
	s.heard(err)
	if errors.Is(err, store.ErrUnavailable) {
		s.Log.Warn("nobody can sign in", "request", requestID(r), "reason", err)
		l.Problem = noSignIn(cmp.Or(reachOf(r.Context()).away(), err)) // what follows the first was not even asked
		return s.drawLogin(w, r, http.StatusServiceUnavailable, l)
	}
	if err != nil {
		return err
	}
	l.Nobody = !known
	return s.drawLogin(w, r, status, l)
}

func (s *Server) drawLogin(w http.ResponseWriter, r *http.Request, status int, l templates.Login) error {
	return s.render(w, r, status, templates.LoginPage(s.frame(r, "Sign in", ""), l))
}

// login takes a name and a password. Without a database that can be written nobody can sign in: tries are counted in it.
func (s *Server) login(w http.ResponseWriter, r *http.Request) error {
	err := s.tryLogin(w, r)
	l := templates.Login{Name: r.PostForm.Get("name"), Next: local(r.PostForm.Get("next")), Problem: noSignIn(err)}
	switch {
	case errors.Is(err, store.ErrReadOnly):
		l.Problem = onlyReadSignIn
	case !errors.Is(err, store.ErrUnavailable):
		return err
	}
	s.Log.Warn("nobody can sign in", "request", requestID(r), "reason", err)
	return s.drawLogin(w, r, http.StatusServiceUnavailable, l)
}

func (s *Server) tryLogin(w http.ResponseWriter, r *http.Request) error {
	typed, password := r.PostForm.Get("name"), r.PostForm.Get("password")
	l := templates.Login{Name: typed, Next: local(r.PostForm.Get("next")), Problem: wrongLogin}
	name := strings.ToLower(strings.TrimSpace(typed))
	if err := reachOf(r.Context()).away(); err != nil {
		return err
	}
	within, cancel := context.WithTimeout(r.Context(), s.patience())
	defer cancel()
	wait, err := s.store.CountLogin(within, name, address(r))
	s.heard(err)
	if err != nil {
		return err
	}
	if wait > 0 {
		return s.tooMany(w, r, l, wait)
	}
	administrator, err := s.store.Administrator(r.Context(), name)
	if err != nil && !errors.Is(err, federation.ErrNotFound) {
		return err
	}
	if !auth.Verify(password, administrator.PasswordHash) {
		s.Log.Warn("login refused", "request", requestID(r), "peer", address(r))
		return s.loginPage(w, r, http.StatusUnprocessableEntity, l)
	}
	if err := s.store.ClearLogin(r.Context(), name, address(r)); err != nil {
		return err
	}
	if err := s.signIn(w, r, administrator.Name, administrator.Role); err != nil {
		return err
	}
	return redirect(w, r, l.Next)
}

// tooMany asks somebody who guesses, or whom a guesser shares a name with, to wait.
func (s *Server) tooMany(w http.ResponseWriter, r *http.Request, l templates.Login, wait time.Duration) error {
	seconds := int(wait.Seconds()) + 1
	w.Header().Set("Retry-After", strconv.Itoa(seconds))
	l.Problem = "Too many tries to sign in. Wait " + counted(seconds, "second", "seconds") + " and try again."
	return s.loginPage(w, r, http.StatusTooManyRequests, l)
}

// local keeps a target within this console: a path that begins with one slash.
func local(next string) string {
	u, err := url.Parse(next)
	if err != nil || u.IsAbs() || u.Host != "" || !strings.HasPrefix(u.Path, "/") || strings.HasPrefix(u.Path, "//") || strings.Contains(next, "\\") {
		return "/"
	}
	return u.RequestURI()
}

func (s *Server) logout(w http.ResponseWriter, r *http.Request) error {
	if err := s.signOut(w, r); err != nil {
		return err
	}
	return redirect(w, r, "/login")
}

func (s *Server) showSetup(w http.ResponseWriter, r *http.Request) error {
	token := r.URL.Query().Get("token")
	if err := s.store.CheckSetupToken(r.Context(), hashOf(token)); err != nil {
		return err
	}
	return s.setupPage(w, r, http.StatusOK, templates.Form{Values: url.Values{"token": {token}}})
}

func (s *Server) setupPage(w http.ResponseWriter, r *http.Request, status int, form templates.Form) error {
	return s.render(w, r, status, templates.SetupPage(s.frame(r, "Create the first administrator", ""), form))
}

func (s *Server) setup(w http.ResponseWriter, r *http.Request) error {
	token := hashOf(r.PostForm.Get("token"))
	if err := s.store.CheckSetupToken(r.Context(), token); err != nil { // before the hash, which costs
		return err
	}
	name, invalid := checkSetup(r.PostForm)
	if len(invalid) > 0 {
		return s.setupPage(w, r, http.StatusUnprocessableEntity, templates.Form{Values: r.PostForm, Invalid: invalid})
	}
	hash, err := auth.Hash(r.PostForm.Get("password"))
	if err != nil {
		return err
	}
	if err := s.store.UseSetupToken(r.Context(), token, name, hash); err != nil {
		return err
	}
	if err := s.signIn(w, r, name, auth.Admin); err != nil {
		return err
	}
	return redirect(w, r, "/")
}

// checkSetup names what is wrong with the first administrator's name and password.
func checkSetup(posted url.Values) (name string, invalid federation.Invalid) {
	fault := func(path string, err error) {
		if err != nil {
			invalid = append(invalid, federation.Problem{Path: path, Text: err.Error()})
		}
	}
	password := posted.Get("password")
	name, err := auth.CheckName(posted.Get("name"))
	fault("name", err)
	fault("password", auth.CheckPassword(password, posted.Get("name")))
	if password != posted.Get("password_again") {
		fault("password_again", errors.New("The two passwords differ; enter the same one twice."))
	}
	return name, invalid
}

// NewSetupToken makes the single-use token of a set-up link, /setup?token=TOKEN, and the hash to store of it.
func NewSetupToken() (token string, hash []byte) {
	token = newID()
	return token, hashOf(token)
}
