package web_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"isthmus/internal/auth"
	"isthmus/internal/certs"
	"isthmus/internal/federation"
	"isthmus/internal/htmltest"
)

const lab = "Default SIP Proxy TLS Listener - Peer Auth"

// refusedAt is a refused handshake of a client.
func refusedAt(peer, subject, reason string, last time.Time) federation.RefusedHandshake {
	return federation.RefusedHandshake{Peer: peer, Subject: subject, Verified: reason == certs.ReasonNotListed, Reason: reason, Detail: "the test says so.",
		Listener: lab, Context: federation.PeerAuthContext, Count: 1, First: last, Last: last}
}

// remember is what a node reports.
func (c *console) remember(node string, list ...federation.RefusedHandshake) {
	c.t.Helper()
	c.reportAs(federation.NodeStatus{Node: node, Handshakes: list})
}

// handshakes are the rows of the page.
func (c *console) handshakes(query string) []htmltest.Node {
	c.t.Helper()
	return c.get("/handshakes" + query).status(http.StatusOK).page().All("table tbody tr")
}

func TestWithoutRefusedHandshakesThePageSaysWhatWillStandThere(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Viewer)
	page := c.get("/handshakes").status(http.StatusOK).page()
	page.Says(t, ".empty", "No TLS handshake has failed since the nodes started.")
	page.Says(t, "nav.menu a[aria-current=page]", "Refused handshakes")
}

func TestRefusedHandshakesOfAllNodesStandNewestFirst(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Admin)
	c.nodes(2)
	now := time.Now()
	often := refusedAt("10.1.30.11", "fe3.synergy.com", certs.ReasonNotListed, now.Add(-3*time.Minute))
	often.Count, often.First = 4, now.Add(-48*time.Hour)
	c.remember("imp1.here.com", refusedAt("10.1.30.13", "", certs.ReasonNone, now), often)
	c.remember("imp2.here.com", refusedAt("10.1.30.12", "fe1.synergy.com", certs.ReasonUnknownCA, now.Add(-time.Minute)))
	rows := c.handshakes("")
	for i, want := range [][]string{
		{"10.1.30.13", "once", "none", certs.ReasonNone, "imp1.here.com"},
		{"10.1.30.12", lab, "fe1.synergy.com", "unverified claim", certs.ReasonUnknownCA, "The test says so.", "imp2.here.com"},
		{"10.1.30.11", "4 times since", "fe3.synergy.com", "from a trusted CA", certs.ReasonNotListed, "imp1.here.com"},
	} {
		for _, text := range want {
			if i >= len(rows) || !strings.Contains(rows[i].Text(), text) {
				t.Fatalf("row %d of %d does not say %q", i, len(rows), text)
			}
		}
	}
	if rows := c.handshakes("?field=subject&op=begins_with&q=FE"); len(rows) != 2 {
		t.Errorf("%d rows have a subject that begins with fe", len(rows))
	}
	if rows := c.handshakes("?sort=last"); !strings.Contains(rows[0].Text(), "10.1.30.11") {
		t.Errorf("the oldest is not first: %s", rows[0].Text())
	}
	if rows := c.later(10 * time.Minute).handshakes(""); !strings.Contains(rows[0].Text(), "silent, last heard 10 minutes ago") {
		t.Errorf("nothing says that the node is silent: %s", rows[0].Text())
	}
}

// A port tells apart what one address has.
func TestARefusedHopIsFoundByWhatStandsThere(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Admin)
	c.nodes(1)
	h := refusedAt("127.0.0.162", "", certs.ReasonNone, time.Now())
	h.Outbound, h.Port, h.Address, h.Listener = true, 6119, "127.0.0.162:6119", ""
	c.remember("imp1.here.com", h, refusedAt("127.0.0.162", "", certs.ReasonNone, time.Now()))
	for _, query := range []string{"op=contains&q=6119", "op=is_exactly&q=127.0.0.162:6119", "op=ends_with&q=6119"} {
		if rows := c.handshakes("?field=peer&" + query); len(rows) != 1 || !strings.Contains(rows[0].Text(), "6119") {
			t.Errorf("%s finds %d rows", query, len(rows))
		}
	}
}

