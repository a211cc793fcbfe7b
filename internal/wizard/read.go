package wizard

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"isthmus/internal/federation"
)

// A reader walks the answers' syntax tree and collects everything that does not belong there.
type reader struct{ problems federation.Invalid }

// fields are the keys that one mapping may have, each with the function that reads its value.
type fields map[string]func(path string, n ast.Node)

func (r *reader) fault(path, format string, args ...any) {
	r.problems = append(r.problems, federation.Problem{Path: path, Text: fmt.Sprintf(format, args...)})
}

// object reads a mapping; an absent or empty one leaves every field as it is.
func (r *reader) object(path string, n ast.Node, known fields) {
	if isNull(n) {
		return
	}
	mapping, ok := n.(*ast.MappingNode)
	if !ok {
		r.fault(path, "Fields with values belong here, one a line, such as %s: ...", slices.Sorted(maps.Keys(known))[0])
		return
	}
	seen := map[string]bool{}
	for _, entry := range mapping.Values {
		key := keyText(entry.Key)
		place := strings.TrimPrefix(path+"."+key, ".")
		read, ok := known[key]
		switch {
		case !ok:
			r.fault(place, "There is no such field; the fields here are %s.", strings.Join(slices.Sorted(maps.Keys(known)), ", "))
		case seen[key]:
			r.fault(place, "This field is written twice; leave one of them.")
		default:
			read(place, entry.Value)
		}
		seen[key] = true
	}
}

// list reads a sequence, one item after the other.
func (r *reader) list(path string, n ast.Node, item func(path string, n ast.Node)) {
	if isNull(n) {
		return
	}
	sequence, ok := n.(*ast.SequenceNode)
	if !ok {
		r.fault(path, "A list belongs here, each item on a line of its own that begins with a hyphen.")
		return
	}
	for i, value := range sequence.Values {
		item(path+"["+strconv.Itoa(i)+"]", value)
	}
}

// text reads one value as it was typed: a site may be the number 1 as well as the text "1".
func (r *reader) text(into *string) func(string, ast.Node) {
	return func(path string, n ast.Node) {
		switch v := n.(type) {
		case *ast.NullNode:
		case *ast.StringNode:
			*into = v.Value
		case *ast.LiteralNode:
			*into = v.Value.Value
		case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
			*into = n.GetToken().Value
		default:
			r.fault(path, "One plain value belongs here, no list, no fields, no anchor and no tag.")
		}
	}
}

func (r *reader) texts(into *[]string) func(string, ast.Node) {
	return func(path string, n ast.Node) {
		r.list(path, n, func(path string, n ast.Node) {
			var s string
			r.text(&s)(path, n)
			*into = append(*into, s)
		})
	}
}

func (r *reader) flag(into *bool) func(string, ast.Node) {
	return func(path string, n ast.Node) {
		v, ok := n.(*ast.BoolNode)
		if !ok {
			r.fault(path, "Write true or false.")
			return
		}
		*into = v.Value
	}
}

// number reads a whole number; the sentence about anything else shows such as one.
func (r *reader) number(into *int, such int) func(string, ast.Node) {
	return func(path string, n ast.Node) {
		v, err := strconv.Atoi(n.GetToken().Value)
		if _, ok := n.(*ast.IntegerNode); !ok || err != nil {
			r.fault(path, "Write a whole number, such as %d.", such)
			return
		}
		*into = v
	}
}

func (r *reader) hosts(into *[]federation.Host) func(string, ast.Node) {
	return func(path string, n ast.Node) {
		r.list(path, n, func(path string, n ast.Node) {
			var h federation.Host
			r.object(path, n, fields{"fqdn": r.text(&h.FQDN), "address": r.text(&h.Address)})
			*into = append(*into, h)
		})
	}
}

func (r *reader) expressway(into **federation.Host) func(string, ast.Node) {
	return func(path string, n ast.Node) {
		if isNull(n) {
			return
		}
		var h federation.Host
		r.object(path, n, fields{"fqdn": r.text(&h.FQDN), "address": r.text(&h.Address), "port": r.number(&h.Port, ExpresswayPort)})
		*into = &h
	}
}

func isNull(n ast.Node) bool {
	_, null := n.(*ast.NullNode)
	return n == nil || null
}

func keyText(key ast.MapKeyNode) string {
	if s, ok := key.(*ast.StringNode); ok {
		return s.Value
	}
	return key.GetToken().Value
}
