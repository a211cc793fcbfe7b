package certs

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"slices"
)

// A Session is what is asked again about an open connection: what its handshake agreed upon, and what its peer showed.
type Session struct {
	Version uint16              // of TLS, as crypto/tls numbers them
	Cipher  uint16              // suite, by its IANA number
	Chain   []*x509.Certificate // the peer's own first
}

// forbidden says which part of a session a context would not agree upon now, nil for none. The ciphers of TLS 1.3 are
// fixed (RFC 8446 appendix B.4): no context leaves one out.
func forbidden(s Session, by *tls.Config, context string) error {
	e := &PeerError{Reason: ReasonForbidden}
	switch {
	case s.Version < by.MinVersion:
		e.Detail = fmt.Sprintf("the connection uses %s, and the TLS context %s allows %s and newer; let the peer connect again by that.",
			tls.VersionName(s.Version), context, tls.VersionName(by.MinVersion))
	case s.Version < tls.VersionTLS13 && !slices.Contains(by.CipherSuites, s.Cipher):
		e.Detail = fmt.Sprintf("the connection uses the cipher %s, which the TLS context %s leaves out; let the peer connect again with another.",
			suiteName(s.Cipher), context)
	default:
		return nil
	}
	return e
}
