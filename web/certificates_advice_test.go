package web_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"isthmus/internal/auth"
	"isthmus/internal/federation"
	"isthmus/internal/siptest"
)

// showed is a peer that was seen with a certificate of that issuer.
func (c *console) showed(address, name, issuer string) {
	c.t.Helper()
	p := peerSeen(address, name, time.Now().AddDate(1, 0, 0))
	p.Issuer = issuer
	c.sees(p)
}

const trustedFinding = "[aria-labelledby=trusted] .findings li"

func TestWhetherBothSidesHaveOneCAIsToldByWhatWasSeen(t *testing.T) {
	t.Parallel()
	c := withKey(t, auth.Admin)
	root, other := siptest.NewAuthority("Synergy Root"), siptest.NewAuthority("Corp Root")
	issuing := root.Intermediate("Synergy Issuing")
	c.get("/certificates").page().Count(t, trustedFinding, 0)
	for _, ca := range []*siptest.Authority{root, other} {
		c.trusts(ca)
	}
	c.owns(issuing, siptest.Leaf{})
	page := c.get("/certificates").page()
	page.Says(t, trustedFinding, "not known yet")
	page.One(t, trustedFinding+" a[href='/tls-peer-subjects/new#from-certificate']")

	c.lists("pool.synergy.com", "10.1.20.21")
	c.showed("10.1.20.21", "pool.synergy.com", "Synergy Issuing")
	c.get("/certificates").page().Says(t, trustedFinding, "One CA on both sides The certificates of the nodes, and those of the peers seen last, chain to Synergy Root.")
	c.showed("10.1.20.21", "pool.synergy.com", "Corp Root")
	c.get("/certificates").page().Says(t, trustedFinding, "See that Synergy Root is among the trusted root CAs of every Microsoft server; here both are known.")
	c.showed("10.1.20.21", "pool.synergy.com", "Elsewhere Issuing")
	c.get("/certificates").page().Says(t, trustedFinding, "The root above Elsewhere Issuing is not stored here.")
}

// A root that came along with a node's own certificate is known and not trusted.
func TestARootThatIsNotTrustedHereIsNamedWhereBothSidesDiffer(t *testing.T) {
	t.Parallel()
	c := withKey(t, auth.Admin)
	root, other := siptest.NewAuthority("Synergy Root"), siptest.NewAuthority("Corp Root")
	c.trusts(root)
	leaf := other.Leaf(ownNode)
	c.post("/certificates", "purpose", "cup", "node", ownNode, "text", string(siptest.CertificatePEM(leaf))+string(other.PEM())+string(siptest.KeyPEM(leaf)))
	c.lists("pool.synergy.com", "10.1.20.21")
	c.lists("fe1.synergy.com", "10.1.20.22")
	c.lists("fe2.synergy.com", "10.1.20.23")
	var seen []federation.PeerCertificate
	for i, issuer := range []string{"Corp Root", "Synergy Root", "Synergy Root"} {
		p := peerSeen(fmt.Sprintf("10.1.20.%d", 21+i), "pool.synergy.com", time.Now().AddDate(1, 0, 0))
		p.Issuer = issuer
		seen = append(seen, p)
	}
	c.sees(seen...)
	c.get("/certificates").page().Says(t, trustedFinding, "chain to Corp Root, those of the peers seen last to Corp Root, Synergy Root. "+
		"See that Corp Root is among the trusted root CAs of every Microsoft server, and trust Corp Root here.")
}

func TestThatRevocationIsNotCheckedIsSaidOnceWhereTheCAsAre(t *testing.T) {
	t.Parallel()
	c := withKey(t, auth.Viewer)
	page := c.get("/certificates").page()
	page.Says(t, "[aria-labelledby=trusted] p", "Revocation is not checked: no revocation list (CRL) is read, and no OCSP responder is asked.")
	if n := strings.Count(page.Text(), "Revocation"); n != 1 {
		t.Errorf("said %d times", n)
	}
}

func TestPeersThatChainToACAAreNamedBeforeItGoes(t *testing.T) {
	t.Parallel()
	c := withKey(t, auth.Admin)
	root, other := siptest.NewAuthority("Synergy Root"), siptest.NewAuthority("Corp Root")
	issuing := root.Intermediate("Synergy Issuing")
	for _, ca := range []*siptest.Authority{root, issuing, other} {
		c.trusts(ca)
	}
	c.lists("pool.synergy.com", "10.1.20.21")
	c.showed("10.1.20.21", "pool.synergy.com", "Corp Root")
	c.showed("10.1.20.22", "pool.synergy.com", "Synergy Issuing")
	page := c.deletion("Corp Root").page()
	page.Says(t, "main p", "these peers are refused: pool.synergy.com at 10.1.20.21.")
	page.Says(t, "main p", "Still listed as peer subjects then, and of use to nobody with such a certificate: pool.synergy.com.")
	if text := c.deletion("Synergy Root").page().Text(); strings.Contains(text, "these peers") {
		t.Errorf("the CA below stays trusted: %s", text)
	}
	both := fmt.Sprintf("/certificates/delete?id=%d&id=%d", c.stored("Synergy Root").ID, c.stored("Synergy Issuing").ID)
	c.get(both).status(http.StatusOK).page().Says(t, "main p", "these peers are refused: pool.synergy.com at 10.1.20.22.")
}

func TestARequestThatIsNotThereIsSaidNotToWait(t *testing.T) {
	t.Parallel()
	c := withKey(t, auth.Admin)
	node := c.snapshot().Node(ownNode)
	page := c.get(fmt.Sprintf("/certificates/requests/%d.csr", node.ID)).status(http.StatusNotFound).page()
	page.Says(t, "h1", "No request waits")
	c.get(page.One(t, ".prose a").Attr("href")).status(http.StatusOK)
	c.get("/certificates/requests/999.csr").status(http.StatusNotFound)
}
