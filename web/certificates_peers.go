package web

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"time"

	"isthmus/internal/auth"
	"isthmus/internal/certs"
	"isthmus/internal/federation"
	"isthmus/internal/listing"
	"isthmus/templates"
)

// A peerEntry is the certificate that a peer showed last, and what the configuration of today says of the peer.
type peerEntry struct {
	federation.PeerCertificate
	watched bool
	places  []federation.Place // where it can be probed again: its address may have several ports
	subject int64              // id of the peer subject of its name, 0: none is listed
}

var peerColumns = []templates.Column{{Name: "peer", Label: "Peer"}, {Name: "end", Label: "State", NoFind: true}, {Name: "issuer", Label: "Issuer"},
	{Name: "serial", Label: "Serial and fingerprint"}, {Name: "seen", Label: "Seen", NoFind: true}, {Name: "address", Label: "Address", FindOnly: true},
	{Name: "host", Label: "Configured as", FindOnly: true}, {Name: "source", Label: "How it was seen", FindOnly: true},
	{Name: "fingerprint", Label: "SHA-256 fingerprint", FindOnly: true}, {Label: "What to do"}}

var peerFields = listing.Fields[peerEntry]{
	"peer":        func(e peerEntry) string { return e.CommonName },
	"end":         func(e peerEntry) string { return e.NotAfter.UTC().Format(time.RFC3339) },
	"issuer":      func(e peerEntry) string { return e.Issuer },
	"serial":      func(e peerEntry) string { return octetWays(e.Serial) },
	"seen":        func(e peerEntry) string { return e.SeenAt.UTC().Format(time.RFC3339) },
	"address":     func(e peerEntry) string { return e.Address },
	"host":        func(e peerEntry) string { return e.Host },
	"source":      func(e peerEntry) string { return seenHow(e.PeerCertificate) },
	"fingerprint": func(e peerEntry) string { return octetWays(e.Fingerprint) },
}

// peerList is what peers showed when they were seen last, the one that ends first before the others.
func (s *Server) peerList(r *http.Request, snapshot federation.Snapshot, peers []federation.PeerCertificate) templates.List {
	change := may(r, auth.Change)
	list := listSection(r, certificatesPath, "peers", peerEntries(snapshot, peers), peerFields, func(e peerEntry) templates.Row { return s.peerRow(e, change) })
	list.One, list.Many, list.Columns = "peer's certificate", "peers' certificates", peerColumns
	list.Empty = "No peer's certificate was seen yet. Each is listed when a handshake with mutual TLS has come about, and when a server is asked for it under TLS peer subjects."
	return list
}

func peerEntries(snapshot federation.Snapshot, peers []federation.PeerCertificate) []peerEntry {
	subjects := map[string]int64{}
	for _, subject := range snapshot.TLSPeerSubjects {
		subjects[subject.Name] = subject.ID
	}
	watched := map[[2]string]bool{}
	for _, p := range snapshot.Watched(peers) {
		watched[[2]string{p.Address, p.CommonName}] = true
	}
	places := snapshot.Places()
	entries := make([]peerEntry, len(peers))
	for i, p := range peers {
		entries[i] = peerEntry{p, watched[[2]string{p.Address, p.CommonName}], placesAt(places, p), subjects[p.CommonName]}
	}
	return entries
}

func (s *Server) peerRow(e peerEntry, change bool) templates.Row {
	state := e.state(s.Now())
	name := templates.Cell{Text: e.CommonName, Note: "at " + e.Address}
	if e.Host != "" && e.Host != e.Address && e.Host != e.CommonName {
		name.Note += ", " + e.Host
	}
	row := templates.Row{Label: e.CommonName + " at " + e.Address, Cells: []templates.Cell{name, {State: &state}, {Text: e.Issuer},
		serialCell(certs.Description{Serial: e.Serial, Fingerprint: e.Fingerprint}), {Text: templates.Clock(e.SeenAt, s.Now()), Note: seenHow(e.PeerCertificate)}, {}}}
	if e.subject != 0 {
		row.Href = fmt.Sprintf("%s/%d", subjectsPath, e.subject)
	}
	if change {
		row.Cells[5].Acts = probeActs(e.places, ": "+row.Label)
	}
	return row
}

