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

// peerSeen is what a server shows, seen a moment ago by a node in a handshake that it accepted.
func peerSeen(address, name string, until time.Time) federation.PeerCertificate {
	return federation.PeerCertificate{Address: address, CommonName: name, Source: federation.SeenAccepting, Verified: true, Issuer: "Synergy Root",
		Serial: "01:02:03:04:05:06:07:08", Fingerprint: fmt.Sprintf("%064x", until.Unix()), NotBefore: time.Now().AddDate(0, -1, 0), NotAfter: until,
		SeenAt: time.Now(), Node: ownNode}
}

func (c *console) sees(list ...federation.PeerCertificate) {
	c.t.Helper()
	if err := c.store.ReportStatus(c.t.Context(), federation.NodeStatus{Node: ownNode, StartedAt: time.Now(), Peers: list}); err != nil {
		c.t.Fatal(err)
	}
}

// lists adds a peer subject and a route to a next hop.
func (c *console) lists(subject, hop string) {
	c.t.Helper()
	c.post("/tls-peer-subjects", "name", subject).to("/tls-peer-subjects")
	c.post("/static-routes", "destination", "synergy.com", "type", "domain", "next_hop", hop, "port", "5061", "transport", "tls").to("/static-routes")
}

// Which of its ports showed the certificate is not known, so that none of them is the one to look at again.
func TestAnAddressWithSeveralPortsIsProbedAtEachOfThem(t *testing.T) {
	t.Parallel()
	c := withKey(t, auth.Admin)
	for i, port := range []string{"6119", "6120"} {
		c.post("/static-routes", "destination", fmt.Sprintf("d%d.synergy.com", i), "type", "domain", "next_hop", "127.0.0.162", "port", port, "transport", "tls").to("/static-routes")
	}
	c.sees(peerSeen("127.0.0.162", "fe1.synergy.com", time.Now().AddDate(1, 0, 0)))
	row := c.get("/certificates").page().One(t, peerRows)
	for _, port := range []string{"6119", "6120"} {
		if !strings.Contains(row.Text(), "Probe 127.0.0.162:"+port+" again") {
			t.Errorf("port %s cannot be probed: %s", port, row.Text())
		}
	}
	if n := len(row.All("td a")); n != 2 {
		t.Errorf("%d links", n)
	}
}

const peerRows = "[aria-labelledby=peers] tbody tr"

func TestPeersCertificatesAreListedTheFirstToEndFirst(t *testing.T) {
	t.Parallel()
	c := withKey(t, auth.Admin)
	page := c.get("/certificates").page()
	page.Says(t, "[aria-labelledby=peers] .empty", "No peer's certificate was seen yet")
	c.lists("pool.synergy.com", "fe1.synergy.com")
	hop := peerSeen("10.1.20.21", "fe1.here.com", time.Now().AddDate(0, 0, 20).Add(time.Hour))
	hop.Host, hop.Source = "fe1.synergy.com", federation.SeenOpening
	unverified, gone := hop, peerSeen("10.9.9.9", "gone.synergy.com", time.Now().AddDate(0, 0, 3))
	unverified.Address, unverified.Source, unverified.Verified, unverified.NotAfter = "10.1.20.22", federation.SeenProbing, false, time.Now().AddDate(2, 0, 0)
	c.sees(peerSeen("10.1.30.11", "pool.synergy.com", time.Now().AddDate(1, 0, 0)), hop, unverified, gone)
	rows := c.get("/certificates").page().All(peerRows)
	for i, want := range [][]string{
		{"gone.synergy.com", "at 10.9.9.9", "Not configured now", "which warns nobody"},
		{"fe1.here.com", "at 10.1.20.21, fe1.synergy.com", "Ends in 20 days", "Synergy Root", "01:02:03:04:05:06...", ownNode + " connected to it", "Probe again"},
		{"pool.synergy.com", "at 10.1.30.11", "Valid until", "connected to " + ownNode},
		{"fe1.here.com", "at 10.1.20.22", "Not verified", "not trusted here", "probed by " + ownNode},
	} {
		for _, text := range want {
			if i >= len(rows) || !strings.Contains(rows[i].Text(), text) {
				t.Fatalf("row %d of %d does not say %q", i, len(rows), text)
			}
		}
	}
	if links := rows[2].All("th a"); len(links) != 1 || links[0].Attr("href") != fmt.Sprintf("/tls-peer-subjects/%d", c.snapshot().TLSPeerSubjects[0].ID) {
		t.Error("a listed name does not lead to its peer subject")
	}
	probe, _, _ := strings.Cut(rows[1].One(t, "td a").Attr("href"), "#")
	if option := c.get(probe).status(http.StatusOK).page().One(t, "select[name=place] option[selected]"); option.Attr("value") != "fe1.synergy.com:5061" {
		t.Errorf("%s has %s chosen", probe, option.Attr("value"))
	}
	for query, want := range map[string]int{"?peers.field=address&peers.op=begins_with&peers.q=10.1.20": 2, "?peers.field=source&peers.op=contains&peers.q=probed": 1, "?peers.field=peer&peers.q=pool": 1} {
		if rows := c.get("/certificates" + query).page().All(peerRows); len(rows) != want {
			t.Errorf("%s finds %d", query, len(rows))
		}
	}
	if rows := c.get("/certificates?peers.sort=-end").page().All(peerRows); !strings.Contains(rows[0].Text(), "Not verified") {
		t.Errorf("sorted by the end, the last first: %s", rows[0].Text())
	}
}