// What was selected, and was let in with it, needs no next attempt.
func TestARowSaysThatItsCertificateWasLetInSince(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Admin)
	c.nodes(1)
	c.post("/tls-peer-subjects", "name", "fe1.synergy.com").to("/tls-peer-subjects")
	c.post(fmt.Sprintf("/tls-contexts/%d", c.snapshot().TLSContext(federation.PeerAuthContext).ID), "peer_subjects", "fe1.synergy.com").to("/tls-contexts")
	now := time.Now()
	h := described(refusedAt("10.1.30.11", "fe1.synergy.com", certs.ReasonNotListed, now.Add(-time.Minute)), "Synergy CA 2", "ab")
	seen := federation.PeerCertificate{Address: "10.1.30.11", CommonName: "fe1.synergy.com", Source: federation.SeenAccepting, Verified: true,
		Issuer: h.Issuer, Serial: h.Serial, Fingerprint: h.Fingerprint, NotBefore: h.NotBefore, NotAfter: h.NotAfter, Node: "imp1.here.com"}
	for _, test := range []struct {
		seen        time.Time
		fingerprint string
		says        string
	}{
		{now.Add(-2 * time.Minute), h.Fingerprint, "The next attempt shows whether that is enough."},
		{now, strings.Repeat("cd", 32), "The next attempt shows whether that is enough."},
		{now, h.Fingerprint, "Let in since, with this certificate."},
	} {
		seen.SeenAt, seen.Fingerprint = test.seen, test.fingerprint
		c.reportAs(federation.NodeStatus{Node: "imp1.here.com", Handshakes: []federation.RefusedHandshake{h}, Peers: []federation.PeerCertificate{seen}})
		if text := c.handshakes("")[0].Text(); !strings.Contains(text, test.says) {
			t.Errorf("seen %v ago: the row says %s", now.Sub(test.seen), text)
		}
	}
}

func TestManyRefusedHandshakesHavePages(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Admin)
	c.nodes(1)
	var list []federation.RefusedHandshake
	for i := range 60 {
		list = append(list, refusedAt(fmt.Sprintf("10.0.0.%d", i), "", certs.ReasonNone, time.Now().Add(-time.Duration(i)*time.Second)))
	}
	c.remember("imp1.here.com", list...)
	if rows := c.handshakes("?page=3"); len(rows) != 10 || !strings.Contains(rows[9].Text(), "10.0.0.59") {
		t.Errorf("the last page has %d rows", len(rows))
	}
	c.get("/handshakes").page().Says(t, ".pager", "Refused handshakes 1 to 25 of 60.")
	c.get("/handshakes").page().Says(t, "main", "the last 200, of one address or next hop the last 8 that differ")
}

