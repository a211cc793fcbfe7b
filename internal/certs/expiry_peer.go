package certs

import "isthmus/internal/federation"

// Peer is what is remembered of a peer's certificate; where, when and how it was seen is the caller's to fill in.
func (d Description) Peer() federation.PeerCertificate {
	p := federation.PeerCertificate{CommonName: d.Subject, Issuer: d.Issuer, Serial: d.Serial, Fingerprint: d.Fingerprint, NotBefore: d.NotBefore, NotAfter: d.NotAfter}
	if lower, ok := lowerASCII(d.Subject); ok {
		p.CommonName = lower
	}
	p.Tame()
	return p
}
