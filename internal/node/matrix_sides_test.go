package node

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"isthmus/internal/certs"
	"isthmus/internal/federation"
	"isthmus/internal/siptest"
)

// showing is the TLS configuration of a peer that speaks one version and shows this certificate, whatever it is asked for.
func showing(shown tls.Certificate, version uint16) *tls.Config {
	return &tls.Config{
		MinVersion: version, MaxVersion: version, InsecureSkipVerify: true,
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &shown, nil },
	}
}

// comes is the cell whose peer connects to the listener.
func (c cell) comes(t *testing.T, r *rig, log *journal) {
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(c.from())}, Timeout: patience}
	raw, err := dialer.Dial("tcp", r.at(5061))
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	_ = raw.SetDeadline(time.Now().Add(patience))
	secure := tls.Client(raw, showing(c.shown, c.version))
	err = secure.Handshake()
	if c.want().reason == "" {
		c.letIn(t, secure, err)
		return
	}
	if c.allowed() && c.version == tls.VersionTLS13 { // to the client it is up, and it may send at once
		if err != nil {
			t.Fatalf("in TLS 1.3 the client hears of a refusal after the handshake only: %v", err)
		}
		_, _ = io.WriteString(secure, siptest.Probe(self).String())
		var n int
		if n, err = secure.Read(make([]byte, 1)); n > 0 {
			t.Error("the client read SIP")
		}
	}
	if got := alert(err); got != c.alertOut() {
		t.Errorf("the client hears %v, want the alert %s", err, c.alertOut())
	}
	raw.Close() // the node waits for that, so that its alert arrives
	c.isReported(t, r, func(h federation.RefusedHandshake) bool { return h.Peer == c.from() }, func(h federation.RefusedHandshake) bool {
		return !h.Outbound && h.Port == 0 && h.Listener == "Default SIP Proxy TLS Listener - Peer Auth"
	})
	log.awaits(t, "TLS handshake failed", "peer", c.from()+":", "", c.logged())
}

// letIn asks something and is answered.
func (c cell) letIn(t *testing.T, secure *tls.Conn, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("the handshake failed: %v", err)
	}
	peer := siptest.NewConn(secure, patience)
	if err := peer.Send(siptest.Probe(self)); err != nil {
		t.Fatal(err)
	}
	if m, err := peer.Receive(); err != nil || m.Status() != 200 || secure.ConnectionState().Version != c.version {
		t.Errorf("over %s: %v", tls.VersionName(secure.ConnectionState().Version), err)
	}
}

// alertOut is what a client hears of its refusal.
func (c cell) alertOut() string {
	switch {
	case !c.allowed():
		return "tls: protocol version not supported"
	case c.want().reason != certs.ReasonNone:
		return "tls: bad certificate"
	case c.version == tls.VersionTLS13:
		return "tls: certificate required"
	}
	return "tls: handshake failure"
}

// alert is what the far end sent, "" for none.
func alert(err error) string {
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "remote error" {
		return op.Err.Error()
	}
	return ""
}

// logged is how the log and Warning headers put the verdict.
func (c cell) logged() string {
	return (&certs.PeerError{Reason: c.want().reason, Detail: c.want().detail}).Error()
}

// isReported checks what the node reports of this cell.
func (c cell) isReported(t *testing.T, r *rig, own, place func(federation.RefusedHandshake) bool) {
	t.Helper()
	var got federation.RefusedHandshake
	await(t, "the refusal is reported", func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		for _, report := range slices.Backward(r.reports) {
			if i := slices.IndexFunc(report.Handshakes, own); i >= 0 {
				got = report.Handshakes[i]
				return true
			}
		}
		return false
	})
	want := c.want()
	if got.Reason != want.reason || got.Detail != want.detail || got.Subject != want.subject {
		t.Errorf("reported is\n%s, %q, %s\nwant\n%s, %q, %s", got.Reason, got.Subject, got.Detail, want.reason, want.subject, want.detail)
	}
	c.isDescribed(t, got)
	if !place(got) || got.Count != 1 || got.Context != federation.PeerAuthContext || got.Verified != (want.reason == certs.ReasonNotListed || want.reason == certs.ReasonRefusedOurs) {
		t.Errorf("reported is %+v", got)
	}
}

