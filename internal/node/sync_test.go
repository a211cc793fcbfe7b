package node

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"isthmus/internal/federation"
)

func TestUsersAreThereBeforeTheListenersOpen(t *testing.T) {
	r := start(t)
	r.with(func() { r.changed, r.upTo = manyUsers(1000), 3 })
	r.commits(r.snapshot(3))
	if n := r.node.Users().Len(); n != 1000 {
		t.Errorf("the snapshot is in force, and %d users are known", n)
	}
}

func TestUsersFollowTheirChanges(t *testing.T) {
	r := start(t)
	r.with(func() { r.changed, r.upTo = []federation.UserFact{fact("ann", "ann@synergy.com", "")}, 3 })
	r.commits(r.snapshot(3))
	r.with(func() {
		r.changed, r.gone, r.upTo = []federation.UserFact{fact("bob", "bob@synergy.com", "")}, []string{"ann"}, 4
	})
	r.commits(r.snapshot(4))
	if !r.knows("bob@synergy.com") || r.knows("ann@synergy.com") || !r.askedAfter(3) {
		t.Error("the revision is in force, and its users are not")
	}
}

func (b *base) askedAfter(revision int64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Contains(b.asked, revision)
}

func TestNothingOpensBeforeTheUsersAreReadWhichIsTriedAgain(t *testing.T) {
	r := start(t)
	r.with(func() { r.broken = errDown })
	r.tells(event{snapshot: r.snapshot(3)})
	await(t, "it is tried again", func() bool { return r.timesAsked() > 1 })
	if h := r.node.Health(); h.State != Starting || r.answers(5060) {
		t.Errorf("it serves without users: %+v", h)
	}
	r.with(func() {
		r.broken, r.changed, r.upTo = nil, []federation.UserFact{fact("ann", "ann@synergy.com", "")}, 3
	})
	r.awaitState(Ready)
	if !r.knows("ann@synergy.com") || !r.answers(5060) {
		t.Error("it does not know its users")
	}
}

func TestANodeThatEndsBeforeItHasItsUsersPutsNothingInForce(t *testing.T) {
	r := start(t)
	r.with(func() { r.broken = errDown })
	r.tells(event{snapshot: r.snapshot(3)})
	await(t, "it asks for the users", func() bool { return r.timesAsked() > 0 })
	r.end()
	if _, _, ok := r.node.Latest(); ok {
		t.Error("without users it is in force")
	}
}

func TestUsersThatTheDatabaseDoesNotGiveAreTakenFromDisk(t *testing.T) {
	r := warmed(t)
	r.run()
	r.with(func() { r.broken = errDown })
	r.commits(r.snapshot(6))
	if !r.knows("ann@synergy.com") || !r.answers(5060) {
		t.Error("what is on disk is not used")
	}
}

func (b *base) timesAsked() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.asked)
}

func TestADatabaseOfAnotherEraIsReadAnew(t *testing.T) {
	r := start(t)
	r.with(func() { r.changed, r.upTo = []federation.UserFact{fact("ann", "ann@synergy.com", "")}, 9 })
	r.commits(r.snapshot(9))
	r.with(func() {
		r.changed, r.upTo, r.asked = []federation.UserFact{fact("old", "old@synergy.com", "")}, 10, nil
	})
	r.commits(r.snapshot(10, func(s *federation.Snapshot) { s.Era = 2 }))
	if !r.askedAfter(0) || !r.knows("old@synergy.com") || r.knows("ann@synergy.com") {
		t.Error("not only the restored users are known")
	}
	r.with(func() { r.upTo, r.asked = 11, nil })
	r.commits(r.snapshot(11, func(s *federation.Snapshot) { s.Era = 2 }))
	if !r.askedAfter(10) {
		t.Error("in the same era more than what changed is asked for")
	}
}

// A node that is killed has no time to write: what changed has to be on disk before.
// A node that is killed right after its first start has to know its users without the database.
func TestUsersAreKeptOnDiskAsSoonAsTheyWereRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t)
		ann := fact("ann", "ann@synergy.com", "")
		r.with(func() { r.changed, r.upTo = []federation.UserFact{ann}, 1 })
		r.commits(r.snapshot(1, func(s *federation.Snapshot) { s.Nodes[0].Services = nil })) // no sockets: time is not real here
		synctest.Wait()
		if kept, err := r.node.files.readUsers(); err != nil || !slices.Equal(kept, []federation.UserFact{ann}) {
			t.Errorf("kept are %v, error %v", kept, err)
		}
		r.end()
	})
}

func TestChangedUsersAreKeptOnDiskWhileANodeRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t)
		off := func(s *federation.Snapshot) { s.Nodes[0].Services = nil } // no sockets: time is not real here
		for revision, id := range []string{"ann", "bob"} {
			f := fact(id, id+"@synergy.com", "")
			r.with(func() { r.changed, r.upTo = []federation.UserFact{f}, int64(revision+1) })
			r.commits(r.snapshot(int64(revision+1), off))
			<-time.After(keepEvery)
			synctest.Wait()
			kept, err := r.node.files.readUsers()
			if err != nil || !slices.Contains(kept, f) {
				t.Errorf("after %s: %v, error %v", id, kept, err)
			}
		}
		r.end()
	})
}
