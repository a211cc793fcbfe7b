package node

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"isthmus/internal/certs"
	"isthmus/internal/federation"
	"isthmus/internal/sip"
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
func (c cell) logged() string { return c.want().reason + ": " + c.want().detail }

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
	if !place(got) || got.Count != 1 || got.Context != federation.PeerAuthContext || got.Verified != (want.reason == certs.ReasonNotListed) {
		t.Errorf("reported is %+v", got)
	}
}

// A witness is a next hop that notes what one connection of the node brings.
type witness struct {
	net.Listener
	seen chan sight
}

type sight struct {
	handshake error
	records   []int  // lengths of the records that may hold SIP
	shown     string // Common Name of the node's certificate
	version   uint16
	asked     *sip.Message
}

// hop serves the node with this certificate, or with none.
func hop(t *testing.T, ca *siptest.Authority, shown tls.Certificate, version uint16) *witness {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &witness{l, make(chan sight, 1)}
	config := ca.Server(shown)
	config.MinVersion, config.MaxVersion = version, version
	if shown.Leaf == nil {
		config.Certificates = nil
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.serve(config)
	}()
	t.Cleanup(func() {
		l.Close()
		<-done
	})
	return w
}

func (w *witness) port() int { return w.Addr().(*net.TCPAddr).Port }

func (w *witness) serve(config *tls.Config) {
	raw, err := w.Accept()
	if err != nil {
		return
	}
	defer raw.Close()
	_ = raw.SetDeadline(time.Now().Add(patience))
	tap := &tap{Conn: raw}
	secure := tls.Server(tap, config)
	s := sight{handshake: secure.Handshake()}
	if s.handshake == nil {
		peer, state := siptest.NewConn(secure, patience), secure.ConnectionState()
		s.shown, s.version = state.PeerCertificates[0].Subject.CommonName, state.Version
		if s.asked, err = peer.Receive(); err == nil {
			_ = peer.Answer(s.asked, 200)
		}
	} else {
		_, _ = io.Copy(io.Discard, tap) // what the node sent all the same
		s.records = tap.applicationData()
	}
	w.seen <- s
	_, _ = io.Copy(io.Discard, raw)
}

// A tap keeps what is read.
type tap struct {
	net.Conn
	read []byte
}

func (p *tap) Read(b []byte) (int, error) {
	n, err := p.Conn.Read(b)
	p.read = append(p.read, b[:n]...)
	return n, err
}

// applicationData are the lengths of the records of type application_data (RFC 8446 section 5.1).
func (p *tap) applicationData() (lengths []int) {
	for b := p.read; len(b) >= 5; {
		length := int(b[3])<<8 | int(b[4])
		if b[0] == 23 {
			lengths = append(lengths, length)
		}
		b = b[min(5+length, len(b)):]
	}
	return lengths
}

// sealedAlert is the length of an alert's record in TLS 1.3, where it looks like application data: two octets, the type and
// the tag. No SIP is so short.
const sealedAlert = 2 + 1 + 16

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

func (w *witness) sight(t *testing.T) sight {
	t.Helper()
	select {
	case s := <-w.seen:
		return s
	case <-time.After(patience):
		t.Fatal("the node did not connect to its hop")
		return sight{}
	}
}

// unquoted takes away what keeps a text whole inside a quoted-string, and inside a name that is quoted there.
func unquoted(s string) string { return strings.ReplaceAll(s, `\`, "") }

// A journal is a log that can be asked.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(b []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(b)
}

func (j *journal) logger() *slog.Logger { return slog.New(slog.NewJSONHandler(j, nil)) }

// awaits waits for a line about one peer, and checks its reason.
func (j *journal) awaits(t *testing.T, message, key, begins, ends, reason string) {
	t.Helper()
	var got string
	await(t, "the log tells of it", func() bool {
		j.mu.Lock()
		lines := bytes.Split(bytes.Clone(j.text.Bytes()), []byte("\n"))
		j.mu.Unlock()
		for _, line := range lines {
			var fields map[string]any
			if json.Unmarshal(line, &fields) != nil || fields["msg"] != message {
				continue
			}
			if who := fmt.Sprint(fields[key]); strings.HasPrefix(who, begins) && strings.HasSuffix(who, ends) {
				got = fmt.Sprint(fields["reason"])
				return true
			}
		}
		return false
	})
	if got != reason {
		t.Errorf("the log says\n%s\nwant\n%s", got, reason)
	}
}
