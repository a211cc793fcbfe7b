package web

import (
	"fmt"
	"net/http"
	"strings"

	"isthmus/internal/federation"
	"isthmus/internal/listing"
	"isthmus/internal/store"
	"isthmus/templates"
)

func (s *Server) showPages(w http.ResponseWriter, r *http.Request) error {
	return s.render(w, r, http.StatusOK, templates.Pages(s.frame(r, "All pages by the guide's menu names", "")))
}

// showAudit lists who changed what. Nothing here can be changed.
func (s *Server) showAudit(w http.ResponseWriter, r *http.Request) error {
	page, err := s.store.Audit(r.Context(), listing.FromURL(r.URL.Query()))
	if err != nil {
		return err
	}
	rows := make([]templates.Row, len(page.Items))
	for i, a := range page.Items {
		rows[i] = templates.Row{ID: a.ID, Label: a.Action, Cells: []templates.Cell{
			{Text: templates.Clock(a.At, s.Now())}, {Text: a.Actor, Note: from(a.Address)}, {Text: a.Action}, {Lines: changed(a)},
		}}
	}
	l := listOf(page, rows)
	l.Path, l.One, l.Many = "/audit", "change", "changes"
	l.Lede = "Who changed what, newest first. Rows are written with the change itself and cannot be changed."
	l.Empty = "Nothing has been changed yet."
	l.Columns = []templates.Column{{Name: "at", Label: "When", NoFind: true}, {Name: "actor", Label: "Who"}, {Name: "action", Label: "What"}, {Label: "Changes"}}
	return s.render(w, r, http.StatusOK, templates.ListPage(s.frame(r, "Audit", "/audit"), l))
}

// from is where an administrator was; the command line and nodes have no address.
func from(address string) string {
	if address == "" {
		return "on a node"
	}
	return "from " + address
}

// changed is each object of a change as a line.
func changed(a store.AuditRow) []string {
	if len(a.Changes) == 1 && changedLine(a.Changes[0]) == a.Action {
		return nil // the action says it all
	}
	lines := make([]string, 0, len(a.Changes)+1)
	for _, c := range a.Changes {
		lines = append(lines, changedLine(c))
	}
	if more := a.ChangeCount - len(a.Changes); more > 0 {
		lines = append(lines, fmt.Sprintf("and %d more", more))
	}
	return lines
}

// kindWords turn the document's word for a thing into the menu's.
var kindWords = strings.NewReplacer("acl", "ACL entry", "tls_", "TLS ", "_", " ")

func changedLine(c store.AuditChange) string {
	line := c.How + " " + kindWords.Replace(c.Kind) + " " + c.Key
	if c.Kind == "certificate" {
		return line + ": " + strings.Join(certificateParts(c), ", ")
	}
	if c.How != federation.Changed {
		return line
	}
	if c.Kind == "setting" { // its one field has the setting's own name
		line = c.How + " setting"
	}
	parts := make([]string, len(c.Fields))
	for i, f := range c.Fields {
		parts[i] = f.Name + " " + f.Old + " -> " + f.New
	}
	return line + ": " + strings.Join(parts, ", ")
}

// certificateParts tell one certificate from another of its name, also where one was added or removed.
func certificateParts(c store.AuditChange) []string {
	var parts []string
	for _, f := range c.Fields {
		name := kindWords.Replace(f.Name)
		switch {
		case f.Name == "purpose" || f.Old == f.New: // whose it is stands in the key
		case c.How == federation.Changed:
			parts = append(parts, name+" "+f.Old+" -> "+f.New)
		case f.Name != "subject":
			parts = append(parts, name+" "+f.Old+f.New) // one of the two is empty
		}
	}
	return parts
}
