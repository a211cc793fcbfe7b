package certs

import (
	"slices"

	"isthmus/internal/federation"
)

// HopName is the listed name by which a trusted certificate is let in as that of a next hop, "" for none: its Common Name, or
// one of its DNS names. A peer that connects to a listener is known by its one Common Name alone (guide p.56-57).
func (c Candidate) HopName(s federation.Snapshot) string {
	context := s.TLSContext(federation.PeerAuthContext)
	if context == nil || c.Untrusted != "" || c.AsServer != "" {
		return ""
	}
	if slices.Contains(context.PeerSubjects, c.Subject) {
		return c.Subject
	}
	for _, name := range c.dnsNames {
		if lower, _ := lowerASCII(name); slices.Contains(context.PeerSubjects, lower) {
			return lower
		}
	}
	return ""
}
