package web

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"isthmus/internal/auth"
	"isthmus/internal/federation"
	"isthmus/templates"
)

// A new peer subject admits nobody until a TLS context has it selected. Whoever may change contexts does both in one step.

func maySelect(ctx context.Context) bool { return auth.ActorFrom(ctx).Role.May(auth.Administer) }

func whoSelects(contexts string) string {
	return "it admits nobody until an administrator selects it in the TLS context " + contexts + "."
}

// judging are the contexts that hold subjects of peers against their list: of listeners that verify clients, and towards
// next hops.
func judging(snapshot federation.Snapshot) []federation.TLSContext {
	var list []federation.TLSContext
	for _, c := range snapshot.TLSContexts {
		if c.VerifyClient || c.Name == federation.PeerAuthContext {
			list = append(list, c)
		}
	}
	return list
}

// selection offers the contexts for a new subject, all of them ticked unless the form says otherwise (guide p.58 step 6).
func selection(ctx context.Context, snapshot federation.Snapshot, form templates.Form) *templates.Selection {
	var names, was []string
	var options []templates.Option
	for _, c := range judging(snapshot) {
		names = append(names, c.Name)
		was = append(was, fingerprint(&c)+" "+c.Name)
		options = append(options, templates.Option{Value: c.Name, Label: c.Name})
	}
	if !maySelect(ctx) {
		return &templates.Selection{Who: "An operator may add it, but not change a TLS context: " + whoSelects(strings.Join(names, " or "))}
	}
	ticked := names
	if form.Values.Has("contexts") {
		ticked = form.Values["contexts"]
	}
	return &templates.Selection{Form: templates.Form{Values: url.Values{"contexts": ticked}, Invalid: form.Invalid}, Options: options, Was: was}
}

// selectionOvertaken names the ticked contexts that somebody else saved since the form was opened. A script sends no
// fingerprints and means what it says.
func (s *Server) selectionOvertaken(ctx context.Context, posted url.Values) (federation.Invalid, error) {
	was := map[string]string{}
	for _, line := range posted["contexts_was"] {
		print, name, _ := strings.Cut(line, " ")
		was[name] = print
	}
	contexts, invalid, err := s.ticked(ctx, posted)
	if err != nil || len(invalid) > 0 {
		return nil, err // saving tells
	}
	for _, c := range contexts {
		if print, sent := was[c.Name]; sent && print != fingerprint(&c) {
			invalid = append(invalid, federation.Problem{Path: "contexts",
				Text: fmt.Sprintf("The TLS context %s was saved after you opened this, by somebody else or in another window. Look at it, and save again to select the subject in it as it is now.", c.Name)})
		}
	}
	return invalid, nil
}

// ticked are the contexts in which a subject is to be selected, as they are now.
func (s *Server) ticked(ctx context.Context, posted url.Values) ([]federation.TLSContext, federation.Invalid, error) {
	names := chosen(posted["contexts"])
	if len(names) == 0 {
		return nil, nil, nil
	}
	snapshot, err := s.snapshot(ctx)
	if err != nil {
		return nil, nil, err
	}
	var list []federation.TLSContext
	for _, name := range names {
		c := snapshot.TLSContext(name)
		if c == nil {
			return nil, federation.Invalid{{Path: "contexts", Text: fmt.Sprintf("There is no TLS context %q; tick others.", name)}}, nil
		}
		list = append(list, *c)
	}
	return list, nil, nil
}

// saveSubject adds a subject and selects it, or saves the subject alone.
func (s *Server) saveSubject(ctx context.Context, p federation.TLSPeerSubject, posted url.Values) (federation.TLSPeerSubject, error) {
	contexts, invalid, err := s.ticked(ctx, posted)
	switch {
	case err != nil:
		return p, err
	case len(invalid) > 0:
		return p, withRules(invalid, &p)
	case p.ID != 0 || len(contexts) == 0:
		return s.store.SaveTLSPeerSubject(ctx, p)
	case !maySelect(ctx):
		return p, denial(auth.ActorFrom(ctx).Role, auth.Administer)
	}
	return s.store.AddTLSPeerSubject(ctx, p, contexts)
}
