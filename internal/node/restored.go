package node

import (
	"context"
	"fmt"

	"isthmus/internal/federation"
)

// take puts a snapshot of the database in force, unless it is older than what this node has or keeps on disk: then the
// database was restored, and somebody has to accept that first.
func (n *Node) take(ctx context.Context, s federation.Snapshot) {
	if has := n.newestSeen(); s.Point().Before(has) {
		n.coldStart()
		n.hold(has, s.Point())
		return
	}
	n.apply(ctx, s)
}

// newestSeen is the state that is in force, before there is one that of the snapshot on disk; zero when neither is there.
func (n *Node) newestSeen() federation.Point {
	if a := n.current(); a != nil {
		return a.snapshot.Point()
	}
	return n.files.snapshotPoint()
}

// hold notes that the database's state is not taken, which is said once.
func (n *Node) hold(has, offered federation.Point) {
	text := wentBack(has, offered)
	n.mu.Lock()
	news := n.facts.held != text
	n.facts.held = text
	n.mu.Unlock()
	if news {
		n.log.Error("the database went back to an older state, which is not taken", "revision", offered.Revision, "era", offered.Era,
			"applied_revision", has.Revision, "applied_era", has.Era, "reason", text)
	}
	poke(n.reportNow)
}

// holding reports whether the database's state waits to be accepted. Its users are not read either.
func (n *Node) holding() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.facts.held != ""
}

// release ends holding: the database is as new as what this node has, or was accepted.
func (n *Node) release() {
	n.mu.Lock()
	n.facts.held = ""
	n.mu.Unlock()
}

func wentBack(has, offered federation.Point) string {
	if has.Era == offered.Era {
		return fmt.Sprintf("The database went back from revision %d to %d, as after a restore. Accept that on the page Pending actions, or restore a newer backup.", has.Revision, offered.Revision)
	}
	return fmt.Sprintf("The database went back from revision %d to %d of before the last accepted restore. Accept that on the page Pending actions, or restore a newer backup.", has.Revision, offered.Revision)
}
