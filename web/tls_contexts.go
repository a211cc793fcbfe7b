package web

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/a-h/templ"

	"isthmus/internal/auth"
	"isthmus/internal/certs"
	"isthmus/internal/federation"
	"isthmus/templates"
)

func (s *Server) tlsContexts() pages {
	return resource[federation.TLSContext, *federation.TLSContext]{
		s: s, path: "/tls-contexts", one: "TLS context", many: "TLS contexts", title: "TLS contexts", change: auth.Administer,
		lede:  "What TLS listeners demand of a client and offer to it.",
		empty: "There is no TLS context, so no TLS listener can open. Add one.",
		cols: []templates.Column{{Name: "name", Label: "Name"}, {Label: "Client certificate"}, {Name: "min_version", Label: "Lowest version"},
			{Label: "Ciphers"}, {Label: "Peer subjects", Num: true}},
		list: s.store.ListTLSContexts, get: s.store.TLSContext, save: s.store.SaveTLSContext, remove: s.store.DeleteTLSContexts,
		id:      func(c federation.TLSContext) int64 { return c.ID },
		rows:    plainRows(contextRow),
		form:    s.contextForm,
		effects: s.contextEffects,
		prepare: s.arrange,
		check:   s.checkContext,
		saved:   s.contextSaved,
	}
}

func contextRow(c federation.TLSContext) templates.Row {
	demand := "not asked for"
	if c.VerifyClient {
		demand = "demanded"
	}
	version := templates.Cell{Text: "TLS " + c.MinVersion}
	if c.Legacy() {
		version = templates.Cell{State: &templates.State{Mark: templates.Part, Word: "TLS " + c.MinVersion, Note: "broken, allowed on purpose"}}
	}
	return templates.Row{ID: c.ID, Href: fmt.Sprintf("/tls-contexts/%d", c.ID), Label: c.Name, Cells: []templates.Cell{
		{Text: c.Name}, {Text: demand}, version, cipherCell(c), {Text: fmt.Sprint(len(c.PeerSubjects)), Num: true},
	}}
}

// cipherCell marks what somebody selected that is weak, and says of the rest why it is there (guide p.58).
func cipherCell(c federation.TLSContext) templates.Cell {
	count := counted(len(c.Ciphers), "cipher", "ciphers")
	mark := func(word, note string) templates.Cell {
		return templates.Cell{State: &templates.State{Mark: templates.Part, Word: word, Note: note}}
	}
	has := func(weakness string) bool {
		return slices.ContainsFunc(c.Ciphers, func(cipher string) bool { return slices.Contains(federation.Weaknesses(cipher), weakness) })
	}
	_, refused := c.WeakOnly()
	switch {
	case c.MinVersion == "1.3":
		return templates.Cell{Text: "those of TLS 1.3"}
	case len(c.Ciphers) == 0 && c.Legacy():
		return templates.Cell{Text: "default list", Note: "RSA key exchange and 3DES among them, as OCS and Lync need them"}
	case len(c.Ciphers) == 0:
		return templates.Cell{Text: "default list", Note: "RSA key exchange among them, as Lync needs it"}
	case refused != "" && len(c.Ciphers) == 1:
		return mark(count+", weak", "refuses "+refused+" and has no TLS 1.3")
	case refused != "":
		return mark(count+", all weak", "refuses "+refused+" and has no TLS 1.3")
	case has(federation.TripleDES):
		return mark(count, "3DES among them")
	}
	return templates.Cell{Text: count, Note: "RSA key exchange among them, as Lync needs it"} // no list is without (Problems)
}

func (s *Server) contextForm(ctx context.Context, f templates.Frame, form templates.Form) (templ.Component, error) {
	snapshot, err := s.snapshot(ctx)
	if err != nil {
		return nil, err
	}
	var subjects []templates.Option
	for _, p := range snapshot.TLSPeerSubjects {
		subjects = append(subjects, templates.Option{Value: p.Name, Label: p.Name, Note: p.Description})
	}
	if !form.Values.Has("legacy") && form.ID != 0 { // the choice was made when the context was saved
		stored := federation.TLSContext{MinVersion: form.Value("min_version")}
		form.Values.Set("legacy", fmt.Sprint(stored.Legacy()))
	}
	return templates.TLSContextForm(f, form, cipherOptions(), subjects), nil
}

