package federation

import (
	"crypto/tls"
	"fmt"
	"slices"
	"strings"
)

// Ciphers are the cipher suites that can be chosen, by IANA name, for TLS 1.0 to 1.2; those of TLS 1.3 are fixed.
func Ciphers() []string {
	var names []string
	for _, s := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		if slices.Contains(s.SupportedVersions, uint16(tls.VersionTLS12)) && !strings.Contains(s.Name, "RC4") {
			names = append(names, s.Name)
		}
	}
	return names
}

// EllipticCurve reports whether a cipher suite exchanges keys over an elliptic curve, which Lync does not.
func EllipticCurve(cipher string) bool { return strings.HasPrefix(cipher, "TLS_ECDHE_") }

func checkCipher(name string) error {
	if !slices.Contains(Ciphers(), name) {
		return fmt.Errorf("%q is no cipher suite that can be offered; use an IANA name such as TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256.", name)
	}
	return nil
}

// What is weak about a cipher suite by today's measure, and still needed for old servers.
const (
	TripleDES   = "3DES"             // blocks of 64 bits (CVE-2016-2183)
	RSAExchange = "RSA key exchange" // no forward secrecy: who gets the key one day reads what was recorded
	CBC         = "CBC"              // authenticated before it is encrypted (RFC 7457 section 2.3)
)

// Weaknesses are what is weak about a cipher suite, worst first; none: it is strong.
func Weaknesses(cipher string) []string {
	var list []string
	if strings.Contains(cipher, "_3DES_") {
		list = append(list, TripleDES)
	}
	if !EllipticCurve(cipher) {
		list = append(list, RSAExchange)
	}
	if strings.Contains(cipher, "_CBC_") {
		list = append(list, CBC)
	}
	return list
}

// WeakOnly says what is weak about everything that is selected, and of the peers without TLS 1.3, whose ciphers are fixed,
// who is refused for that: "who ...". Both are "" when one cipher is strong, and when the list is empty or has no effect.
func (c *TLSContext) WeakOnly() (what, refused string) {
	strong := func(cipher string) bool { return len(Weaknesses(cipher)) == 0 }
	if c.MinVersion == "1.3" || len(c.Ciphers) == 0 || slices.ContainsFunc(c.Ciphers, strong) {
		return "", ""
	}
	for _, w := range []struct{ what, refused string }{
		{TripleDES, "who no longer offers 3DES"},
		{RSAExchange, "who demands forward secrecy"},
		{CBC, "who demands AES-GCM or ChaCha20"},
	} {
		if !slices.ContainsFunc(c.Ciphers, func(cipher string) bool { return !slices.Contains(Weaknesses(cipher), w.what) }) {
			return w.what, w.refused
		}
	}
	return RSAExchange + " or " + CBC, "who demands forward secrecy with AES-GCM or ChaCha20"
}

// RSAKeysOnly reports whether no selected cipher fits a certificate with an ECDSA key (RFC 8422 section 2): a listener that
// shows one completes no handshake below TLS 1.3 then. The default list fits both kinds of key.
func (c *TLSContext) RSAKeysOnly() bool {
	forECDSA := func(cipher string) bool { return strings.HasPrefix(cipher, "TLS_ECDHE_ECDSA_") }
	return c.MinVersion != "1.3" && len(c.Ciphers) > 0 && !slices.ContainsFunc(c.Ciphers, forECDSA)
}

// ECDSACiphers is the way out for a listener that shows a certificate with an ECDSA key.
const ECDSACiphers = "Have a certificate with an RSA key issued, as Lync needs it, or select a cipher whose name begins with TLS_ECDHE_ECDSA_."

// StrongerCiphers is the way out of a selection of weak ciphers alone.
const StrongerCiphers = "Select ciphers with ECDHE and GCM as well, or none for the default list, which old servers can use, too."

// WeakSentence is WeakOnly as a sentence, "" for "".
func (c *TLSContext) WeakSentence() string {
	what, refused := c.WeakOnly()
	if what == "" {
		return ""
	}
	return fmt.Sprintf("%s offers nothing but ciphers with %s, so a peer is refused %s and has no TLS 1.3.", c.Name, what, refused)
}
