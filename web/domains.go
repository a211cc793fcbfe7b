package web

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"

	"github.com/a-h/templ"

	"isthmus/internal/auth"
	"isthmus/internal/federation"
	"isthmus/templates"
)

func (s *Server) domains() pages {
	return resource[federation.Domain, *federation.Domain]{
		s: s, path: "/domains", one: "domain", many: "domains", title: "Domains", change: auth.Change,
		lede:  "The presence domains that this side holds. Names are compared whole: abc.synergy.com is not synergy.com.",
		empty: "This side holds no domain yet, so nobody here has an address and nothing is routed. Add the domain that both sides share.",
		cols:  []templates.Column{{Name: "name", Label: "Domain"}, {Label: "Users here", Num: true}, {Label: "Static routes", Num: true}},
		list:  s.store.ListDomains, get: s.store.Domain, save: s.store.SaveDomain, remove: s.store.DeleteDomains,
		id:   func(d federation.Domain) int64 { return d.ID },
		rows: s.domainRows,
		form: func(_ context.Context, f templates.Frame, form templates.Form) (templ.Component, error) {
			return templates.DomainForm(f, form), nil
		},
		page:    s.domainPage,
		check:   s.checkDomain,
		effects: s.domainEffects,
	}
}

func (s *Server) domainRows(ctx context.Context, domains []federation.Domain) ([]templates.Row, error) {
	snapshot, err := s.snapshot(ctx)
	if err != nil {
		return nil, err
	}
	rows := make([]templates.Row, len(domains))
	for i, d := range domains {
		rows[i] = templates.Row{ID: d.ID, Href: fmt.Sprintf("/domains/%d", d.ID), Label: d.Name, Cells: []templates.Cell{
			{Text: d.Name, Mono: true},
			{Text: fmt.Sprint(snapshot.Usage.ByDomain[d.Name]), Num: true},
			{Text: fmt.Sprint(len(routesOf(snapshot, d.Name))), Num: true},
		}}
	}
	return rows, nil
}

// checkDomain refuses a node's name: what is a host cannot be what stands after the @ of addresses here.
func (s *Server) checkDomain(ctx context.Context, d federation.Domain, _ url.Values) (federation.Invalid, error) {
	snapshot, err := s.snapshot(ctx)
	if err != nil || snapshot.Node(d.Name) == nil {
		return nil, err
	}
	return federation.Invalid{{Path: "name", Text: d.Name + " is one of the nodes; enter a domain that has another name."}}, nil
}

// routesOf are the static routes whose pattern is exactly that domain.
func routesOf(snapshot federation.Snapshot, domain string) []federation.StaticRoute {
	var routes []federation.StaticRoute
	for _, route := range snapshot.StaticRoutes {
		if route.Domain() == domain {
			routes = append(routes, route)
		}
	}
	return routes
}

func (s *Server) domainPage(ctx context.Context, f templates.Frame, l templates.List) (templ.Component, error) {
	snapshot, err := s.snapshot(ctx)
	if err != nil {
		return nil, err
	}
	var findings []templates.Finding
	if n := len(snapshot.Domains); n > 1 && snapshot.Settings.IMAddressScheme == federation.SchemeUserID {
		findings = append(findings, severalDomains(n))
	}
	if !f.MayChange || reachOf(ctx).away() != nil {
		return templates.DomainList(f, l, usedDomains(snapshot), findings), nil
	}
	waiting, err := s.waitingDraft(ctx, f.User, snapshot)
	return templates.DomainList(f, l, usedDomains(snapshot), append(findings, waiting...)), err
}

// waitingDraft leads back to the wizard, from whose step on domains people come here to add one.
func (s *Server) waitingDraft(ctx context.Context, owner string, snapshot federation.Snapshot) ([]templates.Finding, error) {
	draft, err := s.store.Draft(ctx, owner)
	if errors.Is(err, federation.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	step := s.draftRow(draft, snapshot)
	return []templates.Finding{{Mark: templates.Unknown, Title: fmt.Sprintf("Your draft waits in the wizard at step %d: %s", step.Number, step.Step),
		Text: "A domain that is added here can be chosen there.", Href: fmt.Sprintf("/wizard/%d", step.Number), Link: "Continue in the wizard"}}, nil
}

// severalDomains: the scheme with user ids knows one domain only (guide p.47).
func severalDomains(n int) templates.Finding {
	return templates.Finding{Mark: templates.Part, Title: fmt.Sprintf("%d domains, and an address scheme for one", n),
		Text: "User ids are completed with the default domain alone. Addresses in more than one domain need the directory URI.",
		Href: "/settings", Link: "Change the address scheme"}
}

// usedDomains are the domains of users' addresses (guide p.47-48, system-managed). Each is configured as well: nobody is
// licensed with an address elsewhere.
func usedDomains(snapshot federation.Snapshot) []templates.UsedDomain {
	var used []templates.UsedDomain
	for _, name := range slices.Sorted(maps.Keys(snapshot.Usage.ByDomain)) {
		used = append(used, templates.UsedDomain{Name: name, Users: snapshot.Usage.ByDomain[name]})
	}
	return used
}

func (s *Server) domainEffects(ctx context.Context, going []federation.Domain) ([]string, bool, error) {
	snapshot, err := s.snapshot(ctx)
	if err != nil {
		return nil, false, err
	}
	for _, d := range going {
		if routes := routesOf(snapshot, d.Name); len(routes) > 0 {
			return []string{capital(counted(len(routes), "static route leads", "static routes lead")) + " to " + d.Name +
				", so it cannot be deleted. Delete those routes first."}, true, nil
		}
		if n := snapshot.Usage.ByDomain[d.Name]; n > 0 {
			return []string{counted(n, "user has an address", "users have addresses") + " in " + d.Name +
				", so it cannot be deleted. Change or delete them first."}, true, nil
		}
	}
	return []string{"Requests for addresses there are answered with 403 within a second."}, false, nil
}