// probeActs name the port where there are several: which of them showed the certificate is not known.
func probeActs(places []federation.Place, of string) (acts []templates.Act) {
	for _, at := range places {
		act := templates.Act{Href: probeLink(at), Word: "Probe again", Of: of}
		if len(places) > 1 {
			act.Word = "Probe " + at.String() + " again"
		}
		acts = append(acts, act)
	}
	return acts
}

// placesAt are those of the host that was configured as the certificate was seen, else those of its address.
func placesAt(places []federation.Place, p federation.PeerCertificate) (found []federation.Place) {
	for _, at := range places {
		if at.Host == p.Host {
			found = append(found, at)
		}
	}
	if found != nil {
		return found
	}
	address, _ := federation.ParseAddress(p.Address)
	here := func(text string) bool {
		a, err := federation.ParseAddress(text)
		return err == nil && a == address
	}
	for _, at := range places {
		if here(at.Host) || slices.ContainsFunc(at.Addresses, here) {
			found = append(found, at)
		}
	}
	return found
}

// state is that of the dates, unless there is something to say before.
func (e peerEntry) state(now time.Time) templates.State {
	state := validity(e.NotBefore, e.NotAfter, now)
	switch {
	case !e.watched:
		return templates.State{Mark: templates.Off, Word: "Not configured now", Note: "ends on " + e.NotAfter.UTC().Format(day) + ", which warns nobody"}
	case !e.Verified && state.Mark == templates.Up:
		return templates.State{Mark: templates.Unknown, Word: "Not verified", Note: state.Note + "; not trusted here"}
	}
	return state
}

// seenHow says which node saw a certificate, and in what.
func seenHow(p federation.PeerCertificate) string {
	switch p.Source {
	case federation.SeenProbing:
		return "probed by " + p.Node
	case federation.SeenOpening:
		return p.Node + " connected to it"
	}
	return "connected to " + p.Node
}

// probeLink leads to the form that asks a server for its certificate, with this one chosen.
func probeLink(p federation.Place) string {
	return subjectsPath + "/new?" + url.Values{"place": {p.String()}}.Encode() + "#from-certificate"
}

// subjectCell is what is known of the certificates that peers show under a listed name. peers are in the order of their ends.
func (s *Server) subjectCell(name string, peers []federation.PeerCertificate) templates.Cell {
	var cell templates.Cell
	for _, p := range peers {
		if p.CommonName != name {
			continue
		}
		if state := validity(p.NotBefore, p.NotAfter, s.Now()); cell.Lines == nil && state.Mark != templates.Up {
			state.Note = "" // the date stands beside it
			cell.State = &state
		}
		cell.Lines = append(cell.Lines, fmt.Sprintf("valid until %s, seen %s from %s", p.NotAfter.UTC().Format(day), templates.Clock(p.SeenAt, s.Now()), p.Address))
	}
	if cell.Lines == nil {
		cell.Text = "not seen yet"
	}
	return cell
}

// keepProbe remembers the certificate that a server showed to a probe, whether it was found good or not.
func (s *Server) keepProbe(ctx context.Context, p federation.Place, found certs.Probed) error {
	at, err := netip.ParseAddrPort(found.Address)
	if found.Candidate == nil || err != nil {
		return nil // it showed none
	}
	c := found.Candidate.Chain[0].Peer()
	c.Address, c.Host, c.Source, c.Verified = at.Addr().Unmap().String(), p.Host, federation.SeenProbing, found.Candidate.Untrusted == ""
	c.SeenAt, c.Node = s.Now(), cmp.Or(s.Node, "the console")
	return s.store.KeepPeerCertificates(ctx, []federation.PeerCertificate{c})
}
