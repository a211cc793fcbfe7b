package keyleak

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"math/big"
	"testing"
)

// pkcs8 is a key of an algorithm that Go cannot make (RFC 5958 section 2), with that many octets of parameters.
func pkcs8(version, parameters int, algorithm ...int) []byte {
	return must(asn1.Marshal(struct {
		Version   int
		Algorithm pkix.AlgorithmIdentifier
		Key       []byte
	}{version, pkix.AlgorithmIdentifier{Algorithm: algorithm, Parameters: asn1.RawValue{Tag: asn1.TagSequence, IsCompound: true, Bytes: make([]byte, parameters)}}, make([]byte, 34)}))
}

// pkcs1 is the beginning of an RSA key of any size, also of one that Go refuses to make (RFC 8017 appendix A.1.2).
func pkcs1(bits uint) []byte {
	modulus := new(big.Int).Lsh(big.NewInt(1), bits-1)
	return must(asn1.Marshal(struct {
		Version int
		N       *big.Int
		E       int
		D       *big.Int
	}{0, modulus, 65537, modulus}))
}

func TestEveryKindOfKeyIsFoundInDER(t *testing.T) {
	list := map[string][]byte{
		"RSASSA-PSS": pkcs8(0, 0, 1, 2, 840, 113549, 1, 1, 10), "an elliptic curve": pkcs8(0, 0, 1, 2, 840, 10045, 2, 1),
		"an elliptic curve, written out": pkcs8(0, 220, 1, 2, 840, 10045, 2, 1), "RSA": pkcs8(0, 0, 1, 2, 840, 113549, 1, 1, 1),
		"DSA": pkcs8(0, 800, 1, 2, 840, 10040, 4, 1), "X25519": pkcs8(0, 0, 1, 3, 101, 110), "X448": pkcs8(0, 0, 1, 3, 101, 111), "Ed25519": pkcs8(0, 0, 1, 3, 101, 112),
		"Ed448": pkcs8(0, 0, 1, 3, 101, 113), "a key with its public one": pkcs8(1, 0, 1, 3, 101, 112),
	}
	for _, bits := range []uint{512, 1000, 1024, 2048, 4096} {
		list[fmt.Sprint("RSA alone, bits: ", bits)] = pkcs1(bits)
	}
	for _, curve := range []elliptic.Curve{elliptic.P224(), elliptic.P256(), elliptic.P384(), elliptic.P521()} {
		list[curve.Params().Name+" alone"] = must(x509.MarshalECPrivateKey(must(ecdsa.GenerateKey(curve, rand.Reader))))
	}
	var g Guard
	for kind, der := range list {
		if found := g.Find(der); len(found) != 1 {
			t.Errorf("%s: found %q", kind, found)
		}
	}
}

func TestAFormAtTheBeginningOfATextIsFoundAndElsewhereWhatStandsBeforeItIsTold(t *testing.T) {
	pbes2 := string(must(asn1.Marshal(asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 13})))
	for text, want := range map[string]string{
		"PRIVATE KEY": "a PEM block of a private key", "PuTTY-User-Key-File-3: ssh-rsa": "a key file of PuTTY", pbes2: "an encrypted private key in DER (PKCS #8)",
		"reason: BEGIN PRIVATE KEY":          `a PEM block of a private key after "reason: BEGIN "`,
		"reason: PuTTY-User-Key-File-2: DSA": `a key file of PuTTY after "reason: "`,
	} {
		var g Guard
		if found := g.Find([]byte(text)); len(found) != 1 || found[0] != want {
			t.Errorf("in %q: found %q", text, found)
		}
	}
}

// How Go, JSON, URLs, HTML and Postgres write what does not print.
func TestEscapesAreUndone(t *testing.T) {
	for text, want := range map[string]string{
		`a\nb\rc\td`: "a\nb\rc\td", `\"\\\/\'`: `"\/'`, `\x41\xff`: "A\xff", `\u0041\u00fF\u20ac`: "A\xff€", `\000\101\377`: "\x00A\xff", "a%20b%2B": "a b+",
		"&amp;&quot;&lt;&gt;": `&"<>`, "&#65;&#x41;&#X42;&#8364;": "AAB€", "a&#x2B;b": "a+b",
		`100% of \q & &; &#; &; &nbsp; \400 \x4 %4 \`: "",
	} {
		if got := string(unescaped([]byte(text))); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}
