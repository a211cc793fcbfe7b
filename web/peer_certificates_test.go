package web_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"isthmus/internal/auth"
	"isthmus/internal/certs"
	"isthmus/internal/federation"
	"isthmus/internal/siptest"
	"isthmus/web"
)

func TestASubjectIsReadFromACertificateAndAddedWithOneClick(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Operator)
	ca := siptest.NewAuthority("Synergy Root")
	c.trusts(ca)
	leaf := ca.Issue(siptest.Leaf{Names: []string{"Pool.synergy.com"}, DNS: []string{"fe1.synergy.com"}})
	for promise, a := range map[string]answer{
		"pasted":         c.post("/tls-peer-subjects/certificate", "text", string(siptest.CertificatePEM(leaf))),
		"uploaded":       c.sendFiles("/tls-peer-subjects/certificate", map[string][]byte{"file": siptest.CertificatePEM(leaf)}),
		"uploaded, DER":  c.sendFiles("/tls-peer-subjects/certificate", map[string][]byte{"file": leaf.Certificate[0]}),
		"with its chain": c.post("/tls-peer-subjects/certificate", "text", string(ca.PEM())+string(siptest.CertificatePEM(leaf))),
	} {
		page := a.status(http.StatusOK).page()
		for _, fact := range []string{"CN=Pool.synergy.com", "fe1.synergy.com", "Synergy Root", "client authentication (1.3.6.1.5.5.7.3.2)", "Valid until"} {
			page.Says(t, "main", fact)
		}
		page.Says(t, "main .state.up", "Valid")
		page.Count(t, ".findings", 0)
		if button := page.One(t, "main form button.primary").Text(); button != "Add pool.synergy.com" {
			t.Errorf("%s: the button says %q", promise, button)
		}
	}
	page := c.post("/tls-peer-subjects/certificate", "text", string(siptest.CertificatePEM(leaf))).page()
	c.postForm("/tls-peer-subjects", page.All("main form")[0].Form()).to("/tls-peer-subjects")
	if stored := c.snapshot().TLSPeerSubjects; len(stored) != 1 || stored[0].Name != "pool.synergy.com" {
		t.Errorf("stored %+v", stored)
	}
	page = c.post("/tls-peer-subjects/certificate", "text", string(siptest.CertificatePEM(leaf))).page()
	page.Says(t, ".findings", "pool.synergy.com is listed already, and selected in no TLS context")
	page.Count(t, "main form button.primary", 0)
}

func TestASubjectThatNobodyVouchesForIsShownAndNotOffered(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Operator)
	ca, foreign := siptest.NewAuthority("Synergy Root"), siptest.NewAuthority("Somebody else")
	c.trusts(ca)
	leaf := func(a *siptest.Authority, l siptest.Leaf) tls.Certificate { return a.Issue(l) }
	for promise, test := range map[string]struct {
		leaf  tls.Certificate
		state string
		says  string
	}{
		"another CA": {foreign.Leaf("pool.synergy.com"), "Not verified", `was issued by "Somebody else", which is not among the trusted CAs`},
		"expired":    {ca.Expired("pool.synergy.com"), "Expired", "expired on"},
		"no CN":      {leaf(ca, siptest.Leaf{DNS: []string{"pool.synergy.com"}}), "Refused", "has no Common Name, and exactly one is needed"},
		"two CNs":    {leaf(ca, siptest.Leaf{Names: []string{"evil.example.com", "pool.synergy.com"}}), "Refused", "has the Common Names"},
	} {
		page := c.post("/tls-peer-subjects/certificate", "text", string(siptest.CertificatePEM(test.leaf))).status(http.StatusOK).page()
		page.Says(t, "main .state", test.state)
		page.Says(t, ".findings", test.says)
		if n := len(page.All("main form[action='/tls-peer-subjects']")) + len(page.All("main input[name=name]")); n > 0 {
			t.Errorf("%s: it is offered for adding", promise)
		}
	}
	oneWay := leaf(ca, siptest.Leaf{Names: []string{"pool.synergy.com"}, Usages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}})
	page := c.post("/tls-peer-subjects/certificate", "text", string(siptest.CertificatePEM(oneWay))).page()
	page.Says(t, "main .state.part", "Valid one way only")
	page.Says(t, ".findings", "Refused of a peer that connects to a listener")
	page.Says(t, "main button.primary", "Add pool.synergy.com")
}

