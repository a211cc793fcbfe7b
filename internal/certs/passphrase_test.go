package certs

import (
	"bytes"
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha1"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"os"
	"slices"
	"strings"
	"testing"
)

const openSesame = "opensesame" // what the recorded keys were exported with

func recordedKeys(t testing.TB) (blocks [][]byte) {
	t.Helper()
	rest, err := os.ReadFile("testdata/openssl-keys.pem")
	if err != nil {
		t.Fatal(err)
	}
	for b, rest := pem.Decode(rest); b != nil; b, rest = pem.Decode(rest) {
		blocks = append(blocks, pem.EncodeToMemory(b))
	}
	return blocks
}

func TestAKeyOpensWithItsPassPhrase(t *testing.T) {
	k, ca := testKey(t), newAuthority(t, "Root")
	recorded := recordedKeys(t)
	if len(recorded) != 3 {
		t.Fatalf("%d recorded keys", len(recorded))
	}
	var first crypto.PublicKey
	for i, file := range recorded {
		opened, err := Decrypt("key", file, openSesame)
		if err != nil {
			t.Fatalf("key %d: %v", i, err)
		}
		keys, problems := parseKeys(opened)
		if len(problems) > 0 || len(keys) != 1 {
			t.Fatalf("key %d: %v", i, problems)
		}
		public := keys[0].Public().(*ecdsa.PublicKey)
		if first == nil {
			first = public
		}
		if !public.Equal(first) {
			t.Errorf("key %d is another key", i)
		}
		leaf := ca.issueTo(t, public, node)
		if _, err := ImportOwn(k, node, now, pemOf(leaf), opened); err != nil {
			t.Errorf("key %d: %v", i, err)
		}
		beside, err := Decrypt("file", slices.Concat(pemOf(leaf), file, pemOf(ca.certificate)), openSesame)
		if err != nil {
			t.Fatal(err)
		}
		if own, err := ImportOwn(k, node, now, beside, nil); err != nil || len(own.Chain) == 0 {
			t.Errorf("key %d beside its chain: %v", i, err)
		}
	}
}

func TestAWrongPassPhraseIsSaidSoAndNothingElse(t *testing.T) {
	for i, file := range recordedKeys(t) {
		for _, wrong := range []string{"", "opensesam", "opensesame ", "Opensesame"} {
			opened, err := Decrypt("key", file, wrong)
			if err == nil || opened != nil || !strings.HasPrefix(err.Error(), "passphrase: ") || !strings.HasSuffix(err.Error(), ".") {
				t.Errorf("key %d with %q: %v", i, wrong, err)
			}
		}
	}
}

