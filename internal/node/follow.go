package node

import (
	"context"
	"errors"
	"io/fs"
	"time"

	"isthmus/internal/certs"
	"isthmus/internal/federation"
	"isthmus/internal/routing"
)

// coldAfter is how long a start waits for the database before it goes on with what is kept on disk. A database that
// answers does so in less; one that hangs must not keep the listeners closed.
const coldAfter = 500 * time.Millisecond

// An applied snapshot is everything that is in force on this node, made from one revision.
type applied struct {
	snapshot federation.Snapshot
	since    time.Time // when it was read from the database
	policy   *routing.Policy
	configs  *certs.Configs
	plan     plan
}

// follow puts one snapshot after the other in force until ctx ends.
func (n *Node) follow(ctx context.Context) {
	late := time.AfterFunc(coldAfter, func() { n.faulted("starting from disk", n.coldStart) })
	defer late.Stop()
	for s, err := range n.config.Snapshots(ctx) {
		if err != nil {
			n.lost(err)
			n.coldStart()
			continue
		}
		n.found(s.Point())
		if n.faulted("applying a configuration", func() { n.take(ctx, s) }) {
			n.refuse(s.Revision, errFault)
		}
	}
}

// coldStart puts the snapshot that is kept on disk in force, once, when the database gave none. When one of the two files
// is missing or cannot be believed, nothing is open and nobody is let in.
func (n *Node) coldStart() {
	n.applying.Lock()
	defer n.applying.Unlock()
	if n.cold || n.current() != nil {
		return
	}
	n.cold = true
	s, taken, err := n.files.readSnapshot()
	if errors.Is(err, fs.ErrNotExist) {
		n.log.Warn("no snapshot is kept on disk; this node starts when the database answers")
		return
	}
	if err != nil {
		n.log.Error("the snapshot on disk is not used", "reason", err)
		return
	}
	if err := n.loadUsers(); err != nil {
		// Who is licensed here is not known: messages to them would go to the Microsoft side.
		n.log.Error("the snapshot on disk is not used without the users' facts; this node starts when the database answers", "reason", err)
		return
	}
	n.log.Warn("starting with the snapshot that is kept on disk", "revision", s.Revision)
	if n.enforce(s, taken) {
		n.finished(s.Point())
	}
}

// apply puts a snapshot of the database in force, the users of its revision with it, and keeps it on disk.
func (n *Node) apply(ctx context.Context, s federation.Snapshot) {
	n.applying.Lock()
	defer n.applying.Unlock()
	defer poke(n.reportNow)
	n.release()
	taken := time.Now()
	if !n.haveUsers(ctx, s.Point()) {
		return
	}
	if !n.enforce(s, taken) {
		poke(n.usersChanged)
		return
	}
	n.catchUp(ctx, s.Revision)
	n.finished(s.Point())
	n.keepSnapshot(s)
}

// finished says that everything of a revision is in force. One from disk does not make good what is wrong with the
// database's.
func (n *Node) finished(p federation.Point) {
	n.mu.Lock()
	n.facts.inForce, n.facts.serving = p, true
	if p == n.facts.newest {
		n.facts.refused, n.facts.behind = "", time.Time{}
	}
	n.mu.Unlock()
	n.log.Info("configuration applied", "revision", p.Revision)
}

// enforce compiles a snapshot and swaps it in, then fits the listeners. One that cannot be compiled changes nothing: the
// old one stays in force and the reason is reported. taken is when it was read from the database. The caller holds applying.
func (n *Node) enforce(s federation.Snapshot, taken time.Time) bool {
	policy, err := routing.Compile(s, n.config.Name)
	if err != nil {
		n.refuse(s.Revision, err)
		return false
	}
	a := &applied{snapshot: s, since: taken, policy: policy, configs: certs.Compile(s, n.config.Name, n.config.Key, time.Now)}
	a.plan = planListeners(&a.snapshot, s.Node(n.config.Name), a.configs)
	n.setLocal(s.Node(n.config.Name).Address)
	n.swap(a)
	n.restart(a)
	n.fit(a)
	n.followed(&a.snapshot)
	return true
}

