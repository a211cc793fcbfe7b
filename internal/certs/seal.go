package certs

import (
	"crypto/cipher"
	"crypto/rand"
	"fmt"

	"golang.org/x/crypto/chacha20poly1305"

	"isthmus/internal/federation"
)

// sealVersion is the first octet of what Seal returns; another algorithm will have another.
const sealVersion = 1

// Seal encrypts and authenticates a secret (XChaCha20-Poly1305, whose nonce is long enough to be random). bind names what
// the secret belongs to, such as a certificate's fingerprint: it opens under that name only, so that a sealed secret
// moved to another row is refused.
func (k *Key) Seal(plain []byte, bind string) []byte {
	aead := k.aead()
	out := make([]byte, 1+aead.NonceSize(), 1+aead.NonceSize()+len(plain)+aead.Overhead())
	out[0] = sealVersion
	rand.Read(out[1:]) // never fails (crypto/rand)
	return aead.Seal(out, out[1:], plain, []byte(bind))
}

// Open decrypts what Seal returned, under the same name.
func (k *Key) Open(sealed []byte, bind string) ([]byte, error) {
	aead := k.aead()
	if len(sealed) < 1+aead.NonceSize() || sealed[0] != sealVersion {
		return nil, federation.Refuse("This secret is not in a form that this version of Isthmus can open; import the certificate and its key again.")
	}
	nonce, text := sealed[1:1+aead.NonceSize()], sealed[1+aead.NonceSize():]
	plain, err := aead.Open(nil, nonce, text, []byte(bind))
	if err != nil {
		return nil, federation.Refuse("This secret was sealed under another key file, or it was altered. Start this node with the cluster's key file, or import the certificate and its key again.")
	}
	return plain, nil
}

func (k *Key) aead() cipher.AEAD {
	aead, err := chacha20poly1305.NewX(k.derive("private keys", chacha20poly1305.KeySize))
	if err != nil {
		panic(fmt.Errorf("make the cipher: %w", err)) // only a wrong key size can fail
	}
	return aead
}
