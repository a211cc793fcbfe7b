package node

import (
	"context"
	"errors"
	"io/fs"
	"time"

	"isthmus/internal/federation"
)

const (
	firstFacts = 5 * time.Second  // how long a snapshot waits for the users' facts
	factsLimit = 60 * time.Second // of one look at the database
	factsPause = time.Second      // after one that failed
	keepEvery  = 10 * time.Second // between two writes of the facts to disk
)

// A progress is how far the users' facts were read from the database.
type progress struct {
	era    int64 // of upTo
	upTo   int64 // revision; 0: nothing of this database yet
	known  bool  // facts are there, from the database or from disk
	unkept bool  // the file on disk is older
}

// haveUsers reads the facts before the first snapshot is in force: a listener that opens without them would refuse
// everybody. Another era, or a revision older than the facts, means that the database was restored, which this
// node was told to accept, and everything is read anew.
func (n *Node) haveUsers(ctx context.Context, p federation.Point) {
	n.syncing.Lock()
	if p.Era != n.progress.era || p.Revision < n.progress.upTo {
		n.progress.upTo = 0
	}
	n.progress.era = p.Era
	known := n.progress.known
	n.syncing.Unlock()
	if known {
		return
	}
	if err := n.syncUsersWithin(ctx, firstFacts); err != nil {
		n.log.Error("the users cannot be read yet", "reason", err)
	}
}

// catchUp reads what changed of the users up to a revision. What cannot be read now is left to followUsers.
func (n *Node) catchUp(ctx context.Context, revision int64) {
	n.syncing.Lock()
	behind := n.progress.upTo < revision
	n.syncing.Unlock()
	if !behind {
		return
	}
	if err := n.syncUsersWithin(ctx, firstFacts); err != nil {
		poke(n.usersChanged)
	}
}

// followUsers reads again what could not be read, and keeps what was read on disk: at once what a process reads first, as
// a node may be killed at any time and would know nobody without the file, then what changed now and then.
func (n *Node) followUsers(ctx context.Context) {
	keep := time.NewTicker(keepEvery)
	defer keep.Stop()
	defer n.keepUsers()
	again := time.NewTimer(time.Hour)
	again.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-n.keepNow:
			n.keepUsers()
			continue
		case <-keep.C:
			n.keepUsers()
			continue
		case <-n.usersChanged:
		case <-again.C:
		}
		if err := n.syncUsersWithin(ctx, factsLimit); err != nil && ctx.Err() == nil {
			n.log.Warn("the users cannot be read; trying again", "reason", err)
			again.Reset(factsPause)
		}
	}
}

func (n *Node) syncUsersWithin(ctx context.Context, limit time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return n.syncUsers(ctx)
}

// syncUsers asks for what changed since the last time. The first time in a process that is everything: what is kept on
// disk may be of another database.
func (n *Node) syncUsers(ctx context.Context) error {
	n.syncing.Lock()
	defer n.syncing.Unlock()
	if n.holding() {
		return nil // as soon as the database's state is taken, they are read
	}
	after := n.progress.upTo
	changed, gone, upTo, err := n.config.UserFacts(ctx, after)
	if err != nil {
		return err
	}
	if upTo < after {
		return errors.New("the database went back to an older revision")
	}
	if after == 0 {
		n.users.Replace(changed)
	} else {
		n.users.Change(changed, gone)
	}
	first := !n.progress.known || after == 0
	n.progress = progress{era: n.progress.era, upTo: upTo, known: true, unkept: n.progress.unkept || first || len(changed)+len(gone) > 0}
	if first {
		poke(n.keepNow)
	}
	return nil
}

// keepUsers writes the facts to disk when they changed since.
func (n *Node) keepUsers() {
	n.syncing.Lock()
	defer n.syncing.Unlock()
	if !n.progress.unkept {
		return
	}
	err := n.files.writeUsers(n.users.All())
	n.kept(usersFile, err, "older facts of the users")
	n.progress.unkept = err != nil
}

// loadUsers takes the facts from disk, when the database gave none yet.
func (n *Node) loadUsers() {
	n.syncing.Lock()
	defer n.syncing.Unlock()
	if n.progress.known {
		return
	}
	kept, err := n.files.readUsers()
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			n.log.Error("the users' facts on disk are not used", "reason", err)
		}
		return
	}
	n.users.Replace(kept)
	n.progress.known = true
}

// poke wakes whoever reads from a channel of one place; a poke that waits already is enough.
func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
