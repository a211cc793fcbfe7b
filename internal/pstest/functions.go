package pstest

import (
	"slices"
	"strings"
)

// A function is one that the script defines, or the script itself.
type function struct {
	name       string
	parameters []parameter
	body       *Node
	asks       bool   // SupportsShouldProcess
	defaultSet string // DefaultParameterSetName
}

type parameter struct {
	name      string // in small letters
	kind      typeName
	otherwise *Node // the default, nil when there is none
	mandatory bool
	set       string // the parameter set it belongs to, "" for all
	least     *Node  // of ValidateRange
	most      *Node
}

func (r *run) functionOf(n *Node) *function {
	f := &function{name: n.child("function_name").Text(), body: n.child("script_block")}
	declared := n.child("function_parameter_declaration")
	if f.body != nil && f.body.has("param_block") {
		declared = f.body.child("param_block")
	}
	if declared != nil {
		r.readParameters(f, declared)
	}
	return f
}

func (r *run) readParameters(f *function, declared *Node) {
	if attributes := declared.child("attribute_list"); attributes != nil {
		for _, attribute := range attributes.parts {
			r.readBinding(f, attribute)
		}
	}
	list := declared.child("parameter_list")
	if list == nil {
		return
	}
	for _, part := range list.parts {
		if part.Type == "script_parameter" {
			f.parameters = append(f.parameters, r.readParameter(part))
		}
	}
}

// readBinding reads CmdletBinding.
func (r *run) readBinding(f *function, attribute *Node) {
	for name, value := range r.attribute(attribute, "cmdletbinding") {
		switch name {
		case "supportsshouldprocess":
			f.asks = truth(r.eval(value))
		case "defaultparametersetname":
			f.defaultSet = Text(r.eval(value))
		case "confirmimpact":
			if !strings.EqualFold(Text(r.eval(value)), "High") {
				r.unknown(attribute, "an impact that is not High")
			}
		default:
			r.unknown(attribute, "the attribute's %s", name)
		}
	}
}

func (r *run) readParameter(n *Node) parameter {
	p := parameter{name: strings.ToLower(n.child("variable").Text()[1:])}
	if slices.Contains(automatic, p.name) {
		r.unknown(n, "a parameter $%s, which PowerShell sets itself", p.name)
	}
	if given := n.child("script_parameter_default"); given != nil {
		p.otherwise = given.parts[1]
	}
	attributes := n.child("attribute_list")
	if attributes == nil {
		return p
	}
	for _, attribute := range attributes.parts {
		if attribute.parts[0].Type == "type_literal" {
			p.kind = typeOf(attribute.parts[0])
			continue
		}
		r.readAttribute(&p, attribute)
	}
	return p
}

func (r *run) readAttribute(p *parameter, attribute *Node) {
	if strings.EqualFold(attribute.child("attribute_name").Text(), "ValidateRange") {
		limits := attribute.child("attribute_arguments")
		p.least, p.most = limits.parts[0].parts[0], limits.parts[2].parts[0]
		return
	}
	for name, value := range r.attribute(attribute, "parameter") {
		switch name {
		case "mandatory":
			p.mandatory = truth(r.eval(value))
		case "parametersetname":
			p.set = Text(r.eval(value))
		default:
			r.unknown(attribute, "the attribute's %s", name)
		}
	}
}

// attribute is the names and values of an attribute, which has to be that one.
func (r *run) attribute(n *Node, want string) map[string]*Node {
	name := n.child("attribute_name")
	if name == nil || !strings.EqualFold(name.Text(), want) {
		r.unknown(n, "the attribute")
	}
	values := map[string]*Node{}
	if list := n.child("attribute_arguments"); list != nil {
		for _, part := range list.parts {
			if part.Type == "attribute_argument" {
				if len(part.parts) != 3 {
					r.unknown(part, "an attribute's argument without a value")
				}
				values[lower(part.parts[0])] = part.parts[2]
			}
		}
	}
	return values
}

// call runs a function in a scope of its own. What it puts out goes on at once.
func (r *run) call(n *Node, f *function, list []argument, out sink) {
	outer := r.scope
	inner := newScope(outer)
	defer func() { r.scope = outer }()
	given, places := r.paired(n, list, f.isSwitch(r, n))
	r.depth++
	if r.depth > 200 {
		r.unknown(n, "such a depth of calls")
	}
	defer func() { r.depth-- }()
	r.bindTo(n, f, inner, given, places)
	r.scope = inner
	if f.body != nil {
		caught[returnSignal](func() { r.statements(f.body, out) })
	}
}

func (f *function) isSwitch(r *run, n *Node) func(key string) bool {
	return func(key string) bool {
		for _, p := range f.parameters {
			if p.name == key {
				return p.kind == "switch"
			}
		}
		if f.asks && (key == "whatif" || key == "confirm") {
			return true
		}
		r.unknown(n, "a parameter %s of %s", key, f.name)
		return false
	}
}

// bindTo sets a function's parameters. An argument that no parameter takes would vanish in $args, so it fails the test.
func (r *run) bindTo(n *Node, f *function, to *scope, given map[string]any, places []any) {
	for _, p := range f.parameters {
		value, has := given[p.name]
		if !has && len(places) > 0 && p.kind != "switch" && p.set == "" {
			value, places, has = places[0], places[1:], true
		}
		r.scope = to
		if !has {
			value = r.defaultOf(n, f, p)
		}
		to.variables[p.name] = &variable{value: r.checked(n, p, value, has), kind: p.kind}
		r.scope = to.caller
	}
	if len(places) > 0 {
		r.unknown(n, "an argument too many for %s", f.name)
	}
}

func (r *run) defaultOf(n *Node, f *function, p parameter) any {
	if p.mandatory && p.set == "" {
		r.unknown(n, "a call of %s without %s", f.name, p.name)
	}
	if p.otherwise == nil {
		return nil
	}
	return r.eval(p.otherwise)
}

func (r *run) checked(n *Node, p parameter, value any, given bool) any {
	if p.kind != "" {
		value = r.convert(n, p.kind, value)
	}
	if p.least == nil || !given {
		return value
	}
	if i := r.whole(n, "int", value); i < r.whole(n, "int", r.eval(p.least)) || i > r.whole(n, "int", r.eval(p.most)) {
		throw("Cannot validate argument on parameter '%s'. The %d argument is outside its range.", p.name, i)
	}
	return value
}
