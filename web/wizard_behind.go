package web

import (
	"net/http"
	"strconv"

	"isthmus/internal/federation"
	"isthmus/internal/wizard"
)

// moveBehind lets the routes of this run begin behind those that hold their places, and shows the review again.
func (s *Server) moveBehind(w http.ResponseWriter, r *http.Request) error {
	run, ok, err := s.ownRun(w, r)
	if !ok {
		return err
	}
	first, err := strconv.Atoi(r.PostForm.Get("first_priority"))
	if err != nil {
		return federation.Refuse("No priority came with this; open the review again and use its button.")
	}
	run.draft.Answers.FirstPriority = first
	if invalid := wizard.CheckStep(stepDomains, run.answers(), run.snapshot); len(invalid) > 0 {
		return inWords(invalid)
	}
	if _, err := s.store.SaveDraft(r.Context(), run.draft); err != nil {
		return err
	}
	return redirect(w, r, stepPath(wizard.StepReview))
}

// behind is the first priority with which the routes of a plan stand behind all others for the same destinations; 0 when
// nothing is in their way, or when that would not help.
func behind(a federation.Answers, s federation.Snapshot, changes federation.Changes) int {
	if !routesInConflict(changes) {
		return 0
	}
	a.FirstPriority = wizard.Behind(a, s)
	if then, err := wizard.Plan(a, s); err != nil || routesInConflict(then) {
		return 0
	}
	return a.FirstPriority
}

func routesInConflict(changes federation.Changes) bool {
	for _, c := range changes.Conflicts() {
		if c.Kind == "static_route" {
			return true
		}
	}
	return false
}
