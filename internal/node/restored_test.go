package node

import (
	"strings"
	"testing"
	"testing/synctest"

	"isthmus/internal/federation"
)

// ofEra makes a snapshot one of another era.
func ofEra(era int64) func(*federation.Snapshot) {
	return func(s *federation.Snapshot) { s.Era = era }
}

// older makes the base one that was restored from a backup with other users.
func (r *rig) older() {
	r.with(func() { r.changed, r.upTo, r.asked = []federation.UserFact{fact("old", "old@synergy.com", "")}, 4, nil })
}

// holds checks that the state of revision 9 and its users stand, and that this is said.
func (r *rig) holds() {
	r.t.Helper()
	await(r.t, "the reason is reported", func() bool { return strings.Contains(r.lastReport().Error, "went back from revision 9 to 4") })
	h := r.awaitState(Degraded)
	if h.AppliedRevision != 9 || h.Database != federation.DatabaseOK || *h.Revision != 4 || !r.answers(5060) {
		r.t.Errorf("it says %+v", h)
	}
	if !r.knows("ann@synergy.com") || r.knows("old@synergy.com") || r.askedAfter(0) {
		r.t.Error("the users of the older state were read")
	}
	if p := r.lastReport().Applied(); p.Revision != 9 {
		r.t.Errorf("it reports %v as applied", p)
	}
}

// atNine is a rig whose node has revision 9 of the first era in force.
func atNine(t *testing.T) *rig {
	t.Helper()
	r := start(t)
	r.with(func() { r.changed, r.upTo = []federation.UserFact{fact("ann", "ann@synergy.com", "")}, 9 })
	r.commits(r.snapshot(9, ofEra(1)))
	return r
}

func TestARestoredDatabaseIsHeldUntilItIsAccepted(t *testing.T) {
	r := atNine(t)
	r.older()
	moved := r.snapshot(4, ofEra(1), port(5070))
	r.tells(event{snapshot: moved})
	r.tells(event{snapshot: moved})
	r.holds()
	r.with(func() { r.upTo = 10 })
	r.commits(r.snapshot(10, ofEra(2), port(5070)))
	if h := r.awaitState(Ready); *h.Revision != 10 || !r.answers(5070) || r.answers(5060) {
		t.Errorf("accepted, it says %+v", h)
	}
	if !r.askedAfter(0) || !r.knows("old@synergy.com") || r.knows("ann@synergy.com") {
		t.Error("accepted, not only the restored users are known")
	}
	await(t, "the reason is gone", func() bool { return r.lastReport().Error == "" })
}

func TestADatabaseThatIsRestoredWhileANodeIsDownIsHeldAtItsStart(t *testing.T) {
	r := atNine(t)
	r.end()
	r.run()
	r.older()
	r.tells(event{snapshot: r.snapshot(4, ofEra(1), port(5070))})
	r.holds()
	if r.node.observe().Behind == 0 {
		t.Error("held, it is behind nothing")
	}
	r.with(func() { r.upTo = 10 })
	r.commits(r.snapshot(10, ofEra(2)))
	r.awaitState(Ready)
	if !r.knows("old@synergy.com") || r.knows("ann@synergy.com") {
		t.Error("accepted, not only the restored users are known")
	}
}

func TestADatabaseThatIsRestoredWhileItIsAwayIsHeldWhenItComesBack(t *testing.T) {
	r := atNine(t)
	r.tells(event{err: errDown})
	r.older()
	r.tells(event{snapshot: r.snapshot(4, ofEra(1), port(5070))})
	r.holds()
	r.tells(event{err: errDown})
	await(t, "away again, that is said", func() bool { h := r.node.Health(); return h.AppliedRevision == 9 && h.Revision == nil })
}

// What could not be read before the restore is not tried again while that waits to be accepted.
func TestTheUsersOfADatabaseThatIsHeldAreNotRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t)
		r.commits(r.snapshot(5, closed))
		r.with(func() { r.broken = errDown })
		r.commits(r.snapshot(6, closed))
		r.tells(event{snapshot: r.snapshot(4, closed)})
		r.with(func() {
			r.broken, r.changed, r.upTo = nil, []federation.UserFact{fact("bob", "bob@synergy.com", "")}, 7
		})
		passes(3 * factsPause)
		if r.knows("bob@synergy.com") {
			t.Error("they were read")
		}
		r.commits(r.snapshot(7, closed))
		passes(factsPause)
		if !r.knows("bob@synergy.com") {
			t.Error("they are not read when the hold has ended")
		}
		r.end()
	})
}

func TestANewerBackupEndsTheHoldWithoutBeingAccepted(t *testing.T) {
	r := atNine(t)
	r.older()
	r.tells(event{snapshot: r.snapshot(4, ofEra(1))})
	r.holds()
	r.with(func() { r.upTo = 9 })
	r.tells(event{snapshot: r.snapshot(9, ofEra(1))})
	r.awaitState(Ready)
	if r.askedAfter(0) {
		t.Error("the users of the same state are read anew")
	}
}

func TestAnEmptyDatabaseIsHeldLikeARestoredOne(t *testing.T) {
	r := atNine(t)
	r.commits(r.snapshot(10, ofEra(3)))
	r.tells(event{snapshot: r.snapshot(500, ofEra(1), port(5070))})
	await(t, "the reason is reported", func() bool {
		return strings.Contains(r.lastReport().Error, "from revision 10 to 500 of before the last accepted restore")
	})
	if h := r.node.Health(); h.AppliedRevision != 10 || r.answers(5070) {
		t.Errorf("it says %+v", h)
	}
}

func TestWhatWasKeptBeforeThereWereErasIsOlderThanAnyDatabase(t *testing.T) {
	r := start(t)
	r.commits(r.snapshot(9)) // no era
	r.end()
	r.run()
	r.commits(r.snapshot(4, ofEra(1)))
	r.awaitState(Ready)
}

func TestThePlaceOfTheKeptSnapshotIsReadWithoutTheWhole(t *testing.T) {
	f := testFiles(t)
	if p := f.snapshotPoint(); p != (federation.Point{}) {
		t.Errorf("without a file it is %v", p)
	}
	s := federation.Snapshot{Era: 3, Revision: 123, Configuration: federation.DefaultConfiguration()}
	if err := f.writeSnapshot(s); err != nil {
		t.Fatal(err)
	}
	if p := f.snapshotPoint(); p != s.Point() {
		t.Errorf("it is %v, want %v", p, s.Point())
	}
	for _, content := range []string{"", "{}", `{"Revision":123,"Domains":[]}`, `{"Era":"3","Revision":"123"}`, `{"Era":3`} {
		if err := f.write(snapshotFile, []byte(content)); err != nil {
			t.Fatal(err)
		}
		if p := f.snapshotPoint(); p != (federation.Point{}) {
			t.Errorf("%s: it is %v", content, p)
		}
	}
}
