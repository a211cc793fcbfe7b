package web

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"

	"github.com/go-chi/chi/v5"

	"isthmus/internal/auth"
	"isthmus/internal/federation"
	"isthmus/internal/store"
	"isthmus/internal/wizard"
	"isthmus/templates"
)

// wizardRoutes are the federation wizard. A draft is a row of its owner, so the address names
// the step alone, and Back, a reload and another day are safe.
func (s *Server) wizardRoutes(r chi.Router) {
	r.Get("/wizard", s.may(auth.Change, s.showWizard))
	r.Post("/wizard", s.may(auth.Change, s.beginWizard))
	r.Get("/wizard/{step:[1-5]}", s.may(auth.Change, s.showStep))
	r.Post("/wizard/{step:[1-5]}", s.may(auth.Change, s.saveStep))
	r.Get("/wizard/6", s.may(auth.Change, s.showReview))
	r.Post("/wizard/finish", s.may(auth.Change, s.finishWizard))
	r.Post("/wizard/discard", s.may(auth.Change, s.discardDraft))
	r.Get("/wizard/drafts/{id:[0-9]+}", s.may(auth.Change, s.showDraft))
	r.Post("/wizard/drafts/{id:[0-9]+}/take", s.may(auth.Change, s.takeDraft))
}

// showWizard is the page before the first step: what to know, one's own draft, those of others, what is finished.
func (s *Server) showWizard(w http.ResponseWriter, r *http.Request) error {
	drafts, err := s.store.Drafts(r.Context())
	if err != nil {
		return err
	}
	deployments, err := s.store.Deployments(r.Context())
	if err != nil {
		return err
	}
	snapshot, err := s.store.Snapshot(r.Context())
	if err != nil {
		return err
	}
	begin := templates.WizardBegin{Deployments: deploymentRows(deployments, s.Now())}
	for _, d := range drafts {
		row := s.draftRow(d, snapshot)
		if d.Owner == signedIn(r).Name {
			begin.Own = &row
		} else {
			begin.Others = append(begin.Others, row)
		}
	}
	return s.render(w, r, http.StatusOK, templates.WizardBeginPage(s.frame(r, "Federation wizard", "/wizard"), begin))
}

func (s *Server) draftRow(d store.Draft, snapshot federation.Snapshot) templates.DraftRow {
	step := wizard.Steps()[reached(d, snapshot)-1]
	return templates.DraftRow{ID: d.ID, Owner: d.Owner, Number: step.Number, Step: step.Title, Since: templates.Clock(d.UpdatedAt, s.Now())}
}

// reached is the last step that the draft may show: no step is skipped by calling a later one, and a step whose answers
// do not hold any more is gone through again.
func reached(d store.Draft, snapshot federation.Snapshot) int {
	return max(1, min(d.Step, wizard.FirstOpen(d.Answers, snapshot), wizard.StepReview))
}

