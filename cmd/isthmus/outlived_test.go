package main

import (
	"context"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"

	"isthmus/internal/federation"
)

// raw changes the database behind the program's back.
func (m machine) raw(statements ...string) {
	m.t.Helper()
	conn, err := pgx.Connect(m.t.Context(), m.url)
	if err != nil {
		m.t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(m.t.Context()))
	for _, sql := range statements {
		if _, err := conn.Exec(m.t.Context(), sql); err != nil {
			m.t.Fatalf("%s: %v", sql, err)
		}
	}
}

// served is a machine whose node was ready once, so that it has a snapshot on disk.
func served(t *testing.T, sipAddress string) machine {
	t.Helper()
	m := newMachine(t)
	s := m.serve(m.url, sipAddress)
	s.await(t, "ready")
	s.end(t)
	return m
}

func (s *serving) await(t *testing.T, state string) (last readiness) {
	t.Helper()
	awaitThat(t, state, func() bool { _, last = s.readiness(); return last.State == state })
	return last
}

func TestWithoutDatabaseAndKeyTheConsoleIsUpAndTheNodeStartsWhenTheDatabaseDoes(t *testing.T) {
	m := newMachine(t)
	way := newDetour(t, m.url)
	s := m.serve(way.url, "127.61.0.21")
	awaitThat(t, "starting", func() bool { status, r := s.readiness(); return status == 503 && r.State == "starting" })
	if response, err := http.Get(s.url + "/login"); err != nil || response.StatusCode != 503 {
		t.Errorf("the console: %v, %v", response, err)
	}
	if _, err := os.Stat(filepath.Join(m.dir, "key")); err == nil {
		t.Error("a key file was made for a database that nobody has seen")
	}
	way.open(t)
	s.await(t, "ready")
	if n := strings.Count(s.log.String(), "no database and no key file yet"); n != 1 {
		t.Errorf("that it waits is said %d times", n)
	}
	if code := s.end(t); code != 0 {
		t.Errorf("exit %d", code)
	}
}

func TestANodeThatWaitsForTheDatabaseEndsWithZero(t *testing.T) {
	m := newMachine(t)
	s := m.serve(newDetour(t, m.url).url, "127.61.0.22")
	s.await(t, "starting")
	if code := s.end(t); code != 0 {
		t.Errorf("exit %d: %s", code, s.log)
	}
}

func TestANodeStartsOnADatabaseThatCanOnlyBeRead(t *testing.T) {
	m := served(t, "127.61.0.23")
	readOnly := m.url + "&default_transaction_read_only=on"
	s := m.serve(readOnly, "127.61.0.23")
	if r := s.await(t, "ready"); r.Revision == nil || r.AppliedRevision != *r.Revision {
		t.Errorf("it says %+v", r)
	}
	other := machine{t, m.url, t.TempDir()} // its row cannot be written
	key, err := os.ReadFile(filepath.Join(m.dir, "key"))
	if err != nil {
		t.Fatal(err)
	}
	other.file("key", string(key))
	m.raw(`DELETE FROM nodes`)
	s = other.serve(readOnly, "127.61.0.24")
	s.await(t, "starting")
	awaitThat(t, "the reason", func() bool { return strings.Contains(s.log.String(), "The database is read-only") })
}

func TestBesideANewerSchemaANodeRoutesFromDisk(t *testing.T) {
	m := served(t, "127.61.0.25")
	m.raw(`INSERT INTO goose_db_version (version_id, is_applied) VALUES (9000, true)`)
	s := m.serve(m.url, "127.61.0.25")
	if r := s.await(t, "degraded"); r.Revision != nil || r.AppliedRevision == 0 {
		t.Errorf("it says %+v", r)
	}
	awaitThat(t, "the reason", func() bool { return strings.Contains(s.log.String(), "Start the newer program") })
	m.raw(`DELETE FROM goose_db_version WHERE version_id = 9000`)
	s.await(t, "ready")
}

