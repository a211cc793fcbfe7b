package certs

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"testing"

	"isthmus/internal/federation"
)

// unbegun is a refusal that says its reason itself.
type unbegun struct{}

func (unbegun) Error() string                    { return "refused" }
func (unbegun) Refusal() (reason, detail string) { return "too many of them", "list the address." }

func TestEveryFailedHandshakeIsExplainedInASentence(t *testing.T) {
	nowhere := net.TCPAddrFromAddrPort(netip.MustParseAddrPort("127.0.0.1:1"))
	alert := func(text string) error {
		return fmt.Errorf("x: %w", &net.OpError{Op: "remote error", Err: errors.New("tls: " + text)})
	}
	for _, c := range []struct {
		err     error
		inbound bool
		reason  string
		says    string
	}{
		{errors.New("tls: client didn't provide a certificate"), true, ReasonNone, "has to show a certificate"},
		{errors.New("tls: client offered only unsupported versions: [302 301]"), true, ReasonNothing, "the peer offers TLS 1.1, TLS 1.0 only"},
		{errors.New("tls: client offered only unsupported versions: [303 2a2a]"), true, ReasonNothing, "the peer offers TLS 1.2 only; let"},
		{errors.New("tls: client offered only unsupported versions: []"), true, ReasonNothing, "the peer offers nothing only"},
		{errors.New("tls: no cipher suite supported by both client and server; client offered: [c02f a b c d e f 10]"), true, ReasonNothing, "the peer offers TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, TLS_RSA_WITH_3DES_EDE_CBC_SHA, none of which the TLS context sip-proxy-peer-auth has for the key of this node's certificate; select"},
		{errors.New("tls: no cipher suite supported by both client and server; client offered: [c02b c02c c02f c030 9c 9d 2f 35]"), true, ReasonNothing, ", TLS_RSA_WITH_AES_256_GCM_SHA384 and 2 more, none of"},
		{errors.New("tls: no cipher suite supported by both client and server; client offered: [9e ff 1a2a]"), true, ReasonNothing, "the peer offers only TLS_DHE_RSA_WITH_AES_128_GCM_SHA256, 0x1A2A, which Isthmus does not have; let it offer one whose name begins with TLS_ECDHE_ or TLS_RSA_WITH_AES_ and ends with _GCM_SHA256, _GCM_SHA384 or _CBC_SHA."},
		{errors.New("tls: no cipher suite supported by both client and server; client offered: [c02b c02c c02f c030 9c 9d]"), true, ReasonNothing, ", TLS_RSA_WITH_AES_256_GCM_SHA384, none of"},
		{errors.New("tls: no cipher suite supported by both client and server; client offered: [9f 5 ff 39 33 9e]"), true, ReasonNothing, "the peer offers only TLS_DHE_RSA_WITH_AES_256_GCM_SHA384, TLS_RSA_WITH_RC4_128_SHA, TLS_DHE_RSA_WITH_AES_256_CBC_SHA, TLS_DHE_RSA_WITH_AES_128_CBC_SHA, TLS_DHE_RSA_WITH_AES_128_GCM_SHA256, which Isthmus does not have"},
		{errors.New("tls: no cipher suite supported by both client and server; client offered: [1301 2a2a 9e b35 35 5600 ff]"), true, ReasonNothing, "the peer offers TLS_RSA_WITH_AES_256_CBC_SHA, none of which"},
		{errors.New("tls: no cipher suite supported by both client and server; client offered: [ff 1301 5600 fafa]"), true, ReasonNothing, "the peer offers no cipher for TLS 1.2 or older; let it offer one whose"},
		{errors.New("tls: no cipher suite supported by both client and server; client offered: [nonsense]"), true, ReasonNothing, "the peer offers no cipher"},
		{errors.New("tls: server selected unsupported protocol version 301"), false, ReasonNothing, "answers with TLS 1.0; let it use a newer version, or allow an older one in the TLS context sip-proxy-peer-auth if"},
		{alert("protocol version not supported"), false, ReasonNothing, "none of the TLS versions"},
		{alert("handshake failure"), false, ReasonNothing, "compare its versions and ciphers with those of the context. A server that has only ciphers with DHE needs one with ECDHE or RSA."},
		{alert("unknown certificate authority"), false, ReasonRefusedOurs, "import that CA there"},
		{alert("expired certificate"), false, ReasonRefusedOurs, "renew it"},
		{alert("bad certificate"), true, ReasonRefusedOurs, "refused this node's certificate (bad certificate); see there"},
		{alert("unsupported certificate"), true, ReasonRefusedOurs, "refused this node's certificate (unsupported certificate)"},
		{alert("unknown certificate"), true, ReasonRefusedOurs, "refused this node's certificate (unknown certificate)"},
		{alert("revoked certificate"), true, ReasonRefusedOurs, "refused this node's certificate (revoked certificate)"},
		{alert("access denied"), true, ReasonRefusedOurs, "refused this node's certificate (access denied)"},
		{alert("unrecognized name"), false, ReasonNone, "has to show a certificate"},
		{alert("certificate required"), false, ReasonRefusedOurs, "demands a certificate"},
		{alert("alert(200)"), false, ReasonRefusedOurs, "(alert(200))"},
		{tls.RecordHeaderError{Msg: "first record does not look like a TLS handshake"}, true, ReasonHandshake, "the port of a TCP listener"},
		{tls.RecordHeaderError{Msg: "first record does not look like a TLS handshake"}, false, ReasonHandshake, "the port or the transport here"},
		{fmt.Errorf("not completed within 5s: %w", os.ErrDeadlineExceeded), true, ReasonSlow, "in time"},
		{errors.New("tls: failed to parse client certificate: x509: invalid RDNSequence: invalid attribute value: asn1: string not valid UTF-8"), true, ReasonUnreadable, "the peer's certificate breaks the rules for certificates (invalid RDNSequence: invalid attribute value: asn1: string not valid UTF-8); have it reissued."},
		{errors.New("tls: failed to parse certificate from server: x509: malformed tbs certificate"), false, ReasonUnreadable, "the peer's certificate breaks the rules for certificates (malformed tbs certificate); have it reissued."},
		{errors.New("tls: handshake message of length 262200 bytes exceeds maximum of 262144 bytes"), true, ReasonHandshake, "the peer sends a message of 262200 bytes in the handshake, and 262144 are taken at most; let it show its own certificate and the CAs above it alone."},
		{fmt.Errorf("x: %w", io.ErrUnexpectedEOF), true, ReasonHandshake, "the peer closed the connection in the middle of the handshake; its own log may tell why."},
		{errors.New("tls: invalid signature by the client certificate: crypto/rsa: verification error"), true, ReasonUnreadable, "the peer does not prove that it has the key of the certificate that it shows; give it the key that belongs to that certificate."},
		{errors.New("tls: invalid signature by the server certificate: ECDSA verification failure"), false, ReasonUnreadable, "the peer does not prove"},
		{&net.OpError{Op: "local error", Err: errors.New("tls: bad record MAC")}, true, ReasonHandshake, "the peer broke the rules of TLS (bad record MAC); update the software there, or see whether something on the way changes what it sends."},
		{errors.New("tls: client sent an invalid curve"), true, ReasonHandshake, "the peer broke the rules of TLS (client sent an invalid curve); update"},
		{io.EOF, true, ReasonHandshake, "without saying why"},
		{&net.OpError{Op: "read", Err: syscall.ECONNRESET}, false, ReasonHandshake, "without saying why"},
		{&net.OpError{Op: "write", Err: syscall.EPIPE}, false, ReasonHandshake, "without saying why"},
		{&net.OpError{Op: "read", Net: "tcp", Source: nowhere, Addr: nowhere, Err: errors.New("the cable is out")}, false, ReasonHandshake, "it ended with: the cable is out."},
		{&net.OpError{Op: "read", Net: "tcp", Source: nowhere, Addr: nowhere, Err: os.NewSyscallError("read", syscall.EHOSTUNREACH)}, false, ReasonHandshake, "it ended with: no route to host."},
		{errors.New(strings.Repeat("x", 64<<10)), true, ReasonHandshake, "xxx..."},
		{fmt.Errorf("x: %w", unbegun{}), true, "too many of them", "list the address"},
	} {
		e := Explain(c.err, c.inbound, federation.PeerAuthContext)
		if e.Reason != c.reason || !strings.Contains(e.Detail, c.says) || !strings.HasSuffix(e.Detail, ".") || len(e.Detail) > 500 || e.Subject != "" {
			t.Errorf("%.80v: %+v, want the reason %s and %q", c.err, e, c.reason, c.says)
		}
	}
}

