//go:build e2e

package e2e

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"isthmus/internal/sip"
	"isthmus/internal/siptest"
)

// OpenSSL is a TLS implementation that shares nothing with crypto/tls: what these two agree on is what the standards say.

// typed is a program that a test types into. It ends at the latest when its input does, which is with the test.
type typed struct {
	*process
	in io.WriteCloser
}

func openssl(t *testing.T, args ...string) *typed {
	t.Helper()
	p := prepare(t, environment(), "openssl", args...)
	in, err := p.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.start()
	return &typed{p, in}
}

func (p *typed) said() string { return p.out.String() + p.err.String() }

// types writes to the program, which may have ended.
func (p *typed) types(text string) { _, _ = io.WriteString(p.in, text) }

// prints waits until the program has printed these words.
func (p *typed) prints(words string) {
	p.t.Helper()
	tick, end := time.NewTicker(10*time.Millisecond), time.After(patience)
	defer tick.Stop()
	for !strings.Contains(p.said(), words) {
		select {
		case <-tick.C:
			continue
		case <-p.ended:
		case <-end:
		}
		if strings.Contains(p.said(), words) {
			return
		}
		p.t.Fatalf("%s does not print %q:\n%s", p.cmd, words, p.said())
	}
}

// ends waits until the other side has ended the connection, and the program with it.
func (p *typed) ends() {
	p.t.Helper()
	select {
	case <-p.ended:
	case <-time.After(patience):
		p.t.Fatalf("%s does not end:\n%s", p.cmd, p.said())
	}
}

// asks sends the node a request, which it answers to whom it has let in.
func (p *typed) asks() {
	p.t.Helper()
	p.types(probeOverTLS())
	p.prints("SIP/2.0 200")
}

// isRefused sends a request too, which must not be answered, and waits for an alert, by its number in RFC 8446 section 6.
func (p *typed) isRefused(alert string) {
	p.t.Helper()
	p.types(probeOverTLS())
	p.ends()
	if said := p.said(); strings.Contains(said, "SIP/2.0") || !strings.Contains(said, "SSL alert number "+alert+"\n") {
		p.t.Errorf("want alert %s and no answer:\n%s", alert, said)
	}
}

func probeOverTLS() string {
	r := siptest.Probe("imp1.synergy.com")
	r.Transport, r.SentBy = sip.TLS, "fe1.synergy.com:5061"
	return r.String()
}

// sClient connects from a host to a port of the node, and takes no certificate but the node's.
func (w *world) sClient(t *testing.T, host, port string, args ...string) *typed {
	t.Helper()
	return openssl(t, append([]string{"s_client", "-connect", net.JoinHostPort(w.net+nodeHost, port), "-bind", w.net + host + ":0",
		"-CAfile", w.file(t, "ca.pem", w.ca.PEM()), "-verify_return_error", "-verify_hostname", "imp1.synergy.com"}, args...)...)
}

// shows are the options with which openssl shows a certificate.
func (w *world) shows(t *testing.T, c tls.Certificate) []string {
	t.Helper()
	name := siptest.Unique("own")
	return []string{"-cert", w.file(t, name+".pem", siptest.CertificatePEM(c)), "-key", w.file(t, name+".key", siptest.KeyPEM(c))}
}

// takesRequestsAnywhere lets requests in over listeners that verify nobody too.
func (w *world) takesRequestsAnywhere(t *testing.T) {
	t.Helper()
	w.applied(t, w.acl("0/24")+"settings: {partitioned_federation: true, default_domain: synergy.com}\n")
}

// file is written aside first: a program of another test may read it at this moment.
func (w *world) file(t *testing.T, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(w.node.dir, name)
	aside := path + "." + siptest.Unique("aside")
	if err := errors.Join(os.WriteFile(aside, content, 0o600), os.Rename(aside, path)); err != nil {
		t.Fatal(err)
	}
	return path
}
