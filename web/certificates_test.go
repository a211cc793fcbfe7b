package web_test

import (
	"bytes"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"isthmus/internal/auth"
	"isthmus/internal/certs"
	"isthmus/internal/federation"
	"isthmus/internal/siptest"
	"isthmus/web"
)

const ownNode = "imp1.synergy.com"

// withKey is a console that can store private keys, with one node that shows what serve made for it.
func withKey(t *testing.T, role auth.Role) *console {
	t.Helper()
	c := signedInAs(t, role)
	c.config.Key = must[*certs.Key](t)(certs.OpenKey(filepath.Join(t.TempDir(), "key"), "", false))
	c.handler = web.New(c.config)
	must[federation.Node](t)(c.store.SaveNode(t.Context(), federation.Node{Name: ownNode, Address: "127.0.0.11"}))
	own := must[federation.Certificate](t)(certs.SelfSigned(c.config.Key, ownNode, time.Now()))
	if err := c.store.SaveCertificate(t.Context(), own); err != nil {
		t.Fatal(err)
	}
	return c
}

// trusts puts an authority into the trust store.
func (c *console) trusts(ca *siptest.Authority) {
	c.t.Helper()
	list := must[[]federation.Certificate](c.t)(certs.ImportTrust(time.Now(), ca.PEM()))
	if err := c.store.SaveCertificates(c.t.Context(), list); err != nil {
		c.t.Fatal(err)
	}
}

// owns gives the node a certificate of that authority.
func (c *console) owns(ca *siptest.Authority, l siptest.Leaf) {
	c.t.Helper()
	if l.Names == nil {
		l.Names = []string{ownNode}
	}
	leaf := ca.Issue(l)
	file := append(siptest.CertificatePEM(leaf), siptest.KeyPEM(leaf)...)
	own := must[federation.Certificate](c.t)(certs.ImportOwn(c.config.Key, ownNode, time.Now(), file, nil))
	if err := c.store.SaveCertificate(c.t.Context(), own); err != nil {
		c.t.Fatal(err)
	}
}

// stored is the certificate with that subject.
func (c *console) stored(subject string) federation.Certificate {
	c.t.Helper()
	for _, known := range c.snapshot().Certificates {
		if known.Subject == subject {
			return known
		}
	}
	c.t.Fatalf("there is no certificate of %s", subject)
	return federation.Certificate{}
}

// sendFiles posts a form with files, as a browser does. Fields are names and values in turn.
func (c *console) sendFiles(path string, files map[string][]byte, fields ...string) answer {
	c.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	for name, content := range files {
		part := must[interface{ Write([]byte) (int, error) }](c.t)(form.CreateFormFile(name, name+".pem"))
		must[int](c.t)(part.Write(content))
	}
	for i := 0; i < len(fields); i += 2 {
		if err := form.WriteField(fields[i], fields[i+1]); err != nil {
			c.t.Fatal(err)
		}
	}
	form.Close()
	r := httptest.NewRequest(http.MethodPost, path, &body)
	r.Header.Set("Content-Type", form.FormDataContentType())
	return c.send(r)
}

func TestEveryCertificateIsShownWithWhatPeopleLookFor(t *testing.T) {
	t.Parallel()
	c := withKey(t, auth.Viewer)
	page := c.get("/certificates").status(http.StatusOK).page()
	page.Says(t, "[aria-labelledby=own] tbody td", "Self-signed no peer trusts it")
	page.Says(t, "[aria-labelledby=trusted]", "No CA is trusted yet")

	ca := siptest.NewAuthority("Synergy Root")
	c.trusts(ca)
	c.owns(ca, siptest.Leaf{DNS: []string{ownNode, "trustedpool.synergy.com"}, RSA: true})
	page = c.get("/certificates").page()
	row := page.One(t, "[aria-labelledby=own] tbody tr").Text()
	for _, want := range []string{ownNode, "Valid until", "Synergy Root", "trustedpool.synergy.com", "RSA 2048", "server authentication, client authentication", "SHA-256 " + c.stored(ownNode).Fingerprint[:12]} {
		if !strings.Contains(row, want) {
			t.Errorf("the row of the node does not say %q: %s", want, row)
		}
	}
	page.Says(t, "[aria-labelledby=trusted] tbody tr", "Synergy Root Valid until")
	page.Says(t, "[aria-labelledby=trusted] tbody tr", "Itself: a root ECDSA P-256")
	page.Count(t, "[aria-labelledby=attention]", 0)

	one := c.get(fmt.Sprintf("/certificates/%d", c.stored(ownNode).ID)).page()
	one.Says(t, "h1", "Certificate of "+ownNode)
	for _, want := range []string{"CN=" + ownNode, "server authentication (1.3.6.1.5.5.7.3.1)", c.stored(ownNode).Fingerprint, "SHA256"} {
		one.Says(t, "dl dd", want)
	}
	c.get("/certificates/9999").status(http.StatusNotFound)
}

