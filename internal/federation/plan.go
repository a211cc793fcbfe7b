package federation

import (
	"encoding/json"
	"strings"
)

// Verdicts of a plan.
const (
	VerdictNew      = "new"
	VerdictExists   = "exists"
	VerdictConflict = "conflict"
	VerdictRemove   = "remove" // an earlier run made it, and the answers do not want it so any more
)

// A Change is one object that a plan wants to be there or to go, with what stands in its place today.
type Change struct {
	Verdict string     `json:"verdict"`          // new, exists, conflict or remove
	Kind    string     `json:"kind"`             // singular of the section, such as static_route; setting
	Fields  []KeyValue `json:"fields"`           // what identifies and describes it, in a fixed order
	Reason  string     `json:"reason,omitempty"` // of a conflict: what stands in the way; of what stays when its deployment goes: why. A whole sentence
}

// A KeyValue is one field of a Change as it is printed.
type KeyValue struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Changes is what a plan would do. Target is the whole configuration after it; it means something only while no change
// is a conflict. Warnings are whole sentences that stop nothing.
type Changes struct {
	List     []Change      `json:"changes"`
	Warnings []string      `json:"warnings"`
	Target   Configuration `json:"-"`
}

// Conflicts are the changes that stand against something else.
func (c Changes) Conflicts() []Change {
	var list []Change
	for _, change := range c.List {
		if change.Verdict == VerdictConflict {
			list = append(list, change)
		}
	}
	return list
}

// Count counts the changes of one verdict.
func (c Changes) Count(verdict string) int {
	n := 0
	for _, change := range c.List {
		if change.Verdict == verdict {
			n++
		}
	}
	return n
}

// String is the line that scripts read: VERDICT KIND FIELD=VALUE ...; a value with a blank, an equals sign or a quote
// is a JSON string.
func (c Change) String() string {
	parts := []string{c.Verdict, c.Kind}
	for _, f := range c.Fields {
		parts = append(parts, f.Name+"="+printable(f.Value))
	}
	return strings.Join(parts, " ")
}

func printable(s string) string {
	if s != "" && !strings.ContainsAny(s, " =\"\t") {
		return s
	}
	b, _ := json.Marshal(s) // a string always marshals
	return string(b)
}
