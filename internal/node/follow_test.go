package node

import (
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"isthmus/internal/federation"
	"isthmus/internal/siptest"
)

func TestANodeServesAsSoonAsASnapshotIsThere(t *testing.T) {
	r := start(t)
	if h := r.node.Health(); h.State != Starting || h.Revision != nil || h.Database == federation.DatabaseOK {
		t.Errorf("before the first snapshot it is %+v", h)
	}
	if _, err := net.Dial("tcp", r.at(5060)); err == nil {
		t.Error("a listener is open before the first snapshot")
	}
	r.commits(r.snapshot(7))
	h := r.awaitState(Ready)
	if h.Revision == nil || *h.Revision != 7 || h.AppliedRevision != 7 || h.Database != federation.DatabaseOK || len(h.Listeners) != 1 || !h.Listeners[0].Open {
		t.Errorf("it says %+v", h)
	}
	if !r.answers(5060) {
		t.Error("it does not answer")
	}
	await(t, "the status is reported", func() bool {
		s := r.lastReport()
		return s.Node == self && s.AppliedRevision == 7 && s.Error == "" && s.Version == "1.0" && !s.StartedAt.IsZero() && len(s.Listeners) == 1 && s.Listeners[0].Open
	})
}

func TestAChangeIsReportedAtOnce(t *testing.T) {
	r := start(t, func(c *Config) { c.ReportEvery = time.Hour })
	r.commits(r.snapshot(7))
	await(t, "the revision is reported", func() bool { return r.lastReport().AppliedRevision == 7 })
	r.tells(event{snapshot: r.snapshot(8, func(s *federation.Snapshot) { s.Nodes[0].Name = "imp9.synergy.com" })})
	await(t, "the refusal is reported", func() bool { return r.lastReport().Error != "" })
}

func port(n int) func(*federation.Snapshot) {
	return func(s *federation.Snapshot) { s.Listeners[0].Port = n }
}

func TestAListenerMovesAndOpenConnectionsLiveOn(t *testing.T) {
	r := start(t)
	r.commits(r.snapshot(1))
	peer := siptest.Connect(t, r.at(5060), siptest.Options{Local: "127.0.0.1"})
	r.commits(r.snapshot(2, port(5070)))
	if r.answers(5060) || !r.answers(5070) {
		t.Error("the listener did not move from port 5060 to 5070")
	}
	peer.Sends(siptest.Probe(self))
	peer.Expect("200")
}

func TestTheServiceClosesAndOpensTheListeners(t *testing.T) {
	r := start(t)
	off := func(s *federation.Snapshot) { s.Nodes[0].Services = []string{federation.ServiceSIPFederation} }
	r.commits(r.snapshot(1))
	r.commits(r.snapshot(2, off))
	if h := r.awaitState(Stopped); len(h.Listeners) != 0 || r.answers(5060) {
		t.Errorf("switched off, it says %+v", h)
	}
	await(t, "that is reported", func() bool { return r.lastReport().State == Stopped })
	r.commits(r.snapshot(3))
	if h := r.node.Health(); h.State != Ready || !r.answers(5060) {
		t.Errorf("switched on again, it says %+v", h)
	}
}

func TestAStoppedServiceClosesTheListenersUntilItIsStarted(t *testing.T) {
	r := start(t)
	stopped := func(s *federation.Snapshot) {
		s.ServiceStates = []federation.ServiceState{{Node: self, Service: federation.ServiceSIPProxy, Stopped: true}}
	}
	r.commits(r.snapshot(1))
	r.commits(r.snapshot(2, stopped))
	if h := r.node.Health(); h.State != Stopped || r.node.observe().Ready || len(h.Listeners) != 0 || r.answers(5060) {
		t.Errorf("stopped, it says %+v", h)
	}
	r.commits(r.snapshot(3, func(s *federation.Snapshot) { stopped(s); s.ServiceStates[0].Stopped = false }))
	if h := r.node.Health(); h.State != Ready || !r.node.observe().Ready || !r.answers(5060) {
		t.Errorf("started again, it says %+v", h)
	}
	r.commits(r.snapshot(4, func(s *federation.Snapshot) { stopped(s); s.ServiceStates[0].Node = "imp9.synergy.com" }))
	if !r.answers(5060) {
		t.Error("stopped on another node, it does not answer")
	}
}

