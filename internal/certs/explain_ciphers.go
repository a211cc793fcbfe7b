package certs

import (
	"crypto/tls"
	"slices"

	"isthmus/internal/federation"
)

// noCipher says why none of the cipher suites that a client offers could be chosen. Those that a context can have come
// alone: they are what can be done about it here.
func noCipher(offered []uint16, context string) string {
	const other = "; let it offer one whose name begins with TLS_ECDHE_ or TLS_RSA_WITH_AES_ and ends with _GCM_SHA256, _GCM_SHA384 or _CBC_SHA."
	offered = slices.DeleteFunc(offered, outside)
	choices := slices.DeleteFunc(slices.Clone(offered), func(id uint16) bool {
		return !slices.Contains(federation.Ciphers(), tls.CipherSuiteName(id))
	})
	switch {
	case len(offered) == 0:
		return "the peer offers no cipher for TLS 1.2 or older" + other
	case len(choices) == 0:
		return "the peer offers only " + named(offered, suiteName) + ", which Isthmus does not have" + other
	}
	return "the peer offers " + named(choices, suiteName) + ", none of which " + context + " has for the key of this node's certificate; select one there that goes with it."
}

// outside are numbers in a list of ciphers that are none of TLS 1.0 to 1.2: signals to the server (RFC 5746, RFC 7507), and
// the ciphers of TLS 1.3, which are never short.
func outside(id uint16) bool { return id == 0x00ff || id == 0x5600 || id>>8 == 0x13 }

// olderNames are those of suites that crypto/tls does not even name, as old servers and clients offer them (IANA registry).
var olderNames = map[uint16]string{
	0x0013: "TLS_DHE_DSS_WITH_3DES_EDE_CBC_SHA",
	0x0016: "TLS_DHE_RSA_WITH_3DES_EDE_CBC_SHA",
	0x0032: "TLS_DHE_DSS_WITH_AES_128_CBC_SHA",
	0x0033: "TLS_DHE_RSA_WITH_AES_128_CBC_SHA",
	0x0038: "TLS_DHE_DSS_WITH_AES_256_CBC_SHA",
	0x0039: "TLS_DHE_RSA_WITH_AES_256_CBC_SHA",
	0x003d: "TLS_RSA_WITH_AES_256_CBC_SHA256",
	0x0040: "TLS_DHE_DSS_WITH_AES_128_CBC_SHA256",
	0x0067: "TLS_DHE_RSA_WITH_AES_128_CBC_SHA256",
	0x006a: "TLS_DHE_DSS_WITH_AES_256_CBC_SHA256",
	0x006b: "TLS_DHE_RSA_WITH_AES_256_CBC_SHA256",
	0x009e: "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256",
	0x009f: "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384",
	0xc024: "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384",
	0xc028: "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384",
	0xccaa: "TLS_DHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
}

func suiteName(id uint16) string {
	if name := olderNames[id]; name != "" {
		return name
	}
	return tls.CipherSuiteName(id)
}
