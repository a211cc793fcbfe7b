package web

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/a-h/templ"
	"github.com/go-chi/chi/v5"

	"isthmus/internal/auth"
	"isthmus/internal/federation"
	"isthmus/templates"
)

func (s *Server) nodeRoutes(r chi.Router) {
	s.manage(r, "/nodes", auth.Administer, s.nodes())
}

func (s *Server) nodes() pages {
	return resource[federation.Node, *federation.Node]{
		s: s, path: "/nodes", one: "node", many: "nodes", title: "Nodes", change: auth.Administer,
		lede:  "The servers of this cluster. A node that starts with a new name adds itself.",
		empty: "There is no node yet. A node adds itself when isthmus serve starts on it.",
		cols: []templates.Column{{Name: "name", Label: "Name"}, {Name: "address", Label: "IP address"}, {Label: "Role"},
			{Label: "Users", Num: true}, {Name: "backup", Label: "Backup"}, {Label: "Revision", Num: true}, {Label: "State"}},
		list: s.store.ListNodes, get: s.store.Node, save: s.store.SaveNode, remove: s.store.DeleteNodes,
		id:      func(n federation.Node) int64 { return n.ID },
		rows:    s.nodeRows,
		form:    s.nodeForm,
		check:   s.checkNode,
		effects: s.nodeEffects,
	}
}

func (s *Server) nodeRows(ctx context.Context, nodes []federation.Node) ([]templates.Row, error) {
	snapshot, err := s.snapshot(ctx)
	if err != nil {
		return nil, err
	}
	statuses, err := s.store.NodeStatuses(ctx)
	if err != nil {
		return nil, err
	}
	rows := make([]templates.Row, len(nodes))
	for i, n := range nodes {
		status := statusOf(statuses, n.Name)
		state := nodeState(status, snapshot.Revision, s.Now())
		rows[i] = templates.Row{ID: n.ID, Href: fmt.Sprintf("/nodes/%d", n.ID), Label: n.Name, Cells: []templates.Cell{
			{Text: n.Name}, {Text: n.Address, Mono: true}, {Text: role(n), Note: runs(n)},
			{Text: fmt.Sprint(snapshot.Usage.ByNode[n.Name]), Num: true}, {Text: n.Backup},
			{Text: appliedBy(status), Num: true}, {State: &state},
		}}
	}
	return rows, nil
}

func role(n federation.Node) string {
	if n.Routing {
		return "Routing node"
	}
	return "Home node"
}

// runs names the activated services.
func runs(n federation.Node) string {
	names := make([]string, len(n.Services))
	for i, service := range n.Services {
		names[i] = templates.ServiceName(service)
	}
	if len(names) == 0 {
		return "no service activated"
	}
	return strings.Join(names, ", ")
}

func appliedBy(status *federation.NodeStatus) string {
	if status == nil {
		return "none"
	}
	return fmt.Sprint(status.AppliedRevision)
}

func (s *Server) nodeForm(ctx context.Context, f templates.Frame, form templates.Form) (templ.Component, error) {
	names, err := s.nodeNames(ctx, func(n federation.Node) bool { return n.ID != form.ID })
	if err != nil {
		return nil, err
	}
	return templates.NodeForm(f, form, names), nil
}

// nodeNames are the names of the nodes that a test lets pass.
func (s *Server) nodeNames(ctx context.Context, wanted func(federation.Node) bool) ([]string, error) {
	snapshot, err := s.snapshot(ctx)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, n := range snapshot.Nodes {
		if wanted(n) {
			names = append(names, n.Name)
		}
	}
	return names, nil
}

// checkNode refuses a name or an address that a server of the Microsoft side has already (guide p.74).
func (s *Server) checkNode(ctx context.Context, n federation.Node, _ url.Values) (federation.Invalid, error) {
	snapshot, err := s.snapshot(ctx)
	if err != nil {
		return nil, err
	}
	return append(notMicrosofts(snapshot, "name", n.Name), notMicrosofts(snapshot, "address", n.Address)...), nil
}

// notMicrosofts refuses for a node what names a server of a deployment, or what a static route leads to.
func notMicrosofts(snapshot federation.Snapshot, field, value string) federation.Invalid {
	if d := deploymentOf(snapshot, value); d != "" {
		return federation.Invalid{{Path: field, Text: value + " is a server of the Microsoft side, in the deployment " + d + "; a node needs " + article(field) + " of its own."}}
	}
	return notAHop(snapshot, field, value)
}

// notAHop refuses for a node what a static route leads to.
func notAHop(snapshot federation.Snapshot, field, value string) federation.Invalid {
	if !slices.ContainsFunc(snapshot.StaticRoutes, func(r federation.StaticRoute) bool { return r.NextHop == value }) {
		return nil
	}
	return federation.Invalid{{Path: field, Text: "A static route leads to " + value + ", which makes it a server of the Microsoft side. Enter another, or change that route first."}}
}

// deploymentOf is the deployment that has a server of that name or address, or "".
func deploymentOf(snapshot federation.Snapshot, host string) string {
	for _, d := range snapshot.Deployments {
		if d.Answers.Holds(host) {
			return d.Name
		}
	}
	return ""
}

func (s *Server) nodeEffects(ctx context.Context, going []federation.Node) ([]string, bool, error) {
	statuses, err := s.store.NodeStatuses(ctx)
	if err != nil {
		return nil, false, err
	}
	snapshot, err := s.snapshot(ctx)
	if err != nil {
		return nil, false, err
	}
	for _, n := range going {
		if status := statusOf(statuses, n.Name); status != nil && status.Live(s.Now()) {
			return []string{n.Name + " is running: it reported " + templates.Ago(status.ReportedAt, s.Now()) + ". Stop isthmus serve on it, wait a minute, and delete it then."}, true, nil
		}
		if users := snapshot.Usage.ByNode[n.Name]; users > 0 {
			return []string{counted(users, "user is", "users are") + " homed on " + n.Name + ", so it cannot be deleted. Move them to another node first."}, true, nil
		}
	}
	return []string{"Its certificate goes with it. It adds itself again when isthmus serve starts on it."}, false, nil
}
