package templates

import (
	"fmt"
	"maps"
	"net/url"

	"isthmus/internal/listing"
)

// A List is a find-and-list page: what is in it, how it was asked for, and what the reader may do.
type List struct {
	Path      string // the page, such as /acl
	Lede      string // one sentence on what the list means
	One       string // the word for one of them, such as "static route"
	Many      string
	Columns   []Column
	Rows      []Row
	Query     listing.Query
	Total     int // that match
	All       int // in all
	First     int // number of the first row shown, counted from 1
	Last      int
	Pages     int
	Add       string // words of the button, "" when the reader may not add
	Other     string // words of a second button, with where it leads; may be empty
	OtherHref string
	Delete    bool   // whether rows can be selected and deleted
	Empty     string // why it is empty, and what follows from it
	Class     string // of the table, for columns that need other widths; may be empty
	Live      string // names the table for the page's stream; "" when it does not follow

	Others url.Values // parameters of the page's other lists, where it has several
}

// A Column is one field of a list.
type Column struct {
	Name     string // as in ?field= and ?sort=, "" for a column that is computed and can be neither found nor sorted by
	Label    string
	Num      bool
	FindOnly bool // can be found by, but is shown inside another column
	NoFind   bool // can be sorted by only
}

// A Row is one object of a list.
type Row struct {
	ID    int64
	Href  string // of the first cell; "" when there is nothing to open
	Label string // names the object for readers of the tick box
	Cells []Cell
}

// A Cell is one value, with what a person says for what a machine reads below it.
type Cell struct {
	Text  string
	Note  string
	Tag   string
	Mono  bool
	Num   bool
	State *State
	Lines []string // one below the other, after Text
	Href  string   // a page that goes with it, with Link as its words; both may be empty
	Link  string
	Acts  []Act // what can be done with the row, each on a page of its own
}

// An Act leads to where something is done with one object.
type Act struct {
	Href     string
	Word     string
	Of       string // the object, for readers of the link alone, such as " of imp1.synergy.com"
	Download bool
}

// Shown are the columns that have cells.
func (l List) Shown() []Column {
	var shown []Column
	for _, c := range l.Columns {
		if !c.FindOnly {
			shown = append(shown, c)
		}
	}
	return shown
}

// Found are the columns that can be found by.
func (l List) Found() []Column {
	var found []Column
	for _, c := range l.Columns {
		if c.Name != "" && !c.NoFind {
			found = append(found, c)
		}
	}
	return found
}

// Finding reports whether the list was narrowed down.
func (l List) Finding() bool { return l.Query.Filters() }

// fewRows are seen at a glance: on a page with several lists, a list no longer than that has no find form and no pager.
const fewRows = 10

// Searchable reports whether the list has a find form and a pager.
func (l List) Searchable() bool {
	if l.Query.List == "" {
		return l.All > 0 || l.Finding()
	}
	return l.All > fewRows || l.Finding()
}

func (l List) link(q listing.Query) string {
	values := q.Values()
	maps.Copy(values, l.Others)
	if len(values) > 0 {
		return l.Path + "?" + values.Encode() + l.anchor()
	}
	return l.Path + l.anchor()
}

// anchor leads back to the list itself, not to the top of its page.
func (l List) anchor() string {
	if l.Query.List == "" {
		return ""
	}
	return "#" + l.Query.List
}

// AllLink shows the whole list again.
func (l List) AllLink() string { return l.link(listing.Query{List: l.Query.List}) }

// FindAction is where the find form leads.
func (l List) FindAction() string { return l.Path + l.anchor() }

// SortLink sorts by a column, the other way round when it is sorted by it already.
func (l List) SortLink(c Column) string { return l.link(l.Query.SortedBy(c.Name)) }

// Sorted is the value of aria-sort, "" for a column that is not sorted by.
func (l List) Sorted(c Column) string {
	switch {
	case c.Name == "" || l.Query.Sort != c.Name:
		return ""
	case l.Query.Desc:
		return "descending"
	}
	return "ascending"
}

// PageLink leads to another page of the same list.
func (l List) PageLink(page int) string { return l.link(l.Query.WithPage(page)) }

// RowsLink shows another number of rows a page.
func (l List) RowsLink(rows int) string {
	q := l.Query.WithPage(1)
	q.Rows = rows
	return l.link(q)
}

// Summary is "Static routes 1 to 12 of 17 where destination pattern begins with .com.synergy. 31 in all."
func (l List) Summary() string {
	words := fmt.Sprintf("%s %d to %d of %d", capital(l.Many), l.First, l.Last, l.Total)
	if l.First == l.Last {
		words = fmt.Sprintf("%s %d of %d", capital(l.One), l.First, l.Total)
	}
	if !l.Finding() {
		return words + "."
	}
	return fmt.Sprintf("%s where %s. %d in all.", words, l.Condition(), l.All)
}

// Condition is "address pattern begins with 10.1".
func (l List) Condition() string {
	label := "anything"
	for _, c := range l.Columns {
		if c.Name != "" && c.Name == l.Query.Field {
			label = lower(c.Label)
		}
	}
	words := label + " " + listing.Label(l.Query.Op)
	if l.Query.Text != "" {
		words += " " + l.Query.Text
	}
	return words
}
