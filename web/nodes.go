package web

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/go-chi/chi/v5"

	"isthmus/internal/auth"
	"isthmus/internal/federation"
	"isthmus/templates"
)

func (s *Server) nodeRoutes(r chi.Router) {
	s.liveRoutes(r)
	r.Get(assignPath, s.may(auth.Administer, s.showAssign))
	r.Post(assignPath, s.may(auth.Administer, s.assign))
	s.manage(r, "/nodes", auth.Administer, s.nodes())
}

func (s *Server) nodes() pages {
	return resource[federation.Node, *federation.Node]{
		s: s, path: "/nodes", one: "node", many: "nodes", title: "Nodes", change: auth.Administer,
		lede:  "The servers of this cluster. A node that starts with a new name adds itself.",
		empty: "There is no node yet. A node adds itself when isthmus serve starts on it.",
		cols: []templates.Column{{Name: "name", Label: "Name"}, {Name: "address", Label: "IP address"},
			{Label: "Users", Num: true}, {Name: "backup", Label: "Backup", FindOnly: true}, {Label: "Revision", Num: true}, {Label: "Listeners open"},
			{Label: "Database"}, {Label: "Running"}, {Label: "State"}},
		list: s.store.ListNodes, get: s.store.Node, save: s.store.SaveNode, remove: s.store.DeleteNodes,
		id:      func(n federation.Node) int64 { return n.ID },
		rows:    s.nodeRows,
		form:    s.nodeForm,
		page:    s.nodesPage,
		check:   s.checkNode,
		effects: s.nodeEffects,
		saved:   func(ctx context.Context, n federation.Node, _ url.Values) string { return s.nodeSaved(ctx, n) },
	}
}

func (s *Server) nodeRows(ctx context.Context, nodes []federation.Node) ([]templates.Row, error) {
	v, err := s.nodeSight(ctx)
	if err != nil {
		return nil, err
	}
	rows := make([]templates.Row, len(nodes))
	for i, n := range nodes {
		rows[i] = v.row(n)
	}
	return rows, nil
}

func (v nodeSight) row(n federation.Node) templates.Row {
	status, state, database := statusOf(v.statuses, n.Name), v.state(n.Name), v.database(n.Name)
	what, place := v.role(n)
	name := templates.Cell{Text: n.Name, Note: place + ", " + strings.ToLower(what)}
	if n.Backup != "" {
		name.Note += "; backup " + n.Backup
	}
	running := templates.Cell{Text: v.up(n.Name)}
	if status != nil {
		running.Note = status.Version
	}
	return templates.Row{ID: n.ID, Href: fmt.Sprintf("/nodes/%d", n.ID), Label: n.Name, Cells: []templates.Cell{
		name, {Text: n.Address, Mono: true}, {Text: fmt.Sprint(v.Usage.ByNode[n.Name]), Num: true},
		{Text: appliedBy(status), Num: true}, {Text: v.open(n.Name)}, {State: &database}, running, {State: &state},
	}}
}

func appliedBy(status *federation.NodeStatus) string {
	if status == nil {
		return "none"
	}
	return fmt.Sprint(status.AppliedRevision)
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

// checkNode refuses a name or an address to which a static route leads. Those of a deployment's servers are refused where
// it is saved.
func (s *Server) checkNode(ctx context.Context, n federation.Node, _ url.Values) (federation.Invalid, error) {
	snapshot, err := s.snapshot(ctx)
	if err != nil {
		return nil, err
	}
	return append(notAHop(snapshot, "name", n.Name), notAHop(snapshot, "address", n.Address)...), nil
}

// notAHop refuses for a node what a static route leads to.
func notAHop(snapshot federation.Snapshot, field, value string) federation.Invalid {
	if deploymentOf(snapshot, value) != "" { // which is what its reader can do something about
		return nil
	}
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
