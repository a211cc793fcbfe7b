package siptest

import (
	"crypto"
	"crypto/tls"
	"errors"
	"fmt"
)

// Pair is the authority's own certificate and key, for WritePEM.
func (a *Authority) Pair() tls.Certificate {
	return tls.Certificate{Certificate: [][]byte{a.Certificate.Raw}, PrivateKey: a.key, Leaf: a.Certificate}
}

// LoadAuthority reads a root that WritePEM wrote, for programs that issue certificates at different times.
func LoadAuthority(certFile, keyFile string) (*Authority, error) {
	pair, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		return nil, fmt.Errorf("read the authority: %w", err)
	}
	key, ok := pair.PrivateKey.(crypto.Signer)
	if !ok || !pair.Leaf.IsCA {
		return nil, errors.New("read the authority: it is no CA that can sign")
	}
	return &Authority{Certificate: pair.Leaf, key: key}, nil
}
