package node

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"isthmus/internal/federation"
)

func TestTheLogTellsOnceHowNearTheEndOfACertificateIs(t *testing.T) {
	var text bytes.Buffer
	log := slog.New(slog.NewTextHandler(&text, nil))
	end := time.Date(2026, 3, 4, 9, 41, 0, 0, time.UTC)
	list := []federation.Certificate{
		{Purpose: federation.PurposeOwn, Node: "imp1.synergy.com", Subject: "imp1.synergy.com", Fingerprint: "a", NotAfter: end},
		{Purpose: federation.PurposeOwn, Node: "imp2.synergy.com", Subject: "imp2.synergy.com", Fingerprint: "b", NotAfter: end},
	}
	var e expiry
	for _, step := range []struct {
		days int
		want string // "" for nothing
	}{
		{61, ""}, {60, "level=WARN msg=\"certificate ends soon\" purpose=cup subject=imp1.synergy.com reason=\"in 60 days, on 2026-03-04T09:41:00Z\""}, {59, ""},
		{30, "in 30 days"}, {29, ""}, {7, "in 7 days"}, {1, ""}, {-1, "level=ERROR msg=\"certificate ended\""}, {-2, ""},
	} {
		text.Reset()
		e.tell(log, "imp1.synergy.com", list, end.AddDate(0, 0, -step.days))
		if got := text.String(); !strings.Contains(got, step.want) || step.want == "" && got != "" || strings.Contains(got, "imp2") {
			t.Errorf("%d days before the end: %q, want %q", step.days, got, step.want)
		}
	}
	text.Reset()
	list[0].Fingerprint, list[0].NotAfter = "c", end.AddDate(0, 0, 20)
	e.tell(log, "imp1.synergy.com", list, end)
	if !strings.Contains(text.String(), "in 20 days") {
		t.Errorf("of its successor: %q", text.String())
	}
}

func TestMonitoringSeesTheEndOfTheNodesOwnCertificateAndOfTheFirstCA(t *testing.T) {
	at := func(day int) time.Time { return time.Date(2026, 3, day, 0, 0, 0, 0, time.UTC) }
	found := ends("imp1.synergy.com", []federation.Certificate{
		{Purpose: federation.PurposeOwn, Node: "imp1.synergy.com", NotAfter: at(9)}, {Purpose: federation.PurposeOwn, Node: "imp2.synergy.com", NotAfter: at(1)},
		{Purpose: federation.PurposeTrust, NotAfter: at(20)}, {Purpose: federation.PurposeTrust, NotAfter: at(12)}, {Purpose: federation.PurposeTrust, NotAfter: at(30)},
	})
	if len(found) != 2 || found[federation.PurposeOwn] != at(9) || found[federation.PurposeTrust] != at(12) {
		t.Errorf("%v", found)
	}
}
