package pstest

import (
	"slices"
	"strings"
)

// A variable may have a type, which every later value is cast to.
type variable struct {
	value any
	kind  typeName
}

// A scope holds the variables of the script or of one running function. What it does not have is looked up in the scope
// of its caller, as PowerShell does.
type scope struct {
	variables map[string]*variable
	caller    *scope
}

func newScope(caller *scope) *scope { return &scope{variables: map[string]*variable{}, caller: caller} }

func (s *scope) find(name string) *variable {
	for ; s != nil; s = s.caller {
		if v := s.variables[name]; v != nil {
			return v
		}
	}
	return nil
}

// variableName takes $Script:Name apart into its place and its name, both in small letters.
func variableName(n *Node) (place, name string) {
	text := strings.ToLower(n.Text()[1:])
	if before, after, ok := strings.Cut(text, ":"); ok {
		return before, after
	}
	return "", text
}

// read is a variable's value. One that was never set is an error under StrictMode.
func (r *run) read(n *Node) any {
	place, name := variableName(n)
	switch place {
	case "":
		return r.lookUp(n, r.scope, name)
	case "script":
		return r.lookUp(n, r.script, name)
	case "env":
		if value, ok := r.machine.Environment[name]; ok {
			return value
		}
		return nil
	}
	r.unknown(n, "the scope %s", place)
	return nil
}

func (r *run) lookUp(n *Node, from *scope, name string) any {
	switch name {
	case "null":
		return nil
	case "true":
		return true
	case "false":
		return false
	}
	v := from.find(name)
	if v == nil {
		if !r.strict {
			r.unknown(n, "a variable that was never set, without StrictMode")
		}
		throw("The variable '$%s' cannot be retrieved because it has not been set.", name)
	}
	return v.value
}

// automatic are variables that PowerShell sets itself: some cannot be changed, and a change of the others is lost.
var automatic = []string{"_", "args", "error", "executioncontext", "event", "false", "foreach", "home", "host", "input", "lastexitcode", "matches",
	"myinvocation", "null", "pid", "profile", "pscmdlet", "pshome", "psitem", "pwd", "sender", "shellid", "switch", "this", "true"}

// write gives a variable of the running scope a value; script: names the script's own.
func (r *run) write(n *Node, kind typeName, value any) {
	place, name := variableName(n)
	if slices.Contains(automatic, name) {
		r.unknown(n, "a change of $%s, which PowerShell sets itself", name)
	}
	to := r.scope
	switch place {
	case "":
	case "script":
		to = r.script
	default:
		r.unknown(n, "a change in the scope %s", place)
	}
	if r.engine < 3 {
		value = plain(value)
	}
	v := to.variables[name]
	if v == nil {
		v = &variable{}
		to.variables[name] = v
	}
	if kind != "" {
		v.kind = kind
	}
	if v.kind != "" {
		value = r.convert(n, v.kind, value)
	}
	v.value = value
}

// preference is a variable such as WhatIfPreference as the running scope sees it.
func (r *run) preference(name string) any {
	if v := r.scope.find(strings.ToLower(name)); v != nil {
		return v.value
	}
	return nil
}

// within runs code with a value for $_, and puts the old one back.
func (r *run) within(value any, code func()) {
	before := r.scope.variables["_"]
	r.scope.variables["_"] = &variable{value: value}
	at := r.scope
	defer func() {
		if before == nil {
			delete(at.variables, "_")
		} else {
			at.variables["_"] = before
		}
	}()
	code()
}
