package certs

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"slices"
	"strings"
	"time"

	"isthmus/internal/federation"
)

const (
	selfSignedBits = 2048 // what Microsoft's servers take in every version
	selfSignedLife = 2 * 365 * 24 * time.Hour
)

// ImportOwn checks a node's certificate and returns it with its key sealed. file is PEM, DER or PKCS #7; the private key
// is PEM, in keyFile or, when that is nil, in file. It need not chain to a trusted CA: peers may know its CA where this
// node does not, which Warnings tells. The error is federation.Invalid with a sentence per broken rule, under the fields
// "file" and "key".
func ImportOwn(k *Key, node string, now time.Time, file, keyFile []byte) (federation.Certificate, error) {
	b, problems := parseBundle("file", file)
	if keyFile != nil {
		keys, more := parseKeys(keyFile)
		b.keys, problems = append(b.keys, keys...), append(problems, more...)
	}
	if err := problems.Err(); err != nil {
		return federation.Certificate{}, err
	}
	if len(b.keys) == 0 {
		return federation.Certificate{}, keyless(b.certificates, node)
	}
	chain, signer, problems := match(b)
	if err := problems.Err(); err != nil {
		return federation.Certificate{}, err
	}
	if err := ownProblems(chain[0], node, now).Err(); err != nil {
		return federation.Certificate{}, err
	}
	return sealed(k, node, chain, signer)
}

// parseKeys reads the file that should hold nothing but the key. Certificates beside it are ignored.
func parseKeys(file []byte) ([]crypto.Signer, federation.Invalid) {
	if len(file) > MaxUpload {
		return nil, invalid("key", "This file has more than 1 MiB, which no private key needs; choose the key's own file.")
	}
	if !bytes.Contains(plainText(file), beginsOrEnds[0]) {
		return nil, invalid("key", "This file holds no private key in PEM form; export the key as PKCS #8 in PEM form.")
	}
	b, problems := parseBundle("key", file)
	return b.keys, problems
}

// keyless says why certificates without a private key are not taken. Where none of them is the node's, a key would be
// looked for in vain.
func keyless(list []*x509.Certificate, node string) federation.Invalid {
	switch {
	case len(list) == 0:
		return noCertificate()
	case !slices.ContainsFunc(list, func(c *x509.Certificate) bool { return Names(c, node) }):
		return otherNode(list[likelyLeaf(list)], node)
	}
	return invalid("key", "The private key is missing; choose the file that holds it in PEM form.")
}

func noCertificate() federation.Invalid {
	return invalid("file", "This file holds no certificate; choose the file with the node's certificate.")
}

func otherNode(c *x509.Certificate, node string) federation.Invalid {
	return invalid("file", "This certificate is for %s, not for the node %s; request one whose Common Name is %s.", federation.Legible(clip(title(c))), node, node)
}

// likelyLeaf is the first certificate that is no CA's, else the first.
func likelyLeaf(list []*x509.Certificate) int {
	return max(0, slices.IndexFunc(list, func(c *x509.Certificate) bool { return !c.IsCA }))
}

// match finds the certificate that the private key belongs to, and orders the others behind it as issuers. Certificates
// that are no part of that chain are left out.
func match(b bundle) ([]*x509.Certificate, crypto.Signer, federation.Invalid) {
	switch {
	case len(b.certificates) == 0:
		return nil, nil, noCertificate()
	case len(b.keys) > 1:
		return nil, nil, invalid("key", "There is more than one private key; leave only the one that belongs to the certificate.")
	}
	leaf := slices.IndexFunc(b.certificates, func(c *x509.Certificate) bool { return belongs(b.keys[0], c) })
	if leaf < 0 {
		return nil, nil, invalid("key", "The private key belongs to another certificate than that of %q; choose the key that its request was made with.", title(b.certificates[0]))
	}
	return inOrder(b.certificates, leaf), b.keys[0], nil
}

func belongs(k crypto.Signer, c *x509.Certificate) bool {
	public, ok := k.Public().(interface{ Equal(crypto.PublicKey) bool })
	return ok && public.Equal(c.PublicKey)
}

// inOrder follows the issuers from the leaf up, as far as the file holds them.
func inOrder(list []*x509.Certificate, leaf int) []*x509.Certificate {
	chain := []*x509.Certificate{list[leaf]}
	for len(chain) < len(list) {
		last := chain[len(chain)-1]
		next := slices.IndexFunc(list, func(c *x509.Certificate) bool {
			return string(c.RawSubject) == string(last.RawIssuer) && !slices.Contains(chain, c) && last.CheckSignatureFrom(c) == nil
		})
		if next < 0 {
			break
		}
		chain = append(chain, list[next])
	}
	return chain
}

