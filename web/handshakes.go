package web

import (
	"cmp"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"isthmus/internal/auth"
	"isthmus/internal/certs"
	"isthmus/internal/federation"
	"isthmus/internal/listing"
	"isthmus/templates"
)

// A reportedHandshake is a refused handshake as a node told of it.
type reportedHandshake struct {
	federation.RefusedHandshake
	node *federation.NodeStatus
}

var handshakeFields = listing.Fields[reportedHandshake]{
	"peer":    func(h reportedHandshake) string { return peerName(h.RefusedHandshake) },
	"last":    func(h reportedHandshake) string { return h.Last.UTC().Format("20060102150405.000") },
	"subject": func(h reportedHandshake) string { return h.Subject },
	"reason":  func(h reportedHandshake) string { return h.Reason },
	"node":    func(h reportedHandshake) string { return h.node.Node },

	"issuer":      func(h reportedHandshake) string { return h.Issuer },
	"serial":      func(h reportedHandshake) string { return octetWays(h.Serial) },
	"fingerprint": func(h reportedHandshake) string { return octetWays(h.Fingerprint) },
}

// showHandshakes lists why TLS connections came to nothing, on all nodes, and what would change that.
func (s *Server) showHandshakes(w http.ResponseWriter, r *http.Request) error {
	statuses, err := s.handshakes(r.Context())
	if err != nil {
		return err
	}
	snapshot, err := s.snapshot(r.Context())
	if err != nil {
		return err
	}
	peers, err := s.peerCertificates(r.Context())
	if err != nil {
		return err
	}
	page := listing.In(listing.FromURL(r.URL.Query()), newestFirst(statuses), handshakeFields)
	ways := waysOut{snapshot: &snapshot, change: may(r, auth.Change), peers: peers}
	rows := make([]templates.Row, len(page.Items))
	for i, h := range page.Items {
		rows[i] = handshakeRow(h, ways, s.Now())
	}
	l := listOf(page, rows)
	l.Path, l.One, l.Many, l.Class = "/handshakes", "refused handshake", "refused handshakes", "handshakes"
	l.Lede = fmt.Sprintf("TLS connections that came to nothing, newest first, as each node remembers them since it started: the last %d, of one address or next hop the last %d that differ. Of unlisted peers at most 100 attempts a second are counted. What the incoming ACL refuses is not among them: that comes after the handshake.", federation.HandshakesKept, federation.HandshakesPerPeer)
	l.Empty = "No TLS handshake has failed since the nodes started. Whoever is refused from now on is listed here with the reason, and with the page that would change it."
	l.Columns = []templates.Column{{Name: "peer", Label: "Peer"}, {Name: "last", Label: "Last", NoFind: true}, {Name: "subject", Label: "Claimed subject"},
		{Name: "reason", Label: "Reason"}, {Label: "What would change it"}, {Name: "node", Label: "Node"},
		{Name: "issuer", Label: "Issuer", FindOnly: true}, {Name: "serial", Label: "Serial number", FindOnly: true}, {Name: "fingerprint", Label: "SHA-256 fingerprint", FindOnly: true}}
	return s.render(w, r, http.StatusOK, templates.ListPage(s.frame(r, "Refused handshakes", "/handshakes"), l))
}

// newestFirst joins what all nodes told.
func newestFirst(statuses []federation.NodeStatus) []reportedHandshake {
	var all []reportedHandshake
	for i := range statuses {
		for _, h := range statuses[i].Handshakes {
			all = append(all, reportedHandshake{h, &statuses[i]})
		}
	}
	slices.SortStableFunc(all, func(a, b reportedHandshake) int { return b.Last.Compare(a.Last) })
	return all
}

func handshakeRow(h reportedHandshake, ways waysOut, now time.Time) templates.Row {
	href, what := ways.peer(h.RefusedHandshake)
	way := ways.way(h)
	return templates.Row{Href: href, Label: h.Peer, Cells: []templates.Cell{
		{Text: peerName(h.RefusedHandshake), Mono: true, Note: what},
		{Text: templates.Clock(h.Last, now), Note: howOften(h.RefusedHandshake, now)},
		claimed(h.RefusedHandshake),
		{State: &templates.State{Mark: templates.Down, Word: cmp.Or(sentence(h.Reason), "TLS handshake failed"), Note: sentence(h.Detail)}},
		{Text: way.text, Href: way.href, Link: way.link},
		{Text: h.node.Node, Note: silence(h.node, now)},
	}}
}

