package web_test

import (
	"crypto/tls"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"isthmus/internal/auth"
	"isthmus/internal/certs"
	"isthmus/internal/federation"
	"isthmus/internal/htmltest"
	"isthmus/internal/siptest"
	"isthmus/templates"
)

// cellsOf are the texts of a row under the heads of their columns; its own comes first.
func cellsOf(table htmltest.Node, row int) (texts []string) {
	one := table.All("tbody tr")[row]
	texts = append(texts, one.All("th")[0].Text())
	for _, cell := range one.All("td[data-label]") {
		texts = append(texts, cell.Attr("data-label")+": "+cell.Text())
	}
	return texts
}

// facts are the pairs of a list of facts, as Name: value.
func facts(list htmltest.Node) (pairs []string) {
	values := list.All("dd")
	for i, name := range list.All("dt") {
		pairs = append(pairs, name.Text()+": "+values[i].Text())
	}
	return pairs
}

// tells fails the test where a page tells other things than these, in this order.
func tells(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s tells\n%s\nwant\n%s", what, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// factsOf are what a page tells of a certificate.
func factsOf(c certs.Description, names, issuer, usages, signs, signature string) []string {
	const moment = "2 January 2006, 15:04 UTC"
	return []string{"Subject: CN=" + c.Subject, "Names: " + names, "Issuer: " + issuer, "Valid from: " + c.NotBefore.Format(moment), "Valid until: " + c.NotAfter.Format(moment),
		"Serial number: " + c.Serial, "Usages: " + usages, "May sign certificates: " + signs, "Key: " + c.Key, "Signed with: " + signature, "SHA-256 fingerprint: " + c.Fingerprint}
}

const bothUsages = "server authentication (1.3.6.1.5.5.7.3.1), client authentication (1.3.6.1.5.5.7.3.2)"

func TestEveryFactOfACertificateStandsInItsRowAndOnItsPage(t *testing.T) {
	t.Parallel()
	c := withKey(t, auth.Admin)
	root := siptest.NewAuthority("Synergy Root")
	issuing := root.Intermediate("Synergy Issuing")
	c.trusts(root)
	leaf := issuing.Issue(siptest.Leaf{Names: []string{ownNode}, DNS: []string{ownNode, "trustedpool.synergy.com"}, RSA: true})
	c.replacing(siptest.CertificatePEM(leaf), siptest.KeyPEM(leaf), "description", "of 2027").to("/certificates")
	own, ca, between := certs.Describe(leaf.Leaf), certs.Describe(root.Certificate), certs.Describe(issuing.Certificate)
	if key := hex.EncodeToString(leaf.Leaf.SerialNumber.Bytes()); own.Key != "RSA 2048" || strings.ReplaceAll(own.Serial, ":", "") != key {
		t.Fatalf("%+v", own)
	}
	brief := func(d certs.Description) string {
		octets := strings.Split(d.Serial, ":")
		if len(octets) > 6 {
			octets = append(octets[:5:5], octets[5]+"...")
		}
		return strings.Join(octets, ":") + " SHA-256 " + d.Fingerprint[:12] + "..."
	}
	until := func(d certs.Description) string { return "Valid until " + d.NotAfter.Format("2 January 2006") }

	page := c.get("/certificates").status(http.StatusOK).page()
	for href, words := range map[string]string{"/certificates/requests/new": "Request a certificate", "/certificates/new?purpose=cup": "Upload a node's certificate", "/certificates/new?purpose=cup-trust": "Trust a CA"} {
		page.Says(t, "main a.button[href="+href+"]", words)
	}
	page.Count(t, "[aria-labelledby=requests]", 0)
	tells(t, "the node's row", cellsOf(page.One(t, "[aria-labelledby=own]"), 0),
		ownNode, "State: "+until(own), "Issuer: Synergy Issuing", "Names: "+ownNode+" trustedpool.synergy.com",
		"Key and usages: RSA 2048 server authentication, client authentication", "Serial and fingerprint: "+brief(own))
	tells(t, "the CA's row", cellsOf(page.One(t, "[aria-labelledby=trusted]"), 0),
		"Synergy Root", "State: "+until(ca), "Issuer: Itself: a root", "Key: ECDSA P-256", "Serial and fingerprint: "+brief(ca))

	one := c.get(fmt.Sprintf("/certificates/%d", c.stored(ownNode).ID)).page()
	one.Says(t, "[aria-labelledby=facts] .title .row", until(own))
	lists := one.All("dl")
	if len(lists) != 2 {
		t.Fatalf("%d lists of facts", len(lists))
	}
	whole := append([]string{"Purpose: cup: shown by " + ownNode + ", as a server and as a client"},
		factsOf(own, ownNode+", trustedpool.synergy.com", "Synergy Issuing", bothUsages, "no", "ECDSA-SHA256")...)
	tells(t, "the node's page", facts(lists[0]), append(whole, "Description: of 2027")...)
	one.Says(t, "h2", "Its issuer, sent along")
	tells(t, "of its issuer the page", facts(lists[1]), factsOf(between, "none beside the subject", "Synergy Root", "not limited", "yes", "ECDSA-SHA256")...)
	one.Says(t, ".actions a[href=/certificates]", "Back to the list")
	for i, words := range []string{"Download the certificate", "Request its successor", "Upload its successor"} {
		if link := one.All("main a.button")[i]; link.Text() != words || c.get(link.Attr("href")).code != http.StatusOK || i > 0 && !strings.HasSuffix(link.Attr("href"), "node="+ownNode) {
			t.Errorf("%q leads to %s", link.Text(), link.Attr("href"))
		}
	}

	trusted := c.get(fmt.Sprintf("/certificates/%d", c.stored("Synergy Root").ID)).page()
	whole = append([]string{"Purpose: cup-trust: what it signed is accepted from peers"}, factsOf(ca, "none beside the subject", "Itself: a root", "not limited", "yes", "ECDSA-SHA256")...)
	tells(t, "the CA's page", facts(trusted.One(t, "dl")), append(whole, "Description: none")...)
	trusted.Says(t, "h1", "Trusted CA Synergy Root")
	trusted.Says(t, "h2", "Without it")
	trusted.Count(t, fmt.Sprintf("a[href='/certificates/delete?id=%d']", c.stored("Synergy Root").ID), 1)
}

func TestEveryFactOfARefusedHandshakeStandsInItsRow(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Admin)
	c.nodes(1)
	now := time.Now()
	h := described(refusedAt("10.1.20.21", "fe1.synergy.com", certs.ReasonExpired, now), "Synergy CA 2", "ab")
	h.Outbound, h.Port, h.Address, h.Listener, h.Count = true, 5061, "10.1.20.21:5061", "", 1
	c.remember("imp1.here.com", h)
	page := c.get("/handshakes").page()
	tells(t, "the row", cellsOf(page.One(t, "table"), 0), "10.1.20.21:5061 no static route leads there now", "Last: "+templates.Clock(now, now)+" once",
		"Claimed subject: fe1.synergy.comissued by Synergy CA 2 serial 5a:01 valid until 6 May 2031, 07:08 UTC SHA-256 abababababab... unverified claim",
		"Reason: TLS peer certificate expired The test says so.", "What would change it: Renew the certificate on the peer. Nothing here would let it in.", "Node: imp1.here.com")
	var found []string
	for _, option := range page.All("select[name=field] option") {
		found = append(found, option.Text())
	}
	tells(t, "what can be searched", found, "Anything", "Peer", "Claimed subject", "Reason", "Node", "Issuer", "Serial number", "SHA-256 fingerprint")
	for _, query := range []string{"field=node&q=imp1", "field=reason&q=TLS", "field=serial&q=5a01"} {
		if rows := c.handshakes("?" + query); len(rows) != 1 {
			t.Errorf("%s finds %d rows", query, len(rows))
		}
	}
}

