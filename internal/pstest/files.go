package pstest

import (
	"slices"
	"strings"
)

// Folder is where scripts run.
const Folder = `C:\Users\admin`

// directory is a folder that a script made.
type directory struct{}

func (c *Call) path(parameter string) string {
	path := c.Text(parameter)
	if path == "" {
		Throw("Cannot bind argument to parameter '%s' because it is an empty string.", parameter)
	}
	return normal(path)
}

// normal is a file's whole path in small letters, as Files has it.
func normal(path string) string {
	if !strings.Contains(path, ":") {
		path = Folder + `\` + path
	}
	return strings.ToLower(strings.ReplaceAll(path, `\.\`, `\`))
}

func (c *Call) store(path string, what any) {
	if _, there := c.run.machine.Files[path]; there && c.True("NoClobber") {
		Throw("The file '%s' already exists.", path)
	}
	c.run.machine.Files[path] = what
}

// writes is a change of the machine's files, which are no part of the Microsoft side. -WhatIf keeps them as they are.
func (c *Call) writes(change func()) {
	if truth(c.run.preference("WhatIfPreference")) || c.True("WhatIf") {
		return
	}
	change()
}

func joinPath(c *Call) {
	c.Out(strings.TrimSuffix(c.Text("Path"), `\`) + `\` + strings.TrimPrefix(c.Text("ChildPath"), `\`))
}

func getLocation(c *Call) { c.Out(NewObject("PathInfo", "Path", Folder, "ProviderPath", Folder)) }

func newItem(c *Call) {
	if !strings.EqualFold(c.Text("ItemType"), "Directory") {
		c.Unknown("of another type than Directory")
	}
	c.writes(func() {
		path := c.path("Path")
		if _, there := c.run.machine.Files[path]; there {
			c.Refuse("An item with the specified name %s already exists.", path)
		}
		c.store(path, directory{})
		c.Out(NewObject("DirectoryInfo", "FullName", c.Text("Path")))
	})
}

// drive is what another provider than the file system has at a path.
func (c *Call) drive(path string) (list []any, there, isDrive bool) {
	name, _, _ := strings.Cut(strings.ToLower(path), ":")
	look := c.run.machine.Drives[name]
	if look == nil {
		return nil, false, false
	}
	list, there = look(path)
	return list, there, true
}

func testPath(c *Call) {
	name := "LiteralPath"
	if c.Has("Path") {
		name = "Path"
	}
	if _, there, isDrive := c.drive(c.Text(name)); isDrive {
		c.Out(there)
		return
	}
	_, there := c.run.machine.Files[c.path(name)]
	c.Out(there)
}

func getChildItem(c *Call) {
	list, there, isDrive := c.drive(c.Text("Path"))
	if !isDrive || !there {
		c.Unknown("of %s", c.Text("Path"))
	}
	c.out.send(list)
}

func moveItem(c *Call) {
	c.writes(func() {
		from := c.path("Path")
		what, there := c.run.machine.Files[from]
		if !there {
			c.Refuse("Cannot find path '%s' because it does not exist.", from)
		}
		delete(c.run.machine.Files, from)
		c.store(c.path("Destination"), what)
	})
}

func outFile(c *Call) { c.writes(func() { c.store(c.path("FilePath"), slices.Clone(c.Input)) }) }

// exportClixml keeps copies: what the script does to its objects later is not in the file.
func exportClixml(c *Call) {
	list := c.Input
	if c.Has("InputObject") {
		list = items(c.Value("InputObject"))
	}
	copies := make([]any, len(list))
	for i, item := range list {
		copies[i] = kept(item)
	}
	c.writes(func() { c.store(c.path("Path"), copies) })
}

// kept is a value as it comes back from a file: without methods.
func kept(v any) any {
	switch v := v.(type) {
	case []any:
		list := make([]any, len(v))
		for i, item := range v {
			list[i] = kept(item)
		}
		return list
	case *Object:
		o := NewObject("Deserialized." + v.Type)
		o.Shown = v.Shown
		for _, name := range v.names {
			value, _ := v.Get(name)
			o.Set(name, kept(value))
		}
		return o
	}
	return plain(v)
}

func importClixml(c *Call) {
	list, ok := c.run.machine.Files[c.path("Path")].([]any)
	if !ok {
		c.Refuse("Could not find file '%s'.", c.path("Path"))
	}
	c.out.send(list)
}

func startTranscript(c *Call) { c.writes(func() { c.store(c.path("Path"), []any{}) }) }

func stopTranscript(*Call) {}
