package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"isthmus/internal/auth"
	"isthmus/internal/diagnose"
	"isthmus/internal/federation"
	"isthmus/internal/powershell"
	"isthmus/internal/wizard"
	"isthmus/templates"
)

// A sight is one deployment with everything that its pages judge it by.
type sight struct {
	federation.Deployment
	snapshot     federation.Snapshot
	plan         federation.Changes // what the wizard would do for its answers today
	refused      string             // why there is no plan; "" when there is
	verification *federation.Verification
	fingerprint  string // of its scripts as they are today
	tasks        []diagnose.Task
}

// sights are all deployments, by name, as of one revision.
func (s *Server) sights(ctx context.Context) ([]sight, error) {
	sc, err := s.scene(ctx)
	if err != nil {
		return nil, err
	}
	list := make([]sight, len(sc.Deployments))
	for i, d := range sc.Deployments {
		if list[i], err = sc.sight(ctx, d); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// sight is one deployment; federation.ErrNotFound when there is none.
func (s *Server) sight(ctx context.Context, id int64) (sight, error) {
	sc, err := s.scene(ctx)
	if err != nil {
		return sight{}, err
	}
	i := slices.IndexFunc(sc.Deployments, func(d federation.Deployment) bool { return d.ID == id })
	if i < 0 {
		return sight{}, federation.ErrNotFound
	}
	return sc.sight(ctx, sc.Deployments[i])
}

func (sc scene) sight(ctx context.Context, d federation.Deployment) (sight, error) {
	seen := sight{Deployment: d, snapshot: sc.Snapshot, fingerprint: powershell.Fingerprint(d, sc.Snapshot)}
	var err error
	if seen.plan, seen.refused, err = refusedWords(wizard.Plan(d.Answers, sc.Snapshot)); err != nil {
		return seen, err
	}
	v, err := sc.s.store.Verification(ctx, d.ID)
	switch {
	case err == nil:
		seen.verification = &v
	case !errors.Is(err, federation.ErrNotFound):
		return seen, err
	}
	ticks, err := sc.s.store.Ticks(ctx, d.ID)
	seen.tasks = diagnose.Tasks(diagnose.TaskFacts{Facts: diagnose.Facts{Snapshot: sc.Snapshot, Statuses: sc.statuses, Peers: sc.peers, Now: sc.s.Now()},
		Deployment: d, Plan: seen.plan, Verification: seen.verification, Fingerprint: seen.fingerprint, Ticks: ticks})
	return seen, err
}

// refusedWords takes a refusal for a finding that a page shows, and passes any other error on.
func refusedWords[T any](v T, err error) (T, string, error) {
	var refusal federation.Refusal
	var invalid federation.Invalid
	switch {
	case errors.As(err, &refusal):
		return v, refusal.Error(), nil
	case errors.As(err, &invalid):
		return v, sentences(invalid), nil
	}
	return v, "", err
}

// blind reports whether nothing can look at the Microsoft side: OCS has no cmdlets, so it has no verify.ps1.
func (seen sight) blind() bool { return seen.Answers.Platform == federation.OCS2007R2 }

// stale reports whether the last result is of scripts that are not today's.
func (seen sight) stale() bool {
	return seen.verification != nil && seen.verification.Fingerprint != seen.fingerprint
}

// standing is how far the deployment is on both sides.
func (seen sight) standing(now time.Time) *templates.Standing {
	st := &templates.Standing{Here: seen.here(), There: seen.there(now), Tasks: templates.Progress{All: len(seen.tasks)}}
	for _, t := range seen.tasks {
		if t.State == diagnose.Done {
			st.Tasks.Done++
		}
	}
	return st
}

// here is how much of the plan is in place. What an earlier run made and the answers do not want any more is no part of it.
func (seen sight) here() templates.State {
	missing, conflicts := seen.plan.Count(federation.VerdictNew), seen.plan.Count(federation.VerdictConflict)
	all := missing + conflicts + seen.plan.Count(federation.VerdictExists)
	inPlace := fmt.Sprintf("%d of %d objects in place", all-missing-conflicts, all)
	switch {
	case seen.refused != "":
		return templates.State{Mark: templates.Down, Word: "Does not fit", Note: "go through the wizard again"}
	case conflicts > 0:
		return templates.State{Mark: templates.Down, Word: fmt.Sprintf("%d in conflict", conflicts), Note: inPlace}
	case missing > 0:
		return templates.State{Mark: templates.Part, Word: fmt.Sprintf("%d missing", missing), Note: inPlace}
	}
	return templates.State{Mark: templates.Up, Word: "In place", Note: counted(all, "object", "objects")}
}

// there is what verify.ps1 last found. What is not seen, or seen by scripts of before a change, is not known.
func (seen sight) there(now time.Time) templates.State {
	v := seen.verification
	switch {
	case seen.blind():
		return templates.State{Mark: templates.Unknown, Word: "Not verified", Note: "OCS has no cmdlets to look with"}
	case v == nil:
		return templates.State{Mark: templates.Unknown, Word: "Not verified", Note: "never seen"}
	}
	count := map[string]int{}
	for _, r := range v.Results {
		count[r.State]++
	}
	different, missing := count[federation.VerifyConflict], count[federation.VerifyMissing]
	on := "seen " + templates.Clock(v.CheckedAt, now)
	switch {
	case seen.stale():
		return templates.State{Mark: templates.Unknown, Word: "Out of date", Note: on + ", by older scripts"}
	case different > 0 && missing > 0:
		return templates.State{Mark: templates.Down, Word: fmt.Sprintf("%d different, %d missing", different, missing), Note: on}
	case different > 0:
		return templates.State{Mark: templates.Down, Word: fmt.Sprintf("%d different", different), Note: on}
	case missing > 0:
		return templates.State{Mark: templates.Part, Word: fmt.Sprintf("%d missing", missing), Note: on}
	}
	return templates.State{Mark: templates.Up, Word: "As verified", Note: on}
}

// deploymentHead is the heading of one of the deployment's pages, with links to those that its platform has and that the
// reader may open. at is the page's path below the deployment, "" for its first page.
func (s *Server) deploymentHead(r *http.Request, seen sight, at, title, lede string) templates.DeploymentHead {
	path := deploymentPath(seen.Deployment)
	links := []templates.PageLink{{Name: seen.Name, Href: path}, {Name: "Tasks", Href: path + "/tasks"}}
	pages, _ := powershell.Pages(seen.Deployment, seen.snapshot) // pages that cannot be written say why themselves
	for _, p := range pages {
		links = append(links, templates.PageLink{Name: ownPageNames[p.Name], Href: path + "/" + p.Name})
	}
	if may(r, auth.Change) {
		links = append(links, templates.PageLink{Name: "Remove", Href: path + "/remove"})
	}
	for i := range links {
		links[i].Current = links[i].Href == path+at
	}
	return templates.DeploymentHead{Title: title, Lede: lede, Links: links}
}

// ownPageNames are the pages that powershell writes for a deployment, as links name them.
var ownPageNames = map[string]string{"certificates": "Certificates", "pop-ups": "Pop-ups", "tracing": "Tracing"}

// hasDraft reports whether the reader has a draft, whose place the wizard takes when it is opened on something else.
func (s *Server) hasDraft(r *http.Request) (bool, error) {
	_, err := s.store.Draft(r.Context(), signedIn(r).Name)
	if errors.Is(err, federation.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}
