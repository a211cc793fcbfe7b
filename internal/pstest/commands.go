package pstest

import (
	"strings"
)

// pipeline runs an assignment, or commands of which each takes what the one before it put out. A command runs to its end
// before the next one begins.
func (r *run) pipeline(n *Node, out sink) {
	if n.parts[0].Type == "assignment_expression" {
		r.assignment(n.parts[0])
		return
	}
	if len(n.parts) != 1 {
		r.unknown(n, "a chain of pipelines")
	}
	var stage []any
	steps := n.parts[0].parts
	for i := 0; i < len(steps); i += 2 {
		to, last := out, i == len(steps)-1
		next := []any{}
		if !last {
			to = func(item any) { next = append(next, item) }
		}
		if steps[i].Type == "command" {
			r.command(steps[i], stage, i > 0, to)
		} else {
			to.send(r.eval(steps[i]))
		}
		stage = next
	}
}

// An argument of a call: the name of a parameter, or a value.
type argument struct {
	name  string // with a parameter, its name without the dash
	colon bool   // the value belongs to the name before it even when that is a switch
	value any
}

// command runs a function of the script, a cmdlet, or a program.
func (r *run) command(n *Node, input []any, piped bool, out sink) {
	if n.parts[0].Type != "command_name" {
		r.unknown(n, "a call by & or .")
	}
	name := n.parts[0].Text()
	list := r.arguments(n.child("command_elements"))
	if f := r.functions[strings.ToLower(name)]; f != nil {
		if piped {
			r.unknown(n, "a pipe into a function")
		}
		r.call(n, f, list, out)
		return
	}
	c := &Call{Name: name, Input: input, Piped: piped, out: out, run: r, node: n}
	do := r.find(c)
	if strings.HasSuffix(strings.ToLower(name), ".exe") {
		c.words = words(list)
	} else {
		c.given = r.bind(n, name, list)
	}
	if r.machine.Before != nil {
		r.machine.Before(c)
	}
	caught[over](func() { do(c) })
}

// find is what a name of a command does; a name that nobody knows is an error that a script can catch, when it belongs
// to a module that was not imported, and else fails the test.
func (r *run) find(c *Call) Command {
	key := strings.ToLower(c.Name)
	if do := builtins[key]; do != nil {
		return do
	}
	if do := r.machine.Commands[key]; do != nil {
		return do
	}
	for _, module := range r.machine.Modules {
		if do := module.Commands[key]; do != nil {
			if !module.Imported {
				throw("The term '%s' is not recognized as the name of a cmdlet, function, script file, or operable program.", c.Name)
			}
			return do
		}
	}
	c.Unknown("at all")
	return nil
}

// arguments reads what stands behind a command's name. Each has a blank or a colon before it: what sticks to the one
// before, as in F(1) or 'a'+'b', PowerShell reads in ways that nobody means.
func (r *run) arguments(n *Node) []argument {
	var list []argument
	if n == nil {
		return nil
	}
	if call := n.child("argument_list"); call != nil {
		r.unknown(call, "a method called in an argument")
	}
	separator := ""
	for _, part := range n.parts {
		if part.Type == "command_argument_sep" {
			separator = part.Text()
			continue
		}
		if separator == "" {
			r.unknown(part, "an argument without a blank before it")
		}
		list = append(list, r.argument(part, separator == ":")...)
		separator = ""
	}
	return list
}

func (r *run) argument(n *Node, colon bool) []argument {
	text := n.Text()
	switch n.Type {
	case "command_parameter":
		return []argument{{name: text[1:]}}
	case "generic_token":
		if strings.ContainsAny(text, "$`,") {
			r.unknown(n, "an argument without quotes that holds $, a comma or a backtick")
		}
		return []argument{{value: text, colon: colon}}
	case "redirection", "stop_parsing":
		r.unknown(n, "a %s", n.Type)
	}
	switch {
	case strings.HasPrefix(text, "["):
		r.unknown(n, "a cast without parentheses, which is a text here")
	case strings.HasPrefix(text, "@") && !strings.HasPrefix(text, "@(") && !strings.HasPrefix(text, "@{"):
		return r.splat(n)
	}
	return []argument{{value: r.eval(n), colon: colon}}
}

// splat is @name: the keys of a hash table as parameters.
func (r *run) splat(n *Node) []argument {
	h, ok := r.lookUp(n, r.scope, strings.ToLower(n.Text()[1:])).(*Hash)
	if !ok {
		r.unknown(n, "a splat of what is no hash table")
	}
	var list []argument
	for _, key := range h.names {
		value, _ := h.Get(key)
		list = append(list, argument{name: key}, argument{value: value, colon: true})
	}
	return list
}

// words are a program's arguments as texts.
func words(list []argument) []any {
	all := []any{}
	for _, a := range list {
		if a.name != "" {
			all = append(all, "-"+a.name)
		} else {
			all = append(all, Text(a.value))
		}
	}
	return all
}

// paired puts each name together with its value. isSwitch tells which names need none.
func (r *run) paired(n *Node, list []argument, isSwitch func(name string) bool) (given map[string]any, places []any) {
	given = map[string]any{}
	for i := 0; i < len(list); i++ {
		if list[i].name == "" {
			places = append(places, plain(list[i].value))
			continue
		}
		key := strings.ToLower(list[i].name)
		if _, twice := given[key]; twice {
			r.unknown(n, "the parameter %s given twice", list[i].name)
		}
		hasValue := i+1 < len(list) && list[i+1].name == ""
		switch {
		case isSwitch(key) && !(hasValue && list[i+1].colon):
			given[key] = true
		case !hasValue:
			r.unknown(n, "the parameter %s without a value", list[i].name)
		default:
			i++
			given[key] = plain(list[i].value)
		}
	}
	return given, places
}

// bind fits the arguments of a cmdlet into one of its parameter sets.
func (r *run) bind(n *Node, name string, list []argument) map[string]any {
	s, known := signatures[strings.ToLower(name)]
	if !known {
		r.unknown(n, "the parameters of %s", name)
	}
	given, places := r.paired(n, list, func(key string) bool {
		f, ok := s.find(key)
		if !ok && key != "erroraction" {
			r.unknown(n, "a parameter %s of %s", key, s.name)
		}
		return f.isSwitch
	})
	action, hasAction := given["erroraction"]
	delete(given, "erroraction")
	bound, why := s.bind(given, places)
	if why != "" {
		r.unknown(n, "this call of %s: %s", s.name, why)
	}
	for key, value := range bound {
		f, _ := s.find(key)
		bound[key] = r.fitting(n, f, value)
	}
	if hasAction {
		bound["erroraction"] = action
	}
	return bound
}

// fitting casts an argument to its parameter's type. A text is no boolean, and $null stays.
func (r *run) fitting(n *Node, f field, value any) any {
	switch {
	case value == nil || f.kind == "":
		return value
	case f.kind == "bool":
		if _, isBool := value.(bool); !isBool {
			throw("Cannot bind parameter '%s'. Cannot convert value %q to type System.Boolean.", f.name, Text(value))
		}
	}
	return r.convert(n, f.kind, value)
}