func TestANodeThatItsDatabaseRefusesStartsFromDiskAndOneThatHasNothingThereEnds(t *testing.T) {
	m := served(t, "127.61.0.29")
	u, err := url.Parse(m.url)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword("not-there-yet", "x")
	s := m.serve(u.String(), "127.61.0.29")
	if r := s.await(t, "degraded"); r.Revision != nil || r.AppliedRevision == 0 {
		t.Errorf("it says %+v", r)
	}
	awaitThat(t, "the reason", func() bool {
		return strings.Contains(s.log.String(), "The database does not let this node in") && strings.Contains(s.log.String(), "not-there-yet")
	})
	other := machine{t, m.url, t.TempDir()}
	key, err := os.ReadFile(filepath.Join(m.dir, "key"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"nothing", "a key file"} {
		if name != "nothing" {
			other.file("key", string(key))
		}
		first := other.serve(u.String(), "127.61.0.30")
		if code := <-first.ended; code != exitFailure || !strings.Contains(first.log.String(), "The database cannot be used (") {
			t.Errorf("with %s a first start ends with %d: %s", name, code, first.log)
		} else {
			first.ended <- code // for its end
		}
	}
}

func TestANodeWhoseRowARestoreTookStartsFromDiskUntilThatIsAccepted(t *testing.T) {
	m := newMachine(t)
	s := m.serve(m.url, "127.61.0.26")
	r := s.await(t, "ready")
	s.end(t)
	m.raw(`DELETE FROM node_statuses`, `UPDATE nodes SET name = 'imp2.synergy.com', address = '127.61.0.27'`, `UPDATE revision SET number = 2`)
	db := m.open()
	ahead := federation.NodeStatus{Node: "imp2.synergy.com", AppliedEra: 1, AppliedRevision: r.AppliedRevision + 10}
	if err := db.ReportStatus(t.Context(), ahead); err != nil {
		t.Fatal(err)
	}
	s = m.serve(m.url, "127.61.0.26")
	if held := s.await(t, "degraded"); held.AppliedRevision != r.AppliedRevision || *held.Revision != 2 {
		t.Errorf("it says %+v", held)
	}
	awaitThat(t, "both reasons", func() bool {
		return strings.Contains(s.log.String(), "could not be added") && strings.Contains(s.log.String(), "went back from revision")
	})
	if err := db.AcceptRestored(t.Context()); err != nil {
		t.Fatal(err)
	}
	if after := s.await(t, "ready"); after.AppliedRevision <= r.AppliedRevision+10 {
		t.Errorf("it says %+v", after)
	}
	if snapshot, err := db.Snapshot(t.Context()); err != nil || snapshot.Node("imp1.synergy.com") == nil || snapshot.Own("imp1.synergy.com") == nil {
		t.Errorf("it is not registered: %v", err)
	}
}

// embeddedServer is the process number of the database in a machine's data directory.
func (m machine) embeddedServer() int {
	m.t.Helper()
	text, err := os.ReadFile(filepath.Join(m.dir, "postgres", "data", "postmaster.pid"))
	if err != nil {
		m.t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(text), "\n")
	pid, err := strconv.Atoi(first)
	if err != nil {
		m.t.Fatal(err)
	}
	return pid
}

// reachable is a data directory that the database's user reaches, unlike t.TempDir, in memory where there is such a place.
func reachable(t *testing.T) string {
	t.Helper()
	parent := "/dev/shm"
	if _, err := os.Stat(parent); err != nil {
		parent = os.TempDir()
	}
	dir, err := os.MkdirTemp(parent, "isthmus-test-")
	if err == nil {
		err = os.Chmod(dir, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func TestAnEmbeddedDatabaseThatIsKilledComesBackAndOneThatDoesNotStartIsDoneWithout(t *testing.T) {
	m := machine{t: t, dir: reachable(t)}
	s := m.serve("", "127.61.0.28")
	r := s.await(t, "ready")
	before := m.embeddedServer()
	if err := syscall.Kill(before, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	awaitThat(t, "the end is noticed", func() bool { return strings.Contains(s.log.String(), "has ended by itself") })
	awaitThat(t, "it runs again", func() bool { return strings.Contains(s.log.String(), "runs again") })
	if now := s.await(t, "ready"); now.AppliedRevision != r.AppliedRevision || m.embeddedServer() == before {
		t.Errorf("it says %+v", now)
	}
	s.end(t)
	conf := filepath.Join(m.dir, "postgres", "data", "postgresql.conf")
	good, err := os.ReadFile(conf)
	if err != nil {
		t.Fatal(err)
	}
	m.file("postgres/data/postgresql.conf", "no_such_setting = on\n")
	s = m.serve("", "127.61.0.28")
	if cold := s.await(t, "degraded"); cold.Revision != nil || cold.AppliedRevision != r.AppliedRevision {
		t.Errorf("it says %+v", cold)
	}
	m.file("postgres/data/postgresql.conf", string(good))
	s.await(t, "ready")
}
