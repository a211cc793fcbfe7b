package certs

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"net"
	"path/filepath"
	"testing"
	"time"

	"isthmus/internal/federation"
)

var now = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

func clock() time.Time { return now }

// An authority issues certificates for tests.
type authority struct {
	certificate *x509.Certificate
	key         crypto.Signer
}

func newKey(t testing.TB) crypto.Signer {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func newAuthority(t testing.TB, name string, edit ...func(*x509.Certificate)) authority {
	t.Helper()
	a := authority{key: newKey(t)}
	template := &x509.Certificate{
		Subject: pkix.Name{CommonName: name}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	for _, f := range edit {
		f(template)
	}
	a.certificate = sign(t, template, template, a.key.Public(), a.key)
	return a
}

// issue signs a certificate that is good in every respect but those that edit changes.
func (a authority) issue(t testing.TB, name string, edit ...func(*x509.Certificate)) (*x509.Certificate, crypto.Signer) {
	t.Helper()
	k := newKey(t)
	return a.issueTo(t, k.Public(), name, edit...), k
}

func (a authority) issueTo(t testing.TB, public crypto.PublicKey, name string, edit ...func(*x509.Certificate)) *x509.Certificate {
	t.Helper()
	template := &x509.Certificate{
		Subject: pkix.Name{CommonName: name}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour),
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	for _, f := range edit {
		f(template)
	}
	return sign(t, template, a.certificate, public, a.key)
}

func sign(t testing.TB, template, parent *x509.Certificate, public crypto.PublicKey, k crypto.Signer) *x509.Certificate {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, k)
	if err != nil {
		t.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func usages(list ...x509.ExtKeyUsage) func(*x509.Certificate) {
	return func(c *x509.Certificate) { c.ExtKeyUsage = list }
}

func valid(from, to time.Duration) func(*x509.Certificate) {
	return func(c *x509.Certificate) { c.NotBefore, c.NotAfter = now.Add(from), now.Add(to) }
}

func signedWith(algorithm x509.SignatureAlgorithm) func(*x509.Certificate) {
	return func(c *x509.Certificate) { c.SignatureAlgorithm = algorithm }
}

func dnsNames(names ...string) func(*x509.Certificate) {
	return func(c *x509.Certificate) { c.DNSNames = names }
}

func keyUsage(u x509.KeyUsage) func(*x509.Certificate) {
	return func(c *x509.Certificate) { c.KeyUsage = u }
}

// noKeyUsage has the extension with no bit set, which x509 writes for no template.
func noKeyUsage(c *x509.Certificate) {
	c.KeyUsage, c.ExtraExtensions = 0, []pkix.Extension{{Id: oidKeyUsage, Critical: true, Value: []byte{asn1.TagBitString, 1, 0}}}
}

// asAuthority makes a certificate that is good for handshakes a CA's.
func asAuthority(c *x509.Certificate) {
	c.IsCA, c.BasicConstraintsValid, c.KeyUsage = true, true, x509.KeyUsageDigitalSignature|x509.KeyUsageCertSign
}

func pemOf(list ...any) []byte {
	var out bytes.Buffer
	for _, item := range list {
		switch item := item.(type) {
		case *x509.Certificate:
			pem.Encode(&out, &pem.Block{Type: "CERTIFICATE", Bytes: item.Raw})
		case crypto.Signer:
			der, _ := x509.MarshalPKCS8PrivateKey(item)
			pem.Encode(&out, &pem.Block{Type: "PRIVATE KEY", Bytes: der})
		}
	}
	return out.Bytes()
}

func pair(c *x509.Certificate, k crypto.Signer) tls.Certificate {
	return tls.Certificate{Certificate: [][]byte{c.Raw}, PrivateKey: k, Leaf: c}
}

func testKey(t testing.TB) *Key {
	t.Helper()
	k, err := OpenKey(filepath.Join(t.TempDir(), "key"), "", false)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// snapshotOf is the default configuration of one node, with its certificate, trusted CAs and peer subjects.
func snapshotOf(t testing.TB, k *Key, ca authority, node string, subjects ...string) federation.Snapshot {
	t.Helper()
	s := federation.Snapshot{Configuration: federation.DefaultConfiguration()}
	s.Nodes = []federation.Node{{Name: "imp1.synergy.com", Address: "127.0.0.11"}, {Name: "imp2.synergy.com", Address: "127.0.0.12"}}
	s.TLSContext(federation.PeerAuthContext).PeerSubjects = subjects
	leaf, private := ca.issue(t, node)
	own, err := ImportOwn(k, node, now, pemOf(leaf, private), nil)
	if err != nil {
		t.Fatal(err)
	}
	trust, err := ImportTrust(now, pemOf(ca.certificate))
	if err != nil {
		t.Fatal(err)
	}
	s.Certificates = append(trust, own)
	return s
}

// shake runs one handshake over the loopback from the given address and reads one octet, because with TLS 1.3 a client
// learns of a refusal only there.
func shake(t testing.TB, from string, client, server *tls.Config) (state tls.ConnectionState, clientErr, serverErr error) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	done := make(chan error, 1)
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			done <- err
			return
		}
		defer conn.Close()
		tlsConn := tls.Server(conn, server)
		tlsConn.SetDeadline(time.Now().Add(5 * time.Second))
		if err := tlsConn.Handshake(); err != nil {
			done <- err
			return
		}
		state = tlsConn.ConnectionState()
		_, err = tlsConn.Write([]byte("."))
		done <- err
	}()
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}, Timeout: 5 * time.Second}
	raw, err := dialer.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	raw.SetDeadline(time.Now().Add(5 * time.Second))
	_, clientErr = tls.Client(raw, client).Read(make([]byte, 1))
	raw.Close()
	serverErr = <-done
	return state, clientErr, serverErr
}
