package web

import (
	"context"
	"slices"
	"strings"

	"isthmus/internal/certs"
	"isthmus/internal/federation"
	"isthmus/templates"
)

// claims are the certificates that were refused only because this name is not listed, each once, newest first: of several
// trusted CAs, the one that vouches may not be the one that is meant to.
func (s *Server) claims(ctx context.Context, name string) ([]templates.PeerClaim, error) {
	if name == "" {
		return nil, nil
	}
	statuses, err := s.handshakes(ctx)
	if reachOf(ctx).away() != nil {
		err = nil // nobody knows of any but those of before
	}
	if err != nil {
		return nil, err
	}
	var list []templates.PeerClaim
	var told []string
	for _, h := range newestFirst(statuses) {
		if h.Reason != certs.ReasonNotListed || !h.Verified || !strings.EqualFold(h.Subject, name) || h.Fingerprint == "" || slices.Contains(told, h.Fingerprint) {
			continue
		}
		told = append(told, h.Fingerprint)
		list = append(list, templates.PeerClaim{
			Title: peerName(h.RefusedHandshake) + " showed it to " + h.node.Node + ", last at " + templates.Clock(h.Last, s.Now()), Facts: claimFacts(h.RefusedHandshake),
		})
	}
	return list, nil
}

func claimFacts(h federation.RefusedHandshake) []templates.Pair {
	return []templates.Pair{
		{Name: "Subject Common Name", Value: h.Subject, Mono: true},
		{Name: "Issuer", Value: h.Issuer},
		{Name: "Serial number", Value: h.Serial, Mono: true},
		{Name: "Valid from", Value: moment(h.NotBefore)},
		{Name: "Valid until", Value: moment(h.NotAfter)},
		{Name: "SHA-256 fingerprint", Value: h.Fingerprint, Mono: true},
	}
}