// A trusted CA changes nothing about a date, so the trusted CAs are not where the way out lies.
func TestAnExpiredCertificateIsNotCalledUntrusted(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Operator)
	ca := siptest.NewAuthority("Synergy Root")
	c.trusts(ca)
	early := ca.Issue(siptest.Leaf{Names: []string{"pool.synergy.com"}, NotBefore: time.Now().Add(2 * time.Hour), NotAfter: time.Now().Add(5 * time.Hour)})
	for _, test := range []struct {
		leaf                tls.Certificate
		title, state, until string
	}{
		{ca.Expired("pool.synergy.com"), "It has expired", "Expired", "its Common Name is not offered for adding; look again when it is renewed."},
		{early, "It is not valid yet", "Not valid yet", "its Common Name is not offered for adding; look again when it is valid."},
	} {
		page := c.post("/tls-peer-subjects/certificate", "text", string(siptest.CertificatePEM(test.leaf))).status(http.StatusOK).page()
		page.Says(t, ".findings h3", test.title)
		page.Says(t, ".findings", test.until)
		page.Says(t, "main .state.down", test.state)
		page.Count(t, ".findings a", 0)
		if text := page.One(t, ".findings").Text(); strings.Contains(text, "not trusted here") || strings.Contains(text, "vouches") {
			t.Errorf("%s: %s", test.title, text)
		}
	}
}

func TestWhatIsNoCertificateComesBackWithASentenceAndNeverAKey(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Operator)
	ca := siptest.NewAuthority("Synergy Root")
	leaf := ca.Leaf("pool.synergy.com")
	key := string(siptest.KeyPEM(leaf))
	for _, test := range []struct{ text, field, says string }{
		{"", "file", "Choose the file that holds the certificate, or paste its text."},
		{"garbage", "text", "no certificate in PEM or DER form"},
		{string(ca.PEM()), "text", "is the certificate of a CA, which no peer presents"},
		{string(siptest.CertificatePEM(leaf)) + key, "text", "This holds a private key, which must never leave its owner"},
	} {
		a := c.post("/tls-peer-subjects/certificate", "text", test.text).status(422)
		a.page().Says(t, "#error-"+test.field, test.says)
		a.page().Says(t, ".banner[role=alert]", test.says)
		if strings.Contains(a.body, "PRIVATE KEY") || test.field == "text" && !strings.Contains(test.text, "PRIVATE") && a.page().One(t, "textarea").Text() == "" {
			t.Errorf("%q comes back as %q", test.text, a.page().One(t, "textarea").Text())
		}
	}
	c.sendFiles("/tls-peer-subjects/certificate", map[string][]byte{"file": bytes.Repeat([]byte("x"), 1<<20)}).status(http.StatusRequestEntityTooLarge)
	if n := len(c.snapshot().TLSPeerSubjects); n != 0 {
		t.Errorf("%d subjects were added", n)
	}
}

// frontEnd shakes hands with everybody who connects; heard gets the octets that came afterwards.
func frontEnd(t *testing.T, config *tls.Config) (port string, heard chan int) {
	t.Helper()
	listener := must[net.Listener](t)(net.Listen("tcp", "127.0.0.1:0"))
	t.Cleanup(func() { listener.Close() })
	heard = make(chan int, 8)
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			conn.SetDeadline(time.Now().Add(5 * time.Second))
			n, _ := tls.Server(conn, config).Read(make([]byte, 1))
			conn.Close()
			heard <- n
		}
	}()
	_, port, _ = net.SplitHostPort(listener.Addr().String())
	return port, heard
}

