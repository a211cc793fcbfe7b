package federation

import (
	"slices"
	"strings"
	"testing"
)

const (
	strong  = "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"
	curve   = "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA"
	rsaGCM  = "TLS_RSA_WITH_AES_128_GCM_SHA256"
	rsaCBC  = "TLS_RSA_WITH_AES_128_CBC_SHA"
	rsa3DES = "TLS_RSA_WITH_3DES_EDE_CBC_SHA"
)

func TestWhatIsWeakAboutACipherIsNamed(t *testing.T) {
	for name, want := range map[string]string{
		strong: "", curve: "CBC", rsaGCM: "RSA key exchange", rsaCBC: "RSA key exchange, CBC",
		rsa3DES: "3DES, RSA key exchange, CBC", "TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA": "3DES, CBC",
		"TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256": "",
	} {
		if got := strings.Join(Weaknesses(name), ", "); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

func TestASelectionOfWeakCiphersAloneNamesWhomItRefuses(t *testing.T) {
	for promise, test := range map[string]struct {
		version string
		ciphers []string
		what    string
		refused string
	}{
		"3DES alone":                    {"1.2", []string{rsa3DES}, "3DES", "no longer offers 3DES"},
		"RSA key exchange alone":        {"1.2", []string{rsaGCM, rsaCBC, rsa3DES}, "RSA key exchange", "demands forward secrecy"},
		"CBC alone":                     {"1.0", []string{curve, rsaCBC}, "CBC", "demands AES-GCM or ChaCha20"},
		"each weak in a way of its own": {"1.2", []string{curve, rsaGCM}, "RSA key exchange or CBC", "demands forward secrecy with AES-GCM or ChaCha20"},
		"3DES is CBC, too":              {"1.2", []string{curve, "TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA"}, "CBC", "demands AES-GCM or ChaCha20"},
		"one strong cipher is enough":   {"1.2", []string{strong, rsa3DES}, "", ""},
		"the default list has strong":   {"1.0", nil, "", ""},
		"with TLS 1.3 no list matters":  {"1.3", []string{rsa3DES}, "", ""},
	} {
		c := TLSContext{MinVersion: test.version, Ciphers: test.ciphers}
		what, refused := c.WeakOnly()
		if sentence := c.WeakSentence(); (sentence != "") != (what != "") || !strings.Contains(sentence, refused) {
			t.Errorf("%s: %q", promise, sentence)
		}
		if what != test.what || (refused != "") != (test.refused != "") || !strings.Contains(refused, test.refused) {
			t.Errorf("%s: %q refuses %q", promise, what, refused)
		}
	}
}

func TestWeakContextsAreThoseInUse(t *testing.T) {
	weak := TLSContext{Name: "weak", MinVersion: "1.2", Ciphers: []string{rsa3DES}}
	c := Configuration{TLSContexts: []TLSContext{weak, {Name: PeerAuthContext, MinVersion: "1.2"}}, Listeners: []Listener{{TLSContext: "weak"}}}
	if list := c.WeakContexts(); len(list) > 0 {
		t.Errorf("no listener is on, and %v is found", list)
	}
	c.Listeners[0].Enabled = true
	if list := c.WeakContexts(); !slices.EqualFunc(list, []TLSContext{weak}, func(a, b TLSContext) bool { return a.Name == b.Name }) {
		t.Errorf("found %v", list)
	}
}

func TestACertificateWithAnECDSAKeyNeedsACipherOfItsKind(t *testing.T) {
	const ecdsa = "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA"
	for promise, test := range map[string]struct {
		version string
		ciphers []string
		want    bool
	}{
		"RSA key exchange alone":           {"1.2", []string{rsaGCM}, true},
		"elliptic curves signed with RSA":  {"1.0", []string{strong, rsaGCM}, true},
		"one signed with ECDSA":            {"1.2", []string{ecdsa, rsaGCM}, false},
		"the default list":                 {"1.2", nil, false},
		"with TLS 1.3 no list matters":     {"1.3", []string{rsaGCM}, false},
		"what the guide selects: them all": {"1.2", Ciphers(), false},
	} {
		c := TLSContext{MinVersion: test.version, Ciphers: test.ciphers}
		if got := c.RSAKeysOnly(); got != test.want {
			t.Errorf("%s: %v", promise, got)
		}
	}
}

func TestContextsForRSAKeysCountWhereAListenerUsesThem(t *testing.T) {
	only := TLSContext{Name: "lab", MinVersion: "1.2", Ciphers: []string{rsaGCM}}
	peer := TLSContext{Name: PeerAuthContext, MinVersion: "1.2", Ciphers: []string{rsaGCM}}
	c := Configuration{TLSContexts: []TLSContext{only, peer}, Listeners: []Listener{{TLSContext: "lab"}}}
	if list := c.RSAContexts(); len(list) > 0 { // towards next hops it is the other side's key that counts
		t.Errorf("no listener is on, and %v is found", list)
	}
	c.Listeners[0].Enabled = true
	if list := c.RSAContexts(); !slices.Equal(list, []string{"lab"}) {
		t.Errorf("found %v", list)
	}
}
