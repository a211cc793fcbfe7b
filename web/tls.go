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
		cols:  []templates.Column{{Name: "name", Label: "Peer subject name"}, {Name: "description", Label: "Description"}, {Label: "Selected in"}, {Label: "Certificate"}},
		list:  s.store.ListTLSPeerSubjects, get: s.store.TLSPeerSubject, save: s.store.SaveTLSPeerSubject, remove: s.store.DeleteTLSPeerSubjects,
		id:      func(p federation.TLSPeerSubject) int64 { return p.ID },
		rows:    s.subjectRows,
		form:    s.subjectForm,
		page:    s.subjectPage,
		effects: s.subjectEffects,
		saved:   s.subjectSaved,

		overtaken: s.selectionOvertaken, saveWith: s.saveSubject,
	}
}

// subjectForm offers to select a new subject in the same step. As long as no name is typed it offers to read it
// from a certificate; once one is, it shows the certificates that peers showed under it.
func (s *Server) subjectForm(ctx context.Context, f templates.Frame, form templates.Form) (templ.Component, error) {
	claims, err := s.claims(ctx, form.Value("name"))
	if form.ID != 0 || err != nil {
		return templates.TLSPeerSubjectForm(f, form, nil, nil, claims), err
	}
	snapshot, err := s.snapshot(ctx)
	if err != nil {
		return nil, err
	}
	var sources *templates.PeerSources
	if form.Value("name") == "" {
		chosen := url.Values{"place": form.Values["place"]}
		sources = s.peerSources(snapshot, templates.Form{Values: chosen})
	}
	return templates.TLSPeerSubjectForm(f, form, selection(ctx, snapshot, form), sources, claims), nil
}

func (s *Server) subjectRows(ctx context.Context, subjects []federation.TLSPeerSubject) ([]templates.Row, error) {
	snapshot, err := s.snapshot(ctx)
	if err != nil {
		return nil, err
	}
	peers, err := s.knownPeers(ctx)
	if err != nil {
		return nil, err
	}
	watched := snapshot.Watched(peers)
	rows := make([]templates.Row, len(subjects))
	for i, p := range subjects {
		rows[i] = templates.Row{ID: p.ID, Href: fmt.Sprintf("/tls-peer-subjects/%d", p.ID), Label: p.Name, Cells: []templates.Cell{
			{Text: p.Name, Mono: true}, {Text: p.Description}, selectedIn(contextsWith(snapshot, p.Name)), s.subjectCell(p.Name, watched),
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
	snapshot, err := s.snapshot(ctx)
	if err != nil {
		return nil, err
	}
	return templates.TLSPeerSubjectList(f, l, append(missingSubjects(snapshot, l.Add != ""), unselected(ctx, snapshot)...)), nil
}

// missingSubjects are the Common Names that a deployment's servers show and nobody listed.
func missingSubjects(snapshot federation.Snapshot, mayAdd bool) []templates.Finding {
	var list []templates.Finding
	told := map[string]bool{}
	for _, d := range snapshot.Deployments {
		for _, name := range d.Answers.Subjects() {
			if told[name] || snapshot.HasPeerSubject(name) {
				continue
			}
			told[name] = true
			f := templates.Finding{Mark: templates.Down, Title: name + " is not listed", Text: "Servers of " + d.Name + " show certificates with this Common Name, and are refused in the handshake."}
			if mayAdd {
				f.Href, f.Link = subjectsPath+"/new?"+url.Values{"name": {name}, "description": {d.Name}}.Encode(), "Add it"
			}
			list = append(list, f)
		}
	}
	return list
}

// unmapped are the peer subjects that no context has selected, so that they admit nobody.
func unmapped(snapshot federation.Snapshot) []string {
	var names []string
	for _, p := range snapshot.TLSPeerSubjects {
		if len(contextsWith(snapshot, p.Name)) == 0 {
			names = append(names, p.Name)
		}
	}
	return names
}

// unselected tells of them.
func unselected(ctx context.Context, snapshot federation.Snapshot) []templates.Finding {
	names := unmapped(snapshot)
	if len(names) == 0 {
		return nil
	}
	f := templates.Finding{Mark: templates.Part, Title: capital(counted(len(names), "peer subject is", "peer subjects are")) + " in no TLS context",
		Text: "Listed, and admitted nowhere: " + strings.Join(names, ", ") + "."}
	f.Text, f.Href, f.Link = whereToSelect(ctx, snapshot, f.Text)
	return []templates.Finding{f}
}

// whereToSelect leads whoever may change contexts there, and tells others who may.
func whereToSelect(ctx context.Context, snapshot federation.Snapshot, text string) (told, href, link string) {
	href = "/tls-contexts"
	if c := snapshot.TLSContext(federation.PeerAuthContext); c != nil {
		href = fmt.Sprintf("/tls-contexts/%d", c.ID)
	}
	if maySelect(ctx) {
		return text, href, "Select in " + federation.PeerAuthContext
	}
	return text + " An administrator can select in " + federation.PeerAuthContext + " what is missing there.", href, "Look at it"
}

// subjectSaved goes by what is stored: a subject that was there before may be selected already, and saving it selects nothing.
func (s *Server) subjectSaved(ctx context.Context, p federation.TLSPeerSubject, posted url.Values) string {
	var text string
	if snapshot, err := s.snapshot(ctx); err == nil {
		text = whereSelected(ctx, contextsWith(snapshot, p.Name))
	}
	switch typed := strings.ToLower(strings.TrimSpace(posted.Get("name"))); {
	case strings.TrimSpace(strings.TrimPrefix(typed, "cn=")) == p.Name && typed != p.Name:
		text = "CN= was left out: the name is " + p.Name + ". " + text
	case strings.Contains(typed, "="):
		text = "Of the whole subject the Common Name alone was taken: " + p.Name + ". " + text
	}
	return text
}

func whereSelected(ctx context.Context, contexts []string) string {
	switch {
	case len(contexts) > 0:
		return "It is selected in " + strings.Join(contexts, " and ") + "."
	case !maySelect(ctx):
		return capital(whoSelects(federation.PeerAuthContext))
	}
	return "Select it in the TLS context " + federation.PeerAuthContext + " as well; until then it admits nobody."
}

func (s *Server) subjectEffects(ctx context.Context, going []federation.TLSPeerSubject) ([]string, bool, error) {
	snapshot, err := s.snapshot(ctx)
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
