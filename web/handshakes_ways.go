package web

import (
	"fmt"
	"net/url"
	"slices"
	"time"

	"isthmus/internal/certs"
	"isthmus/internal/federation"
)

// waysOut know what would let a refused peer in, for a reader who may change the configuration or not.
type waysOut struct {
	snapshot *federation.Snapshot
	change   bool
	peers    []federation.PeerCertificate // as they were seen last
}

// A wayOut is a sentence and the page that goes with it; the page may be missing.
type wayOut struct{ text, href, link string }

// out is the way out for each reason. A name that no trusted CA vouches for is never offered for adding.
func (o waysOut) out(h reportedHandshake) wayOut {
	switch h.Reason {
	case certs.ReasonNotListed:
		return o.notListed(h)
	case certs.ReasonUnknownCA:
		return certificates("Import the CA, if it is yours")
	case certs.ReasonRefusedOurs:
		return certificates("Import the CA of " + h.node.Node + "'s certificate at the peer, or give the node another certificate")
	case certs.ReasonNothing:
		return o.context(h, "Its versions and ciphers are decided here.")
	case certs.ReasonNone:
		if h.Outbound {
			return wayOut{text: "Assign the peer a certificate for server authentication. Nothing here would let it do without."}
		}
		return o.context(h, "Assign the peer a certificate. Whether one is demanded is decided here.")
	case certs.ReasonHandshake, certs.ReasonTLSOnTCP:
		return o.brokenOff(h)
	case certs.ReasonSlow:
		return wayOut{text: "See at the peer what keeps it. Nothing here refused it."}
	}
	return wayOut{text: reissue(h)}
}

// reissue is for certificates that are at fault themselves.
func reissue(h reportedHandshake) string {
	clocks := "ompare the clocks of the peer and of " + h.node.Node + "."
	switch h.Reason {
	case certs.ReasonExpired:
		if ago := h.Last.Sub(h.NotAfter); ago >= 0 && ago < time.Hour {
			return "Renew the certificate on the peer, or c" + clocks + " Nothing else would let it in."
		}
		return "Renew the certificate on the peer. Nothing here would let it in."
	case certs.ReasonNotYetValid:
		if h.NotBefore.Sub(h.Last) >= time.Hour {
			return "Let the peer show a certificate that is valid already. Nothing here would let it in."
		}
		return "C" + clocks + " Nothing else here would let it in."
	case certs.ReasonUsage:
		return "Have the peer's certificate reissued for server and client authentication. Nothing here would let it in."
	case certs.ReasonIssuer:
		return "Have the peer's certificate issued by a CA that may issue it. Nothing here would let it in."
	case certs.ReasonSignature:
		return "Have whoever runs that CA look at the certificate. Nothing here would let it in."
	case certs.ReasonUnreadable:
		return "Have the peer show another certificate, with the key that belongs to it. Nothing here would let it in."
	case certs.ReasonChain:
		return "Have the peer show another certificate, or other ones with it. Nothing here would let it in."
	case certs.ReasonSubject:
		return "Have the peer's certificate reissued with one Common Name, its FQDN. Nothing here would let it in."
	}
	return "See the log of " + h.node.Node + "."
}

// notListed: the chain is trusted, so the name is worth listing, unless it is that already.
func (o waysOut) notListed(h reportedHandshake) wayOut {
	context := o.snapshot.TLSContext(h.Context)
	subject := federation.TLSPeerSubject{Name: h.Subject}
	subject.Normalize()
	switch expected := o.nodeAt(h.Peer); {
	case h.Outbound && expected != nil:
		return certificates("Give " + expected.Name + " a certificate with its own name")
	case !h.Outbound && o.snapshot.Node(h.Subject) != nil:
		return wayOut{h.Subject + " is a node of this cluster, which comes from its own address only.", fmt.Sprintf("/nodes/%d", o.snapshot.Node(h.Subject).ID), "Correct its address"}
	case !h.Verified || subject.Name != h.Subject || len(subject.Problems()) > 0:
		return wayOut{text: "No peer subject can have this name. Have the certificate reissued for the peer's own FQDN."}
	case context != nil && slices.Contains(context.PeerSubjects, h.Subject):
		return wayOut{text: "Selected in " + context.Name + " since. The next attempt shows whether that is enough."}
	case o.snapshot.HasPeerSubject(h.Subject):
		return o.context(h, "It is listed, but not selected in the TLS context.")
	case !o.change:
		return wayOut{text: "An operator can add it to the TLS peer subjects, if this server is yours."}
	}
	return wayOut{"If this server is yours:", "/tls-peer-subjects/new?" + url.Values{"name": {h.Subject}}.Encode(), "Add it to the TLS peer subjects"}
}

// context leads to the TLS context that decided.
func (o waysOut) context(h reportedHandshake, text string) wayOut {
	if c := o.snapshot.TLSContext(h.Context); c != nil {
		return wayOut{text, fmt.Sprintf("/tls-contexts/%d", c.ID), c.Name}
	}
	return wayOut{text, "/tls-contexts", "TLS contexts"}
}

// brokenOff: neither side gave a reason, so the place itself may be the wrong one.
func (o waysOut) brokenOff(h reportedHandshake) wayOut {
	for _, l := range o.snapshot.Listeners {
		if !h.Outbound && l.Name == h.Listener {
			return wayOut{"Compare the peer's port and protocol with those of the listener.", fmt.Sprintf("/listeners/%d", l.ID), l.Name}
		}
	}
	if href, _ := o.peer(h.RefusedHandshake); h.Outbound && href != "" {
		return wayOut{"Compare port and protocol with those of the peer.", href, "Where it is configured"}
	}
	return wayOut{text: "Nothing here refused it."}
}

// certificates leads to the page that imports them.
func certificates(text string) wayOut { return wayOut{text + ".", certificatesPath, "Certificates"} }
