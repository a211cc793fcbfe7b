package web

import (
	"errors"
	"net/http"

	"isthmus/internal/auth"
	"isthmus/internal/federation"
	"isthmus/internal/powershell"
	"isthmus/internal/store"
	"isthmus/internal/wizard"
	"isthmus/templates"
)

// errPlanChanged is a plan that is not the one that was read any more.
const errPlanChanged = federation.Refusal("The plan is another one than the one you read, because somebody changed the configuration meanwhile.")

func (s *Server) showReview(w http.ResponseWriter, r *http.Request) error {
	run, ok, err := s.ownRun(w, r)
	if !ok {
		return err
	}
	if last := reached(run.draft, run.snapshot); last < wizard.StepReview {
		return redirect(w, r, stepPath(last))
	}
	return s.reviewPage(w, r, http.StatusOK, run, "")
}

// reviewPage shows what Finish would do now. notice says what became of an attempt to finish.
func (s *Server) reviewPage(w http.ResponseWriter, r *http.Request, status int, run run, notice string) error {
	changes, err := wizard.Plan(run.draft.Answers, run.snapshot)
	if err != nil {
		return err
	}
	a := wizard.Defaults(run.draft.Answers, run.snapshot)
	review := templates.NewReview(a, changes, wizard.Fingerprint(changes))
	review.Steps = stepLinks(wizard.StepReview, wizard.StepReview)
	if err := s.mayFinish(r, changes); err != nil {
		review.Refused = err.Error()
	}
	f := s.frame(r, "Federation wizard", "/wizard")
	if notice != "" {
		f.Notice = &templates.Notice{Mark: templates.Part, Strong: "Nothing was changed.", Text: notice}
	}
	return s.render(w, r, status, templates.ReviewPage(f, review))
}

// mayFinish holds the plan against the reader's role: settings and TLS contexts are for administrators to change, and a
// plan is no way round that.
func (s *Server) mayFinish(r *http.Request, changes federation.Changes) error {
	if may(r, auth.Administer) {
		return nil
	}
	for _, c := range changes.List {
		if c.Verdict == federation.VerdictNew && (c.Kind == "setting" || c.Kind == "tls_context") {
			return forbidden("This plan changes settings or TLS contexts, which your role, " + string(signedIn(r).Role) +
				", may not. Ask an administrator to take over this draft and finish it.")
		}
	}
	return nil
}

// finishWizard applies the plan that was read, or none: it is planned again inside the lock, and another plan than the
// one that was read is shown instead of being applied.
func (s *Server) finishWizard(w http.ResponseWriter, r *http.Request) error {
	run, ok, err := s.ownRun(w, r)
	if !ok {
		return err
	}
	if last := reached(run.draft, run.snapshot); last < wizard.StepReview {
		return redirect(w, r, stepPath(last))
	}
	answers := wizard.Defaults(run.draft.Answers, run.snapshot)
	deployment, _, err := s.store.FinishWizard(r.Context(), answers, func(now federation.Snapshot) (federation.Changes, error) {
		changes, err := wizard.Plan(answers, now)
		if err == nil {
			err = s.mayFinish(r, changes)
		}
		if err == nil && wizard.Fingerprint(changes) != r.PostForm.Get("fingerprint") {
			err = errPlanChanged
		}
		if err == nil {
			err = writable(answers, now)
		}
		return changes, err
	})
	if errors.Is(err, errPlanChanged) || errors.Is(err, store.ErrConflict) {
		return s.reviewAgain(w, r, run, err)
	}
	if err != nil {
		return err
	}
	if err := s.store.DeleteDraft(r.Context(), run.draft.ID); err != nil {
		return err
	}
	return s.done(w, r, nil, deploymentPath(deployment), "Finished. This side is set up; the Microsoft side follows by the scripts below.")
}

// writable reports whether the scripts of these answers can be written, which has to be known before anything is applied.
func writable(a federation.Answers, s federation.Snapshot) error {
	d := federation.Deployment{Name: wizard.DeploymentName(a), Answers: a}
	for _, n := range s.Nodes {
		d.Nodes = append(d.Nodes, n.Name)
	}
	_, err := powershell.Script(d, s)
	return err
}

// reviewAgain shows the plan of today after Finish was refused.
func (s *Server) reviewAgain(w http.ResponseWriter, r *http.Request, run run, why error) (err error) {
	if run.snapshot, err = s.store.Snapshot(r.Context()); err != nil {
		return err
	}
	notice := "The plan has a conflict. Resolve it first; it stands below."
	if errors.Is(why, errPlanChanged) {
		notice = why.Error() + " Read the new one below and finish again."
	}
	return s.reviewPage(w, r, http.StatusConflict, run, notice)
}
