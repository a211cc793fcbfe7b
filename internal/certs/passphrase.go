package certs

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/asn1"
	"encoding/pem"
	"hash"
	"strings"

	"isthmus/internal/federation"
)

// maxIterations bounds what the header of an encrypted key can make this machine compute: some seconds. openssl uses
// 2,048, and current advice lies below a million.
const maxIterations = 5_000_000

const (
	protectedKey  = "This private key is protected by a passphrase; enter it, or decrypt the key first, for example with openssl pkey -in KEY -out PLAIN."
	otherForm     = "This private key is protected by a passphrase in a form that is not read here; decrypt it first with openssl pkey -in KEY -out PLAIN."
	wrongPhrase   = "The passphrase does not open this private key; enter the one that it was exported with."
	missingPhrase = "This private key is protected; enter the passphrase that it was exported with."
)

// Decrypt opens the encrypted private key of a file in PEM form (PKCS #8 with PBES2, RFC 8018) and returns the file with
// the plain key in its place, ready for ImportOwn. A file without one comes back as it is. The result is a secret. The
// error is federation.Invalid, under "passphrase" when that does not open the key, else under field.
func Decrypt(field string, file []byte, passphrase string) ([]byte, error) {
	if len(file) > MaxUpload || !isEncrypted(file) {
		return file, nil // what is wrong with it, its import says
	}
	blocks, problem := pemBlocks(file)
	if problem != "" {
		return nil, federation.Invalid{{Path: field, Text: problem}}
	}
	var out bytes.Buffer
	keys := 0
	for _, block := range blocks {
		if block.Headers["DEK-Info"] != "" {
			return nil, invalid(field, otherForm)
		}
		if block.Type == "ENCRYPTED PRIVATE KEY" {
			if keys++; keys > 1 {
				return nil, invalid(field, tooManyKeys)
			}
			plain, err := decrypted(field, block.Bytes, passphrase)
			if err != nil {
				return nil, err
			}
			block = &pem.Block{Type: "PRIVATE KEY", Bytes: plain}
		}
		_ = pem.Encode(&out, block) // writing to memory does not fail
	}
	return out.Bytes(), nil
}

func isEncrypted(file []byte) bool {
	file = plainText(file)
	return bytes.Contains(file, []byte("-----BEGIN ENCRYPTED PRIVATE KEY-----")) || bytes.Contains(file, []byte("\nDEK-Info:"))
}

// isSealedKey reports whether a file is an encrypted private key in DER, whose passphrase is not asked for here. The schemes
// are those of PKCS #5 and PKCS #12 (RFC 8018 appendix A, RFC 7292 appendix C).
func isSealedKey(file []byte) bool {
	var sealed encryptedKey
	if !whole(file, &sealed) {
		return false
	}
	scheme := sealed.Algorithm.Algorithm.String() + "."
	return strings.HasPrefix(scheme, "1.2.840.113549.1.5.") || strings.HasPrefix(scheme, "1.2.840.113549.1.12.")
}

// The structures of RFC 5958 section 3 and RFC 8018 appendix A.
type (
	algorithm struct {
		Algorithm  asn1.ObjectIdentifier
		Parameters asn1.RawValue `asn1:"optional"`
	}
	encryptedKey struct {
		Algorithm algorithm
		Sealed    []byte
	}
	plainKey struct {
		Version   int
		Algorithm algorithm
		Key       []byte
	}
	pbes2Parameters struct{ KDF, Cipher algorithm }

	pbkdf2Parameters struct {
		Salt       []byte
		Iterations int
		KeyLength  int       `asn1:"optional"`
		PRF        algorithm `asn1:"optional"`
	}
)

var (
	oidPBES2  = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 13}
	oidPBKDF2 = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 12}
)

// pseudorandom are the functions of RFC 8018 appendix B.1; the first is what a missing name means.
var pseudorandom = map[string]func() hash.Hash{
	"":                    sha1.New,
	"1.2.840.113549.2.7":  sha1.New,
	"1.2.840.113549.2.9":  sha256.New,
	"1.2.840.113549.2.10": sha512.New384,
	"1.2.840.113549.2.11": sha512.New,
}

// aesKey is the size in octets of the key for AES in CBC mode (RFC 8018 appendix B.2.5).
var aesKey = map[string]int{"2.16.840.1.101.3.4.1.2": 16, "2.16.840.1.101.3.4.1.22": 24, "2.16.840.1.101.3.4.1.42": 32}

// decrypted is the PKCS #8 form of a key.
func decrypted(field string, der []byte, passphrase string) ([]byte, error) {
	var sealed encryptedKey
	var scheme pbes2Parameters
	var derive pbkdf2Parameters
	var iv []byte
	read := len(der) <= maxKeyOctets && whole(der, &sealed) && sealed.Algorithm.Algorithm.Equal(oidPBES2) &&
		whole(sealed.Algorithm.Parameters.FullBytes, &scheme) && scheme.KDF.Algorithm.Equal(oidPBKDF2) &&
		whole(scheme.KDF.Parameters.FullBytes, &derive) && whole(scheme.Cipher.Parameters.FullBytes, &iv)
	size, random := aesKey[scheme.Cipher.Algorithm.String()], pseudorandom[derive.PRF.Algorithm.String()]
	if !read || size == 0 || random == nil || derive.Iterations < 1 || derive.Iterations > maxIterations ||
		len(iv) != aes.BlockSize || len(sealed.Sealed) == 0 || len(sealed.Sealed)%aes.BlockSize != 0 {
		return nil, invalid(field, otherForm)
	}
	if passphrase == "" {
		return nil, invalid("passphrase", missingPhrase)
	}
	key, err := pbkdf2.Key(random, passphrase, derive.Salt, derive.Iterations, size)
	if err != nil {
		return nil, invalid(field, otherForm)
	}
	return unpadded(key, iv, sealed.Sealed)
}

// whole reads a structure that has nothing behind it.
func whole(der []byte, into any) bool {
	rest, err := asn1.Unmarshal(der, into)
	return err == nil && len(rest) == 0
}

// unpadded decrypts in place. Nothing authenticates the form, so that the key itself has to show that the passphrase was
// right.
func unpadded(key, iv, text []byte) ([]byte, error) {
	wrong := federation.Invalid{{Path: "passphrase", Text: wrongPhrase}}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(text, text)
	pad := int(text[len(text)-1])
	if pad < 1 || pad > aes.BlockSize || !bytes.Equal(text[len(text)-pad:], bytes.Repeat([]byte{byte(pad)}, pad)) {
		return nil, wrong
	}
	plain := text[:len(text)-pad]
	if !whole(plain, new(plainKey)) {
		return nil, wrong
	}
	return plain, nil
}
