package web

import (
	"fmt"
	"slices"
	"strings"

	"isthmus/internal/certs"
	"isthmus/internal/federation"
	"isthmus/templates"
)

// sameCA compares the root CA of the nodes' certificates with that of the Microsoft side's, as they were seen last: under
// one CA everybody trusts everybody, with two both sides need both roots (guide p.28-29, 59, 136). nil while a node has no
// certificate of a CA at all. mayAsk is whether the reader may ask a server for its certificate.
func sameCA(snapshot federation.Snapshot, peers []federation.PeerCertificate, mayAsk bool) *templates.Finding {
	issuers := certs.IssuersIn(snapshot.Certificates)
	var ours, theirs, unclear []string
	for _, n := range snapshot.Nodes {
		if own := snapshot.Own(n.Name); own != nil && !own.SelfSigned {
			ours, unclear = addRoot(ours, unclear, issuers, own.Issuer)
		}
	}
	if len(ours)+len(unclear) == 0 {
		return nil
	}
	watched := snapshot.Watched(peers)
	for _, p := range watched {
		theirs, unclear = addRoot(theirs, unclear, issuers, p.Issuer)
	}
	f := &templates.Finding{Mark: templates.Up, Title: "One CA on both sides"}
	switch {
	case len(watched) == 0:
		f.Mark, f.Title, f.Text = templates.Unknown, "The CA of the Microsoft side is not known yet", "It is seen in the first handshake, and when a server is asked for its certificate. Under another CA than the nodes', both sides need both roots."
		if mayAsk {
			f.Href, f.Link = subjectsPath+"/new#from-certificate", "Ask a server"
		}
	case len(unclear) > 0:
		f.Mark, f.Title = templates.Unknown, "Whether both sides have one CA cannot be seen"
		f.Text = "The root above " + strings.Join(unclear, ", ") + " is not stored here. Where it is not the same for all, both sides need both roots."
	case len(ours) == 1 && slices.Equal(ours, theirs):
		f.Text = "The certificates of the nodes, and those of the peers seen last, chain to " + ours[0] + "."
	default:
		f.Mark, f.Title = templates.Part, "The two sides have different CAs"
		f.Text = fmt.Sprintf("The nodes' certificates chain to %s, those of the peers seen last to %s. See that %s is among the trusted root CAs of every Microsoft server%s.",
			strings.Join(ours, ", "), strings.Join(theirs, ", "), strings.Join(ours, ", "), missingHere(snapshot, theirs))
	}
	return f
}

func addRoot(roots, unclear []string, issuers certs.Issuers, issuer string) (withRoot, withUnclear []string) {
	names, whole := issuers.Above(issuer)
	top := names[len(names)-1]
	if whole {
		return once(roots, top), unclear
	}
	return roots, once(unclear, top)
}

func once(list []string, name string) []string {
	if slices.Contains(list, name) {
		return list
	}
	return append(list, name)
}

// missingHere names the roots of the Microsoft side that this side does not trust.
func missingHere(snapshot federation.Snapshot, roots []string) string {
	var missing []string
	for _, root := range roots {
		if !federation.TrustsName(snapshot.Certificates, root) {
			missing = append(missing, root)
		}
	}
	if len(missing) == 0 {
		return "; here both are known"
	}
	return ", and trust " + strings.Join(missing, ", ") + " here"
}

// shownPeers is how many are named one by one.
const shownPeers = 10

// refusedPeers are the peers that were let in when they were seen last, and whose chain reaches no CA that is left. One
// whose issuer came along in the handshake is not among them: what vouched for it was not kept.
func refusedPeers(snapshot federation.Snapshot, left []federation.Certificate, peers []federation.PeerCertificate) []string {
	issuers := certs.IssuersIn(snapshot.Certificates)
	var refused, subjects []string
	for _, p := range snapshot.Watched(peers) {
		names, _ := issuers.Above(p.Issuer)
		trusted := func(stored []federation.Certificate) bool {
			return slices.ContainsFunc(names, func(ca string) bool { return federation.TrustsName(stored, ca) })
		}
		if !p.Verified || !trusted(snapshot.Certificates) || trusted(left) {
			continue
		}
		refused = append(refused, p.CommonName+" at "+p.Address)
		if snapshot.HasPeerSubject(p.CommonName) {
			subjects = once(subjects, p.CommonName)
		}
	}
	if len(refused) == 0 {
		return nil
	}
	if more := len(refused) - shownPeers; more > 0 {
		refused = append(refused[:shownPeers], fmt.Sprintf("and %d more", more))
	}
	effects := []string{"By the certificates that they showed last, these peers are refused: " + strings.Join(refused, ", ") + "."}
	if len(subjects) > 0 {
		effects = append(effects, "Still listed as peer subjects then, and of use to nobody with such a certificate: "+strings.Join(subjects, ", ")+".")
	}
	return effects
}