func TestManyPeersCertificatesHavePages(t *testing.T) {
	t.Parallel()
	c := withKey(t, auth.Admin)
	var many []federation.PeerCertificate
	for i := range 60 {
		many = append(many, peerSeen(fmt.Sprintf("10.1.30.%d", i+1), "pool.synergy.com", time.Now().AddDate(1, 0, 0)))
	}
	c.sees(many...)
	page := c.get("/certificates?peers.page=3").page()
	page.Count(t, peerRows, 10)
	page.Says(t, "[aria-labelledby=peers] .pager", "Peers' certificates 51 to 60 of 60.")
}

func TestAListedNameSaysUntilWhenItsCertificatesLast(t *testing.T) {
	t.Parallel()
	c := withKey(t, auth.Operator)
	c.lists("pool.synergy.com", "10.1.20.21")
	const column = "table tbody tr"
	c.get("/tls-peer-subjects").page().Says(t, column, "not seen yet")
	end := time.Now().AddDate(0, 0, 6)
	c.sees(peerSeen("10.1.30.11", "pool.synergy.com", time.Now().AddDate(1, 0, 0)), peerSeen("10.1.30.12", "pool.synergy.com", end))
	page := c.get("/tls-peer-subjects").page()
	page.Says(t, column, "valid until "+end.UTC().Format("2 January 2006")+", seen ")
	page.Says(t, column, " from 10.1.30.12")
	page.Says(t, column, " from 10.1.30.11")
	page.Says(t, column+" .state.part", "Ends in ")
}

func TestTheStartPageWarnsOfAPeerUntilItsSuccessorIsSeen(t *testing.T) {
	t.Parallel()
	c := withKey(t, auth.Viewer)
	if _, err := c.store.SaveDomain(t.Context(), federation.Domain{Name: "synergy.com"}); err != nil {
		t.Fatal(err)
	}
	must[federation.TLSPeerSubject](t)(c.store.SaveTLSPeerSubject(t.Context(), federation.TLSPeerSubject{Name: "pool.synergy.com"}))
	const title = "The certificate that pool.synergy.com showed at 10.1.30.11"
	old := peerSeen("10.1.30.11", "pool.synergy.com", time.Now().AddDate(0, 0, 40).Add(time.Hour))
	old.SeenAt = time.Now().Add(-time.Minute)
	c.sees(old)
	c.get("/").page().Says(t, ".findings .part h3", title+" ends in 40 days, on ")
	page := c.later(41 * 24 * time.Hour).get("/").page()
	page.Says(t, ".findings .down h3", title+" ended on ")
	page.Says(t, ".findings a[href=/certificates]", "Certificates")
	c.sees(peerSeen("10.1.30.11", "pool.synergy.com", time.Now().AddDate(2, 0, 0)))
	if text := c.later(41 * 24 * time.Hour).get("/").body; strings.Contains(text, title) {
		t.Error("the certificate was renewed, and the warning stays")
	}
}

