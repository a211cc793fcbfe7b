package certs

import (
	"crypto/ecdsa"
	"strings"

	"isthmus/internal/federation"
)

// HasECDSAKey reports whether a stored certificate has one: it is of use with ciphers for that kind of key only.
func HasECDSAKey(c federation.Certificate) bool {
	chain, err := Chain(c)
	if err != nil {
		return false // of a row that cannot be read another sentence tells
	}
	_, is := chain[0].PublicKey.(*ecdsa.PublicKey)
	return is
}

// RequestWarnings are what is doubtful about a request with this kind of key: sentences, none when all is well.
func RequestWarnings(kind string, s federation.Snapshot) []string {
	if kind != federation.KeyP256 {
		return nil
	}
	return cipherWarnings("This request", s)
}

// cipherWarnings say where nothing fits the ECDSA key of a certificate or a request.
func cipherWarnings(whose string, s federation.Snapshot) []string {
	contexts := s.RSAContexts()
	if len(contexts) == 0 {
		return nil
	}
	return []string{whose + " has an ECDSA key, for which no cipher is selected in " + strings.Join(contexts, " and ") +
		", so every handshake below TLS 1.3 fails on listeners with it. " + federation.ECDSACiphers}
}
