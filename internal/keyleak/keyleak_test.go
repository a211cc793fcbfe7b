package keyleak

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"html"
	"math/big"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// Keys as the product makes them and as people bring them.
var (
	rsaKey   = must(rsa.GenerateKey(rand.Reader, 2048))
	ecKey    = must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	seed     = ed25519.NewKeyFromSeed([]byte(rand.Text()[:26] + "012345"))
	everyKey = map[string]crypto.PrivateKey{"RSA": rsaKey, "P-256": ecKey, "Ed25519": seed}
)

// ders are the forms of all keys in DER.
func ders() map[string][]byte {
	list := map[string][]byte{"PKCS #1": x509.MarshalPKCS1PrivateKey(rsaKey), "SEC 1": must(x509.MarshalECPrivateKey(ecKey))}
	for name, key := range everyKey {
		list["PKCS #8 "+name] = must(x509.MarshalPKCS8PrivateKey(key))
	}
	return list
}

func wrapped(text string, width int, end string) string {
	var lines strings.Builder
	for ; len(text) > width; text = text[width:] {
		lines.WriteString(text[:width] + end)
	}
	return lines.String() + text
}

// ways are how octets come out of a program.
var ways = map[string]func([]byte) string{
	"raw":                    func(b []byte) string { return string(b) },
	"base64":                 base64.StdEncoding.EncodeToString,
	"base64 of URLs":         base64.RawURLEncoding.EncodeToString,
	"base64 in lines of 64":  func(b []byte) string { return wrapped(base64.StdEncoding.EncodeToString(b), 64, "\n") },
	"base64 in lines of 10":  func(b []byte) string { return wrapped(base64.StdEncoding.EncodeToString(b), 10, "\r\n\t") },
	"base64 in a form":       func(b []byte) string { return url.QueryEscape(base64.StdEncoding.EncodeToString(b)) },
	"base64 after a word":    func(b []byte) string { return "/words" + base64.StdEncoding.EncodeToString(b) },
	"hexadecimal":            hex.EncodeToString,
	"hexadecimal, shifted":   func(b []byte) string { return "a" + strings.ToUpper(hex.EncodeToString(b)) },
	"hexadecimal of openssl": func(b []byte) string { return wrapped(fmt.Sprintf("% x", b), 45, "\n    ") },
	"with colons":            func(b []byte) string { return strings.ReplaceAll(fmt.Sprintf("% x", b), " ", ":") },
	"bytea":                  func(b []byte) string { return `\x` + hex.EncodeToString(b) },
	"Go's %v":                func(b []byte) string { return fmt.Sprint(b) },
	"Go's %#v":               func(b []byte) string { return fmt.Sprintf("%#v", b) },
	"Go's %q":                func(b []byte) string { return fmt.Sprintf("%q", b) },
	"JSON":                   func(b []byte) string { return string(must(json.Marshal(map[string][]byte{"key": b}))) },
	"bytea of JSON of bytea": func(b []byte) string {
		return `\x` + hex.EncodeToString(must(json.Marshal(map[string]string{"key": `\x` + hex.EncodeToString(b)})))
	},
}

func TestAKeyIsFoundInEveryFormAndEncodingThoughNobodyKnowsIt(t *testing.T) {
	var g Guard
	for form, der := range ders() {
		for way, encode := range ways {
			for what, text := range map[string]string{
				"whole":   `<p title="a">` + encode(der) + "</p>",
				"cut off": `key=` + encode(der)[:len(encode(der))*3/5],
			} {
				if g.Find([]byte(text)) == nil {
					t.Errorf("%s, %s, %s: not found in %.200q", form, way, what, text)
				}
			}
		}
	}
}

func TestAPEMBlockIsFoundByItsLabelHoweverItIsWritten(t *testing.T) {
	var g Guard
	for _, label := range []string{"PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "ENCRYPTED PRIVATE KEY", "OPENSSH PRIVATE KEY", "ANY PRIVATE KEY"} {
		block := string(pem.EncodeToMemory(&pem.Block{Type: label, Bytes: []byte("no key at all")}))
		for way, text := range map[string]string{
			"as it is": block, "JSON": fmt.Sprintf("%q", block), "a form": url.QueryEscape(block), "a path": url.PathEscape(block), "HTML": html.EscapeString(block),
			"one line": strings.Join(strings.Fields(block), ""), "base64": base64.StdEncoding.EncodeToString([]byte(block)), "bytea": hex.EncodeToString([]byte(block)),
			"HTML by number": strings.ReplaceAll(block, " ", "&#x20;"), "JSON by number": strings.ReplaceAll(block, " ", "\\u0020"),
		} {
			if g.Find([]byte(text)) == nil {
				t.Errorf("%s, %s: not found in %q", label, way, text)
			}
		}
	}
}

