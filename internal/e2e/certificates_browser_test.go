//go:build e2e

package e2e

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"isthmus/internal/siptest"
)

// signedIn is a browser on the console of a node that serves, and that node's TLS listener which asks for no certificate.
func signedIn(t *testing.T) (m *machine, b *tab, listener string) {
	t.Helper()
	address := network() + nodeHost
	m = newMachine(t, "imp1.synergy.com", address, newDatabase(t))
	if r := call(t, password+"\n", m.env, programs.isthmus, "admin", "add", "anna"); r.code != 0 {
		t.Fatalf("admin add: %s", r)
	}
	m.apply("acl: [{pattern: 127.0.0.1}]\n") // who is not listed is closed at the next change
	m.serve()
	b = newTab(t, "http://"+m.console)
	b.visits("/login")
	b.types("name", "anna")
	b.types("password", password)
	b.presses("Sign in", "imp1.synergy.com")
	return m, b, address + ":5062"
}

// follows clicks the link with these words and waits for the page that it leads to, which must say heading.
func (b *tab) follows(words, heading string) {
	b.t.Helper()
	ctx, cancel := b.within()
	defer cancel()
	link := `//main//a[starts-with(normalize-space(.), "` + words + `")]`
	response, err := chromedp.RunResponse(ctx, chromedp.Click(link, chromedp.NodeVisible))
	if err != nil {
		b.t.Fatalf("following %s: %v on the page\n%s", words, err, b.text())
	}
	if text := b.text(); response.Status >= 400 || !strings.Contains(text, heading) {
		b.t.Fatalf("%s leads to %d %s, which does not say %q:\n%s", words, response.Status, response.URL, heading, text)
	}
}

// attaches chooses a file in a form.
func (b *tab) attaches(field, path string) {
	b.t.Helper()
	b.does(chromedp.SetUploadFiles(chromedp.CSS(`input[type="file"][name="`+field+`"]`), []string{path}))
}

// refused presses a button whose page must come back with words and that status; the browser writes both of them into its
// console, which is then no complaint.
func (b *tab) refused(button string, status int, words ...string) {
	b.t.Helper()
	ctx, cancel := b.within()
	defer cancel()
	response, err := chromedp.RunResponse(ctx, chromedp.Click(`//button[normalize-space(.)="`+button+`"]`, chromedp.NodeVisible))
	if err != nil {
		b.t.Fatalf("pressing %s: %v on the page\n%s", button, err, b.text())
	}
	text := b.text()
	for _, w := range words {
		if int(response.Status) != status || !strings.Contains(text, w) {
			b.t.Fatalf("%s leads to %d, which does not say %q:\n%s", button, response.Status, w, text)
		}
	}
	eventually(b.t, patience, "the browser notes the status", func() bool { return b.forgives(status) })
}

// forgives takes the browser's line about an expected status away.
func (b *tab) forgives(status int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, c := range b.complaints {
		if strings.Contains(c, fmt.Sprintf("the server responded with a status of %d", status)) {
			b.complaints = append(b.complaints[:i], b.complaints[i+1:]...)
			return true
		}
	}
	return false
}

// shownBy is the certificate of a listener, as whoever connects sees it.
func shownBy(t *testing.T, listener string) *x509.Certificate {
	t.Helper()
	c := dialled(t, listener)
	defer c.Close()
	return c.ConnectionState().PeerCertificates[0]
}

