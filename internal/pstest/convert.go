package pstest

import (
	"strconv"
	"strings"
	"time"
)

// convert casts a value to a type. It throws as PowerShell does when the value does not fit, and fails the test for a
// type that it does not know.
func (r *run) convert(n *Node, kind typeName, v any) any {
	v = plain(v)
	if element, isList := strings.CutSuffix(string(kind), "[]"); isList {
		return r.convertList(n, typeName(element), v)
	}
	switch kind {
	case "string":
		return Text(v)
	case "bool", "boolean", "switch", "switchparameter":
		return truth(v)
	case "int", "int32", "uint16", "int64":
		return r.whole(n, kind, v)
	case "uint32":
		return uint32(r.whole(n, kind, v))
	case "char":
		return r.letter(n, v)
	case "void":
		return nothing{}
	case "hashtable":
		if _, ok := v.(*Hash); ok {
			return v
		}
	case "datetime":
		if _, ok := v.(time.Time); ok {
			return v
		}
	case "object", "psobject", "array":
		return v
	default:
		r.unknown(n, "the type [%s]", kind)
	}
	return r.misfit(kind, v)
}

func (r *run) misfit(kind typeName, v any) any {
	throw("Cannot convert value %q to type %q.", Text(v), "System."+string(kind))
	return nil
}

// convertList casts each item; [char[]] takes a text apart.
func (r *run) convertList(n *Node, element typeName, v any) any {
	if v == nil {
		return nil
	}
	list := []any{}
	if text, ok := v.(string); ok && element == "char" {
		for _, letter := range text {
			list = append(list, char(letter))
		}
		return list
	}
	for _, item := range items(v) {
		list = append(list, r.convert(n, element, item))
	}
	return list
}

// whole is a value as a whole number; $null is 0.
func (r *run) whole(n *Node, kind typeName, v any) int {
	if i, ok := number(v); ok {
		return i
	}
	switch v := v.(type) {
	case nil:
		return 0
	case bool:
		if v {
			return 1
		}
		return 0
	case string:
		if i, err := strconv.Atoi(strings.TrimSpace(v)); err == nil {
			return i
		}
	}
	r.misfit(kind, v)
	return 0
}

func (r *run) letter(n *Node, v any) any {
	if i, ok := number(v); ok {
		return char(i)
	}
	if text, ok := v.(string); ok && len([]rune(text)) == 1 {
		return char([]rune(text)[0])
	}
	return r.misfit("char", v)
}