func TestEverySecretNumberOfAKnownKeyIsFoundByAPartOfIt(t *testing.T) {
	var g Guard
	for name, key := range everyKey {
		g.LearnKey(name, key)
	}
	for name, key := range everyKey {
		for part, number := range numbers(key) {
			texts := map[string]string{"decimal": new(big.Int).SetBytes(number).String(), "%x": new(big.Int).SetBytes(number).Text(16), "a line of base64": base64.RawURLEncoding.EncodeToString(number[8:26])}
			for way, encode := range ways {
				texts[way] = encode(number[:len(number)/2+8])
			}
			for way, text := range texts {
				want := part + " of " + name
				if found := g.Find([]byte("D: " + text + ",")); len(found) != 1 || found[0] != want {
					t.Errorf("%s, %s: found %q in %q", want, way, found, text)
				}
			}
		}
	}
	g.LearnPhrase("the passphrase", "four words of nobody's")
	if found := g.Find([]byte(url.QueryEscape("four words of nobody's"))); len(found) != 1 {
		t.Errorf("of the passphrase is found %q", found)
	}
}

func TestWhatIsLearntFromAFormAndFromAFileIsTheirKeys(t *testing.T) {
	file := pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: must(x509.MarshalECPrivateKey(ecKey))})
	d := new(big.Int).SetBytes(must(ecKey.Bytes())).String()
	for way, text := range map[string]string{"file": "a certificate\n" + string(file), "form": url.Values{"node": {"imp1"}, "key": {string(file)}}.Encode()} {
		var g Guard
		if g.Find([]byte(d)) != nil || g.Learn([]byte(text)) != 1 || g.Find([]byte(d)) == nil {
			t.Errorf("%s: its key is not known afterwards", way)
		}
	}
}

func TestWhatIsNoPrivateKeyIsLeftAlone(t *testing.T) {
	var g Guard
	for name, key := range everyKey {
		g.LearnKey(name, key)
	}
	random := make([]byte, 1<<20)
	rand.Read(random)
	texts := map[string]string{"random": string(random), "prose": "This file holds a private key in PEM form; the PRIVATE_ROOM has a key.", "numbers": fmt.Sprint(make([]int, 2000))}
	for name, key := range map[string]crypto.Signer{"RSA": rsaKey, "P-256": ecKey, "Ed25519": seed} {
		template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "imp1.synergy.com"}, DNSNames: []string{"imp1.synergy.com"}, NotAfter: time.Now().Add(time.Hour)}
		for kind, der := range map[string][]byte{
			"certificate": must(x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)),
			"request":     must(x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{DNSNames: []string{"imp1.synergy.com"}}, key)),
			"public key":  must(x509.MarshalPKIXPublicKey(key.Public())),
		} {
			for way, encode := range ways {
				texts[name+" "+kind+" "+way] = encode(der)
			}
		}
	}
	texts["public RSA key"] = string(x509.MarshalPKCS1PublicKey(&rsaKey.PublicKey))
	texts["modulus"] = rsaKey.N.String() + " " + rsaKey.N.Text(16)
	for name, text := range texts {
		if found := g.Find([]byte(text)); found != nil {
			t.Errorf("in %s is found %q", name, found)
		}
	}
}

// What openssl wrote is found too, also where it is encrypted.
func TestTheKeysOfOpensslAreFound(t *testing.T) {
	text := must(os.ReadFile(filepath.Join("..", "certs", "testdata", "openssl-keys.pem")))
	var g Guard
	count := 0
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if !strings.Contains(block.Type, "PRIVATE KEY") {
			continue
		}
		if count++; block.Headers["DEK-Info"] == "" && g.Find([]byte(base64.StdEncoding.EncodeToString(block.Bytes))) == nil {
			t.Errorf("%s is not found without its label", block.Type)
		}
	}
	if count < 3 {
		t.Errorf("the file holds %d keys", count)
	}
}