func TestEachReasonLeadsToWhatWouldChangeIt(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Admin)
	c.nodes(2)
	c.post("/tls-peer-subjects", "name", "listed.synergy.com").to("/tls-peer-subjects")
	c.post("/tls-peer-subjects", "name", "selected.synergy.com").to("/tls-peer-subjects")
	context := c.snapshot().TLSContext(federation.PeerAuthContext)
	c.post(fmt.Sprintf("/tls-contexts/%d", context.ID), "peer_subjects", "selected.synergy.com").to("/tls-contexts")
	contextPage, listener := fmt.Sprintf("/tls-contexts/%d", context.ID), ""
	for _, l := range c.snapshot().Listeners {
		if l.Name == lab {
			listener = fmt.Sprintf("/listeners/%d", l.ID)
		}
	}
	node := fmt.Sprintf("/nodes/%d", c.snapshot().Node("imp2.here.com").ID)
	for _, test := range []struct {
		promise, subject, reason string
		says, href               string // href "": there is no link
	}{
		{"a subject that is not listed", "fe3.synergy.com", certs.ReasonNotListed, "If this server is yours", "/tls-peer-subjects/new?name=fe3.synergy.com"},
		{"one that is listed only", "listed.synergy.com", certs.ReasonNotListed, "listed, but not selected", contextPage},
		{"one that was selected since", "selected.synergy.com", certs.ReasonNotListed, "Selected in sip-proxy-peer-auth since.", ""},
		{"a node from elsewhere", "imp2.here.com", certs.ReasonNotListed, "a node of this cluster", node},
		{"a name that no peer subject can have", "<b>fe3</b>", certs.ReasonNotListed, "No peer subject can have this name.", ""},
		{"a name that would be another when it is added", "fe3.synergy.com.", certs.ReasonNotListed, "No peer subject can have this name.", ""},
		{"two names", "fe3.synergy.com", certs.ReasonSubject, "reissued with one Common Name", ""},
		{"an expired certificate", "fe3.synergy.com", certs.ReasonExpired, "Renew the certificate on the peer.", ""},
		{"one that is not yet valid", "fe3.synergy.com", certs.ReasonNotYetValid, "Compare the clocks", ""},
		{"a missing usage", "fe3.synergy.com", certs.ReasonUsage, "server and client authentication", ""},
		{"no certificate", "", certs.ReasonNone, "Whether one is demanded", contextPage},
		{"nothing in common", "", certs.ReasonNothing, "versions and ciphers", contextPage},
		{"a handshake that broke off", "", certs.ReasonHandshake, "port and protocol", listener},
		{"a reason of a newer version", "", "x", "See the log of imp1.here.com.", ""},
	} {
		c.remember("imp1.here.com", refusedAt("10.1.30.11", test.subject, test.reason, time.Now()))
		row := c.handshakes("")[0]
		if !strings.Contains(row.Text(), test.says) {
			t.Errorf("%s: the row says %q, want %q", test.promise, row.Text(), test.says)
		}
		links := row.All("a")
		if test.href == "" && len(links) > 0 || test.href != "" && (len(links) != 1 || links[0].Attr("href") != test.href) {
			t.Errorf("%s: %d links, want %q", test.promise, len(links), test.href)
		}
		for _, link := range links {
			c.get(link.Attr("href")).status(http.StatusOK)
		}
	}
	form := c.get("/tls-peer-subjects/new?name=fe3.synergy.com").page()
	if got := form.One(t, "input[name=name]").Attr("value"); got != "fe3.synergy.com" {
		t.Errorf("the form holds %q", got)
	}
}

// described is a refused handshake with the facts of the certificate.
func described(h federation.RefusedHandshake, issuer, fingerprint string) federation.RefusedHandshake {
	h.Issuer, h.Serial, h.Fingerprint = issuer, "5a:01", strings.Repeat(fingerprint, 32)
	h.NotBefore, h.NotAfter = h.Last.Add(-48*time.Hour), time.Date(2031, 5, 6, 7, 8, 9, 0, time.UTC)
	return h
}

