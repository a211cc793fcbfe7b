package web

import (
	"bytes"
	"cmp"
	"crypto/x509"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"isthmus/internal/auth"
	"isthmus/internal/certs"
	"isthmus/internal/federation"
	"isthmus/internal/listing"
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

// An ownEntry is a node and the certificate that it shows; there may be none.
type ownEntry struct {
	node federation.Node
	federation.Certificate
	certs.Description
}

func (e ownEntry) none() bool { return e.Node == "" }

var ownColumns = []templates.Column{{Name: "node", Label: "Node"}, {Name: "end", Label: "State", NoFind: true}, {Name: "issuer", Label: "Issuer"},
	{Name: "names", Label: "Names"}, {Name: "key", Label: "Key and usages"}, {Name: "serial", Label: "Serial and fingerprint"},
	{Name: "subject", Label: "Subject", FindOnly: true}, {Name: "fingerprint", Label: "SHA-256 fingerprint", FindOnly: true},
	{Name: "description", Label: "Description", FindOnly: true}}

var ownFields = withDescription(func(e ownEntry) certs.Description { return e.Description }, listing.Fields[ownEntry]{
	"node":        func(e ownEntry) string { return e.node.Name },
	"issuer":      func(e ownEntry) string { return e.issuer() },
	"description": func(e ownEntry) string { return e.Certificate.Description },
})

// withDescription adds what a certificate itself is found and sorted by.
func withDescription[T any](of func(T) certs.Description, more listing.Fields[T]) listing.Fields[T] {
	fields := listing.Fields[T]{
		"subject":     func(e T) string { return of(e).FullSubject },
		"names":       func(e T) string { return strings.Join(of(e).Names, ", ") },
		"end":         func(e T) string { return of(e).NotAfter.Format(time.RFC3339) },
		"key":         func(e T) string { return keyWords(of(e)) },
		"serial":      func(e T) string { return octetWays(of(e).Serial) },
		"fingerprint": func(e T) string { return octetWays(of(e).Fingerprint) },
	}
	maps.Copy(fields, more)
	return fields
}

// octetWays are the ways in which openssl and Windows write hexadecimal octets: together, with colons, and with blanks.
func octetWays(octets string) string {
	bare := strings.ReplaceAll(octets, ":", "")
	var pairs []string
	for pair := range slices.Chunk([]byte(bare), 2) {
		pairs = append(pairs, string(pair))
	}
	return strings.Join([]string{bare, strings.Join(pairs, ":"), strings.Join(pairs, " ")}, "\n")
}

func (s *Server) ownList(r *http.Request, snapshot federation.Snapshot) (templates.List, error) {
	var all []ownEntry
	for _, n := range snapshot.Nodes {
		entry := ownEntry{node: n}
		if own := snapshot.Own(n.Name); own != nil {
			chain, err := certs.Chain(*own)
			if err != nil {
				return templates.List{}, err
			}
			entry.Certificate, entry.Description = *own, certs.Describe(chain[0])
		}
		all = append(all, entry)
	}
	list := listSection(r, certificatesPath, "own", all, ownFields, s.ownRow)
	list.One, list.Many, list.Columns = "own certificate", "own certificates", ownColumns
	list.Empty = "There is no node yet. A node adds itself when isthmus serve starts on it."
	return list, nil
}

func (e ownEntry) issuer() string {
	if e.SelfSigned {
		return "Itself"
	}
	return e.Description.Issuer
}

func (s *Server) ownRow(e ownEntry) templates.Row {
	if e.none() {
		none := templates.State{Mark: templates.Down, Word: "None", Note: "its TLS listeners cannot open"}
		return templates.Row{ID: e.node.ID, Label: e.node.Name, Cells: []templates.Cell{{Text: e.node.Name}, {State: &none}, {}, {}, {}, {}}}
	}
	state, node := ownValidity(e.Certificate, s.Now()), templates.Cell{Text: e.Node}
	if subject := e.Description.Subject; !strings.EqualFold(subject, e.Node) {
		node.Note = "Subject " + subject
	}
	return templates.Row{ID: e.ID, Href: certificatePath(e.Certificate), Label: e.Node,
		Cells: []templates.Cell{node, {State: &state}, {Text: e.issuer()}, {Lines: e.Names}, keyCell(e.Description), serialCell(e.Description)}}
}

func keyCell(d certs.Description) templates.Cell {
	return templates.Cell{Text: d.Key, Note: strings.Join(shortUsages(d.Usages), ", ")}
}

func keyWords(d certs.Description) string {
	return strings.Join(append([]string{d.Key}, shortUsages(d.Usages)...), ", ")
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

// A trustedEntry is a trusted CA.
type trustedEntry struct {
	federation.Certificate
	certs.Description
	issuer string // in the administrator's words
}

var trustedColumns = []templates.Column{{Name: "ca", Label: "CA"}, {Name: "end", Label: "State", NoFind: true}, {Name: "issuer", Label: "Issuer"},
	{Name: "key", Label: "Key"}, {Name: "serial", Label: "Serial and fingerprint"}, {Name: "subject", Label: "Whole subject", FindOnly: true},
	{Name: "fingerprint", Label: "SHA-256 fingerprint", FindOnly: true}, {Name: "description", Label: "Description", FindOnly: true}}

var trustedFields = withDescription(func(e trustedEntry) certs.Description { return e.Description }, listing.Fields[trustedEntry]{
	"ca":          func(e trustedEntry) string { return e.Description.Subject },
	"issuer":      func(e trustedEntry) string { return e.issuer },
	"description": func(e trustedEntry) string { return e.Certificate.Description },
})

func (s *Server) trustedList(r *http.Request, snapshot federation.Snapshot) (templates.List, error) {
	var all []trustedEntry
	for _, c := range snapshot.Certificates {
		if c.Purpose != federation.PurposeTrust {
			continue
		}
		chain, err := certs.Chain(c)
		if err != nil {
			return templates.List{}, err
		}
		all = append(all, trustedEntry{c, certs.Describe(chain[0]), issuerOf(chain[0])})
	}
	list := listSection(r, certificatesPath, "trusted", all, trustedFields, s.trustedRow)
	list.One, list.Many, list.Columns, list.Delete = "trusted CA", "trusted CAs", trustedColumns, may(r, auth.Administer)
	list.Empty = "No CA is trusted yet, so no certificate of the Microsoft side can be verified. Trust the root of the CA that signed the front ends' certificates."
	return list, nil
}

func (s *Server) trustedRow(e trustedEntry) templates.Row {
	state := validity(e.Certificate.NotBefore, e.Certificate.NotAfter, s.Now())
	return templates.Row{ID: e.ID, Href: certificatePath(e.Certificate), Label: e.Description.Subject, Cells: []templates.Cell{
		{Text: e.Description.Subject, Note: e.Certificate.Description}, {State: &state}, {Text: e.issuer}, keyCell(e.Description), serialCell(e.Description)}}
}

// issuerOf tells a root from an intermediate in the administrator's words.
func issuerOf(c *x509.Certificate) string {
	if bytes.Equal(c.RawIssuer, c.RawSubject) {
		return "Itself: a root"
	}
	return certs.Describe(c).Issuer
}

// certificateFacts is everything about one stored certificate and its chain.
func (s *Server) certificateFacts(c federation.Certificate, snapshot federation.Snapshot, peers []federation.PeerCertificate) (templates.Certificate, error) {
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
		for _, text := range certs.Warnings(c, snapshot, s.Now()) {
			page.Findings = append(page.Findings, templates.Finding{Mark: templates.Part, Title: "This certificate is doubtful", Text: text})
		}
	} else {
		page.Effects = distrustEffects(snapshot, peers, []federation.Certificate{c}, s.Now())
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
