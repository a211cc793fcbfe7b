package templates

import (
	"slices"

	"isthmus/internal/federation"
)

// A Removal is asked about on a page of its own: what goes with a deployment, what stays and why, and what follows.
type Removal struct {
	Head        DeploymentHead
	Name        string
	To          string
	Rollback    ScriptFile // the way back of the Microsoft side; its name is "" where there is no such script
	Checklist   ScriptFile // in its place
	Unwritten   string     // why there is neither today, "" when there is
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

// grouped puts a row under the heading of its kind, which is made where it is the first of them.
func grouped(groups []PlanGroup, kind string, row PlanRow) []PlanGroup {
	at := slices.IndexFunc(groups, func(g PlanGroup) bool { return g.Title == kinds[kind].title })
	if at < 0 {
		at = len(groups)
		groups = append(groups, PlanGroup{Title: kinds[kind].title, Path: kinds[kind].path})
	}
	groups[at].Rows = append(groups[at].Rows, row)
	return groups
}