// protected is an encrypted key whose header says what it likes (RFC 8018 appendix A.4).
func protected(t testing.TB, p pbkdf2Parameters, cipher asn1.ObjectIdentifier, iv, sealed []byte) []byte {
	t.Helper()
	marshal := func(v any) []byte {
		out, err := asn1.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	scheme := pbes2Parameters{
		KDF:    algorithm{Algorithm: oidPBKDF2, Parameters: asn1.RawValue{FullBytes: marshal(p)}},
		Cipher: algorithm{Algorithm: cipher, Parameters: asn1.RawValue{FullBytes: marshal(iv)}},
	}
	return block("ENCRYPTED PRIVATE KEY", marshal(encryptedKey{
		Algorithm: algorithm{Algorithm: oidPBES2, Parameters: asn1.RawValue{FullBytes: marshal(scheme)}}, Sealed: sealed,
	}))
}

func TestAnEncryptedKeyThatCannotBeOpenedIsRefusedWithTheWayOut(t *testing.T) {
	good := pbkdf2Parameters{Salt: []byte("12345678"), Iterations: 2048}
	slow := pbkdf2Parameters{Salt: []byte("12345678"), Iterations: 1 << 30}
	never := pbkdf2Parameters{Salt: []byte("12345678"), Iterations: -1}
	prf := pbkdf2Parameters{Salt: []byte("12345678"), Iterations: 1, PRF: algorithm{Algorithm: asn1.ObjectIdentifier{1, 2, 3}}}
	iv, aes := make([]byte, 16), asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 42}
	older := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Headers: map[string]string{"Proc-Type": "4,ENCRYPTED", "DEK-Info": "AES-256-CBC,00"}, Bytes: []byte("x")})
	for promise, c := range map[string]struct {
		file []byte
		want string
	}{
		"nonsense":                    {block("ENCRYPTED PRIVATE KEY", []byte("x")), "openssl pkey"},
		"an older form":               {older, "openssl pkey"},
		"another cipher":              {protected(t, good, asn1.ObjectIdentifier{1, 2, 840, 113549, 3, 7}, iv, iv), "openssl pkey"},
		"another pseudorandom":        {protected(t, prf, aes, iv, iv), "openssl pkey"},
		"a day of iterations":         {protected(t, slow, aes, iv, iv), "openssl pkey"},
		"iterations below none":       {protected(t, never, aes, iv, iv), "openssl pkey"},
		"a short vector":              {protected(t, good, aes, iv[:8], iv), "openssl pkey"},
		"half a block":                {protected(t, good, aes, iv, iv[:8]), "openssl pkey"},
		"nothing under the seal":      {protected(t, good, aes, iv, nil), "openssl pkey"},
		"a block of zeros":            {protected(t, good, aes, iv, iv), "does not open"},
		"more than one key can be":    {protected(t, good, aes, iv, make([]byte, 32<<10)), "openssl pkey"},
		"more than one encrypted key": {bytes.Join(recordedKeys(t), nil), "more than one private key"},
	} {
		opened, err := Decrypt("key", c.file, openSesame)
		if err == nil || opened != nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", promise, err)
		}
	}
}

func TestARightPassPhraseIsNotBlamedForTheKindOfKey(t *testing.T) {
	_, edwards, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := x509.MarshalPKCS8PrivateKey(edwards)
	if err != nil {
		t.Fatal(err)
	}
	p := pbkdf2Parameters{Salt: []byte("12345678"), Iterations: 1}
	key, err := pbkdf2.Key(sha1.New, openSesame, p.Salt, p.Iterations, 16)
	if err != nil {
		t.Fatal(err)
	}
	pad := aes.BlockSize - len(plain)%aes.BlockSize
	sealed := append(plain, bytes.Repeat([]byte{byte(pad)}, pad)...)
	cipherBlock, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	iv := make([]byte, aes.BlockSize)
	cipher.NewCBCEncrypter(cipherBlock, iv).CryptBlocks(sealed, sealed)
	opened, err := Decrypt("key", protected(t, p, asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 2}, iv, sealed), openSesame)
	if err != nil {
		t.Fatal(err)
	}
	if _, problems := parseKeys(opened); !strings.Contains(problems.Error(), "neither RSA nor ECDSA") {
		t.Errorf("%v", problems)
	}
}

func TestAFileWithoutAnEncryptedKeyStaysAsItIs(t *testing.T) {
	leaf, private := newAuthority(t, "Root").issue(t, node)
	for _, file := range [][]byte{pemOf(leaf, private), leaf.Raw, []byte("garbage"), nil, make([]byte, MaxUpload+1)} {
		if got, err := Decrypt("file", file, openSesame); err != nil || !bytes.Equal(got, file) {
			t.Errorf("%d octets became %d, error %v", len(file), len(got), err)
		}
	}
}

func TestAProtectedKeyInDERIsSaidToBeOne(t *testing.T) {
	for _, block := range recordedKeys(t) {
		file := derOf(t, block)
		if len(file) == 0 || bytes.Contains(block, []byte("DEK-Info")) {
			continue
		}
		_, err := ImportOwn(testKey(t), node, now, file, nil)
		if err == nil || !strings.Contains(err.Error(), "file: "+otherForm) {
			t.Errorf("as a node's: %v", err)
		}
	}
}
