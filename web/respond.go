package web

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/a-h/templ"

	"isthmus/internal/auth"
	"isthmus/internal/federation"
	"isthmus/internal/store"
	"isthmus/templates"
)

var (
	errNoPage   = errors.New("there is no page at this address")
	errNoMethod = errors.New("this address does not take this kind of request")
	errNoForm   = errors.New("what was sent is no form")
	errForeign  = errors.New("this request came from a page of another site")
)

// forbidden is a request that the reader's role does not allow. Its text is the sentence for the page.
type forbidden string

func (f forbidden) Error() string { return string(f) }

// A handler answers one request, or says why it cannot; fail turns that into a page.
type handler func(http.ResponseWriter, *http.Request) error

// render draws a page completely before the first byte of it leaves, so that a fault while drawing is still a clean page.
func (s *Server) render(w http.ResponseWriter, r *http.Request, status int, page templ.Component) error {
	var buffer bytes.Buffer
	if err := page.Render(context.WithoutCancel(r.Context()), &buffer); err != nil { // a page from memory comes late, too
		return err
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, err := buffer.WriteTo(w)
	if err != nil {
		s.Log.Debug("page not delivered", "request", requestID(r), "reason", err)
	}
	return nil
}

// done ends a change: the page to go to, and what to say there. It passes an error on.
func (s *Server) done(w http.ResponseWriter, r *http.Request, err error, to, text string) error {
	if err != nil {
		return err
	}
	s.notify(w, r, text)
	return redirect(w, r, to)
}

func redirect(w http.ResponseWriter, r *http.Request, to string) error {
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, to, http.StatusSeeOther)
	return nil
}

// fail draws the page for an error.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	status, m := s.told(r, err)
	m.Href, m.Link = "/", "Go to the start page"
	list := wayBack(r)
	if list != "" {
		m.Href, m.Link = list, "Back to "+templates.PageName(list)
	}
	form, way := uploadForm(r)
	switch {
	case status == http.StatusRequestEntityTooLarge && list != "" && form != "":
		m.Href, m.Link, m.Text = form, "Back to the form", m.Text+" "+way
	case form == "" && !r.PostForm.Has("password") && signedIn(r) != nil && !looking(r) && unsaved(err): // no page gives back what may be secret
		m.Again = templates.Again{To: r.URL.RequestURI(), Fields: r.PostForm}
	}
	if err := s.render(w, r, status, templates.MessagePage(s.frame(r, m.Title, list), m)); err != nil {
		http.Error(w, m.Text, http.StatusInternalServerError)
	}
}

// told turns an error into a status and words, and tells the log of what is nobody's doing.
func (s *Server) told(r *http.Request, err error) (int, templates.Message) {
	reachOf(r.Context()).miss(err)
	status, m := describe(err)
	if errors.Is(err, store.ErrUnavailable) || errors.Is(err, store.ErrReadOnly) && looking(r) {
		why := err
		if looking(r) {
			why = cmp.Or(reachOf(r.Context()).away(), err) // what follows the first was not even asked
		}
		m = needed(r, why)
	}
	if status >= http.StatusInternalServerError {
		m.Request = requestID(r)
		s.Log.Error("request failed", "request", m.Request, "method", r.Method, "path", r.URL.Path, "reason", err)
	}
	return status, m
}

// uploadForm is where the form stands from which a file was sent, and which file to choose there; "" for any other request.
// What is too large is refused before its handler runs, so it cannot be drawn with its form.
func uploadForm(r *http.Request) (form, way string) {
	deployment, verification := strings.CutSuffix(r.URL.Path, "/verification")
	switch {
	case verification && strings.HasPrefix(deployment, "/deployments/"):
		return deployment + "#hand-in", "Choose the file verify.json that verify.ps1 wrote."
	case r.URL.Path == certificatesPath:
		return certificatesPath + "/new?" + url.Values{"purpose": {r.URL.Query().Get("purpose")}}.Encode(), "Choose the certificate's own file, with its chain where you have it; both together have a few KiB."
	case r.URL.Path == subjectsPath+"/certificate":
		return subjectsPath + "/new", "Choose the file of the server's certificate."
	}
	return "", ""
}

// wayBack is the page of the menu under which a request's path lies, "" when the reader may not open it or it is this one.
func wayBack(r *http.Request) string {
	first, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	path := "/" + first
	if signedIn(r) == nil || !templates.InMenu(path, may(r, auth.Change)) || rest == "" && r.Method == http.MethodGet {
		return ""
	}
	return path
}

// describe turns an error into a status and words.
func describe(err error) (int, templates.Message) {
	var (
		refusal federation.Refusal
		invalid federation.Invalid
		denied  forbidden
		large   *http.MaxBytesError
		failure *store.Failure
	)
	switch {
	case errors.Is(err, errNoPage):
		return http.StatusNotFound, templates.Message{Title: "There is no such page", Text: "The address leads nowhere. It may be mistyped, or the page belongs to a later version."}
	case errors.Is(err, errNoMethod):
		return http.StatusMethodNotAllowed, templates.Message{Title: "This address takes another kind of request", Text: "Open the page from the menu and use its own buttons."}
	case errors.Is(err, errNoForm):
		return http.StatusBadRequest, templates.Message{Title: "This is no form", Text: "What was sent cannot be read as a form, so nothing was changed. Use the page's own buttons."}
	case errors.Is(err, federation.ErrNotFound):
		return http.StatusNotFound, templates.Message{Title: "This no longer exists", Text: "Somebody may have deleted it. Nothing was changed."}
	case errors.Is(err, errForeign):
		return http.StatusForbidden, templates.Message{Title: "Nothing was changed", Text: "This request came from a page of another site. Open the console itself and use its own buttons."}
	case errors.As(err, &denied):
		return http.StatusForbidden, templates.Message{Title: "Your role does not allow this", Text: denied.Error()}
	case errors.As(err, &refusal):
		return http.StatusConflict, templates.Message{Title: "Nothing was changed", Text: refusal.Error()}
	case errors.As(err, &invalid):
		return http.StatusUnprocessableEntity, templates.Message{Title: "Nothing was changed", Text: sentences(invalid)}
	case errors.As(err, &large):
		return http.StatusRequestEntityTooLarge, templates.Message{Title: "This is too much for one request", Text: "A form may hold at most 1 MiB. Nothing was changed."}
	case errors.Is(err, store.ErrBusy):
		return http.StatusConflict, templates.Message{Title: "Nothing was changed", Text: store.ErrBusy.Error()}
	case errors.As(err, &failure):
		return http.StatusServiceUnavailable, templates.Message{Title: "The database could not do this", Text: failure.Error()}
	}
	return http.StatusInternalServerError, templates.Message{Title: "This request failed",
		Text: "The fault is in Isthmus or its database, not in what you entered. Before you make a change again, look whether it was saved."}
}

// sentences are what is wrong, without the places that mean something only in a document.
func sentences(invalid federation.Invalid) string {
	var text string
	for i, p := range invalid {
		if i > 0 {
			text += " "
		}
		text += p.Text
	}
	return text
}
