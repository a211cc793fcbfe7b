// Package listing owns what a find-and-list page asks for and what it gets: the query as it stands in the address bar,
// and one page of results. It knows no tables, no columns and no HTML.
package listing

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// An Op compares a field with the text that was typed. Comparison is without case.
type Op = string

// The six operators of find-and-list pages, in the order in which forms offer them.
const (
	BeginsWith Op = "begins_with"
	Contains   Op = "contains"
	IsExactly  Op = "is_exactly"
	EndsWith   Op = "ends_with"
	IsEmpty    Op = "is_empty"
	IsNotEmpty Op = "is_not_empty"
)

// Ops are all operators, in the order in which forms offer them.
var Ops = []Op{BeginsWith, Contains, IsExactly, EndsWith, IsEmpty, IsNotEmpty}

// Label is the operator as people read it, such as "begins with".
func Label(op Op) string { return strings.ReplaceAll(op, "_", " ") }

// RowChoices are the numbers of rows that a page may have. The first is the default.
var RowChoices = []int{25, 50, 100}

// maxText bounds what one looks for; no field is longer.
const maxText = 255

// maxPage keeps the row number of a page within what a database can count.
const maxPage = 1_000_000

// A Query is what a list page shows. The zero value, once normalized, is the first page of everything.
type Query struct {
	List  string // name of the list on a page with several, which its parameters begin with; "" on a page of its own
	Field string // name of the field to look in, as in the configuration document; empty: every field
	Op    Op
	Text  string // what to look for; with it empty and an operator that needs it, everything matches
	Sort  string // name of the field to sort by; empty: the list's own order
	Desc  bool
	Page  int // counted from 1
	Rows  int // one of RowChoices
}

// FromURL reads ?field=&op=&q=&sort=&page=&rows=. sort=-name sorts descending. What makes no sense falls back to its
// default, because the address bar is edited by hand.
func FromURL(v url.Values) Query { return Named("", v) }

// Named reads the query of one list of a page with several, such as ?trusted.sort=-end&trusted.page=2.
func Named(list string, v url.Values) Query {
	q := Query{List: list}
	get := func(name string) string { return v.Get(q.Param(name)) }
	q.Field, q.Op, q.Text = get("field"), get("op"), get("q")
	q.Sort, q.Desc = strings.CutPrefix(get("sort"), "-")
	q.Page, _ = strconv.Atoi(get("page"))
	q.Rows, _ = strconv.Atoi(get("rows"))
	return q.Normalized()
}

// Param is what a parameter of this query is called in an address.
func (q Query) Param(name string) string {
	if q.List == "" {
		return name
	}
	return q.List + "." + name
}

// Others are the parameters of the page's other lists, which links of this one leave as they are.
func Others(list string, v url.Values) url.Values {
	others := url.Values{}
	for name, values := range v {
		if of, _, named := strings.Cut(name, "."); named && of != list && values[0] != "" {
			others[name] = values[:1]
		}
	}
	return others
}

// Normalized is the query with every value in its range. A NUL character can stand in no stored text and is dropped.
func (q Query) Normalized() Query {
	if !slices.Contains(Ops, q.Op) {
		q.Op = BeginsWith
	}
	if !slices.Contains(RowChoices, q.Rows) {
		q.Rows = RowChoices[0]
	}
	q.Page = min(max(q.Page, 1), maxPage)
	q.Text = strings.TrimSpace(strings.ReplaceAll(strings.ToValidUTF8(q.Text, ""), "\x00", ""))
	if r := []rune(q.Text); len(r) > maxText {
		q.Text = string(r[:maxText])
	}
	return q
}

// Filters reports whether the query leaves anything out.
func (q Query) Filters() bool {
	return q.Text != "" || q.Op == IsEmpty || q.Op == IsNotEmpty
}

// Values is the query for a link. Defaults are left out, so that addresses stay short.
func (q Query) Values() url.Values {
	v := url.Values{}
	set := func(name, value string) {
		if value != "" {
			v.Set(q.Param(name), value)
		}
	}
	if q.Filters() {
		set("field", q.Field)
		set("op", q.Op)
		set("q", q.Text)
	}
	if q.Desc && q.Sort != "" {
		set("sort", "-"+q.Sort)
	} else {
		set("sort", q.Sort)
	}
	if q.Page > 1 {
		set("page", strconv.Itoa(q.Page))
	}
	if q.Rows != 0 && q.Rows != RowChoices[0] {
		set("rows", strconv.Itoa(q.Rows))
	}
	return v
}

// WithPage is the same query on another page.
func (q Query) WithPage(page int) Query {
	q.Page = page
	return q
}

// SortedBy is the query from its first page, sorted by a field; sorting by the same field again turns the order round.
func (q Query) SortedBy(field string) Query {
	q.Desc = q.Sort == field && !q.Desc
	q.Sort, q.Page = field, 1
	return q
}
