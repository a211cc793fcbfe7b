package web

import (
	"errors"
	"net/http"
	"slices"
	"strconv"

	"github.com/go-chi/chi/v5"

	"isthmus/internal/auth"
	"isthmus/internal/federation"
	"isthmus/internal/store"
	"isthmus/internal/wizard"
	"isthmus/templates"
)

// wizardRoutes are the federation wizard. A draft is a row of its owner, so the address names the step alone, and Back, a
// reload and another day are safe.
func (s *Server) wizardRoutes(r chi.Router) {
	r.Get("/wizard", s.may(auth.Change, s.showWizard))
	r.Post("/wizard", s.may(auth.Change, s.beginWizard))
	r.Get("/wizard/{step:[1-5]}", s.may(auth.Change, s.showStep))
	r.Post("/wizard/{step:[1-5]}", s.may(auth.Change, s.saveStep))
	r.Get("/wizard/look", s.may(auth.Change, s.look))
	r.Get("/wizard/6", s.may(auth.Change, s.showReview))
	r.Post("/wizard/6", s.may(auth.Change, s.moveBehind))
	r.Post("/wizard/finish", s.may(auth.Change, s.finishWizard))
	r.Post("/wizard/discard", s.may(auth.Change, s.discardDraft))
	r.Get("/wizard/drafts/{id:[0-9]+}", s.may(auth.Change, s.showDraft))
	r.Post("/wizard/drafts/{id:[0-9]+}/take", s.may(auth.Change, s.takeDraft))
}

// showWizard is the page before the first step: what to know, one's own draft, those of others, what is finished.
func (s *Server) showWizard(w http.ResponseWriter, r *http.Request) error {
	return s.beginPage(w, r, http.StatusOK, nil)
}

func (s *Server) beginPage(w http.ResponseWriter, r *http.Request, status int, invalid federation.Invalid) error {
	drafts, err := s.store.Drafts(r.Context())
	if err != nil {
		return err
	}
	deployments, err := s.store.Deployments(r.Context())
	if err != nil {
		return err
	}
	snapshot, err := s.snapshot(r.Context())
	if err != nil {
		return err
	}
	begin := templates.WizardBegin{Deployments: deploymentRows(deployments, s.Now()), Form: templates.Form{Invalid: invalid},
		Role: roleWords(r, snapshot)}
	for _, d := range drafts {
		row := s.draftRow(d, snapshot)
		if d.Owner == signedIn(r).Name {
			begin.Own = &row
		} else {
			begin.Others = append(begin.Others, row)
		}
	}
	f := s.frame(r, "Federation wizard", "/wizard")
	if f.Notice != nil && f.Notice.Strong == draftGone && f.Notice.Mark == templates.Up {
		f.Notice.Mark, f.Notice.Text = templates.Part, draftGoneText // no success, and nothing that comes into force
	}
	return s.render(w, r, status, templates.WizardBeginPage(f, begin))
}

// roleWords say before the first step what the review would say at the end: which runs the reader's role may not finish.
func roleWords(r *http.Request, now federation.Snapshot) string {
	if may(r, auth.Administer) {
		return ""
	}
	role := "Your role, " + string(signedIn(r).Role) + ", can "
	if !now.Settings.PartitionedFederation {
		return role + "answer every step, but not finish this run, because it changes settings and TLS contexts. An administrator takes over your draft then, and finishes it."
	}
	return role + "finish a run that changes no settings and no TLS contexts. A new server over TLS changes a context; an administrator takes over such a draft and finishes it."
}

func (s *Server) draftRow(d store.Draft, snapshot federation.Snapshot) templates.DraftRow {
	step := wizard.Steps()[reached(d, snapshot)-1]
	return templates.DraftRow{ID: d.ID, Owner: d.Owner, Number: step.Number, Step: step.Title, Since: templates.Clock(d.UpdatedAt, s.Now())}
}

// reached is the last step that the draft may show: no step is skipped by calling a later one, and a step whose answers
// do not hold any more is gone through again.
func reached(d store.Draft, snapshot federation.Snapshot) int {
	return max(1, min(d.Step, wizard.FirstOpen(applicable(d.Answers, snapshot), snapshot), wizard.StepReview))
}

// beginWizard makes a new draft in place of an earlier one: with the answers of a deployment, or empty for somebody who
// knows the limits of what is set up (guide p.24). Whoever set up a deployment knew them then.
func (s *Server) beginWizard(w http.ResponseWriter, r *http.Request) error {
	draft := store.Draft{Owner: signedIn(r).Name, Step: 1}
	from := r.PostForm.Get("from")
	if from == "" && !slices.ContainsFunc(r.PostForm["acknowledged"], isOn) {
		return s.beginPage(w, r, http.StatusUnprocessableEntity, federation.Invalid{{Path: "acknowledged",
			Text: "Tick that you know the limits; what they switch off cannot be had back while the federation is on."}})
	}
	if from != "" {
		id, err := strconv.ParseInt(from, 10, 64)
		if err != nil {
			return federation.ErrNotFound
		}
		d, err := s.store.Deployment(r.Context(), id)
		if err != nil {
			return err
		}
		draft.Answers, draft.Step = d.Answers, wizard.StepReview
	}
	if _, err := s.store.SaveDraft(r.Context(), draft); err != nil {
		return err
	}
	return redirect(w, r, "/wizard/1")
}

// A run is one request's look at a draft: the draft, and what it is held against.
type run struct {
	draft    store.Draft
	snapshot federation.Snapshot
}

// answers are those of the draft that count.
func (r run) answers() federation.Answers { return applicable(r.draft.Answers, r.snapshot) }

// draftGone is what somebody is told who sends answers for a draft that another person or another window ended.
const (
	draftGone     = "Your draft is gone."
	draftGoneText = "It was dropped or finished in another window, or somebody took it over; nothing of what you just sent was kept."
)

// ownRun is the reader's own draft; ok is false, and the reader sent to the first page, when there is none.
func (s *Server) ownRun(w http.ResponseWriter, r *http.Request) (found run, ok bool, err error) {
	found.draft, err = s.store.Draft(r.Context(), signedIn(r).Name)
	if errors.Is(err, federation.ErrNotFound) {
		if r.Method == http.MethodPost {
			s.notify(w, r, draftGone+" "+draftGoneText)
		}
		return found, false, redirect(w, r, "/wizard")
	}
	if err != nil {
		return found, false, err
	}
	found.snapshot, err = s.snapshot(r.Context())
	return found, err == nil, err
}
