package web

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/a-h/templ"

	"isthmus/internal/federation"
	"isthmus/internal/store"
	"isthmus/templates"
)

// noticedSkew is from where on a clock's difference is told: up to there it may be the way of the report.
const noticedSkew = time.Second

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

// nodeSaved warns of a name that the DNS does not have as the node has it. It refuses nothing: records may follow.
func (s *Server) nodeSaved(ctx context.Context, n federation.Node) string {
	switch state := s.dnsOf(ctx, n); state.Mark {
	case templates.Part:
		return "The DNS does not agree: " + lowered(state.Note) + " Mend its records, or the node."
	case templates.Unknown:
		return "The DNS knows neither " + n.Name + " nor " + n.Address + " from here; the Microsoft side finds the node by an A record."
	}
	return ""
}

func lowered(s string) string { return strings.ToLower(s[:1]) + s[1:] }

// view is all that is known of a node at this moment.
func (v nodeSight) view(n federation.Node) templates.NodeView {
	status := statusOf(v.statuses, n.Name)
	view := templates.NodeView{Name: n.Name, State: v.state(n.Name), Facts: v.placeFacts(n), Listeners: v.listenerFacts(n), Hops: v.hopFacts(n.Name)}
	if status != nil {
		view.Facts = append(view.Facts, v.runFacts(*status)...)
	}
	for _, service := range federation.Services {
		view.Controls = append(view.Controls, v.control(n, service))
	}
	return view
}

// placeFacts are what a node is in the cluster.
func (v nodeSight) placeFacts(n federation.Node) []templates.NodeFact {
	what, place := v.role(n)
	list := []templates.NodeFact{{Label: "Role", Text: place, Note: "The publisher is the first node of the cluster. Nothing depends on it: every node reads and writes the same database."},
		{Label: "Kind", Text: what, Note: v.routingNote(n)}}
	list = append(list, templates.NodeFact{Label: "Users", Text: counted(v.Usage.ByNode[n.Name], "user", "users"), Note: v.capacity(n)})
	if n.Backup != "" {
		list = append(list, templates.NodeFact{Label: "Backup", Text: n.Backup, Mono: true, Note: "Takes its users while it is down."})
	}
	return list
}

// routingNote: the Microsoft side's route leads to one name, so several routing nodes need something in front of them.
func (v nodeSight) routingNote(n federation.Node) string {
	routing := 0
	for _, other := range v.Nodes {
		if other.Routing {
			routing++
		}
	}
	if !n.Routing || routing < 2 {
		return ""
	}
	return fmt.Sprintf("One of %d: the Microsoft side's route leads to a load balancer in front of them, or a second run of the wizard moves it here when the other is lost.", routing)
}

// capacity tells whose users come to a node when theirs is down (guide p.35 note 2: each must be able to carry all).
func (v nodeSight) capacity(n federation.Node) string {
	var from []string
	more := 0
	for _, other := range v.Nodes {
		if other.Backup == n.Name && v.Usage.ByNode[other.Name] > 0 {
			from, more = append(from, other.Name), more+v.Usage.ByNode[other.Name]
		}
	}
	if more == 0 {
		return ""
	}
	return fmt.Sprintf("%d more while %s down, so it has to be able to carry %d.", more, areDown(from), v.Usage.ByNode[n.Name]+more)
}

func areDown(names []string) string {
	if len(names) == 1 {
		return names[0] + " is"
	}
	return strings.Join(names, " and ") + " are"
}

