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