// beginWizard makes a new draft in place of an earlier one: empty, or with the answers of a deployment.
func (s *Server) beginWizard(w http.ResponseWriter, r *http.Request) error {
	draft := store.Draft{Owner: signedIn(r).Name, Step: 1}
	if from := r.PostForm.Get("from"); from != "" {
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

// ownRun is the reader's own draft; ok is false, and the reader sent to the first page, when there is none.
func (s *Server) ownRun(w http.ResponseWriter, r *http.Request) (found run, ok bool, err error) {
	found.draft, err = s.store.Draft(r.Context(), signedIn(r).Name)
	if errors.Is(err, federation.ErrNotFound) {
		return found, false, redirect(w, r, "/wizard")
	}
	if err != nil {
		return found, false, err
	}
	found.snapshot, err = s.store.Snapshot(r.Context())
	return found, err == nil, err
}

func stepPath(number int) string { return "/wizard/" + strconv.Itoa(number) }

// pathStep is the step of the path; the route admits digits of steps alone.
func pathStep(r *http.Request) int {
	n, _ := strconv.Atoi(chi.URLParam(r, "step"))
	return n
}

func (s *Server) showStep(w http.ResponseWriter, r *http.Request) error {
	run, ok, err := s.ownRun(w, r)
	if !ok {
		return err
	}
	step := pathStep(r)
	if last := reached(run.draft, run.snapshot); step > last {
		return redirect(w, r, stepPath(last))
	}
	return s.stepPage(w, r, http.StatusOK, run, step, nil)
}

// saveStep keeps what was typed in any case; only Next asks whether it holds.
func (s *Server) saveStep(w http.ResponseWriter, r *http.Request) error {
	run, ok, err := s.ownRun(w, r)
	if !ok {
		return err
	}
	step := pathStep(r)
	if last := reached(run.draft, run.snapshot); step > last {
		return redirect(w, r, stepPath(last))
	}
	answer(&run.draft.Answers, step, r.PostForm)
	if step == stepFrontEnds {
		s.fillAddresses(r.Context(), run.draft.Answers.FrontEnds)
	}
	to, invalid := nextPage(r, run, step)
	if len(invalid) == 0 && !r.PostForm.Has("back") {
		run.draft.Step = max(run.draft.Step, step+1)
	}
	if run.draft, err = s.store.SaveDraft(r.Context(), run.draft); err != nil {
		return err
	}
	if len(invalid) > 0 {
		return s.stepPage(w, r, http.StatusUnprocessableEntity, run, step, invalid)
	}
	return redirect(w, r, to)
}

// nextPage is where the pressed button leads, or why it leads nowhere.
func nextPage(r *http.Request, run run, step int) (to string, invalid federation.Invalid) {
	switch {
	case r.PostForm.Has("back"):
		return stepPath(max(1, step-1)), nil
	case r.PostForm.Has("rows"):
		return stepPath(step) + "?rows=" + strconv.Itoa(len(run.draft.Answers.FrontEnds)+moreRows), nil
	case r.PostForm.Has("compare"):
		return stepPath(step) + "?compare=dns", nil
	}
	return stepPath(step + 1), unticked(r.PostForm, wizard.CheckStep(step, run.draft.Answers, run.snapshot))
}

// unticked words the problem of a choice that nobody made for somebody who sees the choices, and not their codes.
func unticked(posted url.Values, invalid federation.Invalid) federation.Invalid {
	for i, p := range invalid {
		if text := choices[p.Path]; text != "" && posted.Get(p.Path) == "" {
			invalid[i].Text = text
		}
	}
	return invalid
}

var choices = map[string]string{
	"platform":   "Choose what runs on the Microsoft side.",
	"deployment": "Choose chat only, or chat and calling.",
	"edition":    "Choose the edition of the deployment.",
}

func (s *Server) stepPage(w http.ResponseWriter, r *http.Request, status int, run run, step int, invalid federation.Invalid) error {
	page := templates.WizardStep{
		Step: wizard.Steps()[step-1], Steps: stepLinks(step, reached(run.draft, run.snapshot)),
		Form: templates.Form{Path: "/wizard", To: stepPath(step), Values: asked(run.draft.Answers, run.snapshot, step), Invalid: invalid},
	}
	page.Platforms = platformOptions(run.draft.Answers.Platform)
	switch step {
	case stepFrontEnds:
		page.FrontEnds = s.frontEndRows(r, run.draft.Answers)
	case stepDomains:
		page.Domains = domainOptions(run.draft.Answers, run.snapshot)
	case stepRoutingNode:
		page.Nodes = nodeOptions(run.snapshot)
	}
	return s.render(w, r, status, templates.WizardStepPage(s.frame(r, "Federation wizard", "/wizard"), page))
}

// stepLinks is the bar of all steps: those that were reached are links.
func stepLinks(current, last int) []templates.StepLink {
	var links []templates.StepLink
	for _, step := range wizard.Steps() {
		link := templates.StepLink{Title: step.Title, Current: step.Number == current, Done: step.Number < last}
		if step.Number <= last && step.Number != current {
			link.Href = stepPath(step.Number)
		}
		links = append(links, link)
	}
	return links
}