// runFacts are what a node reported of itself.
func (v nodeSight) runFacts(status federation.NodeStatus) []templates.NodeFact {
	revision := templates.NodeFact{Label: "Revision in force", Text: fmt.Sprintf("%d of %d", status.AppliedRevision, v.Revision)}
	if v.Era > 1 || status.AppliedEra > 1 {
		revision.Note = fmt.Sprintf("Era %d of %d: a restored database was accepted.", status.AppliedEra, v.Era)
	}
	database := v.database(status.Node)
	list := []templates.NodeFact{revision, {Label: "Last error", Text: orNone(status.LastError), Note: v.toldAt(status)},
		{Label: "Database", State: &database}, {Label: "Version", Text: status.Version},
		{Label: "Last heard", Text: templates.Ago(status.ReportedAt, v.now)}}
	if up := v.up(status.Node); up != "" {
		list = append(list, templates.NodeFact{Label: "Running for", Text: up, Note: "since " + templates.Clock(status.StartedAt, v.now)})
	}
	if v.known(status.Node) && v.asOf.IsZero() {
		clock := skewOf(status)
		list = append(list, templates.NodeFact{Label: "Under way", Text: counted(status.Connections, "connection", "connections") + ", " + counted(status.Transactions, "transaction", "transactions")},
			templates.NodeFact{Label: "Clock", State: &clock})
	}
	if status.Unkept != "" {
		list = append(list, templates.NodeFact{Label: "On its disk", State: &templates.State{Mark: templates.Part, Word: "Not kept", Note: status.Unkept}})
	}
	return list
}

func orNone(text string) string {
	if text == "" {
		return "none"
	}
	return text
}

func (v nodeSight) toldAt(status federation.NodeStatus) string {
	switch {
	case status.ErrorAt.IsZero():
		return ""
	case status.Error == "":
		return "told at " + templates.Clock(status.ErrorAt, v.now) + ", mended since"
	}
	return "told since " + templates.Clock(status.ErrorAt, v.now)
}

// skewOf compares a node's clock with the database's.
func skewOf(status federation.NodeStatus) templates.State {
	skew := time.Duration(status.SkewMS) * time.Millisecond
	if skew.Abs() < noticedSkew {
		return templates.State{Mark: templates.Up, Word: "Agrees", Note: "with the database's within a second"}
	}
	state := templates.State{Mark: templates.Part, Word: "Differs", Note: fmt.Sprintf("%s ahead of the database's; set both by NTP", skew.Round(time.Second))}
	if skew < 0 {
		state.Note = fmt.Sprintf("%s behind the database's; set both by NTP", skew.Abs().Round(time.Second))
	}
	return state
}

// listenerFacts are the listeners that are switched on, as a node has them.
func (v nodeSight) listenerFacts(n federation.Node) []templates.Fact {
	var list []templates.Fact
	for _, l := range v.Listeners {
		if l.Enabled {
			list = append(list, templates.Fact{Name: l.Name, Note: fmt.Sprintf("%s %s:%d", strings.ToUpper(l.Transport), n.Address, l.Port), State: v.listenerState(n, l.Name)})
		}
	}
	return list
}

func (v nodeSight) listenerState(n federation.Node, name string) templates.State {
	switch status := statusOf(v.statuses, n.Name); {
	case !v.known(n.Name):
		return templates.State{Mark: templates.Unknown, Word: "Not known"}
	case !v.Runs(n.Name, federation.ServiceSIPProxy):
		return templates.State{Mark: templates.Off, Word: "Off", Note: "the SIP proxy does not run here"}
	default:
		for _, l := range status.Listeners {
			if l.Name == name && l.Open {
				return templates.State{Mark: templates.Up, Word: "Open"}
			}
			if l.Name == name {
				return templates.State{Mark: templates.Down, Word: "Not open", Note: l.Error}
			}
		}
	}
	return templates.State{Mark: templates.Unknown, Word: "Not reported"}
}

// hopFacts are the next hops that a node has tried.
func (v nodeSight) hopFacts(node string) []templates.Fact {
	status := statusOf(v.statuses, node)
	if !v.known(node) || !v.asOf.IsZero() {
		return nil
	}
	var list []templates.Fact
	for _, h := range status.Hops {
		state := joined(times(h.State == federation.HopUp), times(h.State == federation.HopDown), h, v.now)
		list = append(list, templates.Fact{Name: fmt.Sprintf("%s:%d", h.Host, h.Port), Note: strings.ToUpper(h.Transport), State: state})
	}
	return list
}

func times(is bool) int {
	if is {
		return 1
	}
	return 0
}

// fields is what the form offers. A single node has no backup and needs no routing node (guide p.48-49); nor does a
// deployment that sends calls to an Expressway (guide p.49, 64). What is set stays in sight.
func (v nodeSight) fields(form templates.Form) templates.NodeFields {
	f := templates.NodeFields{Backup: form.Value("backup") != "", Routing: form.On("routing")}
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
