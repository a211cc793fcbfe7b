package pstest

import (
	"slices"
	"strings"
	"time"
)

// builtins are PowerShell's own cmdlets, by name in small letters.
var builtins map[string]Command

func init() {
	builtins = map[string]Command{
		"where-object": whereObject, "foreach-object": forEachObject, "select-object": selectObject, "sort-object": sortObject,
		"new-object": newObject, "out-null": func(*Call) {}, "out-host": outHost, "format-table": formatTable,
		"write-host": writeHost, "write-warning": writeWarning, "write-output": func(c *Call) { c.Out(c.Value("InputObject")) },
		"set-strictmode": setStrictMode, "get-date": getDate, "start-sleep": startSleep,
		"get-command": getCommand, "get-module": getModule, "import-module": importModule,
		"join-path": joinPath, "get-location": getLocation, "new-item": newItem, "test-path": testPath, "get-childitem": getChildItem,
		"move-item": moveItem, "out-file": outFile, "export-clixml": exportClixml, "import-clixml": importClixml,
		"start-transcript": startTranscript, "stop-transcript": stopTranscript,
	}
}

func (c *Call) script(parameter string) *ScriptBlock {
	block, ok := c.Value(parameter).(*ScriptBlock)
	if !ok {
		c.Unknown("without a script block")
	}
	return block
}

// apply runs a block for one item, which it finds in $_.
func (r *run) apply(block *ScriptBlock, item any, out sink) {
	r.within(item, func() { r.statements(block.body, out) })
}

func whereObject(c *Call) {
	block := c.script("FilterScript")
	for _, item := range c.Input {
		if truth(gathered(gather(func(out sink) { c.run.apply(block, item, out) }))) {
			c.out(item)
		}
	}
}

func forEachObject(c *Call) {
	block := c.script("Process")
	for _, item := range c.Input {
		c.run.apply(block, item, c.out)
	}
}

func selectObject(c *Call) {
	list := c.Input
	if c.Has("Property") {
		c.Unknown("with Property")
	}
	if c.Has("Skip") {
		list = list[min(c.Number("Skip"), len(list)):]
	}
	if c.Has("First") {
		list = list[:min(c.Number("First"), len(list))]
	}
	if c.Has("Last") {
		list = list[max(0, len(list)-c.Number("Last")):]
	}
	var seen []any
	for _, item := range list {
		if c.True("Unique") && slices.ContainsFunc(seen, func(one any) bool { return Text(one) == Text(item) }) {
			continue // unlike -eq, -Unique looks at capitals
		}
		seen = append(seen, item)
		c.out(item)
	}
}

func sortObject(c *Call) {
	if c.Has("Property") || c.Has("Descending") {
		c.Unknown("with Property or Descending")
	}
	list := slices.Clone(c.Input)
	slices.SortStableFunc(list, func(a, b any) int { return compare(c.run, c.node, a, b) })
	if c.True("Unique") {
		list = slices.CompactFunc(list, func(a, b any) bool { return equal(c.run, c.node, a, b) })
	}
	c.out.send(list)
}

// newObject makes objects of PowerShell's own from a hash table, and others by the machine's types.
func newObject(c *Call) {
	kind := strings.TrimPrefix(strings.ToLower(c.Text("TypeName")), "system.")
	if make := c.run.machine.Types[kind]; make != nil {
		c.Out(make(items(c.Value("ArgumentList"))))
		return
	}
	table, ok := c.Value("Property").(*Hash)
	if kind != "psobject" || !ok {
		c.Unknown("for the type %s", kind)
	}
	o := NewObject("PSCustomObject")
	for _, name := range table.names {
		value, _ := table.Get(name)
		o.Set(name, value)
	}
	c.Out(o)
}

func outHost(c *Call) {
	for _, item := range c.Input {
		c.Say("%s", Text(item))
	}
}

func writeHost(c *Call) { c.Say("%s", c.Text("Object")) }

func writeWarning(c *Call) {
	if c.Value("Message") == nil {
		Throw("Cannot bind argument to parameter 'Message' because it is null.")
	}
	c.run.result.Warnings = append(c.run.result.Warnings, c.Text("Message"))
}

func setStrictMode(c *Call) {
	if !strings.EqualFold(c.Text("Version"), "Latest") {
		c.Unknown("of another version than Latest")
	}
	c.run.strict = true
}

func getDate(c *Call) {
	if c.Has("Date") {
		c.Unknown("of a date")
	}
	if c.Has("Format") {
		c.Out(c.run.date(c.node, c.run.machine.Now, c.Text("Format")))
		return
	}
	c.Out(c.run.machine.Now)
}

// startSleep lets the machine's clock go on; nobody waits.
func startSleep(c *Call) {
	m := c.run.machine
	m.Now = m.Now.Add(time.Duration(c.Number("Seconds")) * time.Second)
	if m.Slept != nil {
		m.Slept()
	}
}

func getCommand(c *Call) {
	name := strings.ToLower(c.Text("Name"))
	found := builtins[name] != nil || c.run.machine.Commands[name] != nil
	for _, module := range c.run.machine.Modules {
		found = found || module.Imported && module.Commands[name] != nil
	}
	if !found {
		c.Refuse("The term '%s' is not recognized as the name of a cmdlet.", c.Text("Name"))
	}
	c.Out(NewObject("CommandInfo", "Name", c.Text("Name")))
}

func getModule(c *Call) {
	for _, module := range c.run.machine.Modules {
		if strings.EqualFold(module.Name, c.Text("Name")) && (module.Imported || c.True("ListAvailable")) {
			c.Out(NewObject("PSModuleInfo", "Name", module.Name))
		}
	}
}

func importModule(c *Call) {
	for _, module := range c.run.machine.Modules {
		if strings.EqualFold(module.Name, c.Text("Name")) {
			module.Imported = true
			return
		}
	}
	c.Refuse("The specified module '%s' was not loaded because no valid module file was found.", c.Text("Name"))
}
