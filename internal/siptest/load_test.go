package siptest

import (
	"crypto/x509"
	"path/filepath"
	"strings"
	"testing"
)

func TestAnAuthorityThatWasWrittenIssuesAgain(t *testing.T) {
	dir, root := t.TempDir(), NewAuthority("Root")
	certFile, keyFile, err := WritePEM(dir, "ca", root.Pair())
	if err != nil {
		t.Fatal(err)
	}
	again, err := LoadAuthority(certFile, keyFile)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := again.Leaf("lync01.synergy.com").Leaf.Verify(x509.VerifyOptions{Roots: root.Pool()}); err != nil {
		t.Error(err)
	}
}

func TestAServersCertificateIsNoAuthority(t *testing.T) {
	dir := t.TempDir()
	certFile, keyFile, err := WritePEM(dir, "lync01", NewAuthority("Root").Leaf("lync01.synergy.com"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := LoadAuthority(certFile, keyFile); err == nil {
		t.Error("a server's certificate was taken for an authority")
	}
	if _, err := LoadAuthority(filepath.Join(dir, "none.pem"), keyFile); err == nil {
		t.Error("a file that is not there was taken for an authority")
	}
}

func TestAFrontEndWritesTheLengthBeforeTheClientsVia(t *testing.T) {
	f := FrontEnd{FQDN: "lync01.synergy.com", SentBy: "192.0.2.21:49822", Client: "198.51.100.40:52011"}
	raw := f.Dress(Invite("anna@synergy.com", "carla@synergy.com")).String()
	m := parse(t, raw)
	if len(m.Body()) == 0 || m.ViaCount() != 2 {
		t.Errorf("got\n%s", raw)
	}
	if strings.Index(raw, "Content-Length: ") > strings.Index(raw, "Via: SIP/2.0/TLS 198.51.100.40") {
		t.Errorf("the client's Via comes first:\n%s", raw)
	}
}

func TestAResponseCarriesABody(t *testing.T) {
	r := Invite("anna@synergy.com", "carla@synergy.com")
	r.SentBy = "h"
	m := parse(t, ResponseWithBody(parse(t, r.String()), 200, "application/sdp", "v=0\r\n"))
	if kind, _ := m.HeaderValue("Content-Type"); string(kind) != "application/sdp" || string(m.Body()) != "v=0\r\n" {
		t.Errorf("got\n%s", m.Bytes())
	}
}
