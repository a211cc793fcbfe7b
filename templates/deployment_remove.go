package templates

import "isthmus/internal/federation"

// A Removal is asked about on a page of its own: what goes with a deployment, what stays and why, and what follows.
type Removal struct {
	Head        DeploymentHead
	Name        string
	To          string
	Rollback    ScriptFile // the way back of the Microsoft side; its name is "" where there is no such script
	Checklist   ScriptFile // in its place
	Effects     []string   // on traffic, whole sentences
	Goes        []PlanGroup
	Stays       []PlanGroup
	Fingerprint string // of the list that is shown
	Refused     string // why the reader may not remove it, "" when there is nothing against it
	Form        Form
}

// NewRemoval lays the list of a removal out for reading.
func NewRemoval(a federation.Answers, c federation.Changes) (goes, stays []PlanGroup) {
	for _, change := range c.List {
		row := planRow(a, change)
		if change.Verdict == federation.VerdictRemove {
			goes = grouped(goes, change.Kind, row)
		} else {
			stays = grouped(stays, change.Kind, row)
		}
	}
	return goes, stays
}

// shared reports whether objects of the group are everybody's, so that they stay whatever happens to a deployment.
func (g PlanGroup) shared() bool {
	return g.Path != kinds["static_route"].path && g.Path != kinds["acl"].path && g.Path != kinds["tls_peer_subject"].path
}

// grouped puts a row under the heading of its kind; those of one kind stand together in a plan.
func grouped(groups []PlanGroup, kind string, row PlanRow) []PlanGroup {
	title := kinds[kind].title
	if n := len(groups); n == 0 || groups[n-1].Title != title {
		groups = append(groups, PlanGroup{Title: title, Path: kinds[kind].path})
	}
	last := &groups[len(groups)-1]
	last.Rows = append(last.Rows, row)
	return groups
}
