package web

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/go-chi/chi/v5"

	"isthmus/internal/federation"
	"isthmus/internal/wizard"
	"isthmus/templates"
)

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
	return s.stepPage(w, r, http.StatusOK, run, step, nil, nil)
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
	dropNUL(r.PostForm)
	answer(&run.draft.Answers, step, r.PostForm)
	took, invalid := readPasted(&run.draft.Answers, step, r.PostForm)
	if step == stepFrontEnds || len(took) > 0 {
		s.fillAddresses(r.Context(), run.draft.Answers)
	}
	to := ""
	if len(took)+len(invalid) == 0 {
		to, invalid = nextPage(r, run, step)
		invalid = notFound(run.answers(), invalid)
	}
	if to == stepPath(step+1) && len(invalid) == 0 {
		run.draft.Step = max(run.draft.Step, step+1)
	}
	if run.draft, err = s.store.SaveDraft(r.Context(), run.draft); err != nil {
		return err
	}
	switch {
	case len(invalid) > 0:
		return s.stepPage(w, r, http.StatusUnprocessableEntity, run, step, invalid, nil)
	case len(took) > 0:
		return s.stepPage(w, r, http.StatusOK, run, step, nil, took)
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
	case r.PostForm.Has("compare") && step == stepFrontEnds:
		return stepPath(step) + "?compare=dns", nil
	case r.PostForm.Has("compare"):
		return stepPath(step), nil
	}
	return stepPath(step + 1), unticked(r.PostForm, wizard.CheckStep(step, run.answers(), run.snapshot))
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

// stepPage shows a step's form. took says what was just filled in from a paste.
func (s *Server) stepPage(w http.ResponseWriter, r *http.Request, status int, run run, step int, invalid federation.Invalid, took []string) error {
	a := run.answers()
	values := asked(run.draft.Answers, run.snapshot, step)
	for _, name := range unkept {
		if len(invalid) > 0 && r.PostForm.Has(name) {
			values[name] = r.PostForm[name]
		}
	}
	page := templates.WizardStep{
		Step: wizard.Steps()[step-1], Steps: stepLinks(step, reached(run.draft, run.snapshot)),
		Form:     templates.Form{Path: "/wizard", To: stepPath(step), Values: values, Invalid: inWords(invalid)},
		Answers:  a,
		Cautions: cautions(a, run.snapshot),
		Run:      editWords(a, run.snapshot),
	}
	switch step {
	case stepFrontEnds:
		page.FrontEnds, page.Expressway = s.serverRows(r, a)
		if len(invalid) > 0 {
			page.Cautions = append(page.Cautions, s.unlikeDNS(r.Context(), signedIn(r).session.ID, a)...)
		}
	case stepDomains:
		page.Domains, page.OnlyThere = domainOptions(a, run.snapshot), onlyThere(a, run.snapshot)
		page.IPv6, page.Others = wizard.WithIPv6(a, run.snapshot), len(run.snapshot.Deployments) > 0
	case stepRoutingNode:
		page.Nodes, page.Trusting = nodeOptions(run.snapshot), trusting(a, run.snapshot)
	}
	f := s.frame(r, "Federation wizard", "/wizard")
	if len(took) > 0 {
		f.Notice = &templates.Notice{Mark: templates.Up, Strong: "Filled in.", Text: strings.Join(took, " ")}
	}
	return s.render(w, r, status, templates.WizardStepPage(f, page))
}

// unkept are the fields whose text has no place in a draft when it is not understood; the page that says so keeps it.
var unkept = []string{"paste", "microsoft_domains", "expressway.port", "first_priority"}

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
