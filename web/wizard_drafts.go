package web

import (
	"errors"
	"net/http"

	"isthmus/internal/federation"
	"isthmus/internal/wizard"
	"isthmus/templates"
)

// discardDraft drops one's own draft.
func (s *Server) discardDraft(w http.ResponseWriter, r *http.Request) error {
	draft, err := s.store.Draft(r.Context(), signedIn(r).Name)
	if err == nil {
		err = s.store.DeleteDraft(r.Context(), draft.ID)
	}
	if errors.Is(err, federation.ErrNotFound) {
		err = nil
	}
	return s.done(w, r, err, "/wizard", "Dropped. Nothing of the draft is kept, and nothing else changed.")
}

// showDraft lets somebody look at another's draft without touching it.
func (s *Server) showDraft(w http.ResponseWriter, r *http.Request) error {
	draft, err := s.store.DraftByID(r.Context(), pathID(r))
	if err != nil {
		return err
	}
	if draft.Owner == signedIn(r).Name {
		return redirect(w, r, "/wizard")
	}
	snapshot, err := s.snapshot(r.Context())
	if err != nil {
		return err
	}
	replaces, err := s.hasDraft(r)
	if err != nil {
		return err
	}
	look := templates.DraftLook{Row: s.draftRow(draft, snapshot), Answers: templates.AnswerFacts(applicable(draft.Answers, snapshot)), Replaces: replaces}
	return s.render(w, r, http.StatusOK, templates.DraftPage(s.frame(r, "The draft of "+draft.Owner, "/wizard"), look))
}

// takeDraft makes another's draft one's own. Its former owner has none then.
func (s *Server) takeDraft(w http.ResponseWriter, r *http.Request) error {
	theirs, err := s.store.DraftByID(r.Context(), pathID(r))
	if err != nil {
		return err
	}
	if theirs.Owner == signedIn(r).Name {
		return redirect(w, r, "/wizard")
	}
	snapshot, err := s.snapshot(r.Context())
	if err != nil {
		return err
	}
	mine := theirs
	mine.ID, mine.Owner = 0, signedIn(r).Name
	if mine, err = s.store.SaveDraft(r.Context(), mine); err != nil {
		return err
	}
	err = s.store.DeleteDraft(r.Context(), theirs.ID)
	step := wizard.Steps()[reached(mine, snapshot)-1]
	return s.done(w, r, err, stepPath(step.Number), "Taken over. The draft of "+theirs.Owner+" is yours now.")
}