// ownProblems are the rules for a node's own certificate (guide p.59-60, 80-82): the node shows it as a server and as a
// client, to Microsoft's servers and to other nodes.
func ownProblems(c *x509.Certificate, node string, now time.Time) federation.Invalid {
	var list federation.Invalid
	if !Names(c, node) {
		list = append(list, otherNode(c, node)...)
	}
	list = append(list, dateProblems(c, now)...)
	list = append(list, keyUsageProblems(c)...)
	list = append(list, oddProblems(c)...)
	list = append(list, strengthProblems(c)...)
	if !signedSafely(c) {
		list = append(list, invalid("file", "This certificate is signed with %s, which peers no longer accept; have it reissued with SHA-256.", signatureOf(c))...)
	}
	for _, u := range []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth} {
		if !allows(c, u) {
			list = append(list, invalid("file", "This certificate lacks the enhanced key usage %s; request one for server and client authentication.", usageName[u])...)
		}
	}
	return list
}

// Names reports whether a host is the Common Name or a DNS name of a certificate, whatever the case.
func Names(c *x509.Certificate, host string) bool {
	return slices.ContainsFunc(append([]string{c.Subject.CommonName}, c.DNSNames...), func(name string) bool {
		return strings.EqualFold(name, host)
	})
}

var usageName = map[x509.ExtKeyUsage]string{
	x509.ExtKeyUsageServerAuth: "server authentication (1.3.6.1.5.5.7.3.1)",
	x509.ExtKeyUsageClientAuth: "client authentication (1.3.6.1.5.5.7.3.2)",
}

// allows reports whether a certificate may be used so. Without the extension it may be used for anything (RFC 5280
// 4.2.1.12).
func allows(c *x509.Certificate, u x509.ExtKeyUsage) bool {
	if len(c.ExtKeyUsage)+len(c.UnknownExtKeyUsage) == 0 {
		return true
	}
	return slices.Contains(c.ExtKeyUsage, u) || slices.Contains(c.ExtKeyUsage, x509.ExtKeyUsageAny)
}

// sealed is the stored form of a checked certificate with its key.
func sealed(k *Key, node string, chain []*x509.Certificate, signer crypto.Signer) (federation.Certificate, error) {
	der, err := x509.MarshalPKCS8PrivateKey(signer)
	if err != nil {
		return federation.Certificate{}, fmt.Errorf("encode the private key: %w", err)
	}
	c := stored(federation.PurposeOwn, chain)
	c.Node, c.EncryptedKey = node, k.Seal(der, c.Fingerprint)
	return c, nil
}

// SelfSigned makes the certificate that a node shows until one is imported, so that its TLS listeners open. Nobody trusts
// it who was not told to.
func SelfSigned(k *Key, node string, now time.Time) (federation.Certificate, error) {
	private, err := rsa.GenerateKey(rand.Reader, selfSignedBits)
	if err != nil {
		return federation.Certificate{}, fmt.Errorf("make a private key: %w", err)
	}
	template := &x509.Certificate{
		Subject: pkix.Name{CommonName: node}, DNSNames: []string{node}, // crypto/x509 draws the serial number
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(selfSignedLife), BasicConstraintsValid: true,
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		return federation.Certificate{}, fmt.Errorf("sign the certificate of %s: %w", node, err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return federation.Certificate{}, fmt.Errorf("read the certificate of %s back: %w", node, err)
	}
	c, err := sealed(k, node, []*x509.Certificate{leaf}, private)
	c.SelfSigned, c.Description = true, "Self-signed by Isthmus until a certificate is imported"
	return c, err
}

// Unseal returns a node's own certificate ready for handshakes.
func Unseal(k *Key, c federation.Certificate) (*tls.Certificate, error) {
	chain, err := Chain(c)
	if err != nil {
		return nil, err
	}
	der, err := k.Open(c.EncryptedKey, c.Fingerprint)
	if err != nil {
		return nil, err
	}
	private, err := parsePrivateKey(der)
	if err != nil || !belongs(private, chain[0]) {
		return nil, federation.Refuse("The stored private key does not belong to the certificate of %s; import both again.", c.Node)
	}
	pair := &tls.Certificate{PrivateKey: private, Leaf: chain[0]}
	for _, link := range chain {
		pair.Certificate = append(pair.Certificate, link.Raw)
	}
	return pair, nil
}
