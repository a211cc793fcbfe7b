package web

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
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
const errPlanChanged = federation.Refusal("The plan is another one than the one you read, because the configuration or your draft was changed meanwhile.")

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
	a := wizard.Defaults(run.answers(), run.snapshot)
	changes, err := wizard.Plan(a, run.snapshot)
	if err != nil {
		return err
	}
	review := templates.NewReview(a, changes, run.snapshot.Configuration, reviewed(a, changes))
	for _, p := range s.unlikeDNS(r.Context(), signedIn(r).session.ID, a) {
		review.Warnings = append(review.Warnings, p.Text)
	}
	reviewInWords(&review)
	review.Run, review.Earlier = runWords(a, run.snapshot), earlierRollback(a, run.snapshot)
	review.Behind = behind(a, run.snapshot, changes)
	review.Steps = stepLinks(wizard.StepReview, wizard.StepReview)
	if err := mayApply(r, run.snapshot, changes, finishAdvice); err != nil {
		review.Refused = err.Error()
	}
	f := s.frame(r, "Federation wizard", "/wizard")
	if notice != "" {
		f.Notice = &templates.Notice{Mark: templates.Part, Strong: "Nothing was changed.", Text: notice}
	}
	return s.render(w, r, status, templates.ReviewPage(f, review))
}

// reviewed is the fingerprint of what the page shows: the plan, and the answers that the scripts are made of. Two tabs of
// one person can have seen different ones.
func reviewed(a federation.Answers, changes federation.Changes) string {
	text, err := json.Marshal(a)
	if err != nil {
		panic(err) // texts, numbers and lists of them always marshal
	}
	sum := sha256.Sum256(append(text, wizard.Fingerprint(changes)...))
	return hex.EncodeToString(sum[:16])
}

// editWords say which deployment the run changes; "" when it makes a new one.
func editWords(a federation.Answers, s federation.Snapshot) string {
	name := wizard.Defaults(a, s).DeploymentName()
	for _, d := range s.Deployments {
		if d.Name == name {
			return "This run changes the deployment " + d.Name + "."
		}
	}
	return ""
}

// runWords say which deployment the run changes, or beside which others it makes a new one.
func runWords(a federation.Answers, s federation.Snapshot) string {
	if words := editWords(a, s); words != "" {
		return words
	}
	var others []string
	for _, d := range s.Deployments {
		others = append(others, d.Name)
	}
	switch len(others) {
	case 0:
		return ""
	case 1:
		return "This run makes a second deployment, " + a.DeploymentName() + ", beside " + others[0] + ". To change that one instead, go through it again from its page and keep its name."
	}
	return "This run makes a new deployment, " + a.DeploymentName() + ", beside " + counted(len(others), "other", "others") + ". To change one of them instead, go through it again from its page and keep its name."
}

// earlierRollback is the path of the way back of the deployment that the run changes: after Finish nothing writes it again.
func earlierRollback(a federation.Answers, s federation.Snapshot) string {
	for _, d := range s.Deployments {
		if d.Name != a.DeploymentName() {
			continue
		}
		steps, err := powershell.Script(d, s)
		if _, ok := powershell.File(steps, "rollback.ps1"); err == nil && ok {
			return deploymentPath(d) + "/rollback.ps1"
		}
	}
	return ""
}

const finishAdvice = "Ask an administrator to take over this draft and finish it."

// mayApply holds a plan against the reader's role: settings and TLS contexts are for administrators to change, and a plan
// is no way round that. A peer subject that goes is taken out of its contexts, too. advice is the way out.
func mayApply(r *http.Request, now federation.Snapshot, changes federation.Changes, advice string) error {
	if may(r, auth.Administer) {
		return nil
	}
	target := changes.Target
	target.Normalize()
	for _, d := range federation.Diff(&now.Configuration, &target) {
		if d.Section == federation.SectionSettings || d.Section == federation.SectionTLSContexts {
			return forbidden("This changes settings or TLS contexts, which your role, " + string(signedIn(r).Role) +
				", may not. " + advice)
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
	answers := wizard.Defaults(run.answers(), run.snapshot)
	deployment, _, err := s.store.FinishWizard(r.Context(), answers, func(now federation.Snapshot) (federation.Changes, error) {
		changes, err := wizard.Plan(answers, now)
		if err == nil {
			err = mayApply(r, now, changes, finishAdvice)
		}
		if err == nil && len(changes.Conflicts()) > 0 {
			err = store.ErrConflict // before the fingerprint, which a new conflict makes another one, too
		}
		if err == nil && reviewed(answers, changes) != r.PostForm.Get("fingerprint") {
			err = errPlanChanged
		}
		if err == nil {
			_, err = powershell.Script(federation.NewDeployment(answers, now.Nodes), now) // has to be known before anything is applied
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

// reviewAgain shows the plan of today after Finish was refused.
func (s *Server) reviewAgain(w http.ResponseWriter, r *http.Request, run run, why error) (err error) {
	if run.snapshot, err = s.snapshot(r.Context()); err != nil {
		return err
	}
	notice := "The plan has a conflict. Resolve it first; it stands below."
	if errors.Is(why, errPlanChanged) {
		notice = why.Error() + " Read the new one below and finish again."
	}
	return s.reviewPage(w, r, http.StatusConflict, run, notice)
}
