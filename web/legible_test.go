package web_test

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"isthmus/internal/auth"
	"isthmus/internal/siptest"
)

// What turns, hides or breaks the text around it stands on no page as it stands in a certificate.
func TestWhatDoesNotPrintInACertificateIsWrittenByItsNumber(t *testing.T) {
	t.Parallel()
	const odd, plain = "moc\u202e\u2028\x1b[31m root", `moc\u202e\u2028\u001b[31m root`
	c := withKey(t, auth.Admin)
	ca := siptest.NewAuthority(odd)
	c.owns(ca, siptest.Leaf{})
	asked := c.post("/certificates", "purpose", "cup-trust", "text", string(ca.PEM()), "ask", "true").status(http.StatusOK)
	saved := c.post("/certificates", "purpose", "cup-trust", "text", string(ca.PEM()))
	saved.to("/certificates")
	stored := c.stored(plain)
	pages := map[string]answer{"question": asked, "list": c.get("/certificates")}
	for name, path := range map[string]string{
		"its page": certificateAddress(stored.ID), "delete": fmt.Sprintf("/certificates/delete?id=%d", stored.ID), "audit": "/audit",
		"a node's": certificateAddress(c.snapshot().Own(ownNode).ID),
	} {
		pages[name] = c.get(path)
	}
	pages["a peer's"] = c.post("/tls-peer-subjects/certificate", "text", string(siptest.CertificatePEM(ca.Leaf("fe1.synergy.com"))))
	for name, page := range pages {
		if strings.ContainsAny(page.body, "\u202e\u2028\x1b") {
			t.Errorf("%s holds them as they are", name)
		}
		if name != "audit" && !strings.Contains(page.body, plain) {
			t.Errorf("%s does not write them by their numbers", name)
		}
	}
}

func certificateAddress(id int64) string { return fmt.Sprintf("/certificates/%d", id) }

// A name of 2,000 characters without a blank would make the page that asks before it is deleted wider than any screen.
func TestTextWrapsInAnEndlessName(t *testing.T) {
	t.Parallel()
	css := newConsole(t).get("/static/app.css").status(http.StatusOK).body
	if !regexp.MustCompile(`\.prose \{[^}]*overflow-wrap: anywhere`).MatchString(css) {
		t.Error("a name without a blank does not wrap in .prose")
	}
}

func TestACertificateIsFoundByItsNumbersInEveryWayOfWritingThem(t *testing.T) {
	t.Parallel()
	c := withKey(t, auth.Admin)
	ca := siptest.NewAuthority("Synergy Root")
	c.trusts(ca)
	sum := sha256.Sum256(ca.Certificate.Raw)
	for field, octets := range map[string][]byte{"serial": ca.Certificate.SerialNumber.Bytes(), "fingerprint": sum[:]} {
		for _, between := range []string{"", ":", " "} {
			text := strings.ReplaceAll(fmt.Sprintf("% X", octets), " ", between)
			for _, query := range []url.Values{
				{"trusted.field": {field}, "trusted.op": {"is_exactly"}, "trusted.q": {text}}, {"trusted.op": {"begins_with"}, "trusted.q": {strings.ToLower(text[:len(text)/2])}},
			} {
				c.get("/certificates?"+query.Encode()).page().Count(t, "[aria-labelledby=trusted] tbody tr", 1)
			}
		}
	}
}
