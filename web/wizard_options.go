package web

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"

	"isthmus/internal/federation"
	"isthmus/internal/wizard"
	"isthmus/templates"
)

// Rows of front ends: at most, at first, and how many more "Add rows" gives.
const (
	maxRows   = 99
	firstRows = 3
	moreRows  = 3
)

// domainOptions are the domains of this side, and those of the answers that are gone since. Once the domains of the
// Microsoft side are known, each is told apart by the sides that have it.
func domainOptions(a federation.Answers, s federation.Snapshot) []templates.Option {
	var list []templates.Option
	for _, d := range s.Domains {
		note := counted(s.Usage.ByDomain[d.Name], "user", "users") + " here."
		switch {
		case len(a.MicrosoftDomains) == 0:
		case slices.Contains(a.MicrosoftDomains, d.Name):
			note += " On both sides."
		default:
			note += " Only here: the Microsoft side does not know it."
		}
		list = append(list, templates.Option{Value: d.Name, Label: d.Name, Note: note})
	}
	for _, d := range a.Domains {
		if !s.HasDomain(d) {
			list = append(list, templates.Option{Value: d, Label: d, Note: "No domain of this side any more."})
		}
	}
	return list
}

// onlyThere are the domains of the Microsoft side that this side does not hold: their users cannot take part.
func onlyThere(a federation.Answers, s federation.Snapshot) []string {
	var list []string
	for _, d := range a.MicrosoftDomains {
		if name, err := federation.ParseDomain(d); err == nil && !s.HasDomain(name) {
			list = append(list, name)
		}
	}
	return list
}

func nodeOptions(s federation.Snapshot) []templates.Option {
	var list []templates.Option
	for _, n := range s.Nodes {
		note := "No users. " + n.Address
		if users := s.Usage.ByNode[n.Name]; users > 0 {
			note = counted(users, "user", "users") + " would share it. " + n.Address
		}
		list = append(list, templates.Option{Value: n.Name, Label: n.Name, Note: note})
	}
	return list
}

// serverRows are the rows to type servers into, with what the DNS says where it was asked.
func (s *Server) serverRows(r *http.Request, a federation.Answers) (frontEnds []templates.ServerRow, expressway templates.ServerRow) {
	wanted := firstRows
	if a.Edition == federation.EditionStandard {
		wanted = 1
	}
	if n, err := strconv.Atoi(r.URL.Query().Get("rows")); err == nil {
		wanted = min(n, maxRows)
	}
	var findings []templates.State
	if r.URL.Query().Has("compare") {
		findings = s.compareWithDNS(r.Context(), a.Servers())
	}
	frontEnds = make([]templates.ServerRow, max(wanted, len(a.FrontEnds)))
	expressway.Path = "expressway"
	for i := range frontEnds {
		frontEnds[i].Path = fmt.Sprintf("front_ends[%d]", i)
	}
	for i, h := range a.Servers() {
		row := &expressway
		if i < len(a.FrontEnds) {
			row = &frontEnds[i]
		}
		row.FQDN, row.Address = h.FQDN, h.Address
		if findings != nil {
			row.Found = findings[i]
		}
	}
	return frontEnds, expressway
}

// trusting is the deployment that has the trusted application pool of the answers already: their own before another.
func trusting(a federation.Answers, s federation.Snapshot) string {
	a = wizard.Defaults(a, s)
	name := ""
	for _, d := range s.Deployments {
		if a.TrustedPool == "" || d.Answers.TrustedPool != a.TrustedPool {
			continue
		}
		if d.Name == a.DeploymentName() {
			return d.Name
		}
		if name == "" {
			name = d.Name
		}
	}
	return name
}
