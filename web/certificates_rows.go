package web

import (
	"bytes"
	"cmp"
	"crypto/x509"
	"strings"
	"time"

	"isthmus/internal/certs"
	"isthmus/internal/federation"
	"isthmus/templates"
)

// day is how pages write a date.
const day = "2 January 2006"

// validity is what a certificate's dates say today.
func validity(notBefore, notAfter, now time.Time) templates.State {
	until := notAfter.UTC().Format(day)
	switch stage := certs.ExpiryOf(notAfter, now); {
	case stage == certs.Ended:
		return templates.State{Mark: templates.Down, Word: "Ended", Note: "on " + until}
	case now.Before(notBefore):
		return templates.State{Mark: templates.Down, Word: "Not valid yet", Note: "from " + notBefore.UTC().Format(day)}
	case stage != certs.Far:
		return templates.State{Mark: templates.Part, Word: "Ends " + certs.EndsIn(notAfter, now), Note: "on " + until}
	}
	return templates.State{Mark: templates.Up, Word: "Valid", Note: "until " + until}
}

// ownValidity says plainly of a certificate that a node made for itself that nobody trusts it.
func ownValidity(c federation.Certificate, now time.Time) templates.State {
	state := validity(c.NotBefore, c.NotAfter, now)
	if c.SelfSigned && state.Mark != templates.Down {
		return templates.State{Mark: templates.Part, Word: "Self-signed", Note: "no peer trusts it; ends on " + c.NotAfter.UTC().Format(day)}
	}
	return state
}

var ownColumns = []templates.Column{{Label: "Node"}, {Label: "State"}, {Label: "Issuer"}, {Label: "Names"}, {Label: "Key and usages"}, {Label: "Serial and fingerprint"}}

func (s *Server) ownList(snapshot federation.Snapshot) (templates.List, error) {
	list := templates.List{Path: certificatesPath, One: "own certificate", Many: "own certificates", Columns: ownColumns}
	for _, n := range snapshot.Nodes {
		own := snapshot.Own(n.Name)
		if own == nil {
			none := templates.State{Mark: templates.Down, Word: "None", Note: "its TLS listeners cannot open"}
			list.Rows = append(list.Rows, templates.Row{ID: n.ID, Label: n.Name, Cells: []templates.Cell{{Text: n.Name}, {State: &none}, {}, {}, {}, {}}})
			continue
		}
		chain, err := certs.Chain(*own)
		if err != nil {
			return list, err
		}
		list.Rows = append(list.Rows, s.ownRow(*own, certs.Describe(chain[0])))
	}
	return list, nil
}

func (s *Server) ownRow(c federation.Certificate, d certs.Description) templates.Row {
	state := ownValidity(c, s.Now())
	issuer := templates.Cell{Text: d.Issuer}
	if c.SelfSigned {
		issuer = templates.Cell{Text: "Itself"}
	}
	node := templates.Cell{Text: c.Node}
	if !strings.EqualFold(d.Subject, c.Node) {
		node.Note = "Subject " + d.Subject
	}
	return templates.Row{ID: c.ID, Href: certificatePath(c), Label: c.Node,
		Cells: []templates.Cell{node, {State: &state}, issuer, {Lines: d.Names}, keyCell(d), serialCell(d)}}
}

func keyCell(d certs.Description) templates.Cell {
	return templates.Cell{Text: d.Key, Note: strings.Join(shortUsages(d.Usages), ", ")}
}

// shortUsages leaves out the object identifiers, which the certificate's own page shows.
func shortUsages(usages []string) []string {
	short := make([]string, len(usages))
	for i, u := range usages {
		short[i], _, _ = strings.Cut(u, " (")
	}
	return short
}

// shownOctets of a serial number and of a fingerprint are enough to find a certificate by; the whole stands on its page.
const shownOctets = 6

func serialCell(d certs.Description) templates.Cell {
	octets := strings.Split(d.Serial, ":")
	serial := strings.Join(octets[:min(len(octets), shownOctets)], ":")
	if len(octets) > shownOctets {
		serial += "..."
	}
	return templates.Cell{Text: serial, Mono: true, Note: "SHA-256 " + d.Fingerprint[:2*shownOctets] + "..."}
}