// With several trusted CAs nobody could tell which of them vouches.
func TestWhoIsAskedToListANameSeesTheCertificateThatHasIt(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Admin)
	c.nodes(2)
	now := time.Now()
	offered := described(refusedAt("10.1.30.11", "fe3.synergy.com", certs.ReasonNotListed, now), "Synergy CA 2", "ab")
	foreign := described(refusedAt("10.1.30.12", "fe3.synergy.com", certs.ReasonUnknownCA, now.Add(-time.Minute)), "Somebody", "cd")
	other := described(refusedAt("10.1.30.13", "fe4.synergy.com", certs.ReasonNotListed, now.Add(-time.Minute)), "Synergy CA 3", "ef")
	c.remember("imp1.here.com", offered, foreign)
	c.remember("imp2.here.com", offered, other)
	row := c.handshakes("?field=peer&op=is_exactly&q=10.1.30.11")[0].Text()
	for _, want := range []string{"issued by Synergy CA 2", "serial 5a:01", "valid until 6 May 2031, 07:08 UTC", "SHA-256 " + strings.Repeat("ab", 32)} {
		if !strings.Contains(row, want) {
			t.Errorf("the row does not say %q: %s", want, row)
		}
	}
	for _, query := range []string{"?field=issuer&op=is_exactly&q=Somebody", "?field=fingerprint&op=begins_with&q=cdcd"} {
		if rows := c.handshakes(query); len(rows) != 1 || !strings.Contains(rows[0].Text(), "SHA-256 cdcdcdcdcdcd") {
			t.Errorf("%s finds %d rows", query, len(rows))
		}
	}
	page := c.get("/tls-peer-subjects/new?name=fe3.synergy.com").status(http.StatusOK).page()
	page.Count(t, ".claim", 1) // both nodes saw the same one; who nobody vouches for is no reason to list a name
	claim := page.One(t, ".claim").Text()
	for _, want := range []string{"10.1.30.11", "Synergy CA 2", "5a:01", "6 May 2031, 07:08 UTC", strings.Repeat("ab", 32)} {
		if !strings.Contains(claim, want) {
			t.Errorf("the form does not say %q: %s", want, claim)
		}
	}
	c.get("/tls-peer-subjects/new?name=fe9.synergy.com").page().Count(t, ".claim", 0)
	c.get("/tls-peer-subjects/new").page().Count(t, ".claim", 0)
}

func TestNoneIsSaidOfACertificateOnlyWhenNoneWasShown(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Admin)
	c.nodes(1)
	now := time.Now()
	refusing := described(refusedAt("10.1.20.21", "fe1.synergy.com", certs.ReasonRefusedOurs, now), "Synergy CA 2", "ab")
	refusing.Outbound, refusing.Port, refusing.Address, refusing.Listener, refusing.Verified = true, 5061, "10.1.20.21:5061", "", true
	for _, test := range []struct {
		promise string
		h       federation.RefusedHandshake
		says    []string
	}{
		{"none shown", refusedAt("10.1.30.11", "", certs.ReasonNone, now), []string{"none"}},
		{"ended before", refusedAt("10.1.30.11", "", certs.ReasonNothing, now), []string{"not seen"}},
		{"a name of SANs alone", described(refusedAt("10.1.30.11", "", certs.ReasonSubject, now), "Synergy CA 2", "ab"), []string{"no subject", "issued by Synergy CA 2"}},
		{"it refused us", refusing, []string{"fe1.synergy.com", "from a trusted CA", "issued by Synergy CA 2"}},
	} {
		c.remember("imp1.here.com", test.h)
		cell := c.handshakes("")[0].All("td")[1].Text()
		for _, want := range test.says {
			if !strings.Contains(cell, want) {
				t.Errorf("%s: it says %q, want %q", test.promise, cell, want)
			}
		}
		if test.h.Reason != certs.ReasonNone && strings.HasPrefix(cell, "none") {
			t.Errorf("%s: it says %q", test.promise, cell)
		}
	}
}

func TestClocksAreBlamedForAnHourAtMost(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Admin)
	c.nodes(1)
	now := time.Now()
	for _, test := range []struct {
		reason string
		off    time.Duration // how long the certificate has ended, or until it begins
		clocks bool
	}{
		{certs.ReasonExpired, 20 * time.Minute, true}, {certs.ReasonExpired, time.Hour, false},
		{certs.ReasonNotYetValid, 20 * time.Minute, true}, {certs.ReasonNotYetValid, time.Hour, false},
	} {
		h := described(refusedAt("10.1.30.11", "fe1.synergy.com", test.reason, now), "Synergy CA 2", "ab")
		if h.NotAfter = now.Add(-test.off); test.reason == certs.ReasonNotYetValid {
			h.NotBefore, h.NotAfter = now.Add(test.off), now.Add(48*time.Hour)
		}
		c.remember("imp1.here.com", h)
		if text := c.handshakes("")[0].Text(); strings.Contains(text, "ompare the clocks of the peer and of imp1.here.com") != test.clocks || !strings.Contains(text, "would let it in") {
			t.Errorf("%s by %v: the row says %s", test.reason, test.off, text)
		}
	}
}

