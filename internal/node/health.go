package node

import (
	"cmp"
	"errors"
	"time"

	"isthmus/internal/federation"
)

// States of a node.
const (
	Ready    = "ready"    // a snapshot is in force and every activated listener is open
	Degraded = "degraded" // the same, but the database cannot be reached or takes no reports, or its newest revision cannot be applied, or not kept on disk
	Starting = "starting" // no snapshot is in force yet, or a listener is not open
	Stopped  = "stopped"  // the service SIP proxy does not run here, so no listener is open on purpose
	Draining = "draining" // ends as soon as the requests under way are answered
)

// Health is what a node says of itself.
type Health struct {
	State           string
	Revision        *int64 // the database's, nil while it cannot be reached
	AppliedRevision int64  // the one in force, 0 for none
	Database        string // federation.DatabaseOK, or why it cannot be reached or takes no reports
	Listeners       []federation.ListenerStatus
}

// facts are what the node's goroutines tell each other, under the node's lock.
type facts struct {
	applied    *applied         // that requests obey, nil before the first snapshot
	inForce    federation.Point // state of which everything is in force: policy, listeners and users
	serving    bool             // there was one
	stopped    bool             // the service SIP proxy does not run here
	listeners  []federation.ListenerStatus
	newest     federation.Point  // last one read from the database
	behind     time.Time         // since when newest is not in force, zero while it is
	database   string            // federation.DatabaseOK, or why it cannot be reached
	failed     int               // reports in a row that the database did not take
	unreported string            // why it takes none, "" when it does
	refused    string            // why the newest revision is not in force, "" when it is
	held       string            // why the database's state is not taken, "" when it is
	skew       time.Duration     // by how much this clock is ahead of the database's
	unkept     map[string]string // by file: what a start without the database would use instead, and why
	draining   bool
	restarted  map[string]int64 // by service: up to which of the ordered restarts are done; replaced, never changed
}

// Health is what the node says of itself at this moment.
func (n *Node) Health() Health {
	n.mu.Lock()
	defer n.mu.Unlock()
	h := Health{State: n.facts.state(), AppliedRevision: n.facts.inForce.Revision, Database: n.facts.database, Listeners: n.facts.listeners}
	if h.Database == federation.DatabaseOK {
		revision := n.facts.newest.Revision
		h.Revision = &revision
		h.Database = cmp.Or(n.facts.unreported, federation.DatabaseOK)
	}
	return h
}

func (f *facts) state() string {
	switch {
	case f.draining:
		return Draining
	case !f.serving:
		return Starting
	case f.stopped:
		return Stopped
	case !allOpen(f.listeners):
		return Starting
	case f.database != federation.DatabaseOK || f.unreported != "" || f.trouble() != "" || f.lacking() != "":
		return Degraded
	}
	return Ready
}

// trouble is why the database's state is not in force, "" when it is.
func (f *facts) trouble() string {
	if f.held != "" {
		return f.held
	}
	return f.refused
}

// noteReport notes whether the database took a report. It can be one that answers but only be read, or have a full disk:
// then other nodes and the console know nothing new of this one. A single report that fails is nothing yet, nor is a node
// that nobody has added.
func (f *facts) noteReport(err error) {
	if err == nil || errors.Is(err, federation.ErrNotFound) {
		f.failed, f.unreported = 0, ""
		return
	}
	f.failed++
	if f.failed > 1 {
		f.unreported = "This node's state cannot be kept there. " + err.Error()
	}
}

// status is the row that the node keeps about itself in the database. Once it is there, it could be reported.
func (n *Node) status() federation.NodeStatus {
	hops := n.core.HopStates()
	server, client := n.core.Transactions()
	connections := len(n.layer.Connections())
	n.mu.Lock()
	defer n.mu.Unlock()
	arrived := n.facts
	arrived.unreported = ""
	return federation.NodeStatus{
		Node: n.config.Name, AppliedEra: n.facts.inForce.Era, AppliedRevision: n.facts.inForce.Revision,
		State: arrived.state(), Database: n.facts.database, Error: n.facts.trouble(), Unkept: n.facts.lacking(), Version: n.config.Version,
		StartedAt: n.started, ReportedAt: time.Now(), Connections: connections, Transactions: server + client,
		Restarted: n.facts.restarted, Listeners: n.facts.listeners, Hops: hops,
	}
}
