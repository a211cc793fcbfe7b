package certs

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"slices"
	"strings"
	"time"

	"isthmus/internal/federation"
)

// ImportSigned checks the certificate that a CA signed for a node's pending request, and returns it with the request's
// key. file is PEM, DER or PKCS #7, the certificate alone or with its chain in any order; trusted are the stored
// certificates, of which the trusted CAs count. Unlike a certificate that brings its key (ImportOwn) it has to chain to
// them, and to carry every name that was asked for. The error is federation.Invalid with a sentence per broken rule, under
// the field "file".
func ImportSigned(k *Key, r federation.CertificateRequest, trusted []federation.Certificate, now time.Time, file []byte) (federation.Certificate, error) {
	private, err := openRequest(k, r)
	if err != nil {
		return federation.Certificate{}, err
	}
	b, problems := parseBundle("file", file)
	if err := problems.Err(); err != nil {
		return federation.Certificate{}, err
	}
	leaf, problems := answerTo(r, private, b)
	if err := problems.Err(); err != nil {
		return federation.Certificate{}, err
	}
	links := newLinks(b.certificates, leaf, trusted)
	problems = ownProblems(links.leaf, r.Node, now)
	problems = append(problems, missingNames(links.leaf, r)...)
	problems = append(problems, links.problems(now)...)
	if err := problems.Err(); err != nil {
		return federation.Certificate{}, err
	}
	return sealed(k, r.Node, links.shown(), private)
}

// openRequest returns the key that waits.
func openRequest(k *Key, r federation.CertificateRequest) (crypto.Signer, error) {
	der, err := k.Open(r.EncryptedKey, requestName(r.CSR))
	if err != nil {
		return nil, federation.Refuse("The key of the request of %s was sealed under another key file, or it was altered. Start this node with the cluster's key file, or make a new request.", r.Node)
	}
	private, err := parsePrivateKey(der)
	if err != nil {
		return nil, federation.Refuse("The key of the request of %s cannot be read. Make a new request.", r.Node)
	}
	return private, nil
}

// answerTo finds the certificate of the request's key.
func answerTo(r federation.CertificateRequest, private crypto.Signer, b bundle) (leaf int, problems federation.Invalid) {
	if len(b.keys) > 0 {
		return 0, invalid("file", "This file holds a private key, but the key of the request of %s is here already and never leaves; choose the signed certificate alone.", r.Node)
	}
	if len(b.certificates) == 0 {
		return 0, invalid("file", "This file holds no certificate; choose the file with the node's signed certificate.")
	}
	leaf = slices.IndexFunc(b.certificates, func(c *x509.Certificate) bool { return belongs(private, c) })
	if leaf < 0 {
		return 0, invalid("file", "The certificate of %q belongs to another request than the one that waits for %s; choose the certificate that was signed for this one, or have it signed.",
			title(b.certificates[likelyLeaf(b.certificates)]), r.Node)
	}
	return leaf, nil
}

// missingNames names what was asked for and is not there; the node's own name has a rule of its own.
func missingNames(c *x509.Certificate, r federation.CertificateRequest) federation.Invalid {
	var list federation.Invalid
	for _, name := range r.Names {
		if name != r.Node && !Names(c, name) {
			list = append(list, invalid("file", "This certificate lacks the name %q that was asked for; have it reissued with that name, or make a new request without it.", name)...)
		}
	}
	return list
}

// HoldsKey reports whether an uploaded file holds a private key in PEM form, encrypted or not: then it is no answer to a
// request, but a certificate that brings its own key.
func HoldsKey(file []byte) bool { return bytes.Contains(plainText(file), []byte("PRIVATE KEY")) }

// Warnings are what is doubtful about a node's own certificate and refuses nothing: sentences, none when all is well. A
// certificate that brought its key may come from a CA that only its peers trust. s is the configuration that it serves.
func Warnings(c federation.Certificate, s federation.Snapshot, now time.Time) []string {
	chain, err := Chain(c)
	if err != nil {
		return []string{err.Error()}
	}
	if c.SelfSigned {
		return []string{"The certificate of " + c.Node + " is signed by itself, so no peer trusts it; request one from the CA that your Microsoft servers use."}
	}
	var list []string
	for _, p := range newLinks(chain, 0, s.Certificates).problems(now) {
		list = append(list, p.Text)
	}
	if !strings.EqualFold(chain[0].Subject.CommonName, c.Node) {
		list = append(list, "The Common Name of this certificate is not "+c.Node+", so the other nodes refuse it; have it reissued with the node's name as Common Name.")
	}
	if HasECDSAKey(c) {
		list = append(list, cipherWarnings("This certificate", s)...)
	}
	return list
}