var trustedColumns = []templates.Column{{Label: "CA"}, {Label: "State"}, {Label: "Issuer"}, {Label: "Key"}, {Label: "Serial and fingerprint"}}

func (s *Server) trustedList(snapshot federation.Snapshot, mayChange bool) (templates.List, error) {
	list := templates.List{Path: certificatesPath, One: "trusted CA", Many: "trusted CAs", Columns: trustedColumns, Delete: mayChange}
	for _, c := range snapshot.Certificates {
		if c.Purpose != federation.PurposeTrust {
			continue
		}
		chain, err := certs.Chain(c)
		if err != nil {
			return list, err
		}
		list.Rows = append(list.Rows, s.trustedRow(c, chain[0]))
	}
	return list, nil
}

func (s *Server) trustedRow(c federation.Certificate, parsed *x509.Certificate) templates.Row {
	d, state := certs.Describe(parsed), validity(c.NotBefore, c.NotAfter, s.Now())
	return templates.Row{ID: c.ID, Href: certificatePath(c), Label: c.Subject, Cells: []templates.Cell{
		{Text: d.Subject, Note: c.Description}, {State: &state}, {Text: issuerOf(parsed)}, keyCell(d), serialCell(d)}}
}

// issuerOf tells a root from an intermediate in the administrator's words.
func issuerOf(c *x509.Certificate) string {
	if bytes.Equal(c.RawIssuer, c.RawSubject) {
		return "Itself: a root"
	}
	return certs.Describe(c).Issuer
}

// certificateFacts is everything about one stored certificate and its chain.
func (s *Server) certificateFacts(c federation.Certificate, snapshot federation.Snapshot) (templates.Certificate, error) {
	chain, err := certs.Chain(c)
	if err != nil {
		return templates.Certificate{}, err
	}
	d := certs.Describe(chain[0])
	page := templates.Certificate{ID: c.ID, Node: c.Node, Title: "Trusted CA " + d.Subject, State: validity(c.NotBefore, c.NotAfter, s.Now()), Download: certificatePath(c) + ".pem"}
	purpose := federation.PurposeTrust + ": what it signed is accepted from peers"
	if c.Purpose == federation.PurposeOwn {
		page.Title, page.State = "Certificate of "+c.Node, ownValidity(c, s.Now())
		purpose = federation.PurposeOwn + ": shown by " + c.Node + ", as a server and as a client"
		for _, text := range certs.Warnings(c, snapshot.Certificates, s.Now()) {
			page.Findings = append(page.Findings, templates.Finding{Mark: templates.Part, Title: "This certificate is doubtful", Text: text})
		}
	} else {
		page.Effects = distrustEffects(snapshot, []federation.Certificate{c}, s.Now())
	}
	page.Facts = append([]templates.Pair{{Name: "Purpose", Value: purpose}}, describedFacts(d, issuerOf(chain[0]))...)
	page.Facts = append(page.Facts, templates.Pair{Name: "Description", Value: cmp.Or(c.Description, "none")})
	for _, link := range chain[1:] {
		page.Chain = append(page.Chain, describedFacts(certs.Describe(link), issuerOf(link)))
	}
	return page, nil
}

func describedFacts(d certs.Description, issuer string) []templates.Pair {
	usages := d.Usages
	if len(usages) == 0 {
		usages = []string{"not limited"}
	}
	signs := "no"
	if d.CA {
		signs = "yes"
	}
	return []templates.Pair{
		{Name: "Subject", Value: d.FullSubject},
		{Name: "Names", Value: cmp.Or(strings.Join(d.Names, ", "), "none beside the subject")},
		{Name: "Issuer", Value: issuer},
		{Name: "Valid from", Value: moment(d.NotBefore)},
		{Name: "Valid until", Value: moment(d.NotAfter)},
		{Name: "Serial number", Value: d.Serial, Mono: true},
		{Name: "Usages", Value: strings.Join(usages, ", ")},
		{Name: "May sign certificates", Value: signs},
		{Name: "Key", Value: d.Key},
		{Name: "Signed with", Value: d.Signature},
		{Name: "SHA-256 fingerprint", Value: d.Fingerprint, Mono: true},
	}
}

// moment is a date with its time; certificates count in UTC.
func moment(t time.Time) string { return t.UTC().Format(day + ", 15:04 UTC") }
