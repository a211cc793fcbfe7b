package web

import (
	"errors"
	"net/http"

	"isthmus/internal/store"
	"isthmus/templates"
)

// letIn is what mends a store.Denied: that database answers, so waiting for it helps nobody.
const letIn = "correct the database URL of this node, or what the server allows"

// howAway begins a sentence about a database that cannot be asked.
func howAway(why error) string {
	switch {
	case store.Crowded(why):
		return "The database has no connection left"
	case store.Denied(why):
		return "The database does not let this node in"
	}
	return "The database does not answer"
}

// toMend is the sentence after others about a database that cannot be asked, "" where waiting is all there is to do.
func toMend(why error) string {
	if store.Denied(why) {
		return " To mend it, " + letIn + "."
	}
	return ""
}

// needed is the page for what is kept in the database alone.
func needed(r *http.Request, err error) templates.Message {
	switch {
	case r.URL.Path == "/setup":
		return templates.Message{Title: "Nobody can be added now", Text: howAway(err) + ", so nothing was saved. " + setupAgain(err) + "; if it has run out then, start isthmus serve again for another."}
	case r.Method == http.MethodPost:
		return templates.Message{Title: "The database could not do this", Text: unfinished(err)}
	case errors.Is(err, store.ErrReadOnly):
		return templates.Message{Title: "Nothing can be changed now", Text: "The database can be read only, so nothing can be added or changed until it is writable again, or Isthmus is pointed to the primary server."}
	}
	m := templates.Message{Title: "This page needs the database", Text: "What this page shows is kept nowhere else. It is here again "}
	if r.URL.Path == "/users" {
		m.Text = "Users are kept in the database; nodes hold of them only what routing needs. They are here again "
	}
	switch {
	case store.Denied(err):
		m.Text = howAway(err) + ". " + capital(letIn) + ". " + m.Text + "then."
	case store.Crowded(err):
		m.Text = howAway(err) + ". " + m.Text + "as soon as the database answers."
	default:
		m.Text += "as soon as the database answers."
	}
	return m
}

func setupAgain(err error) string {
	if store.Denied(err) {
		return capital(letIn) + ", and open the link again"
	}
	return "Open the link again when the database answers"
}

// unfinished says what became of a change.
func unfinished(err error) string {
	switch {
	case unsaved(err):
		return notTried{err}.Error()
	case store.Denied(err):
		return howAway(err) + " any more, so whether this was saved is not known. " + capital(letIn) + ", and look at what is there before you try again."
	}
	return store.ErrUnanswered.Error()
}

// noSignIn says why nobody can sign in.
func noSignIn(why error) string {
	way := "try again in a moment"
	if store.Denied(why) {
		way = letIn
	}
	return howAway(why) + ", so nobody can sign in now. Traffic goes on; " + way + "."
}

// notTried is a change that was not even begun, because the database was away.
type notTried struct{ why error }

func (n notTried) Error() string {
	way := "make the change again when the database answers"
	if store.Denied(n.why) {
		way = letIn + ", and make the change again"
	}
	return howAway(n.why) + ", so nothing was saved. Traffic goes on; " + way + "."
}

func (n notTried) Unwrap() error { return n.why }