func TestACertificateIsHandedOutWithItsChainAndWithoutItsKey(t *testing.T) {
	t.Parallel()
	c := withKey(t, auth.Viewer)
	ca := siptest.NewAuthority("Synergy Root").Intermediate("Synergy Issuing")
	c.owns(ca, siptest.Leaf{})
	own := c.stored(ownNode)
	a := c.get(fmt.Sprintf("/certificates/%d.pem", own.ID)).status(http.StatusOK)
	if a.body != string(own.Chain) || strings.Count(a.body, "BEGIN CERTIFICATE") != 2 || strings.Contains(a.body, "PRIVATE") {
		t.Errorf("handed out:\n%s", a.body)
	}
	if d := a.head.Get("Content-Disposition"); d != "attachment; filename=imp1.synergy.com.pem" {
		t.Errorf("delivered as %q", d)
	}
}

func TestTheLastDaysOfACertificateAreToldInItsRow(t *testing.T) {
	t.Parallel()
	c := withKey(t, auth.Viewer)
	ca := siptest.NewAuthority("Synergy Root")
	c.trusts(ca)
	end := time.Now().Add(61*24*time.Hour - time.Hour).Truncate(time.Second)
	c.owns(ca, siptest.Leaf{NotAfter: end})
	for left, want := range map[time.Duration]string{
		60*24*time.Hour + time.Hour: "Valid until ", 60 * 24 * time.Hour: "Ends in 60 days on ", 6*24*time.Hour + time.Hour: "Ends in 6 days on ",
		-time.Hour: "Ended on ", 91 * 24 * time.Hour: "Not valid yet",
	} {
		c.config.Now = func() time.Time { return end.Add(-left) }
		c.handler = web.New(c.config)
		c.get("/certificates").page().Says(t, "[aria-labelledby=own] tbody td", want)
	}
}

func TestACertificateThatNoPeerTakesIsPointedOut(t *testing.T) {
	t.Parallel()
	c := withKey(t, auth.Viewer)
	c.owns(siptest.NewAuthority("Unknown Root"), siptest.Leaf{})
	c.get("/certificates").page().Says(t, ".findings li", `"Unknown Root"`)
}

func TestAViewerOfCertificatesIsOfferedNoChange(t *testing.T) {
	t.Parallel()
	c := withKey(t, auth.Viewer)
	c.trusts(siptest.NewAuthority("Synergy Root"))
	for _, path := range []string{"/certificates", fmt.Sprintf("/certificates/%d", c.stored("Synergy Root").ID)} {
		page := c.get(path).status(http.StatusOK).page()
		page.Count(t, "main .button.primary", 0)
		page.Count(t, "main .button.danger", 0)
		page.Count(t, "main button", 0)
		page.Count(t, "main input", 0)
	}
}

func TestAnAddressOfANodesCertificateLeadsToTheOneInUse(t *testing.T) {
	t.Parallel()
	c := withKey(t, auth.Admin)
	ca := siptest.NewAuthority("Synergy Root")
	c.trusts(ca)
	c.owns(ca, siptest.Leaf{})
	old := c.stored(ownNode)
	path := fmt.Sprintf("/certificates/%d", old.ID)
	c.owns(ca, siptest.Leaf{})
	now := c.stored(ownNode)
	if now.Fingerprint == old.Fingerprint {
		t.Fatal("it was not renewed")
	}
	c.get(path).status(http.StatusOK).page().Says(t, "main", now.Fingerprint)
	if got := c.get(path + ".pem").status(http.StatusOK).body; got != string(now.Chain) {
		t.Errorf("handed out is %s", got)
	}
}

func TestANodesCertificateThatHasEndedWantsAttention(t *testing.T) {
	t.Parallel()
	c := withKey(t, auth.Admin)
	ended := time.Now().Add(-time.Hour)
	leaf := siptest.NewAuthority("Unknown Root").Issue(siptest.Leaf{Names: []string{ownNode}, NotBefore: ended.Add(-time.Hour), NotAfter: ended})
	file := append(siptest.CertificatePEM(leaf), siptest.KeyPEM(leaf)...)
	own := must[federation.Certificate](t)(certs.ImportOwn(c.config.Key, ownNode, ended.Add(-time.Minute), file, nil))
	if err := c.store.SaveCertificate(t.Context(), own); err != nil {
		t.Fatal(err)
	}
	page := c.get("/certificates").page()
	page.Says(t, ".findings li.down", "The certificate of "+ownNode+" has ended")
	page.Says(t, ".findings li.down", "It ended on "+ended.UTC().Format("2 January 2006")+", so every handshake that needs it fails. Upload its successor.")
	page.Says(t, ".findings li", `"Unknown Root"`)
}
