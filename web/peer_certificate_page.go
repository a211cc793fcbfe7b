package web

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"isthmus/internal/certs"
	"isthmus/internal/federation"
	"isthmus/templates"
)

// peerCertificate is what there is to say of a certificate by itself.
func (s *Server) peerCertificate(ctx context.Context, snapshot federation.Snapshot, c certs.Candidate) templates.PeerCertificate {
	hop := c.HopName(snapshot)
	page := templates.PeerCertificate{State: candidateState(c, s.Now()), Findings: refusals(c, s.Now())}
	if hop != "" && hop != c.Subject {
		page.State, page.Findings = templates.State{Mark: templates.Part, Word: "Valid as a next hop"}, byOtherName(c, hop)
	}
	for _, link := range c.Chain {
		page.Chain = append(page.Chain, describedFacts(link, link.Issuer))
	}
	if !c.Offered() {
		return page
	}
	if snapshot.HasPeerSubject(c.Subject) {
		page.Listed = listedAlready(ctx, snapshot, c.Subject)
	} else if hop == "" {
		page.Subject, page.Selection = c.Subject, selection(ctx, snapshot, templates.Form{})
	}
	return page
}

func candidateState(c certs.Candidate, now time.Time) templates.State {
	switch {
	case expired(c, now):
		return templates.State{Mark: templates.Down, Word: "Expired"}
	case tooEarly(c, now):
		return templates.State{Mark: templates.Down, Word: "Not valid yet"}
	case c.Untrusted != "":
		return templates.State{Mark: templates.Unknown, Word: "Not verified"}
	case c.Unlistable != "":
		return templates.State{Mark: templates.Down, Word: "Refused"}
	case c.AsServer != "" || c.AsClient != "":
		return templates.State{Mark: templates.Part, Word: "Valid one way only"}
	}
	return templates.State{Mark: templates.Up, Word: "Valid"}
}

func expired(c certs.Candidate, now time.Time) bool { return now.After(c.Chain[0].NotAfter) }

func tooEarly(c certs.Candidate, now time.Time) bool { return now.Before(c.Chain[0].NotBefore) }

// refusals are what refuses a certificate whatever is listed, worst first.
func refusals(c certs.Candidate, now time.Time) []templates.Finding {
	var list []templates.Finding
	if c.Untrusted != "" {
		list = append(list, untrusted(c, now))
	}
	if c.Unlistable != "" {
		list = append(list, templates.Finding{Mark: templates.Down, Title: "It has no Common Name that can be listed", Text: c.Unlistable})
	}
	if c.AsServer != "" {
		list = append(list, templates.Finding{Mark: templates.Part, Title: "Refused of a next hop", Text: c.AsServer})
	}
	if c.AsClient != "" {
		list = append(list, templates.Finding{Mark: templates.Part, Title: "Refused of a peer that connects to a listener", Text: c.AsClient})
	}
	return list
}

// byOtherName tells of a certificate that a DNS name lets in as a next hop's. As a client's it needs its Common Name.
func byOtherName(c certs.Candidate, hop string) []templates.Finding {
	client := templates.Finding{Mark: templates.Part, Title: "It is refused of a peer that connects to a listener", Text: cmp.Or(c.AsClient, c.Unlistable)}
	if client.Text == "" {
		client.Text = fmt.Sprintf("There its Common Name alone counts, and %s is not listed. That is needed only if this server opens connections to this side.", c.Subject)
		client.Href, client.Link = subjectsPath+"/new?"+url.Values{"name": {c.Subject}}.Encode(), "Add it if it does"
	}
	return []templates.Finding{{Mark: templates.Up, Title: "It is let in as a next hop by its DNS name " + hop, Text: "That name is listed and selected, so nothing has to be added for requests to this server."}, client}
}

// untrusted is why nobody vouches for the Common Name. A date is the peer's to mend, or a clock's; no trusted CA changes it.
func untrusted(c certs.Candidate, now time.Time) templates.Finding {
	const not = " So its Common Name is not offered for adding; look again when it is "
	switch {
	case expired(c, now):
		return templates.Finding{Mark: templates.Down, Title: "It has expired", Text: c.Untrusted + not + "renewed."}
	case tooEarly(c, now):
		return templates.Finding{Mark: templates.Down, Title: "It is not valid yet", Text: c.Untrusted + not + "valid."}
	}
	return templates.Finding{Mark: templates.Down, Title: "Its chain is not trusted here", Href: certificatesPath, Link: "Certificates",
		Text: c.Untrusted + " Until then its Common Name is a claim that nobody vouches for, so it is not offered for adding."}
}

// listedAlready says where a subject that exists is selected.
func listedAlready(ctx context.Context, snapshot federation.Snapshot, subject string) *templates.Finding {
	contexts := contextsWith(snapshot, subject)
	if len(contexts) > 0 {
		return &templates.Finding{Mark: templates.Up, Title: subject + " is listed already", Text: "It is selected in " + strings.Join(contexts, " and ") + "."}
	}
	f := templates.Finding{Mark: templates.Part, Title: subject + " is listed already, and selected in no TLS context"}
	f.Text, f.Href, f.Link = whereToSelect(ctx, snapshot, "Until it is selected it admits nobody.")
	return &f
}

// probedPage adds what the handshake showed.
func (s *Server) probedPage(ctx context.Context, snapshot federation.Snapshot, p federation.Place, found certs.Probed) templates.PeerCertificate {
	var page templates.PeerCertificate
	if found.Candidate != nil {
		page = s.peerCertificate(ctx, snapshot, *found.Candidate)
	}
	page.Again, page.Handshake = p.String(), handshakeFacts(found)
	if found.Problem != "" {
		page.Findings = slices.Insert(page.Findings, 0, noHandshake(snapshot, found))
	}
	return page
}

func handshakeFacts(found certs.Probed) []templates.Pair {
	if found.Address == "" {
		return nil
	}
	facts := []templates.Pair{{Name: "Connected to", Value: found.Address, Mono: true}}
	if found.Version == "" {
		facts[0].Name = "Tried at"
		return facts
	}
	client := "not asked for, so this port does without mutual TLS"
	if found.Asked && found.Shown {
		client = "asked for, and this node's own was shown"
	} else if found.Asked {
		client = "asked for, and this node had none to show"
	}
	kind := "no elliptic curve"
	if federation.EllipticCurve(found.Cipher) || found.Version == "TLS 1.3" {
		kind = "elliptic curve"
	}
	return append(facts, templates.Pair{Name: "Version", Value: found.Version}, templates.Pair{Name: "Cipher", Value: found.Cipher + ", " + kind},
		templates.Pair{Name: "Client certificate", Value: client})
}

// noHandshake is why no handshake of the node comes about. What a server that is beyond the TLS context would take is told, so
// that nobody has to guess.
func noHandshake(snapshot federation.Snapshot, found certs.Probed) templates.Finding {
	f := templates.Finding{Mark: templates.Down, Title: "No handshake comes about", Text: found.Problem}
	if !found.Beyond {
		return f
	}
	f.Text += fmt.Sprintf(" With everything offered it chose %s and %s.", found.Version, found.Cipher)
	if c := snapshot.TLSContext(federation.PeerAuthContext); c != nil {
		f.Href, f.Link = fmt.Sprintf("/tls-contexts/%d", c.ID), "Versions and ciphers of "+c.Name
	}
	return f
}