func TestAStoppedServiceIsStoppedAfterAStartFromDisk(t *testing.T) {
	r := start(t)
	r.commits(r.snapshot(1, func(s *federation.Snapshot) {
		s.ServiceStates = []federation.ServiceState{{Node: self, Service: federation.ServiceSIPProxy, Stopped: true}}
	}))
	r.end()
	r.run()
	r.tells(event{err: errDown})
	if h := r.awaitState(Stopped); h.AppliedRevision != 1 || h.Database != errDown.Error() || len(h.Listeners) != 0 || r.answers(5060) {
		t.Errorf("it says %+v", h)
	}
}

func TestTheReportHoldsTheEraAndTheState(t *testing.T) {
	r := start(t)
	r.commits(r.snapshot(7, func(s *federation.Snapshot) { s.Era = 3 }))
	peer := siptest.Connect(t, r.at(5060), siptest.Options{Local: "127.0.0.1"})
	peer.Sends(siptest.Probe(self))
	peer.Expect("200")
	await(t, "the report has it all", func() bool {
		s := r.lastReport()
		return s.Applied() == federation.Point{Era: 3, Revision: 7} && s.State == Ready && s.Database == federation.DatabaseOK && s.Connections == 1
	})
}

func TestTheLatestSnapshotIsToldWithItsTime(t *testing.T) {
	r := start(t)
	if _, _, ok := r.node.Latest(); ok {
		t.Error("there is one before the first")
	}
	before := time.Now()
	r.commits(r.snapshot(7))
	s, since, ok := r.node.Latest()
	if !ok || s.Revision != 7 || since.Before(before) || since.After(time.Now()) {
		t.Errorf("revision %d of %v, %v", s.Revision, since, ok)
	}
	r.end()
	kept := time.Date(2026, 3, 4, 9, 41, 0, 0, time.UTC)
	if err := os.Chtimes(filepath.Join(r.dir, snapshotFile), kept, kept); err != nil {
		t.Fatal(err)
	}
	r.run()
	r.tells(event{err: errDown})
	r.awaitState(Degraded)
	if s, since, ok := r.node.Latest(); !ok || s.Revision != 7 || !since.Equal(kept) {
		t.Errorf("from disk: revision %d of %v, %v", s.Revision, since, ok)
	}
}

func TestADisabledListenerIsNotOpened(t *testing.T) {
	r := start(t)
	r.commits(r.snapshot(1, func(s *federation.Snapshot) { s.Listeners[0].Enabled = false }))
	if h := r.awaitState(Ready); len(h.Listeners) != 0 || r.answers(5060) {
		t.Errorf("it says %+v", h)
	}
}

func TestAPortThatIsTakenIsReportedAndTriedAgain(t *testing.T) {
	r := start(t)
	other, err := net.Listen("tcp", r.at(5060))
	if err != nil {
		t.Fatal(err)
	}
	r.commits(r.snapshot(1, func(s *federation.Snapshot) {
		s.Listeners = append(s.Listeners, federation.Listener{Name: "Lab", Transport: federation.TCP, Port: 5070, Enabled: true})
	}))
	h := r.awaitState(Starting)
	if len(h.Listeners) != 2 || h.Listeners[0].Open || !strings.Contains(h.Listeners[0].Error, "5060") || !h.Listeners[1].Open || !r.answers(5070) {
		t.Errorf("it says %+v", h)
	}
	await(t, "the reason is reported", func() bool { l := r.lastReport().Listeners; return len(l) == 2 && l[0].Error != "" })
	other.Close()
	r.awaitState(Ready)
	if !r.answers(5060) {
		t.Error("the port is free, and it does not answer")
	}
}

