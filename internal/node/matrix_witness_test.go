package node

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"isthmus/internal/sip"
	"isthmus/internal/siptest"
)

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

// A journal is a log that can be asked.
type journal struct{ safeBuffer }

func (j *journal) logger() *slog.Logger { return slog.New(slog.NewJSONHandler(j, nil)) }

// awaits waits for a line about one peer, and checks its reason.
func (j *journal) awaits(t *testing.T, message, key, begins, ends, reason string) {
	t.Helper()
	var got string
	await(t, "the log tells of it", func() bool {
		for line := range strings.Lines(j.String()) {
			var fields map[string]any
			if json.Unmarshal([]byte(line), &fields) != nil || fields["msg"] != message {
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
