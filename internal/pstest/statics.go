package pstest

import (
	"fmt"
	"strings"
)

// A Static is a member of a type, such as [Guid]::NewGuid(); arguments are nil for a property.
type Static func(arguments []any) any

// static is a member of a type: one of the machine's, or one of these few.
func (r *run) static(n *Node, kind typeName, name string, arguments []any) any {
	key := string(kind) + "::" + strings.ToLower(name)
	if f := r.machine.Statics[key]; f != nil {
		return f(arguments)
	}
	switch key {
	case "guid::newguid":
		r.guids++
		return fmt.Sprintf("%08x-0000-4000-8000-000000000000", r.guids)
	case "environment::newline":
		return "\r\n"
	case "string::isnullorempty":
		return Text(arguments[0]) == ""
	case "io.path::ispathrooted":
		return strings.Contains(Text(arguments[0]), ":") || strings.HasPrefix(Text(arguments[0]), `\`)
	case "console::error":
		return NewObject("TextWriter").method("WriteLine", func(a []any) any {
			r.result.Errors = append(r.result.Errors, Text(a[0]))
			return nothing{}
		})
	}
	r.unknown(n, "[%s]::%s", kind, name)
	return nil
}
