package pstest

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// An operation works on the two sides of an operator.
type operation func(r *run, n *Node, left, right any) any

// operations are the operators with two sides, in small letters. Comparisons are without case.
var operations map[string]operation

func init() {
	operations = map[string]operation{
		"+": add, "-": arithmetic, "*": arithmetic, "/": arithmetic, "%": arithmetic,
		"-eq": filtering(equal), "-ne": filtering(not(equal)),
		"-like": filtering(like), "-notlike": filtering(not(like)),
		"-match": filtering(matches), "-notmatch": filtering(not(matches)),
		"-lt": ordered(func(c int) bool { return c < 0 }), "-le": ordered(func(c int) bool { return c <= 0 }),
		"-gt": ordered(func(c int) bool { return c > 0 }), "-ge": ordered(func(c int) bool { return c >= 0 }),
		"-contains":    func(r *run, n *Node, left, right any) any { return contains(r, n, left, right) },
		"-notcontains": func(r *run, n *Node, left, right any) any { return !contains(r, n, left, right) },
		"-split":       split, "-join": join, "-replace": replace, "-f": format, "-is": isType, "..": between,
	}
}

func filtering(holds func(r *run, n *Node, left, right any) bool) operation {
	return func(r *run, n *Node, left, right any) any {
		list, isList := left.([]any)
		if !isList {
			return holds(r, n, left, right)
		}
		found := []any{}
		for _, item := range list {
			if holds(r, n, item, right) {
				found = append(found, item)
			}
		}
		return found
	}
}

func not(holds func(r *run, n *Node, left, right any) bool) func(r *run, n *Node, left, right any) bool {
	return func(r *run, n *Node, left, right any) bool { return !holds(r, n, left, right) }
}

// equal compares as the left side's type wants it. Only $null equals $null.
func equal(r *run, n *Node, left, right any) bool {
	left, right = plain(left), plain(right)
	if left == nil || right == nil {
		return left == nil && right == nil
	}
	switch l := left.(type) {
	case string:
		return strings.EqualFold(l, Text(right))
	case bool:
		return l == truth(right)
	case time.Time:
		t, ok := right.(time.Time)
		return ok && l.Equal(t)
	case *Object:
		return left == right
	}
	if l, ok := number(left); ok {
		if text, ok := right.(string); ok {
			return fmt.Sprint(l) == strings.TrimSpace(text)
		}
		rightNumber, ok := number(right)
		return ok && l == rightNumber
	}
	r.unknown(n, "a comparison of %T with %T", left, right)
	return false
}

func ordered(fits func(c int) bool) operation {
	return func(r *run, n *Node, left, right any) any { return fits(compare(r, n, left, right)) }
}

// compare tells which side comes first: numbers by size, times by age, texts without case.
func compare(r *run, n *Node, left, right any) int {
	if l, ok := number(left); ok {
		return l - r.whole(n, "int", right)
	}
	switch l := left.(type) {
	case time.Time:
		if t, ok := right.(time.Time); ok {
			return l.Compare(t)
		}
	case string:
		return strings.Compare(strings.ToLower(l), strings.ToLower(Text(right)))
	}
	r.unknown(n, "an order of %T and %T", left, right)
	return 0
}

func contains(r *run, n *Node, list, item any) bool {
	return slices.ContainsFunc(items(plain(list)), func(one any) bool { return equal(r, n, one, item) })
}

func like(r *run, n *Node, left, right any) bool {
	return wildcard(Text(right)).MatchString(Text(left))
}

// wildcard is a pattern with * and ? as an expression. PowerShell's [a-z] is not used by our scripts.
func wildcard(pattern string) *regexp.Regexp {
	quoted := regexp.QuoteMeta(pattern)
	quoted = strings.ReplaceAll(strings.ReplaceAll(quoted, `\*`, ".*"), `\?`, ".")
	return regexp.MustCompile("(?is)^" + quoted + "$")
}

// expression is a regular expression of .NET in Go's form; what Go does not have fails the test.
func expression(r *run, n *Node, pattern string) *regexp.Regexp {
	compiled, err := regexp.Compile("(?i)" + pattern)
	if err != nil {
		r.unknown(n, "the expression %s", pattern)
	}
	return compiled
}

func matches(r *run, n *Node, left, right any) bool {
	return expression(r, n, Text(right)).MatchString(Text(left))
}

func split(r *run, n *Node, left, right any) any {
	list := []any{}
	for _, item := range items(plain(left)) {
		for _, part := range expression(r, n, Text(right)).Split(Text(item), -1) {
			list = append(list, part)
		}
	}
	return list
}

func join(_ *run, _ *Node, left, right any) any {
	var parts []string
	for _, item := range items(plain(left)) {
		parts = append(parts, Text(item))
	}
	return strings.Join(parts, Text(right))
}

func replace(r *run, n *Node, left, right any) any {
	pair := append(slices.Clone(items(right)), "")
	if strings.Contains(Text(pair[1]), "$") {
		r.unknown(n, "a replacement with $")
	}
	return expression(r, n, Text(pair[0])).ReplaceAllString(Text(left), Text(pair[1]))
}

// add joins texts, adds numbers, and puts lists together, as the left side's type wants it.
func add(r *run, n *Node, left, right any) any {
	left, right = plain(left), plain(right)
	switch l := left.(type) {
	case nil:
		return right
	case string:
		return l + Text(right)
	case []any:
		return append(slices.Clone(l), items(right)...)
	}
	return arithmetic(r, n, left, right)
}

func arithmetic(r *run, n *Node, left, right any) any {
	l, ok := number(left)
	if !ok {
		r.unknown(n, "arithmetic with %T", left)
	}
	other := r.whole(n, "int", right)
	switch n.parts[1].Text() {
	case "+", "+=":
		return l + other
	case "-", "-=":
		return l - other
	case "*":
		return l * other
	case "%":
		return l % other
	}
	if other == 0 || l%other != 0 {
		r.unknown(n, "a quotient that is no whole number")
	}
	return l / other
}

func between(r *run, n *Node, left, right any) any {
	list := []any{}
	for i := r.whole(n, "int", left); i <= r.whole(n, "int", right); i++ {
		list = append(list, i)
	}
	return list
}

func isType(r *run, n *Node, left, right any) any {
	var is bool
	kind, _ := right.(typeName)
	switch kind {
	case "string":
		_, is = left.(string)
	case "bool":
		_, is = left.(bool)
	case "int":
		_, is = left.(int)
	case "array", "object[]":
		_, is = left.([]any)
	case "hashtable":
		_, is = left.(*Hash)
	default:
		r.unknown(n, "-is with %s", Text(right))
	}
	return is
}
