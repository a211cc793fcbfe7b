package store

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"isthmus/internal/federation"
)

// shown is the certificate of a server with that address, as it was seen some time ago.
func shown(address, fingerprint string, ago time.Duration) federation.PeerCertificate {
	now := time.Now().UTC().Truncate(time.Second)
	return federation.PeerCertificate{Address: address, CommonName: "pool.synergy.com", Host: "fe1.synergy.com", Source: federation.SeenOpening, Verified: true,
		Issuer: "Synergy Root", Serial: "ab:01", Fingerprint: fingerprint, NotBefore: now.AddDate(0, -1, 0), NotAfter: now.AddDate(0, 1, 0), SeenAt: now.Add(-ago),
		Node: "imp1.synergy.com"}
}

func fingerprints(t *testing.T, s *Store) (list []string) {
	t.Helper()
	for _, p := range must(s.PeerCertificates(t.Context())) {
		list = append(list, p.Fingerprint)
	}
	slices.Sort(list)
	return list
}

func TestWhatAPeerShowsComesBackAsItWasTold(t *testing.T) {
	s := filled(t)
	probed, seen := shown("10.1.20.21", "a", time.Minute), shown("10.1.20.22", "b", time.Hour)
	probed.Source, probed.Verified = federation.SeenProbing, false
	ok(t, unchanged(t, s, func() error { return s.KeepPeerCertificates(t.Context(), []federation.PeerCertificate{probed}) }))
	ok(t, unchanged(t, s, func() error {
		return s.ReportStatus(t.Context(), federation.NodeStatus{Node: "imp1.synergy.com", Peers: []federation.PeerCertificate{seen}})
	}))
	got := must(s.PeerCertificates(t.Context()))
	for i, want := range []federation.PeerCertificate{probed, seen} {
		if i < len(got) {
			got[i].NotBefore, got[i].NotAfter, got[i].SeenAt = got[i].NotBefore.UTC(), got[i].NotAfter.UTC(), got[i].SeenAt.UTC()
		}
		if i >= len(got) || got[i] != want {
			t.Errorf("stored %+v,\nwant %+v", got, want)
		}
	}
	if got := must(s.NodeStatuses(t.Context()))[0]; got.Peers != nil {
		t.Errorf("the statuses that every page reads hold %+v", got.Peers)
	}
}

func TestTheNewestCertificateOfAPeerWinsWhoeverTellsOfIt(t *testing.T) {
	s := filled(t)
	keep := func(p federation.PeerCertificate) {
		t.Helper()
		ok(t, s.KeepPeerCertificates(t.Context(), []federation.PeerCertificate{p}))
	}
	keep(shown("10.1.20.21", "old", 2*time.Hour))
	renewed := shown("10.1.20.21", "renewed", time.Hour)
	renewed.Host, renewed.Source, renewed.Node = "", federation.SeenAccepting, "imp2.synergy.com"
	keep(renewed)
	keep(shown("10.1.20.21", "late", 90*time.Minute)) // a report that was held up
	if got := must(s.PeerCertificates(t.Context())); len(got) != 1 || got[0].Fingerprint != "renewed" || got[0].Host != "fe1.synergy.com" || got[0].Node != "imp2.synergy.com" {
		t.Errorf("stored %+v", got)
	}
	keep(shown("10.1.20.21", "ahead", -24*time.Hour)) // by a clock that is ahead
	keep(shown("10.1.20.21", "now", -time.Second))
	if got := fingerprints(t, s); !slices.Equal(got, []string{"now"}) {
		t.Errorf("%v", got)
	}
	other := shown("10.1.20.21", "other", 0)
	other.CommonName = "fe1.synergy.com"
	keep(other)
	keep(shown("10.1.20.22", "elsewhere", 0))
	if got := fingerprints(t, s); !slices.Equal(got, []string{"elsewhere", "now", "other"}) {
		t.Errorf("one name at two addresses, and two names at one: %v", got)
	}
}

func TestAPeerThatIsNotSeenAgainIsForgottenAfterNinetyDays(t *testing.T) {
	s := filled(t)
	ok(t, s.KeepPeerCertificates(t.Context(), []federation.PeerCertificate{shown("10.1.20.21", "stays", federation.PeerMemory-time.Hour), shown("10.1.20.22", "goes", time.Hour)}))
	ok(t, raw(t, s, `UPDATE peer_certificates SET seen_at = now() - interval '90 days 1 second' WHERE fingerprint = 'goes'`))
	if got := fingerprints(t, s); !slices.Equal(got, []string{"stays"}) {
		t.Errorf("known are %v", got)
	}
	ok(t, s.KeepPeerCertificates(t.Context(), []federation.PeerCertificate{shown("10.1.20.23", "new", 0)}))
	if n := count(t, s, `SELECT count(*) FROM peer_certificates`); n != 2 {
		t.Errorf("%d rows are kept", n)
	}
}

func TestAPeerOfManyAddressesFillsNoTable(t *testing.T) {
	s := filled(t)
	var many []federation.PeerCertificate
	for i := range peerCertificatesKept + 5 {
		many = append(many, shown(fmt.Sprintf("10.2.%d.%d", i/250, i%250), "x", time.Duration(i+1)*time.Second))
	}
	ok(t, s.KeepPeerCertificates(t.Context(), many))
	if n := count(t, s, `SELECT count(*) FROM peer_certificates`); n != peerCertificatesKept {
		t.Errorf("%d rows are kept", n)
	}
	if n := count(t, s, `SELECT count(*) FROM peer_certificates WHERE address = $1`, many[len(many)-1].Address); n != 0 {
		t.Error("the one that was seen longest ago is kept")
	}
}

func TestWhatAPeerWroteDoesNotCostANodeItsReport(t *testing.T) {
	s := filled(t)
	for _, text := range []string{"fe1\x00.synergy.com", "\xff\xfe", "\u202emoc"} {
		p := shown("10.1.20.21", "x", 0)
		p.CommonName, p.Issuer, p.Serial, p.NotBefore = text, text, text, time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC)
		p.NotAfter = time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)
		p.Tame()
		ok(t, s.ReportStatus(t.Context(), federation.NodeStatus{Node: "imp1.synergy.com", Peers: []federation.PeerCertificate{p}}))
	}
	if n := len(must(s.PeerCertificates(t.Context()))); n != 3 {
		t.Errorf("%d of 3 are stored", n)
	}
}
