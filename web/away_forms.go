package web

import (
	"errors"
	"net/http"

	"isthmus/internal/federation"
	"isthmus/internal/store"
	"isthmus/templates"
)

// unsaved reports whether the database did not take a change for certain, so that the form can be sent again. Where it fell
// silent in the midst nobody knows whether it was saved.
func unsaved(err error) bool {
	failure := (*store.Failure)(nil)
	return errors.As(err, new(notTried)) || errors.As(err, &failure) && failure.Unsaved()
}

// giveBack draws a form again whose change the database did not take, with what to say above it. The form is drawn without
// the database when that is away, and the plain page for the error stands in for one that cannot be.
func (s *Server) giveBack(r *http.Request, err error, draw func(r *http.Request, status int, why federation.Invalid) error) error {
	status, m := s.told(r, err)
	reachOf(r.Context()).draw(err)
	if reachOf(r.Context()).away() != nil {
		hurried, cancel := withoutDatabase(r)
		defer cancel()
		r = hurried
	}
	failed := draw(r, status, federation.Invalid{{Text: m.Text}})
	if errors.Is(failed, store.ErrUnavailable) {
		return err
	}
	return failed
}

// unsavedUpload is the form of an upload that the database did not take, as it was typed. Files are no part of a form that
// is drawn, so they are asked for again.
func (s *Server) unsavedUpload(w http.ResponseWriter, r *http.Request, err error) error {
	return s.giveBack(r, err, func(r *http.Request, status int, why federation.Invalid) error {
		for _, name := range []string{"file", "key"} {
			if sent, err := fileFrom(r, name); err == nil && len(sent) > 0 {
				why = append(why, federation.Problem{Path: name, Text: "Choose the file again: a file cannot be kept."})
			}
		}
		return s.uploadPage(w, r, status, templates.Form{Values: typedAgain(r.PostForm), Invalid: why})
	})
}

// unsavedRequest is the form of a request that the database did not take, as it was typed.
func (s *Server) unsavedRequest(w http.ResponseWriter, r *http.Request, err error) error {
	return s.giveBack(r, err, func(r *http.Request, status int, why federation.Invalid) error {
		snapshot, err := s.snapshot(r.Context())
		if err != nil {
			return err
		}
		return s.requestPage(w, r, status, snapshot, templates.Form{Values: r.PostForm, Invalid: why})
	})
}
