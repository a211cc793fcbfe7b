package keyleak

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/binary"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/url"
)

const (
	window      = 8  // octets of a secret number that give it away
	minDecimals = 40 // digits of one
)

// known are secrets that tests know.
type known struct {
	windows  map[uint64]string // eight octets in a row of a secret number, and whose they are
	sieve    []uint64          // bits: no window has the hash of one that is not set
	decimals map[string]string
	phrases  map[string]string
}

const sieveBits = 20

func hash(w uint64) uint64 { return w * 0x9e3779b97f4a7c15 >> (64 - sieveBits) }

// Learn keeps the plain private keys that a text holds in PEM, such as a posted form or a key file: from now on no number
// of theirs may come out, in any form. It returns how many there are.
func (g *Guard) Learn(text []byte) int {
	count := g.learn(text)
	form, err := url.ParseQuery(string(text))
	if err != nil {
		return count
	}
	for _, values := range form {
		for _, value := range values {
			count += g.learn([]byte(value))
		}
	}
	return count
}

func (g *Guard) learn(text []byte) (count int) {
	if !bytes.Contains(text, []byte("PRIVATE")) {
		return 0
	}
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if key := keyOf(block.Bytes); key != nil {
			g.LearnKey("a private key that was put in", key)
			count++
		}
	}
	return count
}

func keyOf(der []byte) crypto.PrivateKey {
	if k, err := x509.ParsePKCS8PrivateKey(der); err == nil {
		return k
	}
	if k, err := x509.ParsePKCS1PrivateKey(der); err == nil {
		return k
	}
	if k, err := x509.ParseECPrivateKey(der); err == nil {
		return k
	}
	return nil
}

// LearnKey keeps the secret numbers of a key. It panics for a kind of key that it does not know.
func (g *Guard) LearnKey(name string, key crypto.PrivateKey) {
	for part, number := range numbers(key) {
		g.LearnSecret(fmt.Sprintf("%s of %s", part, name), number)
	}
}

func numbers(key crypto.PrivateKey) map[string][]byte {
	switch k := key.(type) {
	case *rsa.PrivateKey:
		k.Precompute()
		list := map[string][]byte{"d": k.D.Bytes(), "d mod (p-1)": k.Precomputed.Dp.Bytes(), "d mod (q-1)": k.Precomputed.Dq.Bytes(), "1/q mod p": k.Precomputed.Qinv.Bytes()}
		for i, p := range k.Primes {
			list[fmt.Sprintf("prime %d", i+1)] = p.Bytes()
		}
		return list
	case *ecdsa.PrivateKey:
		if d, err := k.Bytes(); err == nil {
			return map[string][]byte{"d": d}
		}
	case ed25519.PrivateKey:
		return map[string][]byte{"seed": k.Seed()}
	}
	panic(fmt.Sprintf("no secret numbers are known of %T", key))
}

// LearnSecret keeps a random secret of 16 octets or more: eight of them in a row give it away.
func (g *Guard) LearnSecret(name string, secret []byte) {
	if len(secret) < 2*window {
		panic(name + " is too short for a secret number")
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	k := &g.known
	if k.windows == nil {
		k.windows, k.decimals, k.sieve = map[uint64]string{}, map[string]string{}, make([]uint64, 1<<sieveBits/64)
	}
	for i := range len(secret) - window + 1 {
		w := binary.BigEndian.Uint64(secret[i:])
		if bytes.Count(secret[i:i+window], secret[i:i+1]) == window { // padding
			continue
		}
		k.windows[w] = name
		k.sieve[hash(w)/64] |= 1 << (hash(w) % 64)
	}
	if digits := new(big.Int).SetBytes(secret).String(); len(digits) >= minDecimals {
		k.decimals[digits[:minDecimals]] = name
	}
}

// LearnPhrase keeps a secret in words, such as a passphrase.
func (g *Guard) LearnPhrase(name, phrase string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.known.phrases == nil {
		g.known.phrases = map[string]string{}
	}
	g.known.phrases[phrase] = name
}

// each names the known secrets that stand in b.
func (k *known) each(b []byte, add func(string)) {
	for phrase, name := range k.phrases {
		if bytes.Contains(b, []byte(phrase)) || bytes.Contains(b, []byte(url.QueryEscape(phrase))) {
			add(name)
		}
	}
	if k.windows == nil {
		return
	}
	var last uint64
	digits := 0
	for i, c := range b {
		last = last<<8 | uint64(c)
		if h := hash(last); i >= window-1 && k.sieve[h/64]&(1<<(h%64)) != 0 {
			if name, found := k.windows[last]; found {
				add(name)
			}
		}
		if c < '0' || c > '9' {
			digits = 0
		} else if digits++; digits >= minDecimals {
			if name, found := k.decimals[string(b[i+1-minDecimals:i+1])]; found {
				add(name)
			}
		}
	}
}