func TestWhatAProbeShowsIsRemembered(t *testing.T) {
	t.Parallel()
	c := withKey(t, auth.Operator)
	ca, stranger := siptest.NewAuthority("Synergy Root"), siptest.NewAuthority("Somebody else")
	c.trusts(ca)
	ended := ca.Expired("fe2.synergy.com")
	for _, leaf := range []struct {
		config   *siptest.Authority
		name     string
		verified bool
		state    string
	}{{ca, "fe1.synergy.com", true, "Valid until"}, {stranger, "fe3.synergy.com", false, "Not verified"}} {
		port, _ := frontEnd(t, leaf.config.Server(leaf.config.Leaf(leaf.name)))
		c.probes(port)
		c.remembers(leaf.name, leaf.verified, leaf.state)
	}
	port, _ := frontEnd(t, ca.Server(ended))
	c.probes(port)
	c.remembers("fe2.synergy.com", false, "Ended")
	before := len(must[[]federation.PeerCertificate](t)(c.store.PeerCertificates(t.Context())))
	c.post("/static-routes", "destination", "a.synergy.com", "type", "domain", "next_hop", "127.0.0.1", "port", "1", "transport", "tls").to("/static-routes")
	c.post("/tls-peer-subjects/probe", "place", "127.0.0.1:1").status(http.StatusOK)
	if after := len(must[[]federation.PeerCertificate](t)(c.store.PeerCertificates(t.Context()))); after != before {
		t.Error("a server that showed none is remembered")
	}
}

// probes asks the server at a port of this machine.
func (c *console) probes(port string) {
	c.t.Helper()
	c.post("/static-routes", "destination", "p"+port+".synergy.com", "type", "domain", "next_hop", "127.0.0.1", "port", port, "transport", "tls").to("/static-routes")
	revision := c.snapshot().Revision
	c.post("/tls-peer-subjects/probe", "place", "127.0.0.1:"+port).status(http.StatusOK)
	if now := c.snapshot().Revision; now != revision {
		c.t.Errorf("a probe raised the revision from %d to %d", revision, now)
	}
}

func (c *console) remembers(name string, verified bool, state string) {
	c.t.Helper()
	for _, p := range must[[]federation.PeerCertificate](c.t)(c.store.PeerCertificates(c.t.Context())) {
		if p.CommonName == name {
			if p.Address != "127.0.0.1" || p.Host != "127.0.0.1" || p.Source != federation.SeenProbing || p.Verified != verified || p.Node != ownNode {
				c.t.Errorf("remembered %+v", p)
			}
			row := c.get("/certificates?peers.field=peer&peers.op=is_exactly&peers.q="+name).page().One(c.t, peerRows).Text()
			if !strings.Contains(row, state) || !strings.Contains(row, "probed by "+ownNode) {
				c.t.Errorf("%s is shown as %q", name, row)
			}
			return
		}
	}
	c.t.Errorf("%s is not remembered", name)
}

func TestAViewerReadsOfPeersAndProbesNothing(t *testing.T) {
	t.Parallel()
	c := withKey(t, auth.Viewer)
	must[federation.TLSPeerSubject](t)(c.store.SaveTLSPeerSubject(t.Context(), federation.TLSPeerSubject{Name: "pool.synergy.com"}))
	c.sees(peerSeen("10.1.30.11", "pool.synergy.com", time.Now().AddDate(1, 0, 0)))
	page := c.get("/certificates").status(http.StatusOK).page()
	page.Says(t, peerRows, "pool.synergy.com")
	page.Count(t, peerRows+" a.button", 0)
}
