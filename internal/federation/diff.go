package federation

import (
	"fmt"
	"reflect"
	"strings"
)

// Ways in which two configurations differ.
const (
	Added   = "added"
	Changed = "changed"
	Removed = "removed"
)

// A Difference is one object or setting that differs between two configurations.
type Difference struct {
	Section string // such as static_routes
	Kind    string // the word for one, such as static_route
	How     string // Added, Changed or Removed
	Key     string // natural key; the setting's name for settings
	Old     Object // nil when added, and for settings
	New     Object // nil when removed, and for settings
	Fields  []FieldChange
}

// A FieldChange is one field's value before and after, as printed.
type FieldChange struct{ Name, Old, New string }

// String is one line, such as "changed listener Lab TLS: port 5063 -> 5064".
func (d Difference) String() string {
	line := fmt.Sprintf("%s %s %s", d.How, d.Kind, d.Key)
	if d.How != Changed {
		return line
	}
	parts := make([]string, len(d.Fields))
	for i, f := range d.Fields {
		parts[i] = fmt.Sprintf("%s %s -> %s", f.Name, f.Old, f.New)
	}
	return line + ": " + strings.Join(parts, ", ")
}

// Diff lists what has to happen to old to make it new, in the document's order. Database ids are not compared. Both are
// normalized.
func Diff(old, new *Configuration) []Difference {
	var list []Difference
	for _, f := range FieldChanges(&old.Settings, &new.Settings) {
		list = append(list, Difference{Section: SectionSettings, Kind: "setting", How: Changed, Key: f.Name, Fields: []FieldChange{f}})
	}
	before, after := old.Sections(), new.Sections()
	for i := range before {
		list = append(list, diffSection(before[i], after[i])...)
	}
	return list
}

func diffSection(old, new Section) []Difference {
	var list []Difference
	known := map[string]Object{}
	for _, o := range old.Objects {
		known[o.Key()] = o
	}
	kept := map[string]bool{}
	for _, n := range new.Objects {
		d := Difference{Section: old.Name, Kind: old.Singular, How: Added, Key: n.Key(), New: n}
		kept[d.Key] = true
		if o, ok := known[d.Key]; ok {
			d.How, d.Old, d.Fields = Changed, o, FieldChanges(o, n)
			if len(d.Fields) == 0 {
				continue
			}
		}
		list = append(list, d)
	}
	for _, o := range old.Objects {
		if !kept[o.Key()] {
			list = append(list, Difference{Section: old.Name, Kind: old.Singular, How: Removed, Key: o.Key(), Old: o})
		}
	}
	return list
}

// FieldChanges compares two structs of one type, given as pointers, by their yaml names; a field that the document does not
// hold is left out.
func FieldChanges(old, new any) []FieldChange {
	a, b := reflect.ValueOf(old).Elem(), reflect.ValueOf(new).Elem()
	var list []FieldChange
	for i := range a.NumField() {
		name, _, _ := strings.Cut(a.Type().Field(i).Tag.Get("yaml"), ",")
		x, y := Printed(a.Field(i).Interface()), Printed(b.Field(i).Interface())
		if name != "" && name != "-" && x != y {
			list = append(list, FieldChange{Name: name, Old: x, New: y})
		}
	}
	return list
}

// Printed is a field's value as people read it in a line: lists joined with commas, an empty text as "".
func Printed(v any) string {
	if list, ok := v.([]string); ok {
		return "[" + strings.Join(list, ", ") + "]"
	}
	s := fmt.Sprint(v)
	if s == "" {
		return `""`
	}
	return s
}
