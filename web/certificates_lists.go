package web

import (
	"net/http"

	"isthmus/internal/listing"
	"isthmus/templates"
)

// listSection is one list of a page that has several: name begins its parameters and is its anchor. Its words and columns
// are the caller's to set; templates.ListSection draws it.
func listSection[T any](r *http.Request, path, name string, all []T, fields listing.Fields[T], row func(T) templates.Row) templates.List {
	asked := r.URL.Query()
	page := listing.In(listing.Named(name, asked), all, fields)
	rows := make([]templates.Row, len(page.Items))
	for i, item := range page.Items {
		rows[i] = row(item)
	}
	l := listOf(page, rows)
	l.Path, l.Others, l.Class = path, listing.Others(name, asked), "section"
	return l
}