func TestAConfiguredServerIsAskedForItsCertificateAndSentNothing(t *testing.T) {
	t.Parallel()
	c := withKey(t, auth.Operator)
	var log bytes.Buffer
	c.config.Log = slog.New(slog.NewJSONHandler(watched(t, &log), nil))
	c.handler = web.New(c.config)
	ca := siptest.NewAuthority("Synergy Root")
	c.trusts(ca)
	c.owns(ca, siptest.Leaf{Names: []string{ownNode}})
	config := ca.Server(ca.Leaf("pool.synergy.com"))
	port, heard := frontEnd(t, config)
	c.post("/static-routes", "destination", "synergy.com", "type", "domain", "next_hop", "127.0.0.1", "port", port, "transport", "tls").to("/static-routes")

	page := c.get("/tls-peer-subjects/new").page()
	page.Says(t, "select[name=place]", "127.0.0.1:"+port+", next hop of a static route")
	page = c.post("/tls-peer-subjects/probe", "place", "127.0.0.1:"+port).status(http.StatusOK).page()
	for _, fact := range []string{"Connected to 127.0.0.1:" + port, "Version TLS 1.3", "elliptic curve", "Client certificate asked for, and this node's own was shown", "CN=pool.synergy.com"} {
		page.Says(t, "main", fact)
	}
	page.Says(t, "main .state.up", "Valid")
	page.Says(t, "main button.primary", "Add pool.synergy.com")
	if n := <-heard; n != 0 {
		t.Errorf("the server heard %d octets", n)
	}
	var line map[string]any
	if err := json.Unmarshal(log.Bytes()[bytes.LastIndex(log.Bytes()[:log.Len()-1], []byte("\n"))+1:], &line); err != nil ||
		line["msg"] != "certificate probed" || line["peer"] != "127.0.0.1:"+port || line["user"] != "operator" || line["subject"] != "pool.synergy.com" {
		t.Errorf("the log says %s", log.String())
	}
	if again := page.One(t, "form[action='/tls-peer-subjects/probe'] button").Attr("value"); again != "127.0.0.1:"+port {
		t.Errorf("looking again asks %q", again)
	}
}

// A next hop may be let in by its names alone, so that it has no subject.
func TestAServerWithoutASubjectIsShownAndRemembered(t *testing.T) {
	t.Parallel()
	c := withKey(t, auth.Admin)
	ca := siptest.NewAuthority("Synergy Root")
	c.trusts(ca)
	nameless := ca.Issue(siptest.Leaf{DNS: []string{"fe1.synergy.com"}})
	port, _ := frontEnd(t, ca.Server(nameless))
	c.post("/static-routes", "destination", "synergy.com", "type", "domain", "next_hop", "127.0.0.1", "port", port, "transport", "tls").to("/static-routes")
	c.post("/tls-peer-subjects", "name", "fe1.synergy.com").to("/tls-peer-subjects")
	page := c.post("/tls-peer-subjects/probe", "place", "127.0.0.1:"+port).status(http.StatusOK).page()
	page.Says(t, ".findings", "It has no Common Name that can be listed")
	selected := fmt.Sprintf("/tls-contexts/%d", c.snapshot().TLSContext(federation.PeerAuthContext).ID)
	c.post(selected, "peer_subjects", "fe1.synergy.com").to("/tls-contexts")
	page = c.post("/tls-peer-subjects/probe", "place", "127.0.0.1:"+port).status(http.StatusOK).page()
	page.Says(t, ".findings", "It is let in as a next hop by its DNS name fe1.synergy.com")
	page.Says(t, ".findings", "It is refused of a peer that connects to a listener")
	page.Says(t, "main .state.part", "Valid as a next hop")
	peer := certs.Describe(nameless.Leaf).Peer()
	peer.Address, peer.Host, peer.Source, peer.Verified, peer.SeenAt, peer.Node = "10.1.20.21", "127.0.0.1", federation.SeenOpening, true, time.Now(), ownNode
	if err := c.store.ReportStatus(t.Context(), federation.NodeStatus{Node: ownNode, Peers: []federation.PeerCertificate{peer}}); err != nil {
		t.Errorf("the report is lost: %v", err)
	}
	c.get("/tls-peer-subjects").page().Says(t, "tbody", "from 10.1.20.21")
}

