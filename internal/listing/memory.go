package listing

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// Fields are what a list in memory can be found and sorted by, by name. What can be written in several ways has a line for
// each, and is found by any of them.
type Fields[T any] map[string]func(T) string

// In makes a page of a list in memory by the rules of those in a database: comparison is without case, a field that the
// list does not know means every field, and the list's own order holds among equals.
func In[T any](q Query, all []T, fields Fields[T]) Page[T] {
	q = q.Normalized()
	found := slices.Clone(all)
	if q.Filters() {
		found = slices.DeleteFunc(found, func(one T) bool { return !fields.fit(q, one) })
	}
	if by := fields[q.Sort]; by != nil {
		slices.SortStableFunc(found, func(a, b T) int {
			order := compare(strings.ToLower(by(a)), strings.ToLower(by(b)))
			if q.Desc {
				return -order
			}
			return order
		})
	}
	p := NewPage[T](q, len(found), len(all))
	p.Fill(found[p.Offset():min(p.Offset()+p.Query.Rows, len(found))])
	return p
}

func (f Fields[T]) fit(q Query, one T) bool {
	if field := f[q.Field]; field != nil {
		return q.fits(field(one))
	}
	for _, field := range f {
		if q.fits(field(one)) {
			return true
		}
	}
	return false
}

func (q Query) fits(value string) bool {
	return slices.ContainsFunc(strings.Split(value, "\n"), q.fitsLine)
}

// fitsLine compares one value with what was typed.
func (q Query) fitsLine(value string) bool {
	value, text := strings.ToLower(value), strings.ToLower(q.Text)
	switch q.Op {
	case Contains:
		return strings.Contains(value, text)
	case IsExactly:
		return value == text
	case EndsWith:
		return strings.HasSuffix(value, text)
	case IsEmpty:
		return value == ""
	case IsNotEmpty:
		return value != ""
	}
	return strings.HasPrefix(value, text)
}

// compare puts numbers in the order of numbers.
func compare(a, b string) int {
	n, notA := strconv.Atoi(a)
	m, notB := strconv.Atoi(b)
	if notA == nil && notB == nil {
		return cmp.Compare(n, m)
	}
	return cmp.Compare(a, b)
}
