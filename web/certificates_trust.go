package web

import (
	"crypto/x509"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"isthmus/internal/certs"
	"isthmus/internal/federation"
	"isthmus/templates"
)

// askDistrust names what would be refused when the ticked CAs are no longer trusted.
func (s *Server) askDistrust(w http.ResponseWriter, r *http.Request) error {
	gone, snapshot, err := s.tickedCAs(r, r.URL.Query()["id"])
	if err != nil {
		return err
	}
	peers, err := s.peerCertificates(r.Context())
	if err != nil {
		return err
	}
	d := templates.Deletion{Path: certificatesPath, Verb: "Delete " + counted(len(gone), "trusted CA", "trusted CAs"), Effects: distrustEffects(snapshot, peers, gone, s.Now())}
	for _, c := range gone {
		d.Named = append(d.Named, templates.Row{ID: c.ID, Href: certificatePath(c), Label: c.Subject})
	}
	return s.render(w, r, http.StatusOK, templates.DeletePage(s.frame(r, d.Verb, certificatesPath), d))
}

func (s *Server) distrust(w http.ResponseWriter, r *http.Request) error {
	gone, _, err := s.tickedCAs(r, r.PostForm["id"])
	if err != nil {
		return err
	}
	ids := make([]int64, len(gone))
	for i, c := range gone {
		ids[i] = c.ID
	}
	err = s.store.DeleteTrusted(r.Context(), ids)
	return s.done(w, r, err, certificatesPath, "Deleted "+counted(len(gone), "trusted CA", "trusted CAs")+".")
}

// tickedCAs are the trusted CAs that the ids name, each once.
func (s *Server) tickedCAs(r *http.Request, ids []string) ([]federation.Certificate, federation.Snapshot, error) {
	snapshot, err := s.snapshot(r.Context())
	if err != nil {
		return nil, snapshot, err
	}
	if len(ids) == 0 {
		return nil, snapshot, federation.Refuse("Nothing was selected. Tick at least one of the trusted CAs first.")
	}
	var list []federation.Certificate
	for _, text := range slices.Compact(slices.Sorted(slices.Values(ids))) {
		id, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil, snapshot, federation.ErrNotFound
		}
		c, _, err := certificateOf(snapshot, id)
		if err != nil {
			return nil, snapshot, err
		}
		if c.Purpose != federation.PurposeTrust {
			return nil, snapshot, federation.Refuse("%s needs its certificate, so it cannot be deleted. Upload another one, which takes its place.", c.Node)
		}
		list = append(list, c)
	}
	return list, snapshot, nil
}

// distrustEffects say what chains to CAs, and so is refused without them. Which CA vouches for a peer shows only in its
// handshake, so peers that were not seen are named by the listeners and next hops that they are verified on.
func distrustEffects(snapshot federation.Snapshot, peers []federation.PeerCertificate, gone []federation.Certificate, now time.Time) []string {
	left := slices.DeleteFunc(slices.Clone(snapshot.Certificates), func(c federation.Certificate) bool {
		return slices.ContainsFunc(gone, func(g federation.Certificate) bool { return g.ID == c.ID })
	})
	var effects []string
	verified := verifiedPeers(snapshot)
	switch {
	case verified == "":
	case !slices.ContainsFunc(left, func(c federation.Certificate) bool { return c.Purpose == federation.PurposeTrust }):
		effects = append(effects, "No CA is left then, so that no certificate can be verified: every peer is refused within a second "+verified+".")
	default:
		effects = append(effects, "Peers whose certificate chains to nothing else that is trusted are refused within a second "+verified+".")
	}
	effects = append(effects, refusedPeers(snapshot, left, peers)...)
	return append(effects, chainedHere(snapshot, left, now)...)
}

// verifiedPeers are the places where certificates of peers are asked for, "" when there are none.
func verifiedPeers(snapshot federation.Snapshot) string {
	var listeners, hops, places []string
	for _, l := range snapshot.Listeners {
		if c := snapshot.TLSContext(l.TLSContext); l.Enabled && c != nil && c.VerifyClient {
			listeners = append(listeners, fmt.Sprintf("%q (context %s)", l.Name, l.TLSContext))
		}
	}
	for _, route := range snapshot.StaticRoutes {
		if at := hop(route); route.Transport == "tls" && route.InService && !slices.Contains(hops, at) {
			hops = append(hops, at)
		}
	}
	if len(listeners) > 0 {
		places = append(places, "on "+theList("listener", listeners))
	}
	if len(hops) > 0 {
		places = append(places, "at "+theList("next hop", hops))
	}
	if snapshot.Settings.NodeTransport == "tls" && len(snapshot.Nodes) > 1 {
		places = append(places, "between the nodes")
	}
	return strings.Join(places, ", and ")
}

// theList is "the listener A" or "the listeners A, B".
func theList(one string, names []string) string {
	if len(names) > 1 {
		one += "s"
	}
	return "the " + one + " " + strings.Join(names, ", ")
}

// chainedHere are the certificates here that would chain to nothing trusted any more: nodes' own, and CAs.
func chainedHere(snapshot federation.Snapshot, left []federation.Certificate, now time.Time) []string {
	var nodes, below []string
	for _, c := range left {
		switch chained, still := chains(c, snapshot.Certificates, now), chains(c, left, now); {
		case !chained || still:
		case c.Purpose == federation.PurposeOwn:
			nodes = append(nodes, c.Node)
		default:
			below = append(below, c.Subject)
		}
	}
	var effects []string
	if len(nodes) > 0 {
		effects = append(effects, "The certificate of "+strings.Join(nodes, ", ")+" chains to nothing trusted then: other nodes refuse it where they talk over TLS.")
	}
	if len(below) > 0 {
		effects = append(effects, capital(theList("intermediate CA", below))+" below stays trusted all the same; delete it too if it should go.")
	}
	return effects
}

// chains reports whether a stored certificate chains to one of the trusted CAs other than itself.
func chains(c federation.Certificate, stored []federation.Certificate, now time.Time) bool {
	chain, err := certs.Chain(c)
	if err != nil {
		return false
	}
	others := slices.DeleteFunc(slices.Clone(stored), func(t federation.Certificate) bool { return t.ID == c.ID })
	sent := x509.NewCertPool()
	for _, link := range chain[1:] {
		sent.AddCert(link)
	}
	_, err = chain[0].Verify(x509.VerifyOptions{Roots: certs.TrustStore(others), Intermediates: sent, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}})
	return err == nil
}
