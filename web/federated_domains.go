package web

import (
	"context"
	"fmt"

	"github.com/a-h/templ"

	"isthmus/internal/auth"
	"isthmus/internal/federation"
	"isthmus/templates"
)

func (s *Server) federatedDomains() pages {
	return resource[federation.FederatedDomain, *federation.FederatedDomain]{
		s: s, path: "/federated-domains", one: "federated domain", many: "federated domains", title: "Federated domains", change: auth.Change,
		lede:  "Remote domains that people here reach through the Microsoft side. Each needs a static route to it; requests from outside are never passed on to them.",
		empty: "Nobody here reaches a remote domain through the Microsoft side. Add the domain, then a static route for it.",
		cols:  []templates.Column{{Name: "name", Label: "Domain"}, {Name: "direct", Label: "Direct Federation"}, {Label: "Static routes", Num: true}},
		list:  s.store.ListFederatedDomains, get: s.store.FederatedDomain, save: s.store.SaveFederatedDomain, remove: s.store.DeleteFederatedDomains,
		id:   func(d federation.FederatedDomain) int64 { return d.ID },
		rows: s.federatedDomainRows,
		form: func(_ context.Context, f templates.Frame, form templates.Form) (templ.Component, error) {
			return templates.FederatedDomainForm(f, form), nil
		},
	}
}

func (s *Server) federatedDomainRows(ctx context.Context, domains []federation.FederatedDomain) ([]templates.Row, error) {
	snapshot, err := s.snapshot(ctx)
	if err != nil {
		return nil, err
	}
	rows := make([]templates.Row, len(domains))
	for i, d := range domains {
		direct := templates.State{Mark: templates.Up, Word: "On"}
		if !d.Direct {
			direct = templates.State{Mark: templates.Off, Word: "Off", Note: "requests there end with 403"}
		}
		rows[i] = templates.Row{ID: d.ID, Href: fmt.Sprintf("/federated-domains/%d", d.ID), Label: d.Name, Cells: []templates.Cell{
			{Text: d.Name, Mono: true}, {State: &direct}, {Text: fmt.Sprint(len(routesOf(snapshot, d.Name))), Num: true},
		}}
	}
	return rows, nil
}