func TestAnAddressThatLittleIsSpentOnCanBeListed(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Admin)
	c.nodes(1)
	h := refusedAt("10.1.30.11", "", "TLS handshake of an unlisted peer cut off", time.Now())
	h.Unlisted, h.Count = true, 88
	c.remember("imp1.here.com", h)
	row := c.handshakes("")[0]
	if links := row.All("a"); len(links) != 1 || links[0].Attr("href") != "/acl/new?pattern=10.1.30.11" || !strings.Contains(row.Text(), "88 times") {
		t.Errorf("no way to the incoming ACL in %q", row.Text())
	}
	c.get("/acl/new?pattern=10.1.30.11").status(http.StatusOK).page().Says(t, "title", "incoming ACL")
	c.post("/acl", "pattern", "10.1.30.11").to("/acl")
	if row := c.handshakes("")[0]; !strings.Contains(row.Text(), "Listed in the incoming ACL by now.") {
		t.Errorf("listed, the row says %q", row.Text())
	}
}

func TestAnUnknownCALeadsToWhereOneIsImported(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Admin)
	c.nodes(1)
	for _, reason := range []string{certs.ReasonUnknownCA, certs.ReasonRefusedOurs} {
		c.remember("imp1.here.com", refusedAt("10.1.30.11", "fe3.synergy.com", reason, time.Now()))
		row := c.handshakes("")[0]
		if links := row.All("a"); len(links) != 1 || links[0].Attr("href") != "/certificates" {
			t.Errorf("%s: no way out in %q", reason, row.Text())
		}
		c.get("/certificates").status(http.StatusOK)
	}
}

// Here a certificate is a matter of the TLS context; of a next hop one is demanded always.
func TestAHopWithoutACertificateLeadsToNoPageOfOurs(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Admin)
	c.nodes(1)
	h := refusedAt("10.1.20.21", "", certs.ReasonNone, time.Now())
	h.Outbound, h.Port, h.Address, h.Listener = true, 5061, "10.1.20.21:5061", ""
	c.remember("imp1.here.com", h)
	row := c.handshakes("")[0]
	if !strings.Contains(row.Text(), "Assign the peer a certificate for server authentication.") || len(row.All("a")) > 0 {
		t.Errorf("the row says %q with %d links", row.Text(), len(row.All("a")))
	}
}

func TestANameThatNoTrustedCAVouchesForIsNeverOffered(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Admin)
	c.nodes(1)
	for _, reason := range []string{certs.ReasonSubject, certs.ReasonUnknownCA, certs.ReasonExpired, certs.ReasonNotYetValid, certs.ReasonUsage, certs.ReasonHandshake, certs.ReasonNotListed} {
		h := refusedAt("10.1.30.11", "fe3.synergy.com", reason, time.Now())
		h.Verified = false
		c.remember("imp1.here.com", h)
		page := c.get("/handshakes").status(http.StatusOK)
		page.page().Says(t, "table .tag", "unverified claim")
		if strings.Contains(page.body, "/tls-peer-subjects/new") {
			t.Errorf("%s: the claimed name is offered for adding", reason)
		}
	}
}

func TestAViewerReadsAndIsOfferedNothing(t *testing.T) {
	t.Parallel()
	admin := signedInAs(t, auth.Admin)
	admin.nodes(1)
	admin.remember("imp1.here.com", refusedAt("10.1.30.11", "fe3.synergy.com", certs.ReasonNotListed, time.Now()))
	admin.cookies = map[string]*http.Cookie{}
	admin.signIn(auth.Viewer)
	row := admin.handshakes("")[0]
	if !strings.Contains(row.Text(), "An operator can add it") || len(row.All("a")) > 0 {
		t.Errorf("a viewer reads %q with %d links", row.Text(), len(row.All("a")))
	}
}

