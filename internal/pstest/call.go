package pstest

import (
	"fmt"
	"strings"
)

// A Command does what a cmdlet does.
type Command func(c *Call)

// A Call is one call of a cmdlet. Its parameters fit one of the cmdlet's parameter sets.
type Call struct {
	Name  string
	Input []any // what the pipeline gave
	Piped bool  // whether the call stands behind a pipe

	given map[string]any
	words []any // of a program that is no cmdlet: its arguments as they stand
	out   sink
	run   *run
	node  *Node
}

// Has reports whether a parameter was given.
func (c *Call) Has(name string) bool {
	_, ok := c.given[strings.ToLower(name)]
	return ok
}

// Value is a parameter's argument; nil when it was not given.
func (c *Call) Value(name string) any { return plain(c.given[strings.ToLower(name)]) }

// Text is a parameter's argument as a text.
func (c *Call) Text(name string) string { return Text(c.Value(name)) }

// True is a switch or a boolean parameter.
func (c *Call) True(name string) bool { return truth(c.Value(name)) }

// Number is a whole number.
func (c *Call) Number(name string) int { return c.run.whole(c.node, "int", c.Value(name)) }

// Out puts a value into the pipeline.
func (c *Call) Out(v any) { c.out.send(v) }

// Unknown fails the test: the model does not know what is asked of it.
func (c *Call) Unknown(format string, arguments ...any) {
	c.run.unknown(c.node, "%s", c.Name+" "+fmt.Sprintf(format, arguments...))
}

// over ends a call whose error was to be silent.
type over struct{}

// Refuse is an error of the cmdlet's: with the error action Stop it is thrown, with SilentlyContinue the call ends.
func (c *Call) Refuse(format string, arguments ...any) {
	action := Text(c.run.preference("ErrorActionPreference"))
	if c.Has("ErrorAction") {
		action = c.Text("ErrorAction")
	}
	switch strings.ToLower(action) {
	case "stop":
		throw(format, arguments...)
	case "silentlycontinue", "ignore":
		panic(over{})
	}
	c.Unknown("fails with the error action %s, so the script would go on", action)
}

// Change does what a cmdlet changes, unless -WhatIf or the preference forbids it. The model wants -Confirm:$false or
// -Force on each change: without it the cmdlet would ask a question of its own behind the script's.
func (c *Call) Change(description string, change func()) {
	whatIf := truth(c.run.preference("WhatIfPreference"))
	if c.Has("WhatIf") {
		whatIf = c.True("WhatIf")
	}
	_, canWhatIf := signatures[strings.ToLower(c.Name)].find("WhatIf")
	if whatIf && canWhatIf {
		c.run.result.Host = append(c.run.result.Host, "What if: "+description)
		return
	}
	asks := canWhatIf && (!c.Has("Confirm") || c.True("Confirm")) && !c.True("Force")
	if asks {
		c.Unknown("would ask a question of its own; give it -Confirm:$false")
	}
	c.run.result.Changes = append(c.run.result.Changes, description)
	change()
}

// Say writes a line for the person at the screen.
func (c *Call) Say(format string, arguments ...any) {
	c.run.result.Host = append(c.run.result.Host, fmt.Sprintf(format, arguments...))
}
