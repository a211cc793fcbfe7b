package node

import (
	"errors"
	"strings"
	"testing"

	"isthmus/internal/federation"
)

func TestANodeThatCannotReportSaysSoThoughItReadsTheDatabase(t *testing.T) {
	r := start(t)
	r.commits(r.snapshot(1))
	r.awaitState(Ready)
	r.with(func() { r.mute = errors.New("The database is read-only.") })
	h := r.awaitState(Degraded)
	if h.Revision == nil || *h.Revision != 1 || !strings.HasSuffix(h.Database, "The database is read-only.") {
		t.Errorf("it says %+v", h)
	}
	if s := r.node.observe(); !s.DatabaseUp || !s.Ready {
		t.Errorf("monitoring is told %+v", s)
	}
	r.with(func() { r.mute, r.reports = nil, nil })
	r.awaitState(Ready)
	r.with(func() {
		if s := r.reports[0]; s.State != Ready || s.Database != federation.DatabaseOK {
			t.Errorf("the first report that arrives says %s, %q", s.State, s.Database)
		}
	})
}

func TestOneReportThatFailsIsNothingToTell(t *testing.T) {
	var f facts
	f.noteReport(errors.New("slow"))
	if f.unreported != "" {
		t.Errorf("after one it says %q", f.unreported)
	}
	f.noteReport(nil)
	f.noteReport(errors.New("slow"))
	if f.unreported != "" {
		t.Errorf("after one, and one that arrived between, it says %q", f.unreported)
	}
	f.noteReport(errors.New("slow"))
	if f.unreported == "" {
		t.Error("after two in a row it says nothing")
	}
	for range 3 {
		f.noteReport(federation.ErrNotFound)
	}
	if f.unreported != "" {
		t.Errorf("a node without a row says %q", f.unreported)
	}
}
