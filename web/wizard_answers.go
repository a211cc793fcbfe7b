package web

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"isthmus/internal/federation"
	"isthmus/internal/wizard"
	"isthmus/templates"
)

// Numbers of the steps whose fields are more than plain texts.
const (
	stepPool        = 2
	stepFrontEnds   = 3
	stepDomains     = 4
	stepRoutingNode = 5
)

// Rows of front ends: at most, at first, and how many more "Add rows" gives.
const (
	maxRows   = 99
	firstRows = 3
	moreRows  = 3
)

// answer takes one step's fields over from a form. What the form does not ask stays as it is.
func answer(a *federation.Answers, step int, posted url.Values) {
	fields := texts(a)
	for _, name := range wizard.Steps()[step-1].Fields {
		if field, ok := fields[name]; ok && posted.Has(name) {
			*field = strings.TrimSpace(posted.Get(name))
		}
	}
	switch step {
	case stepPool:
		if a.Edition == federation.EditionStandard {
			a.Pool, a.LoadBalancer = "", "" // one front end has neither; their fields are hidden
		}
	case stepFrontEnds:
		a.FrontEnds = postedFrontEnds(posted)
	case stepDomains:
		a.Domains, a.ChildDomains = chosen(posted["domains"]), slices.ContainsFunc(posted["child_domains"], isOn)
	}
}

// texts are the answers that are one text each, by their names.
func texts(a *federation.Answers) map[string]*string {
	return map[string]*string{
		"platform": &a.Platform, "edition": &a.Edition, "pool": &a.Pool, "load_balancer": &a.LoadBalancer, "registrar": &a.Registrar,
		"site": &a.Site, "routing_node": &a.RoutingNode, "trusted_pool": &a.TrustedPool, "application_id": &a.ApplicationID,
	}
}

// postedFrontEnds leaves out rows in which nothing was typed.
func postedFrontEnds(posted url.Values) []federation.Host {
	hosts := []federation.Host{}
	for i := range maxRows {
		h := federation.Host{FQDN: strings.TrimSpace(posted.Get(frontEndField(i, "fqdn"))), Address: strings.TrimSpace(posted.Get(frontEndField(i, "address")))}
		if h.FQDN != "" || h.Address != "" {
			hosts = append(hosts, h)
		}
	}
	return hosts
}

func frontEndField(i int, name string) string { return fmt.Sprintf("front_ends[%d].%s", i, name) }

// asked are the answers as a step's form holds them. The last questions propose what follows from the others.
func asked(a federation.Answers, s federation.Snapshot, step int) url.Values {
	if step == stepRoutingNode {
		a = wizard.Defaults(a, s)
	}
	values := url.Values{"domains": a.Domains, "child_domains": {strconv.FormatBool(a.ChildDomains)}}
	for name, field := range texts(&a) {
		values.Set(name, *field)
	}
	return values
}

// platformOptions are the platforms that can be set up here; one that came with answers from elsewhere stays.
func platformOptions(given string) []templates.Option {
	offered := []string{federation.SkypeForBusiness2019, federation.SkypeForBusiness2015}
	if given != "" && !slices.Contains(offered, given) {
		offered = append(offered, given)
	}
	var list []templates.Option
	for _, p := range offered {
		list = append(list, templates.Option{Value: p, Label: templates.PlatformName(p)})
	}
	return list
}

// domainOptions are the domains of this side, and those of the answers that are gone since.
func domainOptions(a federation.Answers, s federation.Snapshot) []templates.Option {
	var list []templates.Option
	for _, d := range s.Domains {
		list = append(list, templates.Option{Value: d.Name, Label: d.Name, Note: counted(s.Usage.ByDomain[d.Name], "user", "users") + " here"})
	}
	for _, d := range a.Domains {
		if !s.HasDomain(d) {
			list = append(list, templates.Option{Value: d, Label: d, Note: "No domain of this side any more."})
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

// frontEndRows are the rows to type into, with what the DNS says where it was asked.
func (s *Server) frontEndRows(r *http.Request, a federation.Answers) []templates.FrontEndRow {
	wanted := firstRows
	if a.Edition == federation.EditionStandard {
		wanted = 1
	}
	if n, err := strconv.Atoi(r.URL.Query().Get("rows")); err == nil {
		wanted = min(n, maxRows)
	}
	rows := make([]templates.FrontEndRow, max(wanted, len(a.FrontEnds)))
	for i, h := range a.FrontEnds {
		rows[i] = templates.FrontEndRow{FQDN: h.FQDN, Address: h.Address}
	}
	if r.URL.Query().Has("compare") {
		for i, finding := range s.compareWithDNS(r.Context(), a.FrontEnds) {
			rows[i].Found = finding
		}
	}
	return rows
}
