package web_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"isthmus/internal/auth"
	"isthmus/internal/federation"
	"isthmus/internal/siptest"
)

func TestManyTrustedCAsAreFoundSortedAndPaged(t *testing.T) {
	t.Parallel()
	c := withKey(t, auth.Admin)
	for i := range 30 {
		c.trusts(siptest.NewAuthority(fmt.Sprintf("Branch %02d Root", i)))
	}
	const rows = "[aria-labelledby=trusted] tbody tr"
	page := c.get("/certificates").status(http.StatusOK).page()
	page.Count(t, rows, 25)
	page.Says(t, "[aria-labelledby=trusted] .pager", "Trusted CAs 1 to 25 of 30.")
	page.Count(t, "[aria-labelledby=own] .find", 0)

	c.get("/certificates?trusted.page=2").page().Count(t, rows, 5)
	sorted := c.get("/certificates?trusted.sort=-ca").page()
	if first := sorted.All(rows)[0].Text(); !strings.Contains(first, "Branch 29 Root") {
		t.Errorf("sorted downward, the first is %s", first)
	}
	if link := sorted.One(t, "[aria-labelledby=trusted] th[aria-sort=descending] a").Attr("href"); link != "/certificates?trusted.sort=ca#trusted" {
		t.Errorf("the way back up is %s", link)
	}
	one := c.stored("Branch 07 Root")
	for _, q := range []string{"trusted.field=ca&trusted.op=contains&trusted.q=07", "trusted.field=fingerprint&trusted.q=" + one.Fingerprint[:20]} {
		found := c.get("/certificates?own.sort=node&" + q).page()
		found.Count(t, rows, 1)
		found.Says(t, rows, "Branch 07 Root")
		found.Count(t, "[aria-labelledby=own] tbody tr", 1)
		found.One(t, "[aria-labelledby=trusted] .find input[type=hidden][name='own.sort'][value=node]")
	}
	c.get("/certificates?trusted.q=nothing").page().Says(t, "[aria-labelledby=trusted]", "Show all 30 trusted CAs")
}

func TestTheCertificatesOfManyNodesAreFoundByWhatTheyCarry(t *testing.T) {
	t.Parallel()
	c := withKey(t, auth.Viewer)
	ca := siptest.NewAuthority("Synergy Root")
	c.owns(ca, siptest.Leaf{DNS: []string{ownNode, "trustedpool.synergy.com"}})
	for i := 2; i < 14; i++ {
		node := federation.Node{Name: fmt.Sprintf("imp%d.synergy.com", i), Address: fmt.Sprintf("127.0.1.%d", i)}
		must[federation.Node](t)(c.store.SaveNode(t.Context(), node))
	}
	const rows = "[aria-labelledby=own] tbody tr"
	page := c.get("/certificates").page()
	page.Count(t, rows, 13)
	page.One(t, "[aria-labelledby=own] .find")
	for _, q := range []string{"own.field=names&own.op=contains&own.q=trustedpool", "own.field=issuer&own.q=synergy+root", "own.q=" + c.stored(ownNode).Fingerprint} {
		found := c.get("/certificates?" + q).page()
		found.Count(t, rows, 1)
		found.Says(t, rows, ownNode)
	}
	if first := c.get("/certificates?own.sort=-end").page().All(rows)[0].Text(); !strings.Contains(first, "Valid until") {
		t.Errorf("sorted by their end downward, nodes without a certificate come last: %s", first)
	}
}
