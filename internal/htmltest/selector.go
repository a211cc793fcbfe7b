package htmltest

import (
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// A step is one compound of a selector: what one element must be.
type step struct {
	tag     string
	id      string
	classes []string
	attrs   []attr
}

type attr struct {
	name  string
	value string
	any   bool // whatever the value
}

// parse takes a selector apart. A blank inside brackets belongs to the value.
func parse(selector string) []step {
	var steps []step
	for _, part := range split(selector) {
		steps = append(steps, parseStep(part))
	}
	return steps
}

// split cuts at blanks outside brackets.
func split(selector string) []string {
	depth := 0
	return strings.FieldsFunc(selector, func(r rune) bool {
		switch r {
		case '[':
			depth++
		case ']':
			depth--
		}
		return r == ' ' && depth == 0
	})
}

func parseStep(s string) step {
	var st step
	st.tag, s = cut(s)
	for s != "" {
		kind := s[0]
		if kind == '[' {
			inside, rest, _ := strings.Cut(s[1:], "]")
			name, value, given := strings.Cut(inside, "=")
			st.attrs = append(st.attrs, attr{name, strings.Trim(value, `"'`), !given})
			s = rest
			continue
		}
		var word string
		word, s = cut(s[1:])
		if kind == '#' {
			st.id = word
		} else {
			st.classes = append(st.classes, word)
		}
	}
	return st
}

// cut takes a name off the front.
func cut(s string) (name, rest string) {
	i := strings.IndexAny(s, "#.[")
	if i < 0 {
		return s, ""
	}
	return s[:i], s[i:]
}

func (st step) matches(n *html.Node) bool {
	if n.Type != html.ElementNode || st.tag != "" && n.Data != st.tag {
		return false
	}
	if id, _ := attribute(n, "id"); st.id != "" && id != st.id {
		return false
	}
	class, _ := attribute(n, "class")
	for _, want := range st.classes {
		if !slices.Contains(strings.Fields(class), want) {
			return false
		}
	}
	for _, want := range st.attrs {
		value, ok := attribute(n, want.name)
		if !ok || !want.any && value != want.value {
			return false
		}
	}
	return true
}
