package main

import (
	"io"
	"net"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"isthmus/internal/certs"
	"isthmus/internal/federation"
	"isthmus/internal/store"
)

// A detour is a way to a database on a unix socket that opens when the test says so.
type detour struct {
	address string // in front of it
	url     string // of the database by way of it
	socket  string
}

func newDetour(t *testing.T, databaseURL string) detour {
	t.Helper()
	u, err := url.Parse(databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	d := detour{address: freeAddress(t), socket: filepath.Join(u.Query().Get("host"), ".s.PGSQL."+u.Query().Get("port"))}
	u.Host, u.RawQuery = d.address, "sslmode=disable"
	d.url = u.String()
	return d
}

func (d detour) open(t *testing.T) {
	t.Helper()
	l, err := net.Listen("tcp", d.address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			go d.join(in)
		}
	}()
}

func (d detour) join(in net.Conn) {
	defer in.Close()
	out, err := net.Dial("unix", d.socket)
	if err != nil {
		return
	}
	defer out.Close()
	go func() {
		defer out.Close()
		_, _ = io.Copy(out, in) // either end may go first
	}()
	_, _ = io.Copy(in, out)
}

func TestANodeFollowsTheDatabaseThatComesBack(t *testing.T) {
	m := newMachine(t)
	first := m.serve(m.url, "127.61.0.5")
	awaitThat(t, "ready", func() bool { _, r := first.readiness(); return r.State == "ready" })
	first.end(t)
	way := newDetour(t, m.url)
	late := m.serve(way.url, "127.61.0.5")
	awaitThat(t, "degraded", func() bool { _, r := late.readiness(); return r.State == "degraded" })
	before := m.startOf(m.open())
	way.open(t)
	awaitThat(t, "ready again", func() bool { _, r := late.readiness(); return r.State == "ready" })
	db := m.open()
	awaitThat(t, "its report", func() bool { return m.startOf(db).After(before) })
}

func (m machine) open() *store.Store {
	m.t.Helper()
	db, err := store.Open(m.t.Context(), m.url)
	if err != nil {
		m.t.Fatal(err)
	}
	m.t.Cleanup(db.Close)
	return db
}

// startOf is when the node that reported last as imp1.synergy.com was started, zero when none did.
func (m machine) startOf(db *store.Store) (started time.Time) {
	m.t.Helper()
	statuses, err := db.NodeStatuses(m.t.Context())
	if err != nil {
		m.t.Fatal(err)
	}
	for _, s := range statuses {
		if s.Node == "imp1.synergy.com" {
			started = s.StartedAt
		}
	}
	return started
}

func TestNothingIsReportedToADatabaseThatMayBeAnotherClusters(t *testing.T) {
	m := newMachine(t)
	db := m.open()
	self := federation.Node{}
	self.Default()
	self.Name, self.Address = "imp1.synergy.com", "127.61.0.7"
	if _, _, err := db.RegisterNode(t.Context(), self); err != nil {
		t.Fatal(err)
	}
	known := make(chan struct{})
	s := server{db: db, known: known}
	status := federation.NodeStatus{Node: self.Name, StartedAt: time.Now()}
	if err := s.report(t.Context(), status); err == nil || !m.startOf(db).IsZero() {
		t.Errorf("it is reported before the key file is known to be the database's: %v", err)
	}
	close(known)
	if err := s.report(t.Context(), status); err != nil || m.startOf(db).IsZero() {
		t.Errorf("it is not reported: %v", err)
	}
}

func TestADatabaseOfAnotherKeyFileIsNotFollowedWhenItComesBack(t *testing.T) {
	m := newMachine(t)
	first := m.serve(m.url, "127.61.0.6")
	awaitThat(t, "ready", func() bool { _, r := first.readiness(); return r.State == "ready" })
	first.end(t)
	other := machine{t, m.url, t.TempDir()}
	if _, err := certs.OpenKey(filepath.Join(other.dir, "key"), "", false); err != nil {
		t.Fatal(err)
	}
	way := newDetour(t, m.url)
	late := other.serve(way.url, "127.61.0.6")
	awaitThat(t, "starting", func() bool { _, r := late.readiness(); return r.State == "starting" })
	way.open(t)
	const refusal = "is not the one that this database was set up with"
	awaitThat(t, "the refusal", func() bool { return strings.Contains(late.log.String(), refusal) })
	if _, r := late.readiness(); r.AppliedRevision != 0 || r.State != "starting" {
		t.Errorf("it follows all the same: %+v", r)
	}
	late.end(t)
	if log := late.log.String(); strings.Contains(log, "configuration applied") || strings.Count(log, refusal) != 1 {
		t.Errorf("it follows all the same, or repeats itself:\n%s", log)
	}
}
