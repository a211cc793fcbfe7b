package store

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"isthmus/internal/listing"
)

// A column is one field that can be searched and sorted by: constant SQL expressions, never anything from a request.
type column struct {
	text string // the value as lower-case text
	sort string
	flag bool // on or off: looked for only when the field is named, else "no" would find everything
}

// text is a column of text; found and sorted without case.
func text(name string) column {
	return column{text: "lower(" + name + ")", sort: "lower(" + name + ")"}
}

// plain is a column that is lower case already, such as a name; an index on it serves find and sort.
func plain(name string) column { return column{text: name, sort: name} }

// number is a column of numbers, found as text and sorted as numbers.
func number(name string) column { return column{text: name + "::text", sort: name} }

// yesNo is a column that is on or off, found as yes and no.
func yesNo(name string) column {
	return column{text: "CASE WHEN " + name + " THEN 'yes' ELSE 'no' END", sort: name, flag: true}
}

// texts is a column of several texts, found as they are shown, joined with commas.
func texts(name string) column {
	joined := "lower(array_to_string(" + name + ", ', '))"
	return column{text: joined, sort: joined}
}

// A list is what one find-and-list page may ask for.
type list struct {
	from    string            // the table
	columns map[string]column // by the field's name in the document
	sort    string            // field of the list's own order
	desc    bool              // the list's own order is descending
}

// escapeLike takes the meaning from what a pattern's text holds: 100% finds a percent sign.
var escapeLike = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)

// pattern is the operand that goes with condition's operator.
func pattern(q listing.Query) string {
	switch q.Op {
	case listing.BeginsWith:
		return escapeLike.Replace(q.Text) + "%"
	case listing.Contains:
		return "%" + escapeLike.Replace(q.Text) + "%"
	case listing.EndsWith:
		return "%" + escapeLike.Replace(q.Text)
	}
	return q.Text
}

// comparisons are the six operators over a column's text; $1 is what was typed. The operators that need no text name it
// too, so that every statement has the same parameters.
var comparisons = map[listing.Op]func(expr string) string{
	listing.BeginsWith: func(expr string) string { return expr + ` LIKE lower($1)` },
	listing.Contains:   func(expr string) string { return expr + ` LIKE lower($1)` },
	listing.EndsWith:   func(expr string) string { return expr + ` LIKE lower($1)` },
	listing.IsExactly:  func(expr string) string { return expr + ` = lower($1)` },
	listing.IsEmpty:    func(expr string) string { return `coalesce(` + expr + `, $1) = ''` },
	listing.IsNotEmpty: func(expr string) string { return `coalesce(` + expr + `, $1) <> ''` },
}

// condition is the query as SQL. A field that the list does not know means every field.
func (l list) condition(q listing.Query) string {
	if !q.Filters() {
		return `$1::text IS NOT NULL`
	}
	compare := comparisons[q.Op]
	if c, ok := l.columns[q.Field]; ok {
		return compare(c.text)
	}
	var each []string
	for _, name := range slices.Sorted(maps.Keys(l.columns)) {
		if c := l.columns[name]; !c.flag {
			each = append(each, compare(c.text))
		}
	}
	return "(" + strings.Join(each, " OR ") + ")"
}

// order is the query's order as SQL. The id comes last, so that rows that are equal keep their places from page to page.
func (l list) order(q listing.Query) string {
	c, ok := l.columns[q.Sort]
	desc := q.Desc
	if !ok {
		c, desc = l.columns[l.sort], l.desc
	}
	direction := " ASC"
	if desc {
		direction = " DESC"
	}
	return " ORDER BY " + c.sort + direction + ", id" + direction
}

// operand is $1 of the statement: empty where the operator asks for emptiness.
func operand(q listing.Query) string {
	if q.Op == listing.IsEmpty || q.Op == listing.IsNotEmpty {
		return ""
	}
	return pattern(q)
}

func (l list) countSQL(q listing.Query) string {
	return "SELECT count(*) FILTER (WHERE " + l.condition(q) + ") AS total, count(*) AS every FROM " + l.from
}

func (l list) pageSQL(read string, q listing.Query) string {
	return read + " WHERE " + l.condition(q) + l.order(q) + " LIMIT $2 OFFSET $3"
}

// readPage is every find-and-list page: it counts, then reads the rows of the page, in one state of the database.
func readPage[T any](ctx context.Context, s *Store, l list, read string, q listing.Query) (listing.Page[T], error) {
	q = q.Normalized()
	var page listing.Page[T]
	err := s.read(ctx, func(ctx context.Context, tx pgx.Tx) error {
		count, err := one[struct{ Total, Every int }](ctx, tx, l.countSQL(q), operand(q))
		if err != nil {
			return err
		}
		page = listing.NewPage[T](q, count.Total, count.Every)
		items, err := all[T](ctx, tx, l.pageSQL(read, q), operand(q), q.Rows, page.Offset())
		page.Fill(items)
		return err
	})
	return page, err
}
