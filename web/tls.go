package web

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/a-h/templ"

	"isthmus/internal/auth"
	"isthmus/internal/federation"
	"isthmus/templates"
)

func (s *Server) tlsPeerSubjects() pages {
	return resource[federation.TLSPeerSubject, *federation.TLSPeerSubject]{
		s: s, path: "/tls-peer-subjects", one: "TLS peer subject", many: "TLS peer subjects", title: "TLS peer subjects", change: auth.Change,
		lede:  "Common Names of the certificates that peers present. A context admits those that are selected in it.",
		empty: "No certificate is known yet, so every front end fails in the handshake. Add the Common Name of each.",
		cols:  []templates.Column{{Name: "name", Label: "Peer subject name"}, {Name: "description", Label: "Description"}, {Label: "Selected in"}},
		list:  s.store.ListTLSPeerSubjects, get: s.store.TLSPeerSubject, save: s.store.SaveTLSPeerSubject, remove: s.store.DeleteTLSPeerSubjects,
		id:   func(p federation.TLSPeerSubject) int64 { return p.ID },
		rows: s.subjectRows,
		form: func(_ context.Context, f templates.Frame, form templates.Form) (templ.Component, error) {
			return templates.TLSPeerSubjectForm(f, form), nil
		},
		page:    s.subjectPage,
		effects: s.subjectEffects,
		saved: func(ctx context.Context, p federation.TLSPeerSubject, posted url.Values) string {
			return subjectSaved(p, posted.Get("name"))
		},
	}
}

func (s *Server) subjectRows(ctx context.Context, subjects []federation.TLSPeerSubject) ([]templates.Row, error) {
	snapshot, err := s.store.Snapshot(ctx)
	if err != nil {
		return nil, err
	}
	rows := make([]templates.Row, len(subjects))
	for i, p := range subjects {
		rows[i] = templates.Row{ID: p.ID, Href: fmt.Sprintf("/tls-peer-subjects/%d", p.ID), Label: p.Name, Cells: []templates.Cell{
			{Text: p.Name, Mono: true}, {Text: p.Description}, selectedIn(contextsWith(snapshot, p.Name)),
		}}
	}
	return rows, nil
}

// contextsWith are the names of the contexts that have a subject selected.
func contextsWith(snapshot federation.Snapshot, subject string) []string {
	var names []string
	for _, c := range snapshot.TLSContexts {
		if slices.Contains(c.PeerSubjects, subject) {
			names = append(names, c.Name)
		}
	}
	return names
}

func selectedIn(contexts []string) templates.Cell {
	if len(contexts) == 0 {
		return templates.Cell{State: &templates.State{Mark: templates.Part, Word: "No context"}}
	}
	return templates.Cell{Text: strings.Join(contexts, ", ")}
}

func (s *Server) subjectPage(ctx context.Context, f templates.Frame, l templates.List) (templ.Component, error) {
	snapshot, err := s.store.Snapshot(ctx)
	if err != nil {
		return nil, err
	}
	return templates.TLSPeerSubjectList(f, l, unmapped(snapshot)), nil
}

// unmapped are the peer subjects that no context has selected, so that they admit nobody.
func unmapped(snapshot federation.Snapshot) []templates.Finding {
	var names []string
	for _, p := range snapshot.TLSPeerSubjects {
		if len(contextsWith(snapshot, p.Name)) == 0 {
			names = append(names, p.Name)
		}
	}
	if len(names) == 0 {
		return nil
	}
	href := "/tls-contexts"
	if c := snapshot.TLSContext(federation.PeerAuthContext); c != nil {
		href = fmt.Sprintf("/tls-contexts/%d", c.ID)
	}
	return []templates.Finding{{Mark: templates.Part, Title: capital(counted(len(names), "peer subject is", "peer subjects are")) + " in no TLS context",
		Text: "Listed, and admitted nowhere: " + strings.Join(names, ", ") + ".", Href: href, Link: "Select them in " + federation.PeerAuthContext}}
}