// isDescribed checks that the facts are those of the certificate which was shown, or that there are none.
func (c cell) isDescribed(t *testing.T, got federation.RefusedHandshake) {
	t.Helper()
	var want federation.RefusedHandshake
	if leaf := c.shown.Leaf; leaf != nil && c.want().subject != "" {
		d := certs.Describe(leaf)
		want = federation.RefusedHandshake{Issuer: leaf.Issuer.CommonName, Serial: d.Serial, Fingerprint: certs.Fingerprint(leaf), NotBefore: d.NotBefore, NotAfter: d.NotAfter}
	}
	if got.Issuer != want.Issuer || got.Serial != want.Serial || got.Fingerprint != want.Fingerprint || !got.NotBefore.Equal(want.NotBefore) || !got.NotAfter.Equal(want.NotAfter) {
		t.Errorf("the certificate is described as %+v", got)
	}
}

// isAsked is the cell whose peer is the next hop of a request.
func (c cell) isAsked(t *testing.T, r *rig, log *journal) {
	peer := siptest.Connect(t, r.at(5060), siptest.Options{Local: r.address})
	peer.Sends(siptest.Subscribe("ann@synergy.com", "bob@"+c.domain()))
	if c.want().reason == "" {
		peer.Expect("200")
		if s := c.host.sight(t); s.handshake != nil || s.shown != self || s.version != c.version || s.asked == nil || s.asked.Method() != "SUBSCRIBE" {
			t.Errorf("the hop saw %+v", s)
		}
		return
	}
	answer := string(peer.Expect("504").Bytes())
	c.hears(t, c.host.sight(t))
	c.isTold(t, r, log, answer)
}

// isTold checks what the node says of its hop: to who looks at the page, to who asked, and to who reads the log.
func (c cell) isTold(t *testing.T, r *rig, log *journal, answer string) {
	t.Helper()
	port := c.host.port()
	c.isReported(t, r, func(h federation.RefusedHandshake) bool { return h.Port == port }, func(h federation.RefusedHandshake) bool {
		return h.Outbound && h.Peer == "127.0.0.1" && h.Address == c.host.Addr().String() && h.Listener == ""
	})
	if !strings.Contains(unquoted(answer), unquoted(c.logged())) {
		t.Errorf("the answer does not say why, which is %s:\n%s", c.logged(), answer)
	}
	log.awaits(t, "next hop down", "peer", "", fmt.Sprintf(":%d", port), "next hop down: TLS handshake failed: "+c.logged())
}

// hears checks what a refused hop heard: an alert, or nothing where it has refused the node, and no SIP.
func (c cell) hears(t *testing.T, s sight) {
	t.Helper()
	var sealed []int
	want := "tls: bad certificate"
	switch {
	case !c.allowed() || c.want().reason == certs.ReasonNone:
		want = ""
	case c.version == tls.VersionTLS13:
		sealed = []int{sealedAlert}
	}
	if s.handshake == nil || alert(s.handshake) != want {
		t.Errorf("the hop hears %v, want the alert %q", s.handshake, want)
	}
	if !slices.Equal(s.records, sealed) {
		t.Errorf("records of lengths %v came that may hold SIP, want %v", s.records, sealed)
	}
}

// unquoted takes away what keeps a text whole inside a quoted-string, and inside a name that is quoted there.
func unquoted(s string) string { return strings.ReplaceAll(s, `\`, "") }

// In TLS 1.3 the hop refuses the node's certificate only when the connection is up on this side.
func TestAHopThatRefusesTheNodesCertificateIsToldAlikeOverEachVersion(t *testing.T) {
	ca, other := siptest.NewAuthority("Root"), siptest.NewAuthority("Other")
	want := verdict{reason: certs.ReasonRefusedOurs, subject: pool, detail: "the peer does not trust the CA of this node's certificate; import that CA there."}
	for _, version := range allVersions {
		t.Run(tls.VersionName(version), func(t *testing.T) {
			t.Parallel()
			c := cell{shownCertificate: shownCertificate{shown: ca.Leaf(pool), out: want}, version: version}
			c.host = hop(t, other, c.shown, version)
			log := &journal{}
			r := start(t, func(c *Config) { c.Log = log.logger() })
			r.commits(r.snapshot(1, r.withTLS(ca), trusting(t, ca), matrixOf([]cell{c})))
			peer := r.within()
			peer.Sends(siptest.Subscribe("ann@synergy.com", "bob@"+c.domain()))
			c.isTold(t, r, log, string(peer.Expect("504").Bytes()))
			if s := c.host.sight(t); s.handshake == nil || s.asked != nil {
				t.Errorf("the hop saw %+v", s)
			}
		})
	}
}