func TestEveryFactOfAPeersCertificateStandsInItsRow(t *testing.T) {
	t.Parallel()
	c := withKey(t, auth.Admin)
	c.lists("pool.synergy.com", "fe1.synergy.com")
	end := time.Now().AddDate(0, 0, 20).Add(time.Hour)
	hop := peerSeen("10.1.20.21", "fe1.here.com", end)
	hop.Host, hop.Source = "fe1.synergy.com", federation.SeenOpening
	c.sees(hop)
	tells(t, "the row", cellsOf(c.get("/certificates").page().One(t, "[aria-labelledby=peers]"), 0),
		"fe1.here.com at 10.1.20.21, fe1.synergy.com", "State: Ends in 20 days on "+end.UTC().Format("2 January 2006"), "Issuer: Synergy Root",
		"Serial and fingerprint: 01:02:03:04:05:06... SHA-256 000000000000...", "Seen: "+templates.Clock(hop.SeenAt, time.Now())+" "+ownNode+" connected to it",
		"What to do: Probe again: fe1.here.com at 10.1.20.21")
}

func TestEveryFactOfAPeersCertificateStandsWhereItIsLookedAt(t *testing.T) {
	t.Parallel()
	c := withKey(t, auth.Operator)
	root := siptest.NewAuthority("Synergy Root")
	c.trusts(root)
	issuing := root.Intermediate("Synergy Issuing")
	leaf := issuing.Leaf("pool.synergy.com")
	config := root.Server(leaf)
	config.CipherSuites, config.MaxVersion = []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256}, tls.VersionTLS12
	port, _ := frontEnd(t, config)
	c.post("/static-routes", "destination", "synergy.com", "type", "domain", "next_hop", "127.0.0.1", "port", port, "transport", "tls").to("/static-routes")
	page := c.post("/tls-peer-subjects/probe", "place", "127.0.0.1:"+port).status(http.StatusOK).page()
	lists := page.All("dl")
	if len(lists) != 3 {
		t.Fatal(page.Text())
	}
	tells(t, "the handshake", facts(lists[0]), "Connected to: 127.0.0.1:"+port, "Version: TLS 1.2",
		"Cipher: TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, elliptic curve", "Client certificate: asked for, and this node's own was shown")
	tells(t, "the certificate", facts(lists[1]), factsOf(certs.Describe(leaf.Leaf), "pool.synergy.com", "Synergy Issuing", bothUsages, "no", "ECDSA-SHA256")...)
	tells(t, "its issuer", facts(lists[2]), factsOf(certs.Describe(issuing.Certificate), "none beside the subject", "Synergy Root", "not limited", "yes", "ECDSA-SHA256")...)
	page.Says(t, "main p", "Its Common Name is pool.synergy.com, and a trusted CA vouches for it.")
	page.Says(t, ".findings h3", "No handshake comes about")
	page.Says(t, ".findings", "does not trust the CA of this node's certificate")
	for href, words := range map[string]string{"/tls-peer-subjects/new": "Look at another", "/tls-peer-subjects": "Back to the list"} {
		page.Says(t, "main .actions a[href="+href+"]", words)
	}
}