func TestARefusedHopLeadsToItsStaticRoute(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Admin)
	c.nodes(2)
	route := func(destination, hop string) {
		c.post("/static-routes", "type", "domain", "destination", destination, "next_hop", hop, "port", "5061", "transport", "tls").status(http.StatusSeeOther)
	}
	route(".com.synergy", "fe1.synergy.com")
	route(".com.foo", "10.1.20.22")
	route(".com.bar", "10.1.20.22")
	id := c.snapshot().StaticRoutes[0].ID
	for _, r := range c.snapshot().StaticRoutes {
		if r.NextHop == "fe1.synergy.com" {
			id = r.ID
		}
	}
	for _, test := range []struct{ peer, address, href, says string }{
		{"fe1.synergy.com", "10.1.20.21:5061", fmt.Sprintf("/static-routes/%d", id), "fe1.synergy.com:5061 next hop at 10.1.20.21:5061"},
		{"10.1.20.22", "10.1.20.22:5061", "/static-routes?" + url.Values{"field": {"next_hop"}, "op": {"is_exactly"}, "q": {"10.1.20.22"}}.Encode(), "10.1.20.22:5061 next hop of 2 static routes"},
		{"127.0.0.12", "127.0.0.12:5061", fmt.Sprintf("/nodes/%d", c.snapshot().Node("imp2.here.com").ID), "the node imp2.here.com"},
		{"10.9.9.9", "10.9.9.9:5061", "", "no static route leads there now"},
	} {
		h := refusedAt(test.peer, "fe9.synergy.com", certs.ReasonExpired, time.Now())
		h.Outbound, h.Port, h.Address, h.Listener = true, 5061, test.address, ""
		c.remember("imp1.here.com", h)
		row := c.handshakes("")[0]
		links := row.All("th a")
		if !strings.Contains(row.Text(), test.says) || test.href == "" && len(links) > 0 || test.href != "" && (len(links) != 1 || links[0].Attr("href") != test.href) {
			t.Errorf("%s: %q with %d links, want %s", test.peer, row.Text(), len(links), test.href)
		}
		for _, link := range links {
			c.get(link.Attr("href")).status(http.StatusOK)
		}
	}
}

func TestAHostileSubjectIsShownAsTextAndCut(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Admin)
	c.nodes(1)
	var list []federation.RefusedHandshake
	for _, subject := range []string{`"><script>alert(1)</script>`, "a\x00b\r\nc", "\u202emoc.ygrenys", strings.Repeat("x", 64<<10), "javascript:alert(1)"} {
		for _, reason := range []string{certs.ReasonNotListed, certs.ReasonUnknownCA} {
			h := refusedAt("10.1.30.11", subject, reason, time.Now())
			h.Detail = subject
			h.Tame()
			list = append(list, h)
		}
	}
	c.remember("imp1.here.com", list...)
	answer := c.get("/handshakes").status(http.StatusOK)
	page := answer.page()
	page.Count(t, "main script", 0)
	if strings.ContainsAny(answer.body, "\x00\r\u202e") || strings.Contains(answer.body, "<script>alert") || strings.Contains(answer.body, strings.Repeat("x", 1000)) {
		t.Error("what a stranger wrote is in the page as it was")
	}
	text := page.One(t, "table").Text()
	for _, want := range []string{`"><script>alert(1)</script>`, `a\u0000b\u000d\u000ac`, `\u202emoc.ygrenys`, strings.Repeat("x", 255) + "..."} {
		if !strings.Contains(text, want) {
			t.Errorf("the page does not show %.40q", want)
		}
	}
	if strings.Contains(answer.body, "/tls-peer-subjects/new") {
		t.Error("a name that cannot be a peer subject is offered")
	}
}
