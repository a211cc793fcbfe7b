package web

import (
	"context"
	"fmt"
	"strings"
	"time"

	"isthmus/internal/federation"
	"isthmus/internal/listing"
	"isthmus/templates"
)

// alarmAfter is how long a node may lack a change before that is a fault: a change is in force within a second.
const alarmAfter = 10 * time.Second

// A nodeSight is a serviceSight that knows since when nodes lack changes.
type nodeSight struct {
	serviceSight
	own   string               // the node that answers
	read  bool                 // the database can be read only
	since map[string]time.Time // by node that is behind: when the first change was made that it lacks
}

func (s *Server) nodeSight(ctx context.Context) (nodeSight, error) {
	sight, err := s.serviceSight(ctx)
	return nodeSight{sight, s.Node, reachOf(ctx).onlyRead(), s.behindSince(ctx, sight)}, err
}

// behindSince reads the audit log only when a node is behind, which is seldom. What it cannot find out is left out.
func (s *Server) behindSince(ctx context.Context, v serviceSight) map[string]time.Time {
	var behind []*federation.NodeStatus
	for i, status := range v.statuses {
		if behindOf(&status, &v.Snapshot) {
			behind = append(behind, &v.statuses[i])
		}
	}
	if len(behind) == 0 || !v.asOf.IsZero() {
		return nil
	}
	page, err := s.store.Audit(ctx, listing.Query{Rows: pendingRead}.Normalized())
	if err != nil {
		return nil
	}
	since := map[string]time.Time{}
	for _, status := range behind {
		if lacks := lacking(status, page.Items); len(lacks) > 0 {
			since[status.Node] = lacks[len(lacks)-1].At
		}
	}
	return since
}

// state is how far a node has come, from what it last reported and from how long ago that is.
func (v nodeSight) state(node string) templates.State {
	status := statusOf(v.statuses, node)
	if !v.asOf.IsZero() && node != v.own {
		return v.unheard(status)
	}
	state := nodeState(status, v.Revision, v.now)
	since, behind := v.since[node]
	switch {
	case status == nil || !status.Live(v.now):
	case !v.fresh(status):
		return templates.State{Mark: templates.Part, Word: "Not heard", Note: "last heard " + templates.Ago(status.ReportedAt, v.now)}
	case state.Mark == templates.Part && status.AppliedRevision < v.Revision && behind && v.now.Sub(since) > alarmAfter:
		return templates.State{Mark: templates.Down, Word: "Behind", Note: "since " + templates.Clock(since, v.now) + ", " + state.Note}
	case state.Mark == templates.Up && !answers(status.Database) && v.read:
		return templates.State{Mark: templates.Part, Word: "Cannot report", Note: "the database can be read only"}
	case state.Mark == templates.Up && status.Database != "" && !answers(status.Database):
		return templates.State{Mark: templates.Part, Word: "Without database", Note: "goes on with revision " + fmt.Sprint(status.AppliedRevision)}
	}
	return state
}

// unheard is a node that only the database could tell of, which is away.
func (v nodeSight) unheard(status *federation.NodeStatus) templates.State {
	if status == nil {
		return templates.State{Mark: templates.Unknown, Word: "Not known", Note: "it has told the database nothing"}
	}
	was := strings.ToLower(nodeState(status, v.Revision, v.asOf).Word)
	if v.asOf.Sub(status.ReportedAt) > silentAfter {
		was = "not heard"
	}
	return templates.State{Mark: templates.Unknown, Word: "Not known", Note: was + " at " + templates.Clock(v.asOf, v.now)}
}

// answers reports whether a node says of its database that it answers.
func answers(database string) bool { return database == federation.DatabaseOK }

func (v nodeSight) database(node string) templates.State {
	status := statusOf(v.statuses, node)
	switch {
	case status == nil || status.Database == "" || !v.known(node):
		return templates.State{Mark: templates.Unknown, Word: "Not known"}
	case answers(status.Database):
		return templates.State{Mark: templates.Up, Word: "Answers"}
	case v.read:
		return templates.State{Mark: templates.Part, Word: "Can be read only", Note: status.Database}
	}
	return templates.State{Mark: templates.Down, Word: "Does not answer", Note: status.Database}
}

// known reports whether what a node said last can be true of this moment.
func (v nodeSight) known(node string) bool {
	return v.fresh(statusOf(v.statuses, node)) && (v.asOf.IsZero() || node == v.own)
}

// alarms are what wants somebody's attention on the page of all nodes.
func (v nodeSight) alarms() []templates.Finding {
	var list []templates.Finding
	for _, n := range v.Nodes {
		since, behind := v.since[n.Name]
		if !behind || v.now.Sub(since) <= alarmAfter {
			continue
		}
		status := statusOf(v.statuses, n.Name)
		list = append(list, templates.Finding{Mark: templates.Down,
			Title: fmt.Sprintf("%s has lacked changes since %s", n.Name, templates.Clock(since, v.now)),
			Text:  fmt.Sprintf("Its requests obey revision %d; a peer that was taken away since is still let in there.", status.AppliedRevision),
			Href:  pendingPath, Link: "Which changes, and what to do"})
	}
	return list
}

// publisher is the node that the guide calls so: the first of the cluster. Nothing depends on it here.
func (v nodeSight) publisher() string {
	if len(v.Nodes) == 0 {
		return ""
	}
	first := v.Nodes[0]
	for _, n := range v.Nodes {
		if n.ID < first.ID {
			first = n
		}
	}
	return first.Name
}

// role is what a node is in the cluster, in the guide's words.
func (v nodeSight) role(n federation.Node) (what, place string) {
	what, place = "Home node", "Subscriber"
	if n.Routing {
		what = "Routing node"
	}
	if n.Name == v.publisher() {
		place = "Publisher"
	}
	return what, place
}

// open counts the listeners that a node has open, of those that it should have.
func (v nodeSight) open(node string) string {
	status := statusOf(v.statuses, node)
	if !v.known(node) {
		return "not known"
	}
	open := 0
	for _, l := range status.Listeners {
		if l.Open {
			open++
		}
	}
	if len(status.Listeners) == 0 {
		return "none"
	}
	return fmt.Sprintf("%d of %d", open, len(status.Listeners))
}

// up is for how long a node has run, "" when that is not known.
func (v nodeSight) up(node string) string {
	status := statusOf(v.statuses, node)
	if !v.known(node) || status.StartedAt.IsZero() {
		return ""
	}
	switch d := v.now.Sub(status.StartedAt); {
	case d < time.Minute:
		return "under a minute"
	case d < 2*time.Minute:
		return "a minute"
	}
	return strings.TrimSuffix(templates.Ago(status.StartedAt, v.now), " ago")
}
