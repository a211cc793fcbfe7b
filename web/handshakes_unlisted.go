package web

import (
	"net/netip"
	"net/url"
	"slices"

	"isthmus/internal/certs"
	"isthmus/internal/federation"
)

// way is the way out of a row: by who was refused, else by why.
func (o waysOut) way(h reportedHandshake) wayOut {
	switch {
	case h.Unlisted:
		return o.unlisted(h)
	case h.Reason == certs.ReasonNotListed && o.letInSince(h):
		return wayOut{text: "Let in since, with this certificate."}
	}
	return o.out(h)
}

// letInSince reports whether a handshake with the same certificate and address came about afterwards, the same way round.
func (o waysOut) letInSince(h reportedHandshake) bool {
	address, source := h.Peer, federation.SeenAccepting
	if h.Outbound {
		at, _ := netip.ParseAddrPort(h.Address)
		address, source = at.Addr().String(), federation.SeenOpening
	}
	return h.Fingerprint != "" && slices.ContainsFunc(o.peers, func(p federation.PeerCertificate) bool {
		return p.Source == source && p.Address == address && p.Fingerprint == h.Fingerprint && p.SeenAt.After(h.Last)
	})
}

// unlisted: little is spent on an address that is not listed.
func (o waysOut) unlisted(h reportedHandshake) wayOut {
	switch {
	case slices.ContainsFunc(o.snapshot.ACL, func(e federation.ACLEntry) bool { return e.Pattern == h.Peer }):
		return wayOut{"Listed in the incoming ACL by now.", "/acl", "Incoming ACL"}
	case !o.change:
		return wayOut{text: "An operator can add it to the incoming ACL, if this server is yours."}
	}
	return wayOut{"If this server is yours:", "/acl/new?" + url.Values{"pattern": {h.Peer}}.Encode(), "Add it to the incoming ACL"}
}
