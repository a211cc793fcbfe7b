package federation

import (
	"bytes"
	"encoding"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// A Defaulter fills in what a document need not write, before it is read.
type Defaulter interface{ Default() }

// Decode reads one YAML document (JSON is YAML) into the struct that into points to, by its yaml tags. It returns every
// fault at its path, unknown keys among them, and leaves what it could not read at its default.
func Decode(data []byte, into any) []Problem {
	data = bytes.TrimPrefix(data, []byte("\ufeff")) // as editors on Windows save UTF-8
	file, err := parser.ParseBytes(data, 0)
	if err != nil {
		return []Problem{{Text: "This is not YAML: " + firstLine(err.Error()) + ". Mend that place and try again."}}
	}
	if len(file.Docs) != 1 || file.Docs[0].Body == nil {
		return []Problem{{Text: "The file holds no document, or more than one; write exactly one."}}
	}
	d := decoder{}
	d.value("", file.Docs[0].Body, reflect.ValueOf(into).Elem())
	return d.problems
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}

type decoder struct{ problems []Problem }

func (d *decoder) fail(path, format string, args ...any) {
	d.problems = append(d.problems, problem(path, format, args...))
}

func (d *decoder) value(path string, n ast.Node, v reflect.Value) {
	if v.CanAddr() {
		if text, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
			d.text(path, n, text)
			return
		}
	}
	switch v.Kind() {
	case reflect.Pointer:
		p := reflect.New(v.Type().Elem())
		setDefaults(p)
		d.value(path, n, p.Elem())
		v.Set(p)
	case reflect.Struct:
		d.mapping(path, n, v)
	case reflect.Slice:
		d.sequence(path, n, v)
	default:
		d.scalar(path, n, v)
	}
}

func setDefaults(p reflect.Value) {
	if o, ok := p.Interface().(Defaulter); ok {
		o.Default()
	}
}

func (d *decoder) text(path string, n ast.Node, into encoding.TextUnmarshaler) {
	s, ok := scalarText(n)
	if !ok {
		d.fail(path, "A single value belongs here.")
		return
	}
	if err := into.UnmarshalText([]byte(s)); err != nil {
		d.fail(path, "%s", err)
	}
}

func (d *decoder) mapping(path string, n ast.Node, v reflect.Value) {
	values, ok := mappingValues(n)
	if !ok {
		d.fail(path, "Keys with values belong here, such as name: synergy.com.")
		return
	}
	for _, pair := range values {
		key, _ := scalarText(pair.Key)
		place := join(path, key)
		field, ok := fieldByTag(v, key)
		if !ok {
			d.fail(place, "There is no key %s here; write one of %s.", key, strings.Join(tags(v.Type()), ", "))
			continue
		}
		d.value(place, pair.Value, field) // a key that stands here twice, the parser has refused
	}
}

func mappingValues(n ast.Node) ([]*ast.MappingValueNode, bool) {
	switch m := n.(type) {
	case *ast.MappingNode:
		return m.Values, true
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{m}, true
	}
	return nil, false
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

func tagOf(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
	return name
}

func tags(t reflect.Type) []string {
	var names []string
	for i := range t.NumField() {
		if name := tagOf(t.Field(i)); name != "" && name != "-" {
			names = append(names, name)
		}
	}
	return names
}

func fieldByTag(v reflect.Value, key string) (reflect.Value, bool) {
	for i := range v.NumField() {
		if name := tagOf(v.Type().Field(i)); name == key && name != "-" && name != "" {
			return v.Field(i), true
		}
	}
	return reflect.Value{}, false
}

func (d *decoder) sequence(path string, n ast.Node, v reflect.Value) {
	if _, null := n.(*ast.NullNode); null {
		v.Set(reflect.MakeSlice(v.Type(), 0, 0))
		return
	}
	seq, ok := n.(*ast.SequenceNode)
	if !ok {
		d.fail(path, "A list belongs here; write each entry on a line of its own with - before it, or [] for none.")
		return
	}
	list := reflect.MakeSlice(v.Type(), len(seq.Values), len(seq.Values))
	for i, item := range seq.Values {
		setDefaults(list.Index(i).Addr())
		d.value(path+"["+strconv.Itoa(i)+"]", item, list.Index(i))
	}
	v.Set(list)
}

func (d *decoder) scalar(path string, n ast.Node, v reflect.Value) {
	s, ok := scalarText(n)
	if !ok {
		d.fail(path, "A single value belongs here.")
		return
	}
	switch v.Kind() {
	case reflect.Bool:
		if !slices.Contains([]string{"true", "false"}, s) {
			d.fail(path, "Write true or false.")
			return
		}
		v.SetBool(s == "true")
	case reflect.Int:
		i, err := strconv.Atoi(s)
		if err != nil {
			d.fail(path, "Write a whole number, such as 5061.")
			return
		}
		v.SetInt(int64(i))
	case reflect.String:
		v.SetString(s)
	default:
		panic(fmt.Sprintf("decode %s: no rule for %s", path, v.Type())) // a programmer's mistake: every test of the struct meets it
	}
}

// scalarText is a scalar as it was written: 1.0 stays 1.0, and 007 stays 007.
func scalarText(n ast.Node) (string, bool) {
	switch s := n.(type) {
	case *ast.StringNode:
		return s.Value, true
	case *ast.LiteralNode:
		return s.Value.Value, true
	case *ast.NullNode:
		return "", true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		return n.GetToken().Value, true
	}
	return "", false
}
