package listing

// A Page is one page of a list.
type Page[T any] struct {
	Items []T
	Total int // rows that match the query
	All   int // rows in all
	Query Query
	First int // number of the first row shown, counted from 1; 0 when none is
	Last  int // number of the last row shown
	Pages int // number of pages, at least 1
}

// NewPage counts what matched before the rows are read. A page past the end becomes the last one, so that deleting the
// last row of the last page shows the page before it.
func NewPage[T any](q Query, total, all int) Page[T] {
	q = q.Normalized()
	p := Page[T]{Total: total, All: all, Pages: max(1, (total+q.Rows-1)/q.Rows)}
	q.Page = min(q.Page, p.Pages)
	p.Query = q
	return p
}

// Offset is the number of rows before this page.
func (p Page[T]) Offset() int { return (p.Query.Page - 1) * p.Query.Rows }

// Fill puts the rows of the page in.
func (p *Page[T]) Fill(items []T) {
	p.Items = items
	if len(items) > 0 {
		p.First = p.Offset() + 1
		p.Last = p.Offset() + len(items)
	}
}