// crypto/tls has no typed errors for what Explain reads; this holds its words.
func TestTheOffersOfRealHandshakesAreNamed(t *testing.T) {
	k, ca := testKey(t), newAuthority(t, "Root")
	configs := Compile(snapshotOf(t, k, ca, node, peer), node, k, clock)
	server, _, _ := configs.Listener(federation.PeerAuthContext)
	client, _, _ := configs.Hop()
	shown := []tls.Certificate{pair(ca.issue(t, peer))}
	_, _, old := shake(t, "127.0.0.1", &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11, Certificates: shown}, server)
	_, _, weak := shake(t, "127.0.0.1", &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_RSA_WITH_RC4_128_SHA}, Certificates: shown}, server)
	_, oldHop, _ := shake(t, "127.0.0.1", client, &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11, Certificates: shown})
	_, distrusts, _ := shake(t, "127.0.0.1", client, &tls.Config{MaxVersion: tls.VersionTLS12, Certificates: shown, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: x509.NewCertPool(), Time: clock})
	for _, c := range []struct {
		err     error
		inbound bool
		says    string
	}{
		{old, true, "the peer offers TLS 1.1, TLS 1.0 only"},
		{weak, true, "the peer offers only TLS_RSA_WITH_RC4_128_SHA, which Isthmus does not have; let it"},
		{oldHop, false, "none of the TLS versions"},
		{distrusts, false, "does not trust the CA of this node's certificate"},
	} {
		if e := Explain(c.err, c.inbound, federation.PeerAuthContext); !strings.Contains(e.Detail, c.says) {
			t.Errorf("%v is explained as %q, want %q", c.err, e.Detail, c.says)
		}
	}
}

