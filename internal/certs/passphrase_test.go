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
	slow := pbkdf2Parameters{Salt: []byte("12345678"), Iterations: maxIterations + 1}
	never := pbkdf2Parameters{Salt: []byte("12345678"), Iterations: -1}
	prf := pbkdf2Parameters{Salt: []byte("12345678"), Iterations: 1, PRF: algorithm{Algorithm: asn1.ObjectIdentifier{1, 2, 3}}}
	iv, aes := make([]byte, 16), asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 42}
	pbes2, pbes1 := oid(t, oidPBES2...), oid(t, 1, 2, 840, 113549, 1, 5, 10)
	older := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Headers: map[string]string{"Proc-Type": "4,ENCRYPTED", "DEK-Info": "AES-256-CBC,00"}, Bytes: []byte("x")})
	for promise, c := range map[string]struct {
		file []byte
		want string
	}{
		"nonsense":                    {block("ENCRYPTED PRIVATE KEY", []byte("x")), "openssl pkey"},
		"an older form":               {older, "openssl pkey"},
		"another cipher":              {protected(t, good, asn1.ObjectIdentifier{1, 2, 840, 113549, 3, 7}, iv, iv), "openssl pkey"},
		"another pseudorandom":        {protected(t, prf, aes, iv, iv), "openssl pkey"},
		"too many iterations":         {protected(t, slow, aes, iv, iv), "openssl pkey"},
		"iterations below none":       {protected(t, never, aes, iv, iv), "openssl pkey"},
		"a short vector":              {protected(t, good, aes, iv[:8], iv), "openssl pkey"},
		"half a block":                {protected(t, good, aes, iv, iv[:8]), "openssl pkey"},
		"nothing under the seal":      {protected(t, good, aes, iv, nil), "openssl pkey"},
		"a block of zeros":            {protected(t, good, aes, iv, iv), "does not open"},
		"more than one key can be":    {protected(t, good, aes, iv, make([]byte, 32<<10)), "openssl pkey"},
		"more than one encrypted key": {bytes.Join(recordedKeys(t), nil), "more than one private key"},
		"more behind it":              {block("ENCRYPTED PRIVATE KEY", append(derOf(t, protected(t, good, aes, iv, iv)), 0)), "openssl pkey"},
		"another scheme":              {block("ENCRYPTED PRIVATE KEY", bytes.Replace(derOf(t, protected(t, good, aes, iv, iv)), pbes2, pbes1, 1)), "openssl pkey"},
		"no key under the seal":       {sealedKey(t, append(bytes.Repeat([]byte("x"), 15), 1)), "does not open"},
		"no padding":                  {sealedKey(t, keyOfSize(t, 64, 0)), "does not open"},
		"a padding of two kinds":      {sealedKey(t, append(keyOfSize(t, 62, 1), 7, 2)), "does not open"},
	} {
		opened, err := Decrypt("key", c.file, openSesame)
		if err == nil || opened != nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", promise, err)
		}
	}
}

// sealedKey is an encrypted key with these octets under the seal of openSesame, whole blocks of them.
func sealedKey(t testing.TB, padded []byte) []byte {
	t.Helper()
	p := pbkdf2Parameters{Salt: []byte("12345678"), Iterations: 1}
	key, err := pbkdf2.Key(sha1.New, openSesame, p.Salt, p.Iterations, 16)
	if err != nil {
		t.Fatal(err)
	}
	cipherBlock, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	iv, sealed := make([]byte, aes.BlockSize), bytes.Clone(padded)
	cipher.NewCBCEncrypter(cipherBlock, iv).CryptBlocks(sealed, sealed)
	return protected(t, p, asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 2}, iv, sealed)
}

// keyOfSize is a private key's structure of so many octets, up to 129, that ends with last.
func keyOfSize(t testing.TB, size int, last byte) []byte {
	t.Helper()
	of := func(n int) []byte {
		out, err := asn1.Marshal(plainKey{Algorithm: algorithm{Algorithm: oidPBES2}, Key: append(make([]byte, n), last)})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	return of(size - len(of(0)))
}

func TestAKeyWithOneOctetOfPaddingOpens(t *testing.T) {
	if opened, err := Decrypt("key", sealedKey(t, append(keyOfSize(t, 63, 7), 1)), openSesame); err != nil || !bytes.Contains(opened, []byte("-----BEGIN PRIVATE KEY-----")) {
		t.Errorf("%q, %v", opened, err)
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
	pad := aes.BlockSize - len(plain)%aes.BlockSize
	opened, err := Decrypt("key", sealedKey(t, append(plain, bytes.Repeat([]byte{byte(pad)}, pad)...)), openSesame)
	if err != nil {
		t.Fatal(err)
	}
	if _, problems := parseKeys(opened); !strings.Contains(problems.Error(), "neither RSA nor ECDSA") {
		t.Errorf("%v", problems)
	}
}

func TestAFileWithoutAnEncryptedKeyStaysAsItIs(t *testing.T) {
	leaf, private := newAuthority(t, "Root").issue(t, node)
	long := append(bytes.Repeat([]byte("\n"), MaxUpload), recordedKeys(t)[0]...) // its import refuses it
	for _, file := range [][]byte{pemOf(leaf, private), leaf.Raw, []byte("garbage"), nil, long} {
		if got, err := Decrypt("file", file, openSesame); err != nil || !bytes.Equal(got, file) {
			t.Errorf("%d octets became %d, error %v", len(file), len(got), err)
		}
	}
}

func TestAProtectedKeyInDERIsSaidToBeOne(t *testing.T) {
	octets := der(t, asn1.ClassUniversal, asn1.TagOctetString, false, []byte("x"))
	files := [][]byte{sequence(t, sequence(t, oid(t, 1, 2, 840, 113549, 1, 12, 1, 3)), octets)} // PKCS #12's triple DES
	for _, block := range recordedKeys(t) {
		files = append(files, derOf(t, block))
	}
	for _, file := range files {
		_, err := ImportOwn(testKey(t), node, now, file, nil)
		if err == nil || !strings.Contains(err.Error(), "file: "+otherForm) {
			t.Errorf("as a node's: %v", err)
		}
	}
}