// Adding what nobody needs would let more in than is meant to.
func TestACommonNameIsNotOfferedAsNeededWhereADNSNameLetsIn(t *testing.T) {
	t.Parallel()
	c := signedInAs(t, auth.Admin)
	ca := siptest.NewAuthority("Synergy Root")
	c.trusts(ca)
	c.post("/tls-peer-subjects", "name", "fe1.synergy.com").to("/tls-peer-subjects")
	c.post(fmt.Sprintf("/tls-contexts/%d", c.snapshot().TLSContext(federation.PeerAuthContext).ID), "peer_subjects", "fe1.synergy.com").to("/tls-contexts")
	alone := ca.Issue(siptest.Leaf{Names: []string{"fe1.synergy.com"}, DNS: []string{"fe1.synergy.com"}})
	page := c.post("/tls-peer-subjects/certificate", "text", string(siptest.CertificatePEM(alone))).status(http.StatusOK).page()
	page.Says(t, "main .state.up", "Valid")
	page.Says(t, ".findings", "fe1.synergy.com is listed already It is selected in sip-proxy-peer-auth.")
	page.Count(t, ".findings li", 1)
	leaf := ca.Issue(siptest.Leaf{Names: []string{"pool.synergy.com"}, DNS: []string{"pool.synergy.com", "fe1.synergy.com"}})
	page = c.post("/tls-peer-subjects/certificate", "text", string(siptest.CertificatePEM(leaf))).status(http.StatusOK).page()
	page.Says(t, ".findings", "let in as a next hop by its DNS name fe1.synergy.com")
	page.Says(t, ".findings", "pool.synergy.com is not listed. That is needed only if this server opens connections to this side.")
	page.Count(t, "main form[action='/tls-peer-subjects']", 0)
	if to := page.All(".findings a")[0].Attr("href"); to != "/tls-peer-subjects/new?name=pool.synergy.com" {
		t.Errorf("the way to list it is %s", to)
	}
}

func TestAServerThatTheContextLeavesOutIsToldApart(t *testing.T) {
	t.Parallel()
	c := withKey(t, auth.Operator)
	ca := siptest.NewAuthority("Synergy Root")
	port, _ := frontEnd(t, &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS10, Certificates: []tls.Certificate{ca.Leaf("ocs.synergy.com")}})
	c.post("/static-routes", "destination", "synergy.com", "type", "domain", "next_hop", "127.0.0.1", "port", port, "transport", "tls").to("/static-routes")
	page := c.post("/tls-peer-subjects/probe", "place", "127.0.0.1:"+port).status(http.StatusOK).page()
	page.Says(t, ".findings", "No handshake comes about")
	page.Says(t, ".findings", "With everything offered it chose TLS 1.0 and TLS_ECDHE_")
	page.Says(t, ".findings", "Its chain is not trusted here")
	page.Says(t, "main", "Client certificate not asked for")
	if to := page.All(".findings a")[0].Attr("href"); to != fmt.Sprintf("/tls-contexts/%d", c.snapshot().TLSContext(federation.PeerAuthContext).ID) {
		t.Errorf("the way out leads to %s", to)
	}
}

