package web

import (
	"context"
	"strings"
	"time"

	"github.com/a-h/templ"

	"isthmus/internal/federation"
	"isthmus/internal/store"
	"isthmus/templates"
)

// nodesPage is the list of all nodes, which follows them.
func (s *Server) nodesPage(ctx context.Context, f templates.Frame, l templates.List) (templ.Component, error) {
	v, err := s.nodeSight(ctx)
	if err != nil {
		return nil, err
	}
	view := templates.NodesView{Bar: s.bar(v.serviceSight), Alarms: v.alarms()}
	if rolling, err := s.rollingView(ctx); err == nil && rolling != nil && rolling.UnderWay {
		view.Rolling = rolling
	}
	l.Class, l.Live = "nodes", "nodes"
	if l.Delete && s.canAssign(ctx) {
		l.Other, l.OtherHref = "Assign users", assignPath
	}
	return templates.NodeList(f, l, view), nil
}

// bar says as of when a page is, and makes it follow.
func (s *Server) bar(v serviceSight) templates.LiveBar {
	b := templates.LiveBar{At: s.clock(), Stream: livePath}
	if !v.asOf.IsZero() {
		b.At, b.Old = v.asOf.Format(time.TimeOnly), true
	}
	return b
}

// nodeForm is the form of a new node, or what is known of one above its form.
func (s *Server) nodeForm(ctx context.Context, f templates.Frame, form templates.Form) (templ.Component, error) {
	v, err := s.nodeSight(ctx)
	if err != nil {
		return nil, err
	}
	fields := v.fields(form)
	n := v.Node(form.Key)
	if form.ID == 0 || n == nil {
		return templates.NodeForm(f, form, fields), nil
	}
	view := v.view(*n)
	view.Bar, view.MayChange = s.bar(v.serviceSight), f.MayChange && reachOf(ctx).savable()
	if !store.IsUnattended(ctx) { // the DNS stands outside of what a page fetches again
		state := s.dnsOf(ctx, *n)
		view.DNS = &state
	}
	return templates.NodePage(f, form, fields, view), nil
}

// dnsOf compares a node's name and address with the DNS, by which the Microsoft side finds it (guide p.28).
func (s *Server) dnsOf(ctx context.Context, n federation.Node) templates.State {
	return s.compareWithDNS(ctx, []federation.Host{{FQDN: n.Name, Address: n.Address}})[0]
}

// nodeSaved warns of a backup that could not take the users and of a name that the DNS does not have as the node has it.
// It refuses nothing: services and records may follow.
func (s *Server) nodeSaved(ctx context.Context, n federation.Node) string {
	return strings.TrimSpace(s.backupWarning(ctx, n) + " " + s.dnsWarning(ctx, n))
}

func (s *Server) backupWarning(ctx context.Context, n federation.Node) string {
	snapshot, err := s.snapshot(ctx)
	if err != nil { // it is saved; its page tells the same
		return ""
	}
	if why := snapshot.CannotBackUp(n); why != "" {
		return "Its backup cannot take its users: " + n.Backup + " " + why + "."
	}
	return ""
}

func (s *Server) dnsWarning(ctx context.Context, n federation.Node) string {
	switch state := s.dnsOf(ctx, n); state.Mark {
	case templates.Part:
		return "The DNS does not agree: " + lowered(state.Note) + " Mend its records, or the node."
	case templates.Unknown:
		return "The DNS knows neither " + n.Name + " nor " + n.Address + " from here; the Microsoft side finds the node by an A record."
	}
	return ""
}

func lowered(s string) string { return strings.ToLower(s[:1]) + s[1:] }

// fields is what the form offers. A single node has no backup and needs no routing node (guide p.48-49); nor does a
// deployment that sends calls to an Expressway (guide p.49, 64). What is set stays in sight.
func (v nodeSight) fields(form templates.Form) templates.NodeFields {
	f := templates.NodeFields{Backup: form.Value("backup") != "", Routing: form.On("routing")}
	if n := v.Node(form.Key); n != nil { // what a form with a mistake takes back has to be asked for until it is saved
		f.Routing = f.Routing || n.Routing
	}
	for _, n := range v.Nodes {
		if n.ID != form.ID {
			f.Others = append(f.Others, n.Name)
		}
	}
	if len(f.Others) == 0 {
		f.Why = "While there is one node, it does everything: it needs no routing node beside it, and has no backup. Both can be chosen as soon as there is a second."
		return f
	}
	f.Backup = true
	if v.callsOnly() {
		f.Why = "Every deployment sends calls to an Expressway, and needs no routing node."
		return f
	}
	f.Routing = true
	return f
}

// callsOnly reports whether every deployment is chat and calling.
func (v nodeSight) callsOnly() bool {
	for _, d := range v.Deployments {
		if d.Answers.Deployment != federation.ChatAndCalling {
			return false
		}
	}
	return len(v.Deployments) > 0
}