// cipherOptions say of each cipher what decides whether to select it: whether Lync can use it, and what is weak by today's
// measure and still needed for old servers (guide p.58).
func cipherOptions() []templates.Option {
	var options []templates.Option
	for _, name := range federation.Ciphers() {
		note := "No elliptic curve, as Lync needs it."
		if federation.EllipticCurve(name) {
			note = "Elliptic curve."
		}
		weak := federation.Weaknesses(name)
		switch {
		case slices.Contains(weak, federation.TripleDES):
			note = "Weak. For OCS 2007 R2 and Lync 2010 on old Windows only. " + note
		case slices.Contains(weak, federation.RSAExchange):
			note += " Without forward secrecy."
		case slices.Contains(weak, federation.CBC):
			note += " Older mode; fine where nothing better is offered."
		}
		options = append(options, templates.Option{Value: name, Label: name, Note: note})
	}
	return options
}

// arrange does what the buttons below the two lists say. The page groups by the ticks, so that Move has nothing to do here.
func (s *Server) arrange(ctx context.Context, posted url.Values) error {
	field, how, _ := strings.Cut(posted.Get("arrange"), " ")
	switch {
	case how == "none" && (field == "ciphers" || field == "peer_subjects"):
		posted[field] = nil
	case how == "all" && field == "ciphers":
		posted[field] = federation.Ciphers()
	case how == "all" && field == "peer_subjects":
		snapshot, err := s.snapshot(ctx)
		if err != nil {
			return err
		}
		posted[field] = nil
		for _, p := range snapshot.TLSPeerSubjects {
			posted.Add(field, p.Name)
		}
	}
	return nil
}

// checkContext asks for the tick without which no form allows TLS 1.0 or 1.1. Where they are allowed already, only a form
// that takes the tick away is asked again.
func (s *Server) checkContext(ctx context.Context, c federation.TLSContext, posted url.Values) (federation.Invalid, error) {
	if !c.Legacy() || slices.ContainsFunc(posted["legacy"], isOn) {
		return nil, nil
	}
	if c.ID != 0 && !posted.Has("legacy") {
		if before, err := s.store.TLSContext(ctx, c.ID); err != nil || before.Legacy() {
			return nil, err
		}
	}
	return federation.Invalid{{Path: "legacy", Text: "TLS " + c.MinVersion + " is broken by today's measure, so it is allowed on purpose only: tick this box, or choose TLS 1.2 as the lowest version."}}, nil
}

// contextSaved tells which nodes' certificates no cipher fits, and which configured subjects are left out.
func (s *Server) contextSaved(ctx context.Context, c federation.TLSContext, _ url.Values) string {
	snapshot, err := s.snapshot(ctx)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(withoutCipher(snapshot, c) + " " + leftOut(snapshot, c))
}

// withoutCipher names the nodes whose ECDSA key is of no use in a context.
func withoutCipher(snapshot federation.Snapshot, c federation.TLSContext) string {
	var nodes []string
	for _, n := range snapshot.Nodes {
		if own := snapshot.Own(n.Name); c.RSAKeysOnly() && own != nil && certs.HasECDSAKey(*own) {
			nodes = append(nodes, n.Name)
		}
	}
	if len(nodes) == 0 {
		return ""
	}
	return "No selected cipher fits the ECDSA key of " + strings.Join(nodes, " and ") + ", so every handshake below TLS 1.3 fails on listeners with this context. " + federation.ECDSACiphers
}

// leftOut names the subjects that are not selected; the guide wants all of them to be (guide p.58 step 6).
func leftOut(snapshot federation.Snapshot, c federation.TLSContext) string {
	if !c.VerifyClient {
		return ""
	}
	var left []string
	for _, p := range snapshot.TLSPeerSubjects {
		if !slices.Contains(c.PeerSubjects, p.Name) {
			left = append(left, p.Name)
		}
	}
	if len(left) == 0 {
		return "Every configured peer subject is selected."
	}
	return "Not selected, and so refused in the handshake: " + strings.Join(left, ", ") + "."
}

func (s *Server) contextEffects(ctx context.Context, going []federation.TLSContext) ([]string, bool, error) {
	snapshot, err := s.snapshot(ctx)
	if err != nil {
		return nil, false, err
	}
	for _, c := range going {
		if c.Name == federation.PeerAuthContext {
			return []string{c.Name + " holds the peer subjects of next hops, so it cannot be deleted."}, true, nil
		}
		for _, l := range snapshot.Listeners {
			if l.TLSContext == c.Name {
				return []string{fmt.Sprintf("The listener %q uses %s, so it cannot be deleted. Give that listener another context first.", l.Name, c.Name)}, true, nil
			}
		}
	}
	return []string{"No listener uses what is deleted here."}, false, nil
}
