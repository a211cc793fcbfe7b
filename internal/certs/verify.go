package certs

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"slices"
	"strings"
	"time"
)

// A verifier decides about the certificate of a peer: first the chain, and only then the name, which until then is
// nothing but a claim.
type verifier struct {
	trusted     *x509.CertPool
	authorities []*x509.Certificate // the same, to say what is wrong with who is not verified
	usage       x509.ExtKeyUsage    // of the peer in this handshake
	now         func() time.Time
	named       func(leaf *x509.Certificate) *PeerError // whether its names are let in
}

// connection is a tls.Config's VerifyConnection, which unlike VerifyPeerCertificate is asked on resumed sessions too.
func (v verifier) connection(state tls.ConnectionState) error {
	_, err := v.chain(state.PeerCertificates)
	return err
}

// chain judges what a peer showed, its own certificate first, and says until when the verdict stands.
func (v verifier) chain(chain []*x509.Certificate) (until time.Time, err error) {
	if len(chain) == 0 {
		return until, &PeerError{Reason: ReasonNone, Detail: showOne}
	}
	until, refused := v.verdict(chain)
	if refused != nil {
		refused.Leaf = chain[0]
		return until, refused
	}
	return until, nil
}

func (v verifier) verdict(chain []*x509.Certificate) (until time.Time, refused *PeerError) {
	options := x509.VerifyOptions{
		Roots: v.trusted, Intermediates: x509.NewCertPool(), CurrentTime: v.now(), KeyUsages: []x509.ExtKeyUsage{v.usage},
	}
	for _, c := range chain[1:] {
		options.Intermediates.AddCert(c)
	}
	ways, err := chain[0].Verify(options)
	if err != nil {
		return until, doubted{v, chain, options}.why(err)
	}
	return goodUntil(ways), v.named(chain[0])
}

// goodUntil is when the last of the ways to a trusted CA ends: each does with the first certificate that expires on it.
func goodUntil(ways [][]*x509.Certificate) (until time.Time) {
	for _, way := range ways {
		first := slices.MinFunc(way, func(a, b *x509.Certificate) int { return a.NotAfter.Compare(b.NotAfter) })
		if first.NotAfter.After(until) {
			until = first.NotAfter
		}
	}
	return until
}

// onlyCommonName lets in peers whose one Subject Common Name is among names. SANs are not consulted (guide p.56-57).
func onlyCommonName(names map[string]bool, context string) func(*x509.Certificate) *PeerError {
	return func(leaf *x509.Certificate) *PeerError {
		subject, err := subjectOf(leaf)
		if err != nil || names[subject] {
			return err
		}
		way := "; add it there if this server is one of yours."
		if unlistable(subject) != "" {
			way = " and cannot be, as it is no host name; have the certificate reissued for the server's own FQDN."
		}
		return &PeerError{Reason: ReasonNotListed, Subject: subject,
			Detail: fmt.Sprintf("%q is not among the peer subjects of %s", clip(subject), context) + way}
	}
}

// commonNameOrSAN lets in peers whose one Common Name or any DNS name is among names: a next hop of an enterprise pool
// shows the pool's name, and its own as a SAN.
func commonNameOrSAN(names map[string]bool, context string) func(*x509.Certificate) *PeerError {
	byCommonName := onlyCommonName(names, context)
	return func(leaf *x509.Certificate) *PeerError {
		for _, name := range leaf.DNSNames {
			if lower, _ := lowerASCII(name); names[lower] {
				return nil
			}
		}
		return byCommonName(leaf)
	}
}

// onlyNode lets in one node by its Common Name, which the other nodes know it by.
func onlyNode(node string) func(*x509.Certificate) *PeerError {
	return func(leaf *x509.Certificate) *PeerError {
		subject, err := subjectOf(leaf)
		if err != nil || subject == node {
			return err
		}
		return &PeerError{Reason: ReasonNotListed, Subject: subject,
			Detail: fmt.Sprintf("%q answered where the node %s was expected; import a certificate with the node's name as Common Name there.", clip(subject), node)}
	}
}

var oidCommonName = asn1.ObjectIdentifier{2, 5, 4, 3}

// subjectOf returns the one Common Name in lower case. None, two, and one with anything but printable ASCII are refused:
// which of two names a reader takes, or where it stops at a NUL, is what attacks are made of.
func subjectOf(c *x509.Certificate) (string, *PeerError) {
	found := commonNames(c.Subject)
	refused := &PeerError{Reason: ReasonSubject, Subject: title(c)}
	switch len(found) {
	case 1:
	case 0:
		refused.Detail = fmt.Sprintf("the subject %q has no Common Name, and exactly one is needed; have the certificate reissued.", clip(title(c)))
		return "", refused
	default:
		refused.Detail = fmt.Sprintf("its subject has the Common Names %s, and exactly one is needed; have the certificate reissued.", clipError(quoted(found)))
		return "", refused
	}
	name, ok := lowerASCII(found[0])
	if !ok {
		refused.Detail = fmt.Sprintf("the Common Name %q holds characters that no host name has; have the certificate reissued.", clip(found[0]))
		return "", refused
	}
	return name, nil
}

func quoted(names []string) string {
	list := make([]string, len(names))
	for i, name := range names {
		list[i] = fmt.Sprintf("%q", name)
	}
	return strings.Join(list, " and ")
}

func commonNames(name pkix.Name) (found []string) {
	for _, attribute := range name.Names {
		if attribute.Type.Equal(oidCommonName) {
			found = append(found, fmt.Sprint(attribute.Value))
		}
	}
	return found
}

// lowerASCII lowers letters and refuses what is not printable ASCII: Unicode's lower case would turn the Kelvin sign into
// a plain k.
func lowerASCII(s string) (lower string, ok bool) {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] >= 0x7f {
			return "", false
		}
	}
	return strings.ToLower(s), s != ""
}

// Subject is the Common Name, in lower case, of the certificate that the peer of a verified connection showed; "" when it
// showed none or has no single one. It proves something only where the configuration asked for a client certificate.
func Subject(state tls.ConnectionState) string {
	if len(state.PeerCertificates) == 0 {
		return ""
	}
	name, _ := subjectOf(state.PeerCertificates[0])
	return name
}
