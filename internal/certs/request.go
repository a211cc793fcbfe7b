package certs

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"slices"
	"strings"

	"isthmus/internal/federation"
)

const (
	maxCommonName = 64  // characters (RFC 5280 appendix A.1, ub-common-name)
	maxNames      = 100 // subject alternative names of one request; public CAs stop there as well
)

var makeKey = map[string]func() (crypto.Signer, error){
	federation.KeyRSA2048: func() (crypto.Signer, error) { return rsa.GenerateKey(rand.Reader, 2048) },
	federation.KeyRSA3072: func() (crypto.Signer, error) { return rsa.GenerateKey(rand.Reader, 3072) },
	federation.KeyRSA4096: func() (crypto.Signer, error) { return rsa.GenerateKey(rand.Reader, 4096) },
	federation.KeyP256:    func() (crypto.Signer, error) { return ecdsa.GenerateKey(elliptic.P256(), rand.Reader) },
}

// NewRequest makes a private key and a request for the node's certificate with it: its name as Common Name, that and
// names as subject alternative names, and both usages (guide p.59-60, 80-82). kind is one of federation.KeyKinds, "" the
// first of them. The error is federation.Invalid under the fields "node", "names" and "key_kind". Who made the request,
// and when, is the store's to say.
func NewRequest(k *Key, node string, names []string, kind string) (federation.CertificateRequest, error) {
	if kind == "" {
		kind = federation.KeyKinds[0]
	}
	names, problems := requestedNames(node, names)
	if !slices.Contains(federation.KeyKinds, kind) {
		problems = append(problems, invalid("key_kind", "%s is no kind of key that is offered; choose one of %s.", kind, strings.Join(federation.KeyKinds, ", "))...)
	}
	if err := problems.Err(); err != nil {
		return federation.CertificateRequest{}, err
	}
	private, err := makeKey[kind]()
	if err != nil {
		return federation.CertificateRequest{}, fmt.Errorf("make a private key: %w", err)
	}
	return request(k, names, kind, private)
}

// requestedNames are the node's name and all names of the request, the node's first and each once, in canonical form.
func requestedNames(node string, names []string) ([]string, federation.Invalid) {
	var problems federation.Invalid
	node, err := federation.ParseFQDN(node)
	if err != nil {
		problems = invalid("node", "%s", err)
	}
	if len(node) > maxCommonName {
		problems = invalid("node", "%s has more than 64 characters, which no Common Name may have; give the node a shorter name.", node)
	}
	all := []string{node}
	for _, name := range names {
		fqdn, err := federation.ParseFQDN(name)
		if err != nil {
			problems = append(problems, invalid("names", "%q cannot stand in the certificate: %s", name, err)...)
		} else if !slices.Contains(all, fqdn) {
			all = append(all, fqdn)
		}
	}
	if len(all) > maxNames {
		problems = append(problems, invalid("names", "A request holds at most 100 names; leave out those that no peer connects to.")...)
	}
	return all, problems
}

func request(k *Key, names []string, kind string, private crypto.Signer) (federation.CertificateRequest, error) {
	extensions, err := requestedUsages(kind)
	if err != nil {
		return federation.CertificateRequest{}, fmt.Errorf("encode the usages: %w", err)
	}
	template := &x509.CertificateRequest{Subject: pkix.Name{CommonName: names[0]}, DNSNames: names, ExtraExtensions: extensions}
	csr, err := x509.CreateCertificateRequest(rand.Reader, template, private)
	if err != nil {
		return federation.CertificateRequest{}, fmt.Errorf("sign the request of %s: %w", names[0], err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return federation.CertificateRequest{}, fmt.Errorf("encode the private key: %w", err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: csr})
	return federation.CertificateRequest{
		Node: names[0], CSR: text, EncryptedKey: k.Seal(der, requestName(text)), Names: names, KeyKind: kind,
	}, nil
}

// requestName is what the key of a request is sealed under: another request's key does not open in its place.
func requestName(csr []byte) string {
	sum := sha256.Sum256(csr)
	return "request " + hex.EncodeToString(sum[:])
}

var (
	oidKeyUsage    = asn1.ObjectIdentifier{2, 5, 29, 15}
	oidExtKeyUsage = asn1.ObjectIdentifier{2, 5, 29, 37}
	oidServerAuth  = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 1}
	oidClientAuth  = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 2}
)

// requestedUsages are the extensions of RFC 5280 4.2.1.3 and 4.2.1.12. RSA keys encipher keys too: the suites that OCS
// and early Lync take exchange keys so.
func requestedUsages(kind string) ([]pkix.Extension, error) {
	bits := asn1.BitString{Bytes: []byte{0b1010_0000}, BitLength: 3} // digitalSignature, keyEncipherment
	if kind == federation.KeyP256 {
		bits = asn1.BitString{Bytes: []byte{0b1000_0000}, BitLength: 1}
	}
	usage, err := asn1.Marshal(bits)
	if err != nil {
		return nil, err
	}
	extended, err := asn1.Marshal([]asn1.ObjectIdentifier{oidServerAuth, oidClientAuth})
	if err != nil {
		return nil, err
	}
	return []pkix.Extension{{Id: oidKeyUsage, Critical: true, Value: usage}, {Id: oidExtKeyUsage, Value: extended}}, nil
}

// RequestNames are the names to choose from for a node's request: those that peers look for in its certificate, the
// node's own first, and those that may stand there too, other nodes' and the presence domains. Skype for Business 2015
// and later look for the name of the trusted application pool, in which the scripts make every node a computer, and
// every platform for that of the load balancer to which it connects.
func RequestNames(s federation.Snapshot, node string) (needed, offered []string) {
	needed = []string{node}
	for _, d := range s.Deployments {
		member := d.Answers.RoutingNode == node || slices.Contains(d.Nodes, node)
		if pool := d.Answers.TrustedPool; member && pool != "" && !slices.Contains(needed, pool) {
			needed = append(needed, pool)
		}
		if own := s.Node(node); own != nil && d.Answers.Fronts(*own) && !slices.Contains(needed, d.Answers.FrontName) {
			needed = append(needed, d.Answers.FrontName)
		}
	}
	for _, n := range s.Nodes {
		offered = append(offered, n.Name)
	}
	for _, d := range s.Domains {
		offered = append(offered, d.Name)
	}
	return needed, slices.DeleteFunc(offered, func(name string) bool { return slices.Contains(needed, name) })
}