func TestNothingButConfiguredServersIsAsked(t *testing.T) {
	t.Parallel()
	c := withKey(t, auth.Operator)
	ca := siptest.NewAuthority("Synergy Root")
	port, heard := frontEnd(t, ca.Server(ca.Leaf("pool.synergy.com")))
	other, otherHeard := frontEnd(t, ca.Server(ca.Leaf("pool.synergy.com")))
	c.get("/tls-peer-subjects/new").page().Says(t, "main", "Nothing can be asked for its certificate yet")
	c.post("/static-routes", "destination", "synergy.com", "type", "domain", "next_hop", "127.0.0.1", "port", port, "transport", "tls").to("/static-routes")
	for _, place := range []string{"", "127.0.0.1", "127.0.0.1:" + other, "127.0.0.2:" + port, "localhost:" + port, "[::ffff:127.0.0.1]:" + port, "127.0.0.1:0" + port, "http://127.0.0.1:" + port} {
		c.post("/tls-peer-subjects/probe", "place", place).status(422).page().
			Says(t, "#error-place", "Only servers that a deployment or a static route names are connected to")
	}
	select {
	case <-heard:
		t.Error("the configured server was connected to")
	case <-otherHeard:
		t.Error("a server that nobody configured was connected to")
	default:
	}
}

func TestANameIsLookedUpAndOneWithoutAddressIsSaid(t *testing.T) {
	t.Parallel()
	c := withKey(t, auth.Operator)
	ca := siptest.NewAuthority("Synergy Root")
	c.trusts(ca)
	port, _ := frontEnd(t, &tls.Config{Certificates: []tls.Certificate{ca.Leaf("fe1.synergy.com")}})
	c.withDNS("fe1.synergy.com. 60 IN A 127.0.0.1")
	for _, host := range []string{"fe1.synergy.com", "fe2.synergy.com"} {
		c.post("/static-routes", "destination", host, "type", "domain", "next_hop", host, "port", port, "transport", "tls").to("/static-routes")
	}
	c.post("/tls-peer-subjects/probe", "place", "FE1.synergy.com:"+port).status(http.StatusOK).page().Says(t, "main button.primary", "Add fe1.synergy.com")
	page := c.post("/tls-peer-subjects/probe", "place", "fe2.synergy.com:"+port).status(http.StatusOK).page()
	page.Says(t, ".findings", "Its name leads to no address; add it to the DNS")
	page.Count(t, "#handshake", 0)
}

func TestOnlyAFewServersAreAskedAtATime(t *testing.T) {
	t.Parallel()
	c := withKey(t, auth.Operator)
	listener := must[net.Listener](t)(net.Listen("tcp", "127.0.0.1:0")) // takes connections, and never shakes hands
	port := fmt.Sprint(listener.Addr().(*net.TCPAddr).Port)
	c.post("/static-routes", "destination", "synergy.com", "type", "domain", "next_hop", "127.0.0.1", "port", port, "transport", "tls").to("/static-routes")
	cookies := c.cookies
	codes := make(chan int, 4)
	for range 4 {
		go func() {
			one := &console{t: t, handler: c.handler, cookies: map[string]*http.Cookie{}}
			for name, cookie := range cookies {
				one.cookies[name] = cookie
			}
			codes <- one.post("/tls-peer-subjects/probe", "place", "127.0.0.1:"+port).code
		}()
	}
	var held []net.Conn
	for range 4 {
		held = append(held, must[net.Conn](t)(listener.Accept()))
	}
	c.post("/tls-peer-subjects/probe", "place", "127.0.0.1:"+port).status(http.StatusTooManyRequests).page().
		Says(t, "#error-place", "4 servers are being asked at this moment")
	listener.Close()
	for _, conn := range held {
		conn.Close()
	}
	for range 4 {
		if code := <-codes; code != http.StatusOK {
			t.Errorf("status %d", code)
		}
	}
	c.post("/tls-peer-subjects/probe", "place", "127.0.0.1:"+port).status(http.StatusOK).page().Says(t, ".findings", "Nothing listens at 127.0.0.1:"+port)
}
