package web_test

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"isthmus/internal/auth"
	"isthmus/internal/federation"
	"isthmus/internal/htmltest"
	"isthmus/internal/siptest"
)

// asked is a console on which a request of the node waits, and the id of that node.
func asked(t *testing.T, names ...string) (*console, int64) {
	t.Helper()
	c := withKey(t, auth.Admin)
	values := url.Values{"node": {ownNode}, "key_kind": {federation.KeyP256}, "names": names}
	c.postForm("/certificates/requests", values).to("/certificates")
	return c, c.snapshot().Nodes[0].ID
}

func (c *console) pending() federation.CertificateRequest {
	c.t.Helper()
	return must[federation.CertificateRequest](c.t)(c.store.Request(c.t.Context(), ownNode))
}

// answers uploads what the authority makes of the request that waits.
func (c *console) answers(ca *siptest.Authority, l siptest.Leaf) answer {
	c.t.Helper()
	signed, err := ca.Answer(c.pending().CSR, l)
	if err != nil {
		c.t.Fatal(err)
	}
	return c.sendFiles("/certificates", map[string][]byte{"file": siptest.CertificatePEM(signed)}, "purpose", "cup", "node", ownNode)
}

func TestTheFormOfARequestKnowsTheNamesThatPeersLookFor(t *testing.T) {
	t.Parallel()
	c := finished(t)
	node := c.snapshot().Deployments[0].Answers.RoutingNode
	form := c.get("/certificates/requests/new?node=" + node).status(http.StatusOK).page()
	form.Count(t, "input[name=node][value="+node+"]", 1)
	ticked := form.One(t, "form.form").Form()["names"]
	if !slices.Contains(ticked, "trustedpool.synergy.com") || slices.Contains(ticked, "synergy.com") {
		t.Errorf("ticked are %q", ticked)
	}
	form.Says(t, "label.choice", "synergy.com")
	form.Count(t, "input[name=key_kind]", 4)
	form.Count(t, "input[value=rsa-2048][checked]", 1)
	if n := len(c.snapshot().Nodes); n > 1 {
		form.Count(t, "#choose-node option", n)
	}
}

func TestARequestHoldsWhatTheFormSaysAndWaitsWithItsKey(t *testing.T) {
	t.Parallel()
	c := withKey(t, auth.Admin)
	form := c.get("/certificates/requests/new").status(http.StatusOK).page().One(t, "form.form").Form()
	form.Set("more", "presence.synergy.com, im.synergy.com\n")
	c.postForm("/certificates/requests", form).to("/certificates")
	page := c.get("/certificates").page()
	page.Says(t, ".banner", "The request of "+ownNode+" waits below.")
	page.Says(t, "[aria-labelledby=requests] tbody tr", "by admin "+ownNode+" presence.synergy.com im.synergy.com RSA 2048")
	for _, word := range []string{"Upload the signed certificate", "Replace...", "Delete..."} {
		if !slices.ContainsFunc(page.All("[aria-labelledby=requests] tbody a"), func(a htmltest.Node) bool {
			return strings.HasPrefix(a.Text(), word) && c.get(a.Attr("href")).code == http.StatusOK
		}) {
			t.Errorf("no link of the row leads to %q", word)
		}
	}
	c.get("/certificates/requests/new?node=gone.synergy.com").status(http.StatusOK).page().Count(t, "input[name=node][value="+ownNode+"]", 1)

	a := c.get(fmt.Sprintf("/certificates/requests/%d.csr", c.snapshot().Nodes[0].ID)).status(http.StatusOK)
	if d := a.head.Get("Content-Disposition"); d != "attachment; filename=imp1.synergy.com.csr" {
		t.Errorf("delivered as %q", d)
	}
	block, _ := pem.Decode([]byte(a.body))
	if block == nil {
		t.Fatalf("handed out:\n%s", a.body)
	}
	csr := must[*x509.CertificateRequest](t)(x509.ParseCertificateRequest(block.Bytes))
	if csr.Subject.CommonName != ownNode || !slices.Equal(csr.DNSNames, []string{ownNode, "presence.synergy.com", "im.synergy.com"}) {
		t.Errorf("the request is for %s, %q", csr.Subject, csr.DNSNames)
	}
	if !c.stored(ownNode).SelfSigned {
		t.Error("the certificate in use has changed")
	}
}