func subjectSaved(p federation.TLSPeerSubject, typed string) string {
	text := "Select it in the TLS context " + federation.PeerAuthContext + " as well; until then it admits nobody."
	if typed = strings.TrimSpace(typed); len(typed) > 3 && strings.EqualFold(typed[:3], "cn=") {
		text = "CN= was left out: the name is " + p.Name + ". " + text
	}
	return text
}

func (s *Server) subjectEffects(ctx context.Context, going []federation.TLSPeerSubject) ([]string, bool, error) {
	snapshot, err := s.store.Snapshot(ctx)
	if err != nil {
		return nil, false, err
	}
	for _, p := range going {
		if contexts := contextsWith(snapshot, p.Name); len(contexts) > 0 {
			return []string{p.Name + " is selected in " + strings.Join(contexts, " and ") + ", so it cannot be deleted. Take it out there first."}, true, nil
		}
	}
	return []string{"No TLS context uses what is deleted here."}, false, nil
}

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
		prepare: s.selectAll,
		saved:   s.contextSaved,
	}
}

func contextRow(c federation.TLSContext) templates.Row {
	demand, ciphers := "not asked for", "default list"
	if c.VerifyClient {
		demand = "demanded"
	}
	if len(c.Ciphers) > 0 {
		ciphers = counted(len(c.Ciphers), "cipher", "ciphers")
	}
	return templates.Row{ID: c.ID, Href: fmt.Sprintf("/tls-contexts/%d", c.ID), Label: c.Name, Cells: []templates.Cell{
		{Text: c.Name}, {Text: demand}, {Text: "TLS " + c.MinVersion}, {Text: ciphers}, {Text: fmt.Sprint(len(c.PeerSubjects)), Num: true},
	}}
}

func (s *Server) contextForm(ctx context.Context, f templates.Frame, form templates.Form) (templ.Component, error) {
	snapshot, err := s.store.Snapshot(ctx)
	if err != nil {
		return nil, err
	}
	var subjects []templates.Option
	for _, p := range snapshot.TLSPeerSubjects {
		subjects = append(subjects, templates.Option{Value: p.Name, Label: p.Name, Note: p.Description})
	}
	return templates.TLSContextForm(f, form, cipherOptions(), subjects), nil
}

// cipherOptions marks what is weak by today's measure and still needed for old servers (guide p.58).
func cipherOptions() []templates.Option {
	var options []templates.Option
	for _, name := range federation.Ciphers() {
		o := templates.Option{Value: name, Label: name}
		switch {
		case strings.Contains(name, "3DES"):
			o.Note = "Weak. For OCS 2007 R2 and Lync 2010 on old Windows only."
		case strings.HasPrefix(name, "TLS_RSA_"):
			o.Note = "Without forward secrecy. Lync needs one of these."
		case strings.Contains(name, "_CBC_"):
			o.Note = "Older mode; fine where nothing better is offered."
		}
		options = append(options, o)
	}
	return options
}

// selectAll does what the buttons below the two lists say, without a script.
func (s *Server) selectAll(ctx context.Context, posted url.Values) error {
	switch posted.Get("select") {
	case "ciphers":
		posted["ciphers"] = federation.Ciphers()
	case "peer_subjects":
		snapshot, err := s.store.Snapshot(ctx)
		if err != nil {
			return err
		}
		posted["peer_subjects"] = nil
		for _, p := range snapshot.TLSPeerSubjects {
			posted.Add("peer_subjects", p.Name)
		}
	}
	return nil
}

// contextSaved tells which configured subjects are left out; the guide wants all of them selected (guide p.58 step 6).
func (s *Server) contextSaved(ctx context.Context, c federation.TLSContext, _ url.Values) string {
	snapshot, err := s.store.Snapshot(ctx)
	if err != nil || !c.VerifyClient {
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
	snapshot, err := s.store.Snapshot(ctx)
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