// columnsOf are the heads of a list's columns, and where its find form looks.
func columnsOf(section htmltest.Node) (heads, places []string) {
	for _, head := range section.All("thead th") {
		heads = append(heads, head.Text())
	}
	for _, place := range section.All("form.find select")[0].All("option") {
		places = append(places, place.Text())
	}
	return heads, places
}

func TestAServerThatAsksANodeWithoutACertificateIsToldAsSuch(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Operator)
	root := siptest.NewAuthority("Synergy Root")
	port, _ := frontEnd(t, root.Server(root.Leaf("pool.synergy.com")))
	c.post("/static-routes", "destination", "synergy.com", "type", "domain", "next_hop", "127.0.0.1", "port", port, "transport", "tls").to("/static-routes")
	page := c.post("/tls-peer-subjects/probe", "place", "127.0.0.1:"+port).status(http.StatusOK).page()
	page.Says(t, "dl dd", "asked for, and this node had none to show")
}

func TestWhatHasNoColumnOfItsOwnCanBeFoundToo(t *testing.T) {
	t.Parallel()
	c, _ := asked(t, "trustedpool.synergy.com")
	page := c.get("/certificates?own.q=" + ownNode + "&requests.q=" + ownNode).page()
	for name, want := range map[string][2]string{
		"own":      {"Node|State|Issuer|Names|Key and usages|Serial and fingerprint", "Anything|Node|Issuer|Names|Key and usages|Serial and fingerprint|Subject|SHA-256 fingerprint|Description"},
		"requests": {"Node|Made|Names|Key|What to do", "Anything|Node|Names|Key|Made by"},
	} {
		heads, places := columnsOf(page.One(t, "[aria-labelledby="+name+"]"))
		if got := [2]string{strings.Join(heads, "|"), strings.Join(places, "|")}; got != want {
			t.Errorf("%s has %q, want %q", name, got, want)
		}
	}
}

