package transport

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"testing"

	"isthmus/internal/sip"
)

// hasty answers the first flight of a server in clear.
type hasty struct {
	net.Conn
	says  string
	wrote int
}

func (h *hasty) Write(b []byte) (int, error) {
	h.wrote++
	switch h.wrote {
	case 1: // the ClientHello
		return h.Conn.Write(b)
	case 2:
		_, err := io.WriteString(h.Conn, h.says)
		return len(b), err
	}
	return len(b), nil
}

const changeCipherSpec = "\x14\x03\x03\x00\x01\x01"

func TestAnAlertInClearIsHeardInTLS13(t *testing.T) {
	ca := newAuthority(t)
	r := newRecorder()
	l := newLayer(t, r, Limits{})
	at := fitOne(t, l, Listener{Name: "tls", Transport: sip.TLS, Addr: loopback, TLS: ca.server(t, "imp1.synergy.com", tls.RequireAnyClientCert)})
	for says, want := range map[string]string{
		"\x15\x03\x03\x00\x02\x02\x30":                               "remote error: tls: unknown certificate authority",
		changeCipherSpec + "\x15\x03\x03\x00\x02\x02\x2a":            "remote error: tls: bad certificate",
		changeCipherSpec + "\x15\x03\x03\x00\x02\x01\x00":            "EOF",
		"\x16\x03\x03\x00\x02\x02\x30":                               "local error: tls: bad record MAC",
		changeCipherSpec + "\x17\x03\x03\x00\x02\x02\x30":            "local error: tls: bad record MAC",
		"\x15\x03\x03\x00\x13\x02\x30xxxxxxxxxxxxxxxxx":              "local error: tls: bad record MAC",
		changeCipherSpec + "\x17\x03\x03\x00\x03abc\x15\x03\x03\x00": "local error: tls: bad record MAC",
	} {
		raw := connect(t, at)
		config := ca.client("imp1.synergy.com", ca.issue(t, "fe1.synergy.com"))
		config.MinVersion = tls.VersionTLS13
		go func() { _ = tls.Client(&hasty{Conn: raw, says: says}, config).Handshake() }()
		next(t, r.peers)
		if err := next(t, r.shakes); err.Error() != want {
			t.Errorf("%q is told as %v, want %s", says, err, want)
		}
		raw.Close()
	}
}

// An alert may come in any pieces, and what comes after it is the last word.
func TestTheLastRecordInClearIsFollowedWhateverThePieces(t *testing.T) {
	const alert = "\x15\x03\x03\x00\x02\x02\x30"
	broken := &net.OpError{Op: "local error", Err: errors.New("tls: bad record MAC")}
	reset := &net.OpError{Op: "read", Err: errors.New("connection reset by peer")}
	for records, told := range map[string]bool{
		alert: true, changeCipherSpec + alert: true, alert + alert: true, "\x16\x03\x01\x00\x00" + alert: true,
		"": false, alert[:6]: false, alert + "\x17": false, alert + changeCipherSpec: false, "\x16\x03\x01\x00\x09ab" + alert: false,
	} {
		for piece := 1; piece <= len(records)+1; piece++ {
			var a clearAlert
			for rest := []byte(records); len(rest) > 0; {
				n := min(piece, len(rest))
				a.follow(rest[:n])
				rest = rest[n:]
			}
			if heard := a.meant(broken) != error(broken); heard != told {
				t.Errorf("%q in pieces of %d: an alert is heard: %v", records, piece, heard)
			}
			if a.meant(io.EOF) != io.EOF || a.meant(reset) != error(reset) {
				t.Errorf("%q changes another error", records)
			}
		}
	}
}
