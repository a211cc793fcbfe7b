package diagnose

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"isthmus/internal/federation"
)

// hopShowed is what the next hop of healthy showed.
func hopShowed(fingerprint string, until time.Time) federation.PeerCertificate {
	return federation.PeerCertificate{Address: "127.0.0.21", Host: "127.0.0.21", CommonName: "pool.synergy.com", Source: federation.SeenOpening,
		Verified: true, Fingerprint: fingerprint, NotAfter: until}
}

// peerFindings are what the check says, with its state.
func peerFindings(f Facts) (list []string) {
	for _, finding := range peersEnds(f) {
		list = append(list, fmt.Sprint(finding.State, ": ", finding.Text, " ", finding.Advice))
	}
	return list
}

func TestThePeersLastDaysAreToldInStages(t *testing.T) {
	for _, test := range []struct {
		left  time.Duration
		wants string
	}{
		{61 * 24 * time.Hour, "green: The certificates of peers, as they were seen last, are in date."},
		{60 * 24 * time.Hour, "amber: Have it renewed there in time."},
		{30 * 24 * time.Hour, "amber: Have it renewed there now."},
		{7 * 24 * time.Hour, "amber: Renew it there before then"},
		{-time.Second, "red: Renew it there; until then its handshakes are refused."},
	} {
		f := healthy()
		f.Peers = []federation.PeerCertificate{hopShowed("a", now.Add(test.left))}
		state, advice, _ := strings.Cut(test.wants, ": ")
		if got := peerFindings(f); len(got) != 1 || !strings.HasPrefix(got[0], state) || !strings.Contains(got[0], advice) {
			t.Errorf("%v before the end: %q, want %q", test.left, got, test.wants)
		}
	}
}

func TestOneCertificateOfAWholePoolIsToldOnce(t *testing.T) {
	for addresses, want := range map[int]string{
		1: "showed at 127.0.0.21 ends in 5 days",
		3: "showed at 127.0.0.21, 127.0.0.22, 127.0.0.23 ends in 5 days",
		5: "showed at 127.0.0.21, 127.0.0.22, 127.0.0.23 and 2 more ends in 5 days",
	} {
		f := healthy()
		for i := range addresses {
			p := hopShowed("a", now.AddDate(0, 0, 5))
			p.Address = fmt.Sprintf("127.0.0.%d", 21+i)
			again, other := p, hopShowed("b", now.AddDate(1, 0, 0))
			again.Source, other.Address = federation.SeenProbing, "127.0.0.39"
			f.Peers = append(f.Peers, p, again, other)
		}
		if got := peerFindings(f); len(got) != 1 || !strings.Contains(got[0], want) {
			t.Errorf("%d addresses: %q, want %q", addresses, got, want)
		}
	}
}

func TestAPeerThatIsNotConfiguredWarnsNobody(t *testing.T) {
	f := healthy()
	gone := hopShowed("a", now.AddDate(0, 0, -5))
	gone.Host, gone.Address = "fe9.synergy.com", "127.0.0.29"
	f.Peers = []federation.PeerCertificate{gone}
	if got := peerFindings(f); len(got) != 1 || !strings.HasPrefix(got[0], "green: No peer's certificate was seen yet.") {
		t.Errorf("%q", got)
	}
}
