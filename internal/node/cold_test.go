package node

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"isthmus/internal/federation"
)

// warmed is a rig whose node was stopped after it had a snapshot and users.
func warmed(t *testing.T) *rig {
	t.Helper()
	r := start(t)
	r.with(func() { r.changed, r.upTo = []federation.UserFact{fact("ann", "ann@synergy.com", "")}, 5 })
	r.commits(r.snapshot(5))
	r.end()
	return r
}

func (r *rig) knows(address string) bool {
	_, ok := r.node.Users().ByAddress(address)
	return ok
}

func TestWithoutTheDatabaseANodeStartsFromDisk(t *testing.T) {
	r := warmed(t)
	r.run()
	r.tells(event{err: errDown})
	h := r.awaitState(Degraded)
	if h.AppliedRevision != 5 || h.Revision != nil || !r.answers(5060) || !r.knows("ann@synergy.com") {
		t.Errorf("it says %+v and knows ann: %v", h, r.knows("ann@synergy.com"))
	}
	r.with(func() { r.changed, r.upTo = []federation.UserFact{fact("bob", "bob@synergy.com", "")}, 9 })
	r.commits(r.snapshot(9))
	r.awaitState(Ready)
	await(t, "the users are the database's", func() bool { return r.knows("bob@synergy.com") && !r.knows("ann@synergy.com") })
}

func TestADatabaseThatHangsDoesNotKeepTheListenersClosed(t *testing.T) {
	r := warmed(t)
	r.run()
	if h := r.awaitState(Degraded); h.AppliedRevision != 5 || !r.answers(5060) {
		t.Errorf("it says %+v", h)
	}
}

// The disk may hold something older, as when it was full meanwhile: what was taken back since must stay so.
func TestWhatIsOnDiskNeverReplacesWhatIsInForce(t *testing.T) {
	r := warmed(t)
	path := filepath.Join(r.dir, snapshotFile)
	old, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	r.run()
	r.commits(r.snapshot(9))
	await(t, "the new one is kept", func() bool { return r.node.files.snapshotPoint().Revision == 9 })
	if err := os.WriteFile(path, old, 0o600); err != nil {
		t.Fatal(err)
	}
	r.tells(event{err: errDown})
	r.tells(event{err: errDown})
	if h := r.awaitState(Degraded); h.AppliedRevision != 9 {
		t.Errorf("it says %+v", h)
	}
}

func TestWithoutDatabaseAndDiskANodeWaits(t *testing.T) {
	r := start(t)
	r.tells(event{err: errDown})
	r.tells(event{err: errDown})
	if h := r.node.Health(); h.State != Starting || h.Database != errDown.Error() || r.answers(5060) {
		t.Errorf("it says %+v", h)
	}
	r.commits(r.snapshot(1))
	r.awaitState(Ready)
}

func TestADamagedSnapshotLetsNobodyIn(t *testing.T) {
	r := warmed(t)
	path := filepath.Join(r.dir, snapshotFile)
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	content[len(content)-2] ^= 1
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	log := &safeBuffer{}
	r.run(func(c *Config) { c.Log = slog.New(slog.NewTextHandler(log, nil)) })
	for range 3 {
		r.tells(event{err: errDown})
	}
	if h := r.node.Health(); h.State != Starting || h.AppliedRevision != 0 || r.answers(5060) {
		t.Errorf("it says %+v", h)
	}
	if n := log.count("the snapshot on disk is not used"); n != 1 {
		t.Errorf("while the database is away that is said %d times", n)
	}
}

// A node that does not know its users would send what is for them to the Microsoft side.
func TestWithoutItsUsersANodeOpensNothingUntilTheDatabaseHasThem(t *testing.T) {
	for name, spoil := range map[string]func(path string) error{
		"damaged": func(path string) error { return os.WriteFile(path, []byte("torn"), 0o600) },
		"missing": os.Remove,
	} {
		t.Run(name, func(t *testing.T) {
			r := warmed(t)
			if err := spoil(filepath.Join(r.dir, usersFile)); err != nil {
				t.Fatal(err)
			}
			r.run()
			r.tells(event{err: errDown})
			r.tells(event{err: errDown})
			if h := r.node.Health(); h.State != Starting || h.AppliedRevision != 0 || r.answers(5060) {
				t.Errorf("it says %+v", h)
			}
			r.with(func() { r.changed, r.upTo = []federation.UserFact{fact("ann", "ann@synergy.com", "")}, 5 })
			r.commits(r.snapshot(5))
			r.awaitState(Ready)
			if answers, knows := r.answers(5060), r.knows("ann@synergy.com"); !answers || !knows {
				t.Errorf("with the database it answers: %t, and knows its users: %t", answers, knows)
			}
		})
	}
}

func TestOnlyTheOwnerCanReadWhatIsKept(t *testing.T) {
	r := warmed(t)
	for _, name := range []string{snapshotFile, usersFile} {
		info, err := os.Stat(filepath.Join(r.dir, name))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
}

func TestASnapshotFromDiskDoesNotHideThatTheNewestIsRefused(t *testing.T) {
	r := warmed(t)
	r.run()
	r.tells(event{snapshot: r.snapshot(9, func(s *federation.Snapshot) { s.Nodes[0].Name = "imp9.synergy.com" })})
	h := r.awaitState(Degraded)
	if h.AppliedRevision != 5 || h.Revision == nil || *h.Revision != 9 || !r.answers(5060) {
		t.Errorf("it says %+v", h)
	}
	await(t, "the reason is reported", func() bool { return r.lastReport().Error != "" })
}