func TestAWrongRequestComesBackWithWhatWasTyped(t *testing.T) {
	t.Parallel()
	c := withKey(t, auth.Admin)
	page := c.post("/certificates/requests", "node", ownNode, "names", "pool", "more", "under_score.synergy.com", "key_kind", "dsa").
		status(http.StatusUnprocessableEntity).page()
	page.Says(t, ".banner[role=alert]", `"pool" cannot stand in the certificate`)
	page.Says(t, "#error-key_kind", "dsa is no kind of key")
	if got := page.One(t, "#field-more").Text(); got != "under_score.synergy.com" {
		t.Errorf("the further names came back as %q", got)
	}
	c.post("/certificates/requests", "node", "imp9.synergy.com").status(http.StatusUnprocessableEntity).page().Says(t, "#error-node", "no such node")
	if _, err := c.store.Request(t.Context(), ownNode); !errors.Is(err, federation.ErrNotFound) {
		t.Errorf("a request waits: %v", err)
	}
}

func TestARequestThatWaitsIsReplacedOnlyWhenThatIsConfirmed(t *testing.T) {
	t.Parallel()
	c, _ := asked(t)
	first := c.pending()
	form := c.get("/certificates/requests/new?node=" + ownNode).page()
	form.Says(t, ".findings", "A request waits for this node already")
	ask := c.post("/certificates/requests", "node", ownNode, "key_kind", federation.KeyP256, "more", "new.synergy.com").status(http.StatusOK).page()
	ask.Says(t, "main", "can never be used")
	if string(c.pending().CSR) != string(first.CSR) {
		t.Fatal("the request was replaced before anybody confirmed it")
	}
	c.postForm("/certificates/requests", ask.One(t, "main form").Form()).to("/certificates")
	if now := c.pending(); string(now.CSR) == string(first.CSR) || !slices.Contains(now.Names, "new.synergy.com") {
		t.Errorf("%q wait", now.Names)
	}
}

func TestARequestIsDeletedAfterAPageThatSaysWhatIsLost(t *testing.T) {
	t.Parallel()
	c, id := asked(t)
	path := fmt.Sprintf("/certificates/requests/%d/delete", id)
	ask := c.get(path).status(http.StatusOK).page()
	ask.Says(t, "main", "Its key is lost with it")
	again := c.get("/certificates/requests/new?node="+ownNode).page().One(t, "main form").Form()
	question := c.postForm("/certificates/requests", again).status(http.StatusOK).page()
	c.postForm("/certificates/requests", question.One(t, "main form").Form()).to("/certificates")
	newer := c.pending()
	for _, shown := range []url.Values{ask.One(t, "main form").Form(), {}} {
		c.postForm(path, shown).status(http.StatusOK).page().Says(t, "main", "Its key is lost with it")
	}
	c.postForm("/certificates/requests", question.One(t, "main form").Form()).status(http.StatusOK) // a second press of the button
	if string(c.pending().CSR) != string(newer.CSR) {
		t.Fatal("the loss of one key was confirmed, and another was lost")
	}
	c.postForm(path, c.get(path).page().One(t, "main form").Form()).to("/certificates")
	c.get("/certificates").page().Count(t, ".requests", 0)
	c.post(path).status(http.StatusNotFound)
	c.get(path).status(http.StatusNotFound)
	c.get(fmt.Sprintf("/certificates/requests/%d.csr", id)).status(http.StatusNotFound)
}

func TestASignedCertificateTakesThePlaceOfTheOneInUse(t *testing.T) {
	t.Parallel()
	c, _ := asked(t, "trustedpool.synergy.com")
	ca := siptest.NewAuthority("Synergy Root")
	c.trusts(ca)
	c.get("/certificates/new?purpose=cup&node="+ownNode).page().Says(t, "option", "whose request waits")
	revision := c.snapshot().Revision
	c.answers(ca, siptest.Leaf{}).to("/certificates")
	page := c.get("/certificates").page()
	page.Count(t, ".requests", 0)
	page.Says(t, "[aria-labelledby=own] tbody tr", "Synergy Root")
	if own := c.stored(ownNode); own.SelfSigned || c.snapshot().Revision != revision+1 {
		t.Errorf("stored %+v", own)
	}
}