// What a refusal says goes into the log, Warning headers and status rows.
func TestAStrangersCertificateMakesNoLongSentence(t *testing.T) {
	k, ca, other := testKey(t), newAuthority(t, "Root"), newAuthority(t, strings.Repeat("R\n", 20000))
	configs := Compile(snapshotOf(t, k, ca, node, peer), node, k, clock)
	long := strings.Repeat("x", 60<<10)
	many := func(c *x509.Certificate) {
		c.Subject = pkix.Name{}
		for range 2000 {
			c.Subject.ExtraNames = append(c.Subject.ExtraNames, pkix.AttributeTypeAndValue{Type: oidCommonName, Value: "a.example.com"})
		}
	}
	unlisted, _ := ca.issue(t, long)
	crowded, _ := ca.issue(t, "", many)
	control, _ := ca.issue(t, "\u202e\x1b[31m"+long)
	nobody, _ := ca.issue(t, "", func(c *x509.Certificate) { c.Subject = pkix.Name{Organization: []string{long}} })
	foreign, _ := other.issue(t, long)
	expired, _ := ca.issue(t, long, valid(-2e12, -1e12))
	for promise, leaf := range map[string]*x509.Certificate{"not listed": unlisted, "2000 names": crowded, "control characters": control,
		"no name": nobody, "another CA": foreign, "expired": expired} {
		for _, err := range []error{
			recheck(configs, federation.PeerAuthContext, netip.MustParseAddr("127.0.0.1"), []*x509.Certificate{leaf}),
			recheckHop(configs, []*x509.Certificate{leaf}), recheckNode(configs, node, []*x509.Certificate{leaf}),
		} {
			if err == nil || len(err.Error()) > 1200 || strings.ContainsAny(err.Error(), "\n\x1b\u202e") || !strings.HasSuffix(err.Error(), ".") {
				t.Errorf("%s: %.300v", promise, err)
			}
		}
	}
}