func TestEveryFactOfARequestThatWaitsStandsInItsRow(t *testing.T) {
	t.Parallel()
	c, _ := asked(t, "trustedpool.synergy.com")
	table := c.get("/certificates").page().One(t, "[aria-labelledby=requests]")
	tells(t, "the row", cellsOf(table, 0), ownNode, "Made: "+templates.Clock(c.pending().CreatedAt, time.Now())+" by admin", "Names: "+ownNode+" trustedpool.synergy.com", "Key: ECDSA P-256",
		"What to do: Download .csr of "+ownNode+" Upload the signed certificate of "+ownNode+" Replace... the request of "+ownNode+" Delete... the request of "+ownNode)
}

func TestEveryFactOfAContextAndOfASubjectStandsInItsRow(t *testing.T) {
	t.Parallel()
	c := withKey(t, auth.Admin)
	c.post("/tls-peer-subjects", "name", "pool.synergy.com", "description", "The pool", "contexts", federation.PeerAuthContext).to("/tls-peer-subjects")
	c.post("/tls-peer-subjects", "name", "spare.synergy.com").to("/tls-peer-subjects")
	context := fmt.Sprintf("/tls-contexts/%d", c.snapshot().TLSContext(federation.PeerAuthContext).ID)
	c.post(context, "min_version", "1.0", "legacy", "true").to("/tls-contexts")
	end := time.Now().AddDate(0, 0, 6).Add(time.Hour)
	seen := peerSeen("10.1.30.11", "pool.synergy.com", end)
	c.sees(seen)

	table := c.get("/tls-contexts").page().One(t, "table")
	tells(t, "the row", cellsOf(table, 0), "sip-proxy-peer-auth", "Client certificate: demanded", "Lowest version: TLS 1.0 broken, allowed on purpose",
		"Ciphers: default list RSA key exchange and 3DES among them, as OCS and Lync need them", "Peer subjects: 1")
	tells(t, "the row", cellsOf(table, 1), "sip-proxy-server-auth", "Client certificate: not asked for", "Lowest version: TLS 1.2",
		"Ciphers: default list RSA key exchange among them, as Lync needs it", "Peer subjects: 0")
	table = c.get("/tls-peer-subjects").page().One(t, "table")
	tells(t, "the row", cellsOf(table, 0), "pool.synergy.com", "Description: The pool", "Selected in: sip-proxy-peer-auth",
		"Certificate: valid until "+end.UTC().Format("2 January 2006")+", seen "+templates.Clock(seen.SeenAt, time.Now())+" from 10.1.30.11 Ends in 6 days")
	tells(t, "the row", cellsOf(table, 1), "spare.synergy.com", "Description: ", "Selected in: No context", "Certificate: not seen yet")

	form := c.get(context).page()
	form.Says(t, "[aria-labelledby=field-peer_subjects-selected]", "Selected 1 pool.synergy.com The pool")
	form.Says(t, "[aria-labelledby=field-peer_subjects-available]", "Available 1 spare.synergy.com")
	for _, version := range []string{"TLS 1.0 Broken by today's measure", "TLS 1.1 Broken by today's measure"} {
		form.Says(t, "label.choice", version)
	}
}