// peerName is an address for who connected here, and host and port for where this node connected to.
func peerName(h federation.RefusedHandshake) string {
	if !h.Outbound || h.Port == 0 {
		return h.Peer
	}
	return net.JoinHostPort(h.Peer, strconv.Itoa(h.Port))
}

func howOften(h federation.RefusedHandshake, now time.Time) string {
	if h.Count <= 1 {
		return "once"
	}
	return fmt.Sprintf("%d times since %s", h.Count, templates.Clock(h.First, now))
}

// claimed is the name in the peer's certificate, and what tells that certificate from others of the name. Without a trusted
// chain anybody can write any name there.
func claimed(h federation.RefusedHandshake) templates.Cell {
	cell := templates.Cell{Text: h.Subject, Mono: true, Tag: "unverified claim", Lines: certificateLines(h)}
	switch {
	case h.Subject == "" && h.Reason == certs.ReasonNone:
		return templates.Cell{Text: "none"}
	case h.Subject == "" && h.Fingerprint == "":
		return templates.Cell{Text: "not seen"}
	case h.Subject == "":
		cell.Text, cell.Mono = "no subject", false
	case h.Verified:
		cell.Tag = "from a trusted CA"
	}
	return cell
}

// certificateLines tell one certificate from others. The fingerprint is whole where a name may be added by it.
func certificateLines(h federation.RefusedHandshake) []string {
	if h.Fingerprint == "" {
		return nil
	}
	fingerprint := h.Fingerprint
	if h.Reason != certs.ReasonNotListed {
		fingerprint = fingerprint[:min(len(fingerprint), 2*shownOctets)] + "..."
	}
	return []string{"issued by " + h.Issuer, "serial " + h.Serial, "valid until " + moment(h.NotAfter), "SHA-256 " + fingerprint}
}

// sentence begins with a capital what follows other words in the log.
func sentence(words string) string {
	if words == "" {
		return ""
	}
	return capital(words)
}

func silence(n *federation.NodeStatus, now time.Time) string {
	if n.Live(now) {
		return ""
	}
	return "silent, last heard " + templates.Ago(n.ReportedAt, now)
}

// peer says what a peer is here, with the page of what this node connects to.
func (o waysOut) peer(h federation.RefusedHandshake) (href, what string) {
	if !h.Outbound {
		return "", "connected to " + h.Listener
	}
	at := ""
	if h.Address != peerName(h) {
		at = " at " + h.Address
	}
	routes := o.routes(h)
	switch node := o.nodeAt(h.Peer); {
	case len(routes) == 1:
		return fmt.Sprintf("/static-routes/%d", routes[0].ID), "next hop" + at
	case len(routes) > 1:
		return "/static-routes?" + url.Values{"field": {"next_hop"}, "op": {listing.IsExactly}, "q": {h.Peer}}.Encode(), "next hop of " + counted(len(routes), "static route", "static routes") + at
	case node != nil:
		return fmt.Sprintf("/nodes/%d", node.ID), "the node " + node.Name + at
	}
	return "", "no static route leads there now"
}

// routes are those that lead over TLS to where this node connected.
func (o waysOut) routes(h federation.RefusedHandshake) (found []federation.StaticRoute) {
	for _, r := range o.snapshot.StaticRoutes {
		if strings.EqualFold(r.NextHop, h.Peer) && r.Port == h.Port && r.Transport == federation.TLS {
			found = append(found, r)
		}
	}
	return found
}

func (o waysOut) nodeAt(address string) *federation.Node {
	i := slices.IndexFunc(o.snapshot.Nodes, func(n federation.Node) bool { return n.Address == address })
	if i < 0 {
		return nil
	}
	return &o.snapshot.Nodes[i]
}
