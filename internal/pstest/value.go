package pstest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Values of a script are nil, bool, int, uint32, char, string, []any, time.Time, *Hash, *Object, *ScriptBlock, typeName
// and nothing.

// nothing is what a command without output gives: $null, but of no length in a list.
type nothing struct{}

// A char is [char]; a string is no list of them.
type char rune

// A typeName is a type in brackets, in small letters and without System., such as string[] or console.
type typeName string

// A ScriptBlock is code in braces.
type ScriptBlock struct{ body *Node }

// An Object has properties and methods by name; names are compared without case.
type Object struct {
	Type    string // such as PSCustomObject
	Shown   string // what the object is as a text; "" shows its properties
	Ref     any    // what the model keeps of it
	names   []string
	values  map[string]any
	methods map[string]func(arguments []any) any
}

// NewObject makes an object of names and values in turn.
func NewObject(kind string, pairs ...any) *Object {
	o := &Object{Type: kind, values: map[string]any{}, methods: map[string]func([]any) any{}}
	for i := 0; i+1 < len(pairs); i += 2 {
		o.Set(pairs[i].(string), pairs[i+1])
	}
	return o
}

// Set gives a property a value, and adds the property where there is none.
func (o *Object) Set(name string, value any) {
	key := strings.ToLower(name)
	if _, known := o.values[key]; !known {
		o.names = append(o.names, name)
	}
	o.values[key] = value
}

// Get is a property's value, and whether there is the property.
func (o *Object) Get(name string) (any, bool) {
	value, ok := o.values[strings.ToLower(name)]
	return value, ok
}

// Text is a property as PowerShell writes it; "" when there is none.
func (o *Object) Text(name string) string {
	value, _ := o.Get(name)
	return Text(value)
}

// method adds a method.
func (o *Object) method(name string, f func(arguments []any) any) *Object {
	o.methods[strings.ToLower(name)] = f
	return o
}

func (o *Object) text() string {
	if o.Shown != "" {
		return o.Shown
	}
	var parts []string
	for _, name := range o.names {
		parts = append(parts, name+"="+o.Text(name))
	}
	return "@{" + strings.Join(parts, "; ") + "}"
}

// A Hash is a hash table; its keys are texts, compared without case.
type Hash struct{ *Object }

// NewHash makes a hash table of keys and values in turn.
func NewHash(pairs ...any) *Hash { return &Hash{NewObject("Hashtable", pairs...)} }

// Text is a value as PowerShell writes it: $null as nothing, and a list's items with blanks between them.
func Text(v any) string {
	switch v := v.(type) {
	case nil, nothing:
		return ""
	case bool:
		return strings.ToUpper(strconv.FormatBool(v)[:1]) + strconv.FormatBool(v)[1:]
	case string:
		return v
	case char:
		return string(rune(v))
	case []any:
		parts := make([]string, len(v))
		for i, item := range v {
			parts[i] = Text(item)
		}
		return strings.Join(parts, " ")
	case time.Time:
		return v.Format("01/02/2006 15:04:05")
	case *Hash:
		return "System.Collections.Hashtable"
	case *Object:
		return v.text()
	}
	return fmt.Sprint(v)
}

// truth is a value as a condition.
func truth(v any) bool {
	switch v := v.(type) {
	case nil, nothing:
		return false
	case bool:
		return v
	case string:
		return v != ""
	case []any:
		return len(v) > 1 || len(v) == 1 && truth(v[0])
	}
	if n, ok := number(v); ok {
		return n != 0
	}
	return true
}

// number is a value of one of the kinds of whole numbers.
func number(v any) (int, bool) {
	switch v := v.(type) {
	case int:
		return v, true
	case uint32:
		return int(v), true
	case char:
		return int(v), true
	}
	return 0, false
}

// items are what a pipeline makes of a value: a list's own items, one value, or none.
func items(v any) []any {
	switch v := v.(type) {
	case nothing:
		return nil
	case []any:
		return v
	}
	return []any{v}
}

// gathered is what a variable gets of a command's output: nothing, the one item, or a list.
func gathered(list []any) any {
	switch len(list) {
	case 0:
		return nothing{}
	case 1:
		return list[0]
	}
	return slices.Clone(list)
}

// plain turns the nothing of a command without output into $null.
func plain(v any) any {
	if _, none := v.(nothing); none {
		return nil
	}
	return v
}