func dialled(t *testing.T, listener string) *tls.Conn {
	t.Helper()
	c, err := tls.DialWithDialer(&net.Dialer{Timeout: patience}, "tcp", listener, &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// stillOpen reports whether the other side keeps a connection: there is nothing to read, and no end.
func stillOpen(c *tls.Conn) bool {
	_ = c.SetReadDeadline(time.Now().Add(100 * time.Millisecond)) // the read tells
	_, err := c.Read(make([]byte, 1))
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}

// hexFingerprint is the SHA-256 of a certificate as pages write it.
func hexFingerprint(c *x509.Certificate) string { return fmt.Sprintf("%x", sha256.Sum256(c.Raw)) }

// signs is the file that a CA makes of a downloaded request.
func signs(t *testing.T, m *machine, ca *siptest.Authority, csr string) (file string, c *x509.Certificate) {
	t.Helper()
	text, err := os.ReadFile(csr)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := ca.Answer(text, siptest.Leaf{})
	if err != nil {
		t.Fatal(err)
	}
	return m.write("signed.pem", string(siptest.CertificatePEM(answer))), answer.Leaf
}

// TestABrowserGoesFromARootToACertificateInUseAndItsSuccessor is what an administrator does with each node, once a year.
func TestABrowserGoesFromARootToACertificateInUseAndItsSuccessor(t *testing.T) {
	m, b, listener := signedIn(t)
	ca := siptest.NewAuthority("Synergy Root")
	if !strings.Contains(shownBy(t, listener).Issuer.CommonName, "imp1") {
		t.Error("a new node does not show a certificate of its own making")
	}
	b.visits("/certificates")
	b.follows("Request a certificate", "A key is made here")
	b.does(chromedp.SendKeys(chromedp.CSS(`textarea[name="more"]`), "presence.synergy.com"))
	b.presses("Make the request", "The request of imp1.synergy.com waits below.")
	csr, name := b.saves("Download .csr of imp1.synergy.com")
	if name != "imp1.synergy.com.csr" {
		t.Errorf("downloaded as %s", name)
	}
	signed, leaf := signs(t, m, ca, csr)

	b.follows("Upload the signed certificate", "Upload a node's certificate")
	b.attaches("file", signed)
	b.refused("Upload", 422, `"Synergy Root" of "imp1.synergy.com" is not among the trusted CAs`, "the root before")
	b.follows("Trust a CA", "All nodes accept what it signed")
	b.attaches("file", m.write("root.pem", string(ca.PEM())))
	b.presses("Upload", hexFingerprint(ca.Certificate))
	if strings.Contains(m.isthmus("cert", "list"), "cup-trust") {
		t.Error("a CA is trusted before its fingerprint was compared")
	}
	b.presses("Trust this CA", "Saved. Synergy Root is trusted now.")

	b.follows("Upload the signed certificate", "Upload a node's certificate")
	b.attaches("file", signed)
	open := dialled(t, listener)

	defer open.Close()
	b.presses("Upload", "New connections of imp1.synergy.com show it within a second")
	inUse := func(c *x509.Certificate) {
		t.Helper()
		eventually(t, patience, "the new serial number is shown", func() bool { return shownBy(t, listener).SerialNumber.Cmp(c.SerialNumber) == 0 })
	}
	inUse(leaf)
	if !stillOpen(open) {
		t.Error("the switch closed a connection")
	}
	b.renews(m, ca, leaf, listener)
}

// renews has a successor made beside the certificate in use. The first request is replaced before it is answered.
func (b *tab) renews(m *machine, ca *siptest.Authority, old *x509.Certificate, listener string) {
	t := b.t
	t.Helper()
	b.visits("/certificates/requests/new?node=imp1.synergy.com")
	b.presses("Make the request", "waits below")
	lost, _ := b.saves("Download .csr of imp1.synergy.com")
	b.follows("Replace...", "A request waits for this node already")
	b.presses("Replace the request...", "Its key is lost with it")
	b.presses("Replace the request", "waits below")
	csr, _ := b.saves("Download .csr of imp1.synergy.com")
	if shownBy(t, listener).SerialNumber.Cmp(old.SerialNumber) != 0 {
		t.Error("a request changed the certificate in use")
	}

	useless, _ := signs(t, m, ca, lost)
	b.follows("Upload the signed certificate", "Upload a node's certificate")
	b.attaches("file", useless)
	b.refused("Upload", 422, "belongs to another request than the one that waits")
	signed, renewed := signs(t, m, ca, csr)
	b.attaches("file", signed)
	b.refused("Upload", 422, "The certificate in use and its key are gone then", hexFingerprint(old), hexFingerprint(renewed))
	b.chooses("replace", hexFingerprint(old))
	b.presses("Upload", "show it within a second")
	eventually(t, patience, "the successor is shown", func() bool { return shownBy(t, listener).SerialNumber.Cmp(renewed.SerialNumber) == 0 })
	if text := b.text(); strings.Contains(text, "Requests that wait") {
		t.Errorf("the request is left:\n%s", text)
	}
}

// TestABrowserIsToldWhatIsWrongWithAnUploadAndNothingChanges sends what people send by mistake.
func TestABrowserIsToldWhatIsWrongWithAnUploadAndNothingChanges(t *testing.T) {
	m, b, listener := signedIn(t)
	before := shownBy(t, listener)
	ca := siptest.NewAuthority("Synergy Root")
	own := ca.Leaf("imp1.synergy.com")

	b.visits("/certificates/new?purpose=cup-trust")
	b.attaches("file", m.write("both.pem", string(ca.PEM())+string(siptest.KeyPEM(own))))
	b.refused("Upload", 422, "This file holds a private key, which must never leave its owner")
	b.attaches("file", m.write("large.pem", strings.Repeat("x", 3<<20)))
	b.refused("Upload", 413, "at most 1 MiB. Nothing was changed.")
	b.follows("Back to the form", "All nodes accept what it signed")

	b.visits("/certificates/new?purpose=cup")
	protect := func() {
		b.attaches("file", m.write("own.pem", string(siptest.CertificatePEM(own))))
		b.attaches("key", m.write("own.key", string(protected(t, own.PrivateKey, "open sesame"))))
	}
	protect()
	b.types("passphrase", "open sesam")
	b.refused("Upload", 422, "The passphrase does not open this private key")
	if after := shownBy(t, listener); !after.Equal(before) || strings.Contains(m.isthmus("cert", "list"), "cup-trust") {
		t.Error("something was changed")
	}
	protect()
	b.types("passphrase", "open sesame")
	b.presses("Upload", `"Synergy Root" of "imp1.synergy.com" is not among the trusted CAs`)
	eventually(t, patience, "it is in use", func() bool { return shownBy(t, listener).Equal(own.Leaf) })
}
