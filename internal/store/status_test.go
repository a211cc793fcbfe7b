package store

import (
	"slices"
	"strings"
	"testing"
	"time"

	"isthmus/internal/federation"
)

func TestRefusedHandshakesStayUntilTheNodeTellsNewOnes(t *testing.T) {
	s := filled(t)
	at := time.Date(2026, 3, 4, 9, 41, 0, 0, time.UTC)
	told := []federation.RefusedHandshake{
		{Peer: "10.1.30.11", Subject: "fe3.synergy.com", Verified: true, Reason: "TLS peer subject not listed", Detail: `"fe3" is not listed.`,
			Listener: "Lab TLS", Context: federation.PeerAuthContext, Count: 3, First: at, Last: at.Add(time.Minute)},
		{Outbound: true, Peer: "fe1.synergy.com", Port: 5061, Address: "10.1.20.21:5061", Reason: "TLS handshake failed", Detail: "It says nothing.", Count: 1, First: at, Last: at},
	}
	stored := func() []federation.RefusedHandshake { return must(s.NodeHandshakes(t.Context()))[0].Handshakes }
	status := federation.NodeStatus{Node: "imp1.synergy.com", Handshakes: told}
	ok(t, unchanged(t, s, func() error { return s.ReportStatus(t.Context(), status) }))
	if got := stored(); !slices.Equal(got, told) {
		t.Errorf("stored %+v,\nwant %+v", got, told)
	}
	ok(t, s.ReportStatus(t.Context(), federation.NodeStatus{Node: "imp1.synergy.com", AppliedRevision: 7}))
	if got := stored(); !slices.Equal(got, told) {
		t.Errorf("a report without a list left %+v", got)
	}
	if got := must(s.NodeStatuses(t.Context()))[0]; got.Handshakes != nil || got.AppliedRevision != 7 {
		t.Errorf("the statuses that every page reads are %+v", got)
	}
	status.Handshakes = []federation.RefusedHandshake{}
	ok(t, s.ReportStatus(t.Context(), status))
	if got := stored(); len(got) != 0 {
		t.Errorf("an empty list left %+v", got)
	}
}

func TestWhatAStrangerWroteDoesNotCostANodeItsReport(t *testing.T) {
	s := filled(t)
	for _, subject := range []string{"fe1\x00.synergy.com", "\xff\xfe", "\u202emoc", strings.Repeat("\\", 64<<10)} {
		h := federation.RefusedHandshake{Subject: subject, Detail: subject}
		h.Tame()
		ok(t, s.ReportStatus(t.Context(), federation.NodeStatus{Node: "imp1.synergy.com", Handshakes: []federation.RefusedHandshake{h}}))
		if got := must(s.NodeHandshakes(t.Context()))[0].Handshakes; len(got) != 1 || got[0] != h {
			t.Errorf("%.20q was stored as %.80v", subject, got)
		}
	}
}

func TestTheWholeReportIsKept(t *testing.T) {
	s := filled(t)
	want := federation.NodeStatus{Node: "imp1.synergy.com", AppliedEra: 3, AppliedRevision: 7, State: "degraded", Database: "ok", Unkept: "The disk is full.", Connections: 5,
		Transactions: 2, Restarted: map[string]int64{federation.ServiceSIPProxy: 4}}
	ok(t, s.ReportStatus(t.Context(), want))
	got := must(s.NodeStatuses(t.Context()))[0]
	if got.Applied() != want.Applied() || got.State != want.State || got.Database != want.Database || got.Unkept != want.Unkept || got.Connections != 5 || got.Transactions != 2 ||
		got.Restarted[federation.ServiceSIPProxy] != 4 || got.SkewMS != 0 {
		t.Errorf("kept is %+v", got)
	}
	ok(t, s.ReportStatus(t.Context(), federation.NodeStatus{Node: "imp1.synergy.com"}))
	if got := must(s.NodeStatuses(t.Context()))[0]; len(got.Restarted) != 0 || got.State != "" || got.Unkept != "" {
		t.Errorf("a report without them left %+v", got)
	}
}

func TestTheLastErrorStaysWithTheTimeItWasToldFirst(t *testing.T) {
	s := filled(t)
	tell := func(sentence string) federation.NodeStatus {
		ok(t, s.ReportStatus(t.Context(), federation.NodeStatus{Node: "imp1.synergy.com", Error: sentence}))
		return must(s.NodeStatuses(t.Context()))[0]
	}
	if got := tell(""); got.LastError != "" || !got.ErrorAt.IsZero() {
		t.Errorf("without an error: %+v", got)
	}
	first := tell("one")
	if first.LastError != "one" || time.Since(first.ErrorAt).Abs() > time.Minute {
		t.Errorf("the first: %+v", first)
	}
	for _, sentence := range []string{"one", ""} {
		if got := tell(sentence); got.LastError != "one" || !got.ErrorAt.Equal(first.ErrorAt) || got.Error != sentence {
			t.Errorf("told %q: %+v", sentence, got)
		}
	}
	for _, sentence := range []string{"one", "two"} {
		if got := tell(sentence); got.LastError != sentence || !got.ErrorAt.After(first.ErrorAt) {
			t.Errorf("told %q afterwards: %+v", sentence, got)
		}
	}
}

func TestAClockThatIsWrongIsMeasuredByTheDatabases(t *testing.T) {
	s := filled(t)
	for _, off := range []time.Duration{time.Hour, -time.Hour} {
		ok(t, s.ReportStatus(t.Context(), federation.NodeStatus{Node: "imp1.synergy.com", ReportedAt: time.Now().Add(off)}))
		got := must(s.NodeStatuses(t.Context()))[0]
		if skew := time.Duration(got.SkewMS) * time.Millisecond; (skew - off).Abs() > 20*time.Second {
			t.Errorf("%v off is measured as %v", off, skew)
		}
	}
}

func TestTheClockIsTheDatabases(t *testing.T) {
	s := filled(t)
	before := time.Now().Add(-time.Second)
	if now := must(s.Clock(t.Context())); now.Before(before) || now.After(time.Now().Add(time.Second)) {
		t.Errorf("on one machine it is %s", now)
	}
}
