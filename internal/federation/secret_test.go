package federation

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"strings"
	"testing"
)

func TestAPrivateKeyIsKnownInATextWithAndWithoutItsLines(t *testing.T) {
	big, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	seed := ed25519.NewKeyFromSeed(make([]byte, 32))
	ders := map[string][]byte{"PKCS #1": x509.MarshalPKCS1PrivateKey(big)}
	ders["SEC 1"], _ = x509.MarshalECPrivateKey(curve)
	ders["PKCS #8 RSA"], _ = x509.MarshalPKCS8PrivateKey(big)
	ders["PKCS #8 P-256"], _ = x509.MarshalPKCS8PrivateKey(curve)
	ders["PKCS #8 Ed25519"], _ = x509.MarshalPKCS8PrivateKey(seed)
	for form, der := range ders {
		text := base64.StdEncoding.EncodeToString(der)
		block := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
		for way, text := range map[string]string{
			"PEM": block, "on one line": strings.Join(strings.Fields(block), " "), "without its lines": text, "cut off": "the key: " + text[:40],
			"of a URL": base64.RawURLEncoding.EncodeToString(der), "after a slash": "key/" + text, "after a dash": "the-key-" + text,
			"after an underscore": "KEY_" + text, "after a plus": "+" + text, "below other names": "a/Many-M/" + text, "in lines": "key=\n" + text[:32] + "\n" + text[32:],
		} {
			if !HoldsPrivateKey(text) || CheckNoKey(text) == nil {
				t.Errorf("%s, %s: not known: %s", form, way, text)
			}
		}
	}
}

func TestWhatIsNoPrivateKeyMayBeWritten(t *testing.T) {
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	public, _ := x509.MarshalPKIXPublicKey(curve.Public())
	request, _ := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, curve)
	for _, text := range []string{
		"", "Main front end, with the private key of 2024", "MAINMAINMAINMAINMAINMAINMAIN", "MIIMIIMIIMIIMIIMIIMIIMIIMII", "M", strings.Repeat("M", 24),
		base64.StdEncoding.EncodeToString(public), base64.StdEncoding.EncodeToString(request), strings.Repeat("MIM_", 6), "/static-routes/MoreThanTwentyFourLetters",
	} {
		if HoldsPrivateKey(text) || CheckNoKey(text) != nil {
			t.Errorf("taken for a key: %q", text)
		}
	}
}

func TestNoTextOfTheConfigurationMayHoldAPrivateKey(t *testing.T) {
	const key = "-----BEGIN PRIVATE KEY----- MC4CAQAwBQYDK2VwBCIEIA"
	for name, problems := range map[string][]Problem{
		"acl": (&ACLEntry{Pattern: "all", Description: key}).Problems(), "certificate": (&Certificate{Description: key}).Problems(),
		"peer subject": (&TLSPeerSubject{Name: "fe1.synergy.com", Description: key}).Problems(),
	} {
		if len(problems) != 1 || problems[0].Path != "description" || !strings.Contains(problems[0].Text, "private key stands here") {
			t.Errorf("%s: %v", name, problems)
		}
	}
	if problems := (&Certificate{Description: "of the old CA"}).Problems(); problems != nil {
		t.Errorf("a plain description: %v", problems)
	}
}
