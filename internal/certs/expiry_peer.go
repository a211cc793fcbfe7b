package certs

import (
	"cmp"
	"slices"

	"isthmus/internal/federation"
)

// Peer is what is remembered of a peer's certificate; where, when and how it was seen is the caller's to fill in.
func (d Description) Peer() federation.PeerCertificate {
	p := federation.PeerCertificate{CommonName: d.remembered(), Issuer: d.Issuer, Serial: d.Serial, Fingerprint: d.Fingerprint, NotBefore: d.NotBefore, NotAfter: d.NotAfter}
	if lower, ok := lowerASCII(p.CommonName); ok {
		p.CommonName = lower
	}
	p.Tame()
	return p
}

// remembered is never "". A next hop may have no subject, as its other names let it in too (RFC 5280 section 4.2.1.6).
func (d Description) remembered() string {
	return cmp.Or(slices.Concat([]string{d.Subject}, d.Names, []string{"no subject"})...)
}
