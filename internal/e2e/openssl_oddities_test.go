//go:build e2e

package e2e

import (
	"encoding/binary"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"isthmus/internal/siptest"
)

// What TLS once had and no peer may use on the node: renegotiation, compression, data before the handshake is done, and
// the protocols before TLS.
func TestWhatTLSOnceHadIsRefusedOrHasNoEffect(t *testing.T) {
	t.Parallel()
	w, _ := running(t)
	w.takesRequestsAnywhere(t)
	t.Run("renegotiation", w.noRenegotiation)
	t.Run("a new key in TLS 1.3 is none", w.updatesItsKey)
	t.Run("compression", w.noCompression)
	t.Run("early data", w.noEarlyData)
	t.Run("SSL 2 and 3", w.noSSL)
}

// interactive is a client that takes single letters for commands.
func (w *world) interactive(t *testing.T, version string) *typed {
	t.Helper()
	c := w.sClient(t, fe1Host, peerAuthPort, slices.Concat(opensslVersions[version].options, w.shows(t, w.ca.Leaf("fe1.synergy.com")))...)
	c.asks()
	return c
}

func (w *world) noRenegotiation(t *testing.T) {
	c := w.interactive(t, "1.2")
	c.types("R\n")
	c.prints("RENEGOTIATING")
	c.ends()
	const unexpectedMessage = "10"
	if said := c.said(); !strings.Contains(said, "SSL alert number "+unexpectedMessage+"\n") || strings.Count(said, "SIP/2.0 200") != 1 {
		t.Errorf("renegotiation ended with\n%s", said)
	}
}

// A server that does not take the new key ends the connection at the next record.
func (w *world) updatesItsKey(t *testing.T) {
	c := w.interactive(t, "1.3")
	c.types("K\n")
	c.prints("KEYUPDATE")
	c.types(probeOverTLS())
	eventually(t, patience, "a second answer", func() bool { return strings.Count(c.said(), "SIP/2.0 200") == 2 })
}

// Debian's OpenSSL has no compression that it could offer, so the offer is made by hand.
func (w *world) noCompression(t *testing.T) {
	const deflate, null = 1, 0
	c := w.dials(t)
	_, err := c.Write(clientHello(tls12, deflate, null))
	answer := readRecord(t, c)
	const handshake, serverHello = 22, 2
	if err != nil || answer[0] != handshake || answer[5] != serverHello {
		t.Fatalf("answered with %x, %v", answer, err)
	}
	chosen := answer[5+4+2+32:] // record and message headers, version, random
	chosen = chosen[1+chosen[0]:]
	if method := chosen[2]; method != null {
		t.Errorf("the node takes compression method %d", method)
	}
}

// early data is sent on the word of a session: one of the node's own allows none, and one of somebody else who had
// the node's address and certificate does, which the node cannot know.
func (w *world) noEarlyData(t *testing.T) {
	fe1 := resumer{w, fe1Host, "1.3", w.shows(t, w.ca.Leaf("fe1.synergy.com"))}
	early := w.file(t, "early", []byte(probeOverTLS()))
	own := fe1.session(t, serverAuthPort)
	c := fe1.connects(t, serverAuthPort, "-sess_in", own, "-early_data", early)
	c.asks()
	c.prints("Early data was not sent")
	if said := c.said(); strings.Count(said, "SIP/2.0 200") != 1 {
		t.Errorf("the early request was answered:\n%s", said)
	}
	foreign := w.sessionWithEarlyData(t)
	for _, port := range []string{serverAuthPort, peerAuthPort} {
		const unsupportedExtension = "110"
		fe1.connects(t, port, "-sess_in", foreign, "-early_data", early).isRefused(unsupportedExtension)
	}
}

// sessionWithEarlyData is one of an OpenSSL server, which takes early data.
func (w *world) sessionWithEarlyData(t *testing.T) (file string) {
	t.Helper()
	address := w.net + "55:5061"
	w.sServer(t, address, slices.Concat([]string{"-max_early_data", "16384", "-quiet"}, w.shows(t, w.ca.Leaf("imp1.synergy.com")))...)
	file = filepath.Join(w.node.dir, siptest.Unique("session"))
	c := openssl(t, "s_client", "-connect", address, "-sess_out", file)
	eventually(t, patience, "a session", func() bool {
		_, err := os.Stat(file)
		return err == nil
	})
	c.in.Close()
	c.ends()
	if said := c.said(); !strings.Contains(said, "Max Early Data: 16384") {
		t.Fatalf("the session allows no early data:\n%s", said)
	}
	return file
}

func (w *world) noSSL(t *testing.T) {
	ssl2 := []byte{0x80, 0x1f, 1, 0, 2, 0, 6, 0, 0, 0, 16, 1, 0, 0x80, 7, 0, 0xc0} // CLIENT-HELLO with two ciphers and a challenge
	for promise, hello := range map[string][]byte{"SSL 2": append(ssl2, make([]byte, 16)...), "SSL 3": clientHello(ssl3, 0)} {
		c := w.dials(t)
		if _, err := c.Write(hello); err != nil {
			t.Fatal(err)
		}
		answer := readRecord(t, c)
		const alert, fatal, protocolVersion = 21, 2, 70
		if answer[0] != alert || !slices.Equal(answer[5:], []byte{fatal, protocolVersion}) {
			t.Errorf("%s is answered with %x", promise, answer)
		}
		if rest, _ := io.ReadAll(c); len(rest) > 0 { // a reset is an end too
			t.Errorf("%s: after the alert comes %x", promise, rest)
		}
	}
}

func (w *world) dials(t *testing.T) net.Conn {
	t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(w.net + fe1Host)}, Timeout: patience}
	c, err := d.Dial("tcp", net.JoinHostPort(w.net+nodeHost, peerAuthPort))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return c
}

const (
	ssl3  = 0x0300
	tls12 = 0x0303
)

// clientHello is the least that a TLS 1.2 server accepts (RFC 5246 section 7.4.1.2): ECDHE with ECDSA and AES-128-GCM,
// P-256, SHA-256.
func clientHello(version uint16, compression ...byte) []byte {
	body := binary.BigEndian.AppendUint16(nil, version)
	body = append(body, make([]byte, 32)...) // random
	body = append(body, 0)                   // no session
	body = append(body, 0, 2, 0xc0, 0x2b)
	body = append(append(body, byte(len(compression))), compression...)
	extensions := []byte{0, 10, 0, 4, 0, 2, 0, 23, 0, 11, 0, 2, 1, 0, 0, 13, 0, 4, 0, 2, 4, 3}
	body = append(append(body, 0, byte(len(extensions))), extensions...)
	hello := append([]byte{1, 0, 0, byte(len(body))}, body...)
	return append([]byte{22, byte(version >> 8), byte(version), 0, byte(len(hello))}, hello...)
}

func readRecord(t *testing.T, r io.Reader) []byte {
	t.Helper()
	header := make([]byte, 5)
	if _, err := io.ReadFull(r, header); err != nil {
		t.Fatal(err)
	}
	body := make([]byte, binary.BigEndian.Uint16(header[3:]))
	if _, err := io.ReadFull(r, body); err != nil {
		t.Fatal(err)
	}
	return append(header, body...)
}