func TestASnapshotThatCannotBeAppliedLeavesTheOldOne(t *testing.T) {
	r := start(t)
	r.commits(r.snapshot(1))
	r.tells(event{snapshot: r.snapshot(2, func(s *federation.Snapshot) { s.Nodes[0].Name = "imp9.synergy.com" })})
	h := r.awaitState(Degraded)
	if h.AppliedRevision != 1 || *h.Revision != 2 || !r.answers(5060) {
		t.Errorf("it says %+v", h)
	}
	await(t, "the reason is reported", func() bool { s := r.lastReport(); return s.AppliedRevision == 1 && strings.Contains(s.Error, self) })
	r.commits(r.snapshot(3, port(5070)))
	r.awaitState(Ready)
	await(t, "the reason is gone", func() bool { s := r.lastReport(); return s.AppliedRevision == 3 && s.Error == "" })
}

func TestLosingTheDatabaseChangesNothingButTheState(t *testing.T) {
	r := start(t)
	r.commits(r.snapshot(1))
	peer := siptest.Connect(t, r.at(5060), siptest.Options{Local: "127.0.0.1"})
	r.tells(event{err: errDown})
	h := r.awaitState(Degraded)
	if h.Revision != nil || h.AppliedRevision != 1 || h.Database != errDown.Error() {
		t.Errorf("it says %+v", h)
	}
	peer.Sends(siptest.Probe(self))
	peer.Expect("200")
	r.commits(r.snapshot(2))
	if h := r.awaitState(Ready); *h.Revision != 2 {
		t.Errorf("it says %+v", h)
	}
}

func TestARemovedACLEntryBitesOnOpenConnections(t *testing.T) {
	r := start(t)
	r.commits(r.snapshot(1))
	peer := siptest.Connect(t, r.at(5060), siptest.Options{Local: "127.0.0.1"})
	peer.Sends(siptest.Probe(self))
	peer.Expect("200")
	r.commits(r.snapshot(2, func(s *federation.Snapshot) { s.ACL = nil }))
	peer.ExpectClosed()
}

func TestAHundredChangesLeaveOneListener(t *testing.T) {
	r := start(t)
	r.commits(r.snapshot(1))
	peer := siptest.Connect(t, r.at(5060), siptest.Options{Local: "127.0.0.1"})
	for i := range int64(100) {
		r.tells(event{snapshot: r.snapshot(2 + i)})
	}
	await(t, "the last one is in force", func() bool { return r.node.Health().AppliedRevision == 101 })
	peer.Sends(siptest.Probe(self))
	peer.Expect("200")
}

// A trouble that lasts is met again and again, and told once.
func TestEachTroubleIsToldOnce(t *testing.T) {
	log := &safeBuffer{}
	r := start(t, func(c *Config) { c.Log = slog.New(slog.NewTextHandler(log, nil)) })
	told := func(line string, want int) {
		t.Helper()
		if n := log.count(line); n != want {
			t.Errorf("%q is told %d times, want %d", line, n, want)
		}
	}
	taker, err := net.Listen("tcp", r.at(5060))
	if err != nil {
		t.Fatal(err)
	}
	r.commits(r.snapshot(1))
	r.tried(5)
	told("listener not open", 1)
	taker.Close()
	r.awaitState(Ready)
	r.tried(5)
	told("listener open", 1)

	r.tells(event{err: errDown})
	r.tells(event{err: errDown})
	r.commits(r.snapshot(2))
	r.commits(r.snapshot(3))
	told("the database cannot be reached", 1)
	told("the database is back", 1)

	for round := 1; round < 3; round++ {
		r.with(func() { r.mute = errDown })
		r.awaitState(Degraded)
		r.tried(5)
		told("status cannot be reported", round)
		r.with(func() { r.mute = nil })
		r.awaitState(Ready)
	}

	r.tells(event{snapshot: r.snapshot(4, func(s *federation.Snapshot) { s.Nodes[0].Name = "imp9.synergy.com" })})
	r.awaitState(Degraded)
	told("the configuration cannot be applied", 1)
	for range 3 {
		r.tells(event{snapshot: r.snapshot(2)})
	}
	told("the database went back to an older state", 1)
}

// tried waits until the node has reported so many times more, and seen to its listeners before each.
func (r *rig) tried(times int) {
	r.t.Helper()
	before := 0
	r.with(func() { before = len(r.reports) })
	await(r.t, "the node reports", func() (there bool) {
		r.with(func() { there = len(r.reports) >= before+times })
		return there
	})
}
