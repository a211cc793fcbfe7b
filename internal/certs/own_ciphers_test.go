package certs

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"strings"
	"testing"
	"time"

	"isthmus/internal/federation"
)

// rsaOnly is a configuration whose listener for TLS offers ciphers for RSA keys alone.
func rsaOnly(list []federation.Certificate) federation.Snapshot {
	s := federation.Snapshot{Configuration: federation.DefaultConfiguration(), Certificates: list}
	for i := range s.TLSContexts {
		if s.TLSContexts[i].Name == federation.PeerAuthContext {
			s.TLSContexts[i].Ciphers = []string{"TLS_RSA_WITH_AES_128_GCM_SHA256"}
		}
	}
	return s
}

func TestAnECDSAKeyThatNoCipherFitsIsToldBeforeTheHandshakesFail(t *testing.T) {
	k, root := testKey(t), newAuthority(t, "Root")
	trusted := trusts(t, root)
	long, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	curve, private := root.issue(t, node)
	other := root.issueTo(t, long.Public(), node, func(c *x509.Certificate) { c.NotAfter = now.Add(time.Hour) })
	for promise, c := range map[string]struct {
		file  []byte
		s     federation.Snapshot
		warns bool
	}{
		"ECDSA, where ciphers are for RSA alone": {pemOf(curve, private), rsaOnly(trusted), true},
		"ECDSA with the default list":            {pemOf(curve, private), with(trusted), false},
		"RSA":                                    {pemOf(other, long), rsaOnly(trusted), false},
	} {
		i, err := ImportFor(k, node, nil, c.s, now, Upload{File: c.file})
		if err != nil {
			t.Fatalf("%s: %v", promise, err)
		}
		text := strings.Join(i.Warnings, " ")
		if warned := strings.Contains(text, "no cipher is selected in sip-proxy-peer-auth, so every handshake below TLS 1.3 fails"); warned != c.warns || !c.warns && text != "" {
			t.Errorf("%s: %q", promise, text)
		}
	}
}

func TestARequestForAKeyThatNoCipherFitsIsTold(t *testing.T) {
	for kind, warns := range map[string]bool{federation.KeyP256: true, federation.KeyRSA2048: false, "": false} {
		list := RequestWarnings(kind, rsaOnly(nil))
		if warned := len(list) == 1 && strings.Contains(list[0], "sip-proxy-peer-auth"); warned != warns {
			t.Errorf("%q: %q", kind, list)
		}
	}
	if list := RequestWarnings(federation.KeyP256, federation.Snapshot{Configuration: federation.DefaultConfiguration()}); len(list) > 0 {
		t.Errorf("with the default list: %q", list)
	}
}
