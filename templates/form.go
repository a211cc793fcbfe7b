package templates

import (
	"net/url"
	"slices"
	"strings"

	"isthmus/internal/federation"
)

// A Form is one object being added or changed. Values are what stands in the fields as text, so that wrong input comes
// back exactly as it was typed.
type Form struct {
	Path     string // the list, such as /acl
	To       string // where the form is sent; "" for Path, with the id of what exists
	ID       int64  // 0 for a new one
	Key      string // names the object, "" for a new one
	Values   url.Values
	Was      string // what the object was when the form was opened, as a fingerprint; "" for a new one
	Invalid  federation.Invalid
	Arranged bool // its lists were put in another order, and nothing was saved
	ReadOnly bool // the reader may look but not change
	Delete   bool // whether a link to delete it is shown
	Again    bool // whether "Save and add another" is shown

	Compared *Comparison // what would be replaced, beside what would replace it; nil when nothing is lost
}

// Action is where the form is sent.
func (f Form) Action() string {
	switch {
	case f.To != "":
		return f.To
	case f.ID == 0:
		return f.Path
	}
	return f.Path + "/" + itoa(f.ID)
}

// Value is the text of a field.
func (f Form) Value(name string) string { return f.Values.Get(name) }

// On reports whether a tick box is ticked.
func (f Form) On(name string) bool { return slices.Contains(f.Values[name], "true") }

// Has reports whether a value is among those chosen of a list.
func (f Form) Has(name, value string) bool { return slices.Contains(f.Values[name], value) }

// Errors are the sentences about a field; those about one entry of a list belong to the list's field.
func (f Form) Errors(name string) []string {
	var texts []string
	for _, p := range f.Invalid {
		if base(p.Path) == name {
			texts = append(texts, p.Text)
		}
	}
	return texts
}

// base is the field that a path leads to: peer_subjects[2] is peer_subjects.
func base(path string) string {
	name, _, _ := strings.Cut(path, "[")
	return name
}

// Described is the value of aria-describedby.
func (f Form) Described(in Field) string {
	var ids []string
	if in.Hint != "" {
		ids = append(ids, hintID(in.Name))
	}
	if len(f.Errors(in.Name)) > 0 {
		ids = append(ids, errorID(in.Name))
	}
	return strings.Join(ids, " ")
}

// Wrong is the value of aria-invalid.
func (f Form) Wrong(name string) string {
	if len(f.Errors(name)) > 0 {
		return "true"
	}
	return ""
}

// A Field is one question of a form.
type Field struct {
	Name         string // as in the configuration document
	Label        string
	Hint         string // stands below the label
	Width        string // w-port, w-name or w-wide; w-name when empty
	Optional     bool
	Mono         bool   // what a machine reads
	Type         string // text when empty
	InputMode    string
	Autocomplete string // off when empty
	Options      []Option
	PortField    string // of a transport: the field whose usual port follows it
}

// An Option is one choice of a field.
type Option struct {
	Value string
	Label string
	Note  string
}

// prose reports whether a person writes whole words here, which a browser may check for spelling.
func (in Field) prose() bool { return in.Name == "description" }

func (in Field) width() string {
	if in.Width == "" {
		return "w-name"
	}
	return in.Width
}

func (in Field) kind() string {
	if in.Type == "" {
		return "text"
	}
	return in.Type
}

func (in Field) autocomplete() string {
	if in.Autocomplete == "" {
		return "off"
	}
	return in.Autocomplete
}

// Choices makes options whose labels are their values.
func Choices(values []string) []Option {
	list := make([]Option, len(values))
	for i, v := range values {
		list[i] = Option{Value: v, Label: v}
	}
	return list
}

// offered reports whether a value is one of the options; wrong input must not become right by being left out.
func offered(options []Option, value string) bool {
	return slices.ContainsFunc(options, func(o Option) bool { return o.Value == value })
}

// chosen are the options that are ticked. What is ticked and not among them, such as a name that was deleted meanwhile,
// comes last: wrong input must not become right by being left out.
func (in Field) chosen(form Form) []Option {
	list := slices.DeleteFunc(slices.Clone(in.Options), func(o Option) bool { return !form.Has(in.Name, o.Value) })
	for _, value := range form.Values[in.Name] {
		if value != "" && !offered(in.Options, value) {
			list = append(list, Option{Value: value, Label: value})
		}
	}
	return list
}

func (in Field) unchosen(form Form) []Option {
	return slices.DeleteFunc(slices.Clone(in.Options), func(o Option) bool { return form.Has(in.Name, o.Value) })
}

// listID is the id of the heading of one of a field's two lists.
func listID(name, title string) string { return fieldID(name) + "-" + strings.ToLower(title) }