func (n *Node) refuse(revision int64, err error) {
	n.mu.Lock()
	n.facts.refused = err.Error()
	n.mu.Unlock()
	n.log.Error("the configuration cannot be applied; the one before stays in force", "revision", revision, "reason", err)
}

// swap makes a snapshot the one that requests from now on obey. The certificates come first: the policy names hops, and
// the proxy asks how to connect to them.
func (n *Node) swap(a *applied) {
	n.mu.Lock()
	n.facts.applied = a
	n.mu.Unlock()
	n.core.SetPolicy(a.policy)
}

// Latest is the snapshot that is in force and when it was read from the database; false while there is none. It goes on
// being told while the database is away.
func (n *Node) Latest() (federation.Snapshot, time.Time, bool) {
	a := n.current()
	if a == nil {
		return federation.Snapshot{}, time.Time{}, false
	}
	return a.snapshot, a.since, true
}

func (n *Node) current() *applied {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.facts.applied
}

// fit opens and closes listeners. A service that stops is told of before its ports close, and one that starts when they
// are open, so that a load balancer that asks sends nobody to a closed port. The caller holds applying.
func (n *Node) fit(a *applied) {
	n.mu.Lock()
	draining := n.facts.draining
	n.facts.stopped = n.facts.stopped || a.plan.off
	n.mu.Unlock()
	if draining {
		return
	}
	list := a.plan.statuses(n.layer.Fit(a.plan.listeners))
	n.mu.Lock()
	old := n.facts.listeners
	n.facts.listeners, n.facts.stopped = list, a.plan.off
	n.mu.Unlock()
	n.logListeners(old, list)
}

// logListeners says what changed, and a listener that stays closed is named once.
func (n *Node) logListeners(old, list []federation.ListenerStatus) {
	before := map[string]federation.ListenerStatus{}
	for _, l := range old {
		before[l.Name] = l
	}
	for _, l := range list {
		switch was, known := before[l.Name]; {
		case known && was == l:
		case l.Open:
			n.log.Info("listener open", "listener", l.Name)
		default:
			n.log.Error("listener not open", "listener", l.Name, "reason", l.Error)
		}
	}
}

// retry opens the listeners that could not be opened, notes those whose address has gone, and keeps the snapshot that could not be kept, unless one is just
// being applied.
func (n *Node) retry() {
	if !n.applying.TryLock() {
		return
	}
	defer n.applying.Unlock()
	a := n.current()
	if a == nil {
		return
	}
	n.mu.Lock()
	open, kept := allOpen(n.facts.listeners), n.facts.unkept[snapshotFile] == ""
	n.mu.Unlock()
	if !open || n.layer.AddressGone() {
		n.fit(a)
	}
	if !kept {
		n.keepSnapshot(a.snapshot)
	}
}

// lost notes that the database cannot be followed.
func (n *Node) lost(err error) {
	n.mu.Lock()
	news := n.facts.database == federation.DatabaseOK || n.facts.database == noAnswerYet
	n.facts.database = err.Error()
	n.mu.Unlock()
	if news {
		n.log.Error("the database cannot be reached; this node goes on with what it has", "reason", err)
	}
}

// found notes that the database answered with this state.
func (n *Node) found(p federation.Point) {
	n.mu.Lock()
	news := n.facts.database != federation.DatabaseOK && n.facts.database != noAnswerYet
	n.facts.database, n.facts.newest = federation.DatabaseOK, p
	if p != n.facts.inForce && n.facts.behind.IsZero() {
		n.facts.behind = time.Now()
	}
	n.mu.Unlock()
	if news {
		n.log.Info("the database is back", "revision", p.Revision)
	}
}
