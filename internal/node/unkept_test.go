package node

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"isthmus/internal/federation"
)

// obstructs puts a directory in the place of a file, so that nothing can be renamed to it, also by root.
func (r *rig) obstructs(file string) {
	r.t.Helper()
	path := filepath.Join(r.dir, file)
	_ = os.Remove(path) // it may not be there yet
	if err := os.MkdirAll(filepath.Join(path, "in the way"), 0o700); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) clears(file string) {
	r.t.Helper()
	if err := os.RemoveAll(filepath.Join(r.dir, file)); err != nil {
		r.t.Fatal(err)
	}
}

func TestASnapshotThatCannotBeKeptIsReportedUntilItIs(t *testing.T) {
	r := start(t)
	r.commits(r.snapshot(5))
	r.awaitState(Ready)
	await(t, "it is kept", func() bool { return r.node.files.snapshotPoint().Revision == 5 })
	r.obstructs(snapshotFile)
	r.commits(r.snapshot(6))
	r.awaitState(Degraded)
	await(t, "it is reported", func() bool { s := r.lastReport(); return s.AppliedRevision == 6 && s.Unkept != "" })
	if s := r.lastReport(); !strings.HasPrefix(s.Unkept, "A start without the database would use no configuration at all: snapshot cannot be written to "+r.dir+" (") || s.Error != "" {
		t.Errorf("it reports %+v", s)
	}
	if !r.answers(5060) {
		t.Error("it does not serve on")
	}
	r.clears(snapshotFile)
	r.awaitState(Ready)
	await(t, "the report is all right again", func() bool { return r.lastReport().Unkept == "" })
	if p := r.node.files.snapshotPoint(); p.Revision != 6 {
		t.Errorf("revision %d is kept", p.Revision)
	}
}

func TestWhatCannotBeKeptNamesWhatAStartWouldUse(t *testing.T) {
	r := start(t)
	r.commits(r.snapshot(5))
	await(t, "it is kept", func() bool { return r.node.files.snapshotPoint().Revision == 5 })
	r.end()
	r.node.files.dir = filepath.Join(r.dir, "gone") // whence nothing is read either
	r.node.keepSnapshot(r.snapshot(6))
	if got := r.node.facts.lacking(); !strings.Contains(got, "no configuration at all") || !strings.HasSuffix(got, "(no such file or directory).") {
		t.Error(got)
	}
	r.node.files.dir = r.dir
	broken := r.snapshot(6, func(s *federation.Snapshot) {
		s.Certificates = []federation.Certificate{{NotAfter: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)}}
	})
	r.node.keepSnapshot(broken)
	if got := r.node.facts.lacking(); !strings.Contains(got, "would use revision 5 of ") || !strings.Contains(got, "year outside of range") {
		t.Error(got)
	}
}

// With key and database elsewhere nobody else makes the directory.
func TestTheDirectoryOfANodeIsMade(t *testing.T) {
	r := start(t, func(c *Config) { c.Dir = filepath.Join(c.Dir, "not", "there yet") })
	r.commits(r.snapshot(5))
	await(t, "it is kept", func() bool { return r.node.files.snapshotPoint().Revision == 5 })
	r.awaitState(Ready)
	if info, err := os.Stat(r.node.config.Dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the directory: %v, %v", info, err)
	}
}

func TestUsersThatCannotBeKeptAreReported(t *testing.T) {
	r := start(t)
	r.obstructs(usersFile)
	r.with(func() { r.changed, r.upTo = []federation.UserFact{fact("ann", "ann@synergy.com", "")}, 5 })
	r.commits(r.snapshot(5))
	r.node.keepUsers()
	if h := r.awaitState(Degraded); h.AppliedRevision != 5 {
		t.Errorf("it says %+v", h)
	}
	await(t, "it is reported", func() bool { return strings.Contains(r.lastReport().Unkept, "older facts of the users") })
	r.clears(usersFile)
	r.node.keepUsers()
	r.awaitState(Ready)
}
