package pstest

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// A Machine is a computer on which scripts run. Its zero value has PowerShell's own cmdlets and nothing else.
type Machine struct {
	Commands    map[string]Command // further commands, by name in small letters
	Modules     []*Module
	Statics     map[string]Static                    // members of types, such as net.dns::gethostaddresses
	Types       map[string]func(arguments []any) any // what New-Object makes, by name in small letters
	Drives      map[string]func(path string) ([]any, bool)
	Environment map[string]string // by name in small letters
	Files       map[string]any    // what scripts wrote, by path in small letters
	Now         time.Time         // goes on while a script sleeps
	Slept       func()            // called whenever a script has slept
	Ask         func(target, action string) bool
	Before      func(c *Call) // called before each cmdlet; may Throw
}

// A Module is commands that are there once they are imported.
type Module struct {
	Name     string
	Commands map[string]Command
	Imported bool
}

// A Question is what a script asked before a change.
type Question struct{ Target, Action string }

// A Result is what a run of a script left.
type Result struct {
	Code     int
	Host     []string // what Write-Host and tables showed
	Warnings []string
	Errors   []string // the error stream of the console
	Output   []any    // what went into the pipeline
	Asked    []Question
	Changes  []string // what was changed, in order
	Uncaught string   // the error that ended the script, "" for none
}

// Printed is the output as lines of text.
func (r Result) Printed() string {
	lines := make([]string, len(r.Output))
	for i, item := range r.Output {
		lines[i] = Text(item)
	}
	return strings.Join(lines, "\r\n")
}

// A run is one script at work.
type run struct {
	machine   *Machine
	result    Result
	functions map[string]*function
	script    *scope
	scope     *scope
	engine    int // the PowerShell that #Requires asks for: 2 or 3
	strict    bool
	guids     int
	depth     int
}

var requires = regexp.MustCompile(`(?m)^#Requires -Version (\d)`)

// Run runs a script with arguments as they are typed: -WhatIf, -Confirm:$false, -File name. The error is something that
// the interpreter or the machine does not know, or that is no PowerShell: the test has to fail then. An error that the
// script did not catch is in the result, with code 1.
func (m *Machine) Run(script string, arguments ...string) (result Result, err error) {
	tree, err := Parse(script)
	if err != nil {
		return Result{}, err
	}
	if m.Files == nil {
		m.Files = map[string]any{}
	}
	r := &run{machine: m, functions: map[string]*function{}, engine: 3}
	if version := requires.FindStringSubmatch(script); version != nil {
		r.engine, _ = strconv.Atoi(version[1])
	}
	strange, was := caught[unknown](func() { r.all(tree, arguments) })
	if was {
		return r.result, fmt.Errorf("%s", strange.sentence)
	}
	return r.result, nil
}

// all runs the script from its parameters to its end.
func (r *run) all(tree *Tree, arguments []string) {
	failure, failed := caught[thrown](func() {
		exit, exited := caught[exitSignal](func() { r.main(tree, arguments) })
		if exited {
			r.result.Code = exit.code
		}
	})
	if failed {
		r.result.Code, r.result.Uncaught = 1, Text(failure.record)
	}
}

func (r *run) main(tree *Tree, arguments []string) {
	preferences := newScope(nil)
	preferences.variables["erroractionpreference"] = &variable{value: "Continue"}
	preferences.variables["whatifpreference"] = &variable{value: false}
	preferences.variables["confirmpreference"] = &variable{value: "High"}
	r.script = newScope(preferences)
	r.scope = r.script
	f := &function{name: "the script", body: tree.Root}
	if declared := tree.Root.child("param_block"); declared != nil {
		r.readParameters(f, declared)
	}
	given, places := r.paired(tree.Root, typed(arguments), f.isSwitch(r, tree.Root))
	r.begin(f, given)
	r.bindTo(tree.Root, f, r.script, given, places)
	r.scope = r.script
	caught[returnSignal](func() {
		r.statements(tree.Root, func(item any) { r.result.Output = append(r.result.Output, item) })
	})
}

// typed reads arguments as a person types them.
func typed(arguments []string) []argument {
	var list []argument
	for _, text := range arguments {
		name, isName := strings.CutPrefix(text, "-")
		if !isName {
			list = append(list, argument{value: text})
			continue
		}
		name, value, colon := strings.Cut(name, ":")
		list = append(list, argument{name: name})
		if colon {
			list = append(list, argument{value: strings.EqualFold(value, "$true"), colon: true})
		}
	}
	return list
}

// begin sets what -WhatIf and -Confirm mean, and $PSCmdlet.
func (r *run) begin(f *function, given map[string]any) {
	if truth(given["whatif"]) {
		r.script.variables["whatifpreference"] = &variable{value: true}
	}
	if confirm, has := given["confirm"]; has && !truth(confirm) {
		r.script.variables["confirmpreference"] = &variable{value: "None"}
	}
	cmdlet := NewObject("PSCmdlet", "ParameterSetName", r.chosenSet(f, given))
	if f.asks {
		cmdlet.method("ShouldProcess", func(a []any) any { return r.shouldProcess(Text(a[0]), Text(a[1])) })
	}
	r.script.variables["pscmdlet"] = &variable{value: cmdlet}
}

// chosenSet is the parameter set to which the arguments belong.
func (r *run) chosenSet(f *function, given map[string]any) string {
	chosen := ""
	for _, p := range f.parameters {
		if _, has := given[p.name]; has && p.set != "" {
			if chosen != "" && chosen != p.set {
				throw("Parameter set cannot be resolved using the specified named parameters.")
			}
			chosen = p.set
		}
	}
	if chosen == "" {
		return f.defaultSet
	}
	for _, p := range f.parameters {
		if _, has := given[p.name]; !has && p.mandatory && p.set == chosen {
			throw("Cannot process command because of one or more missing mandatory parameters: %s.", p.name)
		}
	}
	return chosen
}

func (r *run) shouldProcess(target, action string) bool {
	if truth(r.preference("WhatIfPreference")) {
		r.result.Host = append(r.result.Host, fmt.Sprintf("What if: Performing the operation %q on target %q.", action, target))
		return false
	}
	if Text(r.preference("ConfirmPreference")) == "None" {
		return true
	}
	r.result.Asked = append(r.result.Asked, Question{target, action})
	return r.machine.Ask == nil || r.machine.Ask(target, action)
}
