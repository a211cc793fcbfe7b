package diagnose

import (
	"slices"
	"strings"
	"testing"
	"time"

	"isthmus/internal/federation"
	"isthmus/internal/siptest"
)

// frontEndShowed is what the front end of healthy showed, an hour ago.
func frontEndShowed(edit ...func(*federation.PeerCertificate)) federation.PeerCertificate {
	p := hopShowed("a", now.AddDate(1, 0, 0))
	p.CommonName, p.Issuer, p.SeenAt = "fe1.synergy.com", "Lab CA", now.Add(-time.Hour)
	for _, f := range edit {
		f(&p)
	}
	return p
}

func TestACAIsTrustedEnoughWhenACertificateOfTheDeploymentWasFoundGood(t *testing.T) {
	unverified := func(p *federation.PeerCertificate) { p.Verified = false }
	by := func(ca string) func(*federation.PeerCertificate) {
		return func(p *federation.PeerCertificate) { p.Issuer = ca }
	}
	elsewhere := func(p *federation.PeerCertificate) { p.Host, p.Address = "", "10.9.9.9" }
	stranger := func(p *federation.PeerCertificate) { p.CommonName = "fe9.synergy.com" }
	before := func(p *federation.PeerCertificate) {
		p.CommonName, p.SeenAt = "old.synergy.com", p.SeenAt.Add(-time.Hour)
	}
	for promise, c := range map[string]struct {
		peers []federation.PeerCertificate
		state TaskState
		text  string
	}{
		"no server was seen":                {nil, Unknown, "Not known yet: no server of the deployment was seen"},
		"only somebody else was seen":       {[]federation.PeerCertificate{frontEndShowed(elsewhere, stranger)}, Unknown, "Not known yet"},
		"somebody else claims its name":     {[]federation.PeerCertificate{frontEndShowed(elsewhere, unverified)}, Unknown, "Not known yet"},
		"it was found good":                 {[]federation.PeerCertificate{frontEndShowed()}, Done, "fe1.synergy.com at 127.0.0.21 chains to Lab CA, which is trusted."},
		"it connected from elsewhere":       {[]federation.PeerCertificate{frontEndShowed(elsewhere)}, Done, "chains to Lab CA"},
		"nobody vouches for it":             {[]federation.PeerCertificate{frontEndShowed(unverified, by("Other CA"))}, Open, "could not be verified. See that its CA, Other CA, is trusted here"},
		"nobody vouches for one of its own": {[]federation.PeerCertificate{frontEndShowed(unverified, func(p *federation.PeerCertificate) { p.Host = "" })}, Open, "could not be verified"},
		"nobody vouched for one before":     {[]federation.PeerCertificate{frontEndShowed(unverified, before), frontEndShowed()}, Done, "chains to Lab CA"},
		"its intermediate CA came along":    {[]federation.PeerCertificate{frontEndShowed(by("Issuing CA"))}, Done, "issued by Issuing CA, was verified when it was seen on"},
		"one of two is found good later":    {[]federation.PeerCertificate{frontEndShowed(), frontEndShowed(unverified, before, func(p *federation.PeerCertificate) { p.Address = "127.0.0.22" })}, Open, "old.synergy.com at 127.0.0.22 could not be verified"},
		"one of two is found good so far":   {[]federation.PeerCertificate{frontEndShowed(), frontEndShowed(unverified, func(p *federation.PeerCertificate) { p.Address = "127.0.0.22" })}, Open, "fe1.synergy.com at 127.0.0.22 could not be verified"},
	} {
		f := workflow()
		f.Peers = c.peers
		tasks := Tasks(f)
		got := tasks[slices.IndexFunc(tasks, func(t Task) bool { return t.ID == "trusted_cas" })]
		if got.State != c.state || !strings.Contains(got.Text, c.text) || (got.Page == AskServer) != (c.state == Unknown) {
			t.Errorf("%s: %+v", promise, got)
		}
	}
}

func TestACAThatIsTrustedNoMoreIsToldByTheRootThatTheNodesChainHolds(t *testing.T) {
	f := workflow()
	gone := siptest.NewAuthority("Gone CA")
	f.Snapshot.Certificates[1].Chain = slices.Concat(siptest.CertificatePEM(gone.Leaf("imp1.synergy.com")), gone.PEM())
	f.Peers = []federation.PeerCertificate{frontEndShowed(func(p *federation.PeerCertificate) { p.Issuer = "Gone CA" })}
	if got := f.trustedCA(); got.State != Open || !strings.Contains(got.Text, "Gone CA, which issued the certificate of fe1.synergy.com, is trusted no more. Trust it again.") {
		t.Errorf("%+v", got)
	}
}
