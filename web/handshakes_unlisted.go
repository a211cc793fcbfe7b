package web

import (
	"net/url"
	"slices"

	"isthmus/internal/federation"
)

// way is the way out of a row: by who was refused, else by why.
func (o waysOut) way(h reportedHandshake) wayOut {
	if h.Unlisted {
		return o.unlisted(h)
	}
	return o.out(h)
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
