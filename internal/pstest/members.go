package pstest

import (
	"slices"
	"strings"
	"time"
)

// member is a property: .Name of a value, or ::Name of a type.
func (r *run) member(n *Node) any {
	name := n.parts[2].Text()
	owner := plain(r.eval(n.parts[0]))
	if kind, isType := owner.(typeName); isType && n.parts[1].Text() == "::" {
		return r.static(n, kind, name, nil)
	}
	return r.property(n, owner, name)
}

// property under StrictMode: one that is not there is an error. Count of a single thing and properties of a list's items
// came with PowerShell 3.0, and fail the test for every version.
func (r *run) property(n *Node, owner any, name string) any {
	key := strings.ToLower(name)
	switch o := owner.(type) {
	case []any:
		if key == "count" || key == "length" {
			return len(o)
		}
		r.unknown(n, "the property %s of a list", name)
	case string:
		if key == "length" {
			return len([]rune(o))
		}
	case *Hash:
		return r.hashProperty(o, name)
	case *Object:
		if key == "psobject" {
			return NewObject("PSObject", "Properties", properties(o))
		}
		if value, ok := o.Get(name); ok {
			return value
		}
	case time.Time:
		if key == "year" {
			return o.Year()
		}
	}
	throw("The property '%s' cannot be found on this object. Verify that the property exists.", name)
	return nil
}

func (r *run) hashProperty(h *Hash, name string) any {
	if value, ok := h.Get(name); ok {
		return value
	}
	switch strings.ToLower(name) {
	case "count":
		return len(h.names)
	case "keys":
		return h.keys()
	}
	throw("The property '%s' cannot be found on this object. Verify that the property exists.", name)
	return nil
}

func (h *Hash) keys() []any {
	list := []any{}
	for _, name := range h.names {
		list = append(list, name)
	}
	return list
}

// properties is what $x.PSObject.Properties gives: by name, each with its value; none for a name that is not there.
func properties(o *Object) *Object {
	all := NewObject("PSProperties")
	for _, name := range o.names {
		all.Set(name, NewObject("PSProperty", "Name", name, "Value", o.values[strings.ToLower(name)]))
	}
	return all
}

// element is an item by its index from 0, from the end below 0, or by its key.
func (r *run) element(n *Node, owner, index any) any {
	switch o := owner.(type) {
	case *Hash:
		value, _ := o.Get(Text(index))
		return value
	case *Object:
		if o.Type == "PSProperties" {
			value, _ := o.Get(Text(index))
			return value
		}
	case []any:
		i := r.whole(n, "int", index)
		if i < 0 {
			i += len(o)
		}
		if i < 0 || i >= len(o) {
			throw("Index was outside the bounds of the array.")
		}
		return o[i]
	case nil:
		throw("Cannot index into a null array.")
	}
	r.unknown(n, "an item of %T", owner)
	return nil
}

// invoke calls a method of a value or of a type.
func (r *run) invoke(n *Node) any {
	if len(n.parts) != 4 {
		r.unknown(n, "the call")
	}
	name := n.parts[2].Text()
	owner := plain(r.eval(n.parts[0]))
	arguments := r.argumentList(n.parts[3])
	if kind, isType := owner.(typeName); isType && n.parts[1].Text() == "::" {
		return r.static(n, kind, name, arguments)
	}
	if owner == nil {
		throw("You cannot call a method on a null-valued expression.")
	}
	if result, known := r.method(n, owner, strings.ToLower(name), arguments); known {
		return result
	}
	r.unknown(n, "the method %s of %T", name, owner)
	return nil
}

func (r *run) argumentList(n *Node) []any {
	list := []any{}
	if given := n.child("argument_expression_list"); given != nil {
		for i := 0; i < len(given.parts); i += 2 {
			list = append(list, plain(r.eval(given.parts[i])))
		}
	}
	return list
}

func (r *run) method(n *Node, owner any, name string, arguments []any) (any, bool) {
	switch o := owner.(type) {
	case string:
		return r.textMethod(n, o, name, arguments)
	case time.Time:
		return r.timeMethod(n, o, name, arguments)
	case *Hash:
		if slices.Contains([]string{"containskey", "contains"}, name) && len(arguments) == 1 {
			_, ok := o.Get(Text(arguments[0]))
			return ok, true
		}
	case *Object:
		if method := o.methods[name]; method != nil {
			return method(arguments), true
		}
	}
	if name == "tostring" && len(arguments) == 0 {
		return Text(owner), true
	}
	return nil, false
}

// textMethods are those of [string] that take texts.
var textMethods = map[string]func(s string, a []string) any{
	"tostring":         func(s string, _ []string) any { return s },
	"tolower":          func(s string, _ []string) any { return strings.ToLower(s) },
	"tolowerinvariant": func(s string, _ []string) any { return strings.ToLower(s) },
	"toupper":          func(s string, _ []string) any { return strings.ToUpper(s) },
	"toupperinvariant": func(s string, _ []string) any { return strings.ToUpper(s) },
	"trim":             func(s string, _ []string) any { return strings.TrimSpace(s) },
	"contains":         func(s string, a []string) any { return strings.Contains(s, a[0]) },
	"startswith":       func(s string, a []string) any { return strings.HasPrefix(s, a[0]) },
	"endswith":         func(s string, a []string) any { return strings.HasSuffix(s, a[0]) },
	"replace":          func(s string, a []string) any { return strings.ReplaceAll(s, a[0], a[1]) },
	"indexof":          func(s string, a []string) any { return strings.Index(s, a[0]) },
}

var textArguments = map[string]int{"contains": 1, "startswith": 1, "endswith": 1, "replace": 2, "indexof": 1}

func (r *run) textMethod(n *Node, s, name string, arguments []any) (any, bool) {
	if name == "substring" {
		return r.substring(n, s, arguments), true
	}
	method := textMethods[name]
	if method == nil || textArguments[name] != len(arguments) {
		return nil, false
	}
	texts := make([]string, len(arguments))
	for i, a := range arguments {
		texts[i] = Text(a)
	}
	return method(s, texts), true
}

func (r *run) substring(n *Node, s string, arguments []any) any {
	runes := []rune(s)
	start, end := r.whole(n, "int", arguments[0]), len(runes)
	if len(arguments) == 2 {
		end = start + r.whole(n, "int", arguments[1])
	}
	if start < 0 || end > len(runes) || start > end {
		throw("startIndex cannot be larger than length of string.")
	}
	return string(runes[start:end])
}

func (r *run) timeMethod(n *Node, t time.Time, name string, arguments []any) (any, bool) {
	units := map[string]time.Duration{"addseconds": time.Second, "addminutes": time.Minute, "adddays": 24 * time.Hour}
	switch {
	case units[name] != 0 && len(arguments) == 1:
		return t.Add(units[name] * time.Duration(r.whole(n, "int", arguments[0]))), true
	case name == "touniversaltime":
		return t.UTC(), true
	case name == "tostring" && len(arguments) == 1:
		return r.date(n, t, Text(arguments[0])), true
	}
	return nil, false
}
