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
		e.tell(log, endings("imp1.synergy.com", list, nil), end.AddDate(0, 0, -step.days))
		if got := text.String(); !strings.Contains(got, step.want) || step.want == "" && got != "" || strings.Contains(got, "imp2") {
			t.Errorf("%d days before the end: %q, want %q", step.days, got, step.want)
		}
	}
	text.Reset()
	list[0].Fingerprint, list[0].NotAfter = "c", end.AddDate(0, 0, 20)
	e.tell(log, endings("imp1.synergy.com", list, nil), end)
	if !strings.Contains(text.String(), "in 20 days") {
		t.Errorf("of its successor: %q", text.String())
	}
}

func TestTheLogTellsOnceOfAPeersCertificateThatSeveralAddressesShow(t *testing.T) {
	var text bytes.Buffer
	log := slog.New(slog.NewTextHandler(&text, nil))
	end := time.Date(2026, 3, 4, 9, 41, 0, 0, time.UTC)
	peers := []federation.PeerCertificate{
		{Address: "10.1.20.21", CommonName: pool, Fingerprint: "a", NotAfter: end}, {Address: "10.1.20.22", CommonName: pool, Fingerprint: "a", NotAfter: end},
	}
	var e expiry
	for _, step := range []struct {
		days int
		want string // "" for nothing
	}{
		{61, ""}, {60, "level=WARN msg=\"certificate ends soon\" purpose=peer subject=pool.synergy.com peer=10.1.20.21 reason=\"in 60 days, on 2026-03-04T09:41:00Z\""},
		{31, ""}, {30, "in 30 days"}, {8, ""}, {7, "in 7 days"}, {0, ""}, {-1, "level=ERROR msg=\"certificate ended\""}, {-9, ""},
	} {
		text.Reset()
		e.tell(log, endings(self, nil, peers), end.AddDate(0, 0, -step.days))
		if got := text.String(); !strings.Contains(got, step.want) || step.want == "" && got != "" || strings.Count(got, "\n") > 1 {
			t.Errorf("%d days before the end: %q, want %q once", step.days, got, step.want)
		}
	}
	text.Reset()
	peers[0].Fingerprint, peers[0].NotAfter, peers[1] = "b", end.AddDate(1, 0, 0), peers[0]
	if e.tell(log, endings(self, nil, peers[:1]), end.AddDate(0, 0, 1)); text.Len() > 0 {
		t.Errorf("of one that is renewed: %q", text.String())
	}
}

func TestMonitoringSeesTheEndOfTheNodesOwnCertificateAndOfTheFirstCAAndPeer(t *testing.T) {
	at := func(day int) time.Time { return time.Date(2026, 3, day, 0, 0, 0, 0, time.UTC) }
	found := ends(endings("imp1.synergy.com", []federation.Certificate{
		{Purpose: federation.PurposeOwn, Node: "imp1.synergy.com", NotAfter: at(9)}, {Purpose: federation.PurposeOwn, Node: "imp2.synergy.com", NotAfter: at(1)},
		{Purpose: federation.PurposeTrust, NotAfter: at(20)}, {Purpose: federation.PurposeTrust, NotAfter: at(12)}, {Purpose: federation.PurposeTrust, NotAfter: at(30)},
	}, []federation.PeerCertificate{{NotAfter: at(25)}, {NotAfter: at(7)}}))
	if len(found) != 3 || found[federation.PurposeOwn] != at(9) || found[federation.PurposeTrust] != at(12) || found[purposePeer] != at(7) {
		t.Errorf("%v", found)
	}
}
