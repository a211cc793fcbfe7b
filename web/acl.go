package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"github.com/a-h/templ"

	"isthmus/internal/auth"
	"isthmus/internal/federation"
	"isthmus/templates"
)

func (s *Server) acl() pages {
	return resource[federation.ACLEntry, *federation.ACLEntry]{
		s: s, path: "/acl", one: "incoming ACL entry", many: "incoming ACL entries", title: "Incoming ACL", change: auth.Change,
		lede:  "Who may send requests to this side. What is not listed is refused with 403, also after a valid client certificate.",
		empty: "Nobody may connect yet. An empty list refuses every front end. Add an entry for each of them.",
		cols:  []templates.Column{{Name: "pattern", Label: "Address pattern"}, {Name: "description", Label: "Description"}},
		list:  s.store.ListACLEntries, get: s.store.ACLEntry, save: s.store.SaveACLEntry, remove: s.store.DeleteACLEntries,
		id:   func(e federation.ACLEntry) int64 { return e.ID },
		rows: plainRows(aclRow),
		form: func(_ context.Context, f templates.Frame, form templates.Form) (templ.Component, error) {
			return templates.ACLForm(f, form), nil
		},
		page:    s.aclPage,
		effects: s.aclEffects,
		saved:   func(_ context.Context, e federation.ACLEntry, _ url.Values) string { return aclSaved(e) },
	}
}

func aclRow(e federation.ACLEntry) templates.Row {
	return templates.Row{ID: e.ID, Href: fmt.Sprintf("/acl/%d", e.ID), Label: e.Pattern, Cells: []templates.Cell{
		{Text: e.Pattern, Mono: true, Note: aclNote(e)}, {Text: e.Description},
	}}
}

func aclNote(e federation.ACLEntry) string {
	switch {
	case e.Pattern == federation.ACLAll:
		return "everybody"
	case e.IsName():
		return "a name, looked up in DNS"
	}
	return ""
}

func aclSaved(e federation.ACLEntry) string {
	switch {
	case e.Pattern == federation.ACLAll:
		return "Every address may now send requests to this side."
	case e.IsName():
		return "Who has the name " + e.Pattern + " or one under it may now send requests to this side, by DNS or by a verified certificate."
	}
	return e.Pattern + " may now send requests to this side."
}

func (s *Server) aclPage(ctx context.Context, f templates.Frame, l templates.List) (templ.Component, error) {
	snapshot, err := s.snapshot(ctx)
	if err != nil {
		return nil, err
	}
	if l.Add != "" {
		l.Other, l.OtherHref = "Add a server", "/acl/server"
	}
	return templates.ACLList(f, l, aclFindings(snapshot)), nil
}

// aclFindings are the entries that let in too much, and servers of which one entry is missing.
func aclFindings(snapshot federation.Snapshot) []templates.Finding {
	var list []templates.Finding
	has := func(pattern string) bool {
		return slices.ContainsFunc(snapshot.ACL, func(e federation.ACLEntry) bool { return e.Pattern == pattern })
	}
	if i := slices.IndexFunc(snapshot.ACL, func(e federation.ACLEntry) bool { return e.AdmitsEverybody() }); i >= 0 {
		list = append(list, templates.Finding{Mark: templates.Part, Title: "Everybody may send requests",
			Text: "The entry " + snapshot.ACL[i].Pattern + " admits every address, so only TLS peer subjects still keep anybody out. List the front ends one by one and delete it."})
	}
	for _, d := range snapshot.Deployments {
		for _, host := range d.Answers.FrontEnds {
			if has(host.FQDN) != has(host.Address) {
				list = append(list, halfServer(host, has(host.FQDN)))
			}
		}
	}
	return list
}

// halfServer tells which of a server's two entries is missing (guide p.54-55: both the address and the name).
func halfServer(host federation.Host, byName bool) templates.Finding {
	listed, missing := host.Address, host.FQDN
	if byName {
		listed, missing = host.FQDN, host.Address
	}
	return templates.Finding{Mark: templates.Part, Title: "Only one entry of " + host.FQDN,
		Text: listed + " is listed and " + missing + " is not. A server needs both.",
		Href: "/acl/new?" + url.Values{"pattern": {missing}, "description": {host.FQDN}}.Encode(), Link: "Add " + missing}
}

func (s *Server) aclEffects(ctx context.Context, going []federation.ACLEntry) ([]string, bool, error) {
	snapshot, err := s.snapshot(ctx)
	if err != nil {
		return nil, false, err
	}
	left := len(snapshot.ACL) - len(going)
	if left <= 0 {
		return []string{"Afterwards the list is empty, and an empty list refuses every front end. Open connections are closed at their next request."}, false, nil
	}
	return []string{"Requests from there are refused with 403 within a second, also on open connections.",
		capital(counted(left, "other entry remains", "other entries remain")) + "."}, false, nil
}

func (s *Server) showACLServer(w http.ResponseWriter, r *http.Request) error {
	return s.aclServerPage(w, r, http.StatusOK, templates.Form{Values: r.URL.Query()})
}

func (s *Server) aclServerPage(w http.ResponseWriter, r *http.Request, status int, form templates.Form) error {
	form.Path, form.To = "/acl", "/acl/server"
	return s.render(w, r, status, templates.ACLServerForm(s.frame(r, "Add a server", "/acl"), form))
}

// saveACLServer makes the two entries of a server at once.
func (s *Server) saveACLServer(w http.ResponseWriter, r *http.Request) error {
	posted := r.PostForm
	err := s.store.SaveACLServer(r.Context(), posted.Get("fqdn"), posted.Get("address"), posted.Get("description"))
	var invalid federation.Invalid
	if errors.As(err, &invalid) {
		return s.aclServerPage(w, r, http.StatusUnprocessableEntity, templates.Form{Values: posted, Invalid: invalid})
	}
	return s.done(w, r, err, "/acl", "Saved. The server is listed by its name and by its address.")
}