func TestASignedCertificateThatBreaksARuleIsRefusedByNameAndTheRequestWaits(t *testing.T) {
	t.Parallel()
	c, id := asked(t, "trustedpool.synergy.com")
	ca, other := siptest.NewAuthority("Synergy Root"), siptest.NewAuthority("Other Root")
	c.trusts(ca)
	server := []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	for promise, test := range map[string]struct {
		by   *siptest.Authority
		leaf siptest.Leaf
		says string
	}{
		"another root":   {other, siptest.Leaf{}, `"Other Root"`},
		"another name":   {ca, siptest.Leaf{Names: []string{"fe1.synergy.com"}, DNS: []string{"trustedpool.synergy.com"}}, "not for the node " + ownNode},
		"a name is gone": {ca, siptest.Leaf{DNS: []string{ownNode}}, `lacks the name "trustedpool.synergy.com"`},
		"one usage":      {ca, siptest.Leaf{Usages: server}, "lacks the enhanced key usage client authentication"},
		"ended":          {ca, siptest.Leaf{NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(-time.Minute)}, "expired on"},
		"not valid yet":  {ca, siptest.Leaf{NotBefore: time.Now().Add(time.Hour)}, "is valid from"},
	} {
		page := c.answers(test.by, test.leaf).status(http.StatusUnprocessableEntity).page()
		if text := page.One(t, "#error-file").Text(); !strings.Contains(text, test.says) {
			t.Errorf("%s: %s", promise, text)
		}
		page.Count(t, ".form a[href=/certificates/new?purpose=cup-trust]", 1) // the way to the CA that is missing
		page.Count(t, "option[selected][value="+ownNode+"]", 1)
	}
	stranger := ca.Leaf(ownNode)
	c.sendFiles("/certificates", map[string][]byte{"file": siptest.CertificatePEM(stranger)}, "purpose", "cup", "node", ownNode).
		status(http.StatusUnprocessableEntity).page().Says(t, "#error-file", "belongs to another request")
	if !c.stored(ownNode).SelfSigned || c.get(fmt.Sprintf("/certificates/requests/%d.csr", id)).code != http.StatusOK {
		t.Error("something was changed")
	}
}

func TestWhatALookerSeesOfARequestIsItsTextAndNoButtonToChangeIt(t *testing.T) {
	t.Parallel()
	c, id := asked(t)
	c.signIn(auth.Viewer)
	page := c.get("/certificates").page()
	page.Says(t, "[aria-labelledby=requests] tbody a", "Download .csr")
	page.Count(t, "[aria-labelledby=requests] tbody a", 1)
	c.send(httptest.NewRequest(http.MethodGet, fmt.Sprintf("/certificates/requests/%d.csr", id), nil)).status(http.StatusOK)
}

func TestNoRequestIsMadeOrDeletedWhileARestoredDatabaseIsNotAccepted(t *testing.T) {
	t.Parallel()
	c, id := asked(t)
	waits, s := c.pending(), c.snapshot()
	if err := c.store.ReportStatus(t.Context(), federation.NodeStatus{Node: ownNode, AppliedEra: s.Era, AppliedRevision: s.Revision + 26}); err != nil {
		t.Fatal(err)
	}
	again := url.Values{"node": {ownNode}, "key_kind": {federation.KeyP256}}
	mark := c.postForm("/certificates/requests", again).status(http.StatusOK).page().One(t, "main form").Form()
	c.postForm("/certificates/requests", mark).status(http.StatusUnprocessableEntity).page().Says(t, "main", "page Pending actions")
	path := fmt.Sprintf("/certificates/requests/%d/delete", id)
	c.postForm(path, url.Values{"replace": mark["replace"]}).status(http.StatusConflict).page().Says(t, "main", "page Pending actions")
	if now := c.pending(); string(now.CSR) != string(waits.CSR) {
		t.Error("the request that waited is another one")
	}
}
