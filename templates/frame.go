// Package templates draws the console's pages: the frame, the find-and-list table, form fields, and one file per
// resource. Components take typed values and return HTML. They know no requests, no sessions and no database.
package templates

import "fmt"

// A Frame is what stands around every page.
type Frame struct {
	Title     string // the page's name, for the window and the h1
	Path      string // path of the menu entry that is current
	Guide     string // what the guide calls this page, "" when it has no such page
	User      string // "" before login
	Role      string
	MayChange bool // whether the role may change anything
	Applied   Applied
	Notice    *Notice
	Version   string // of the program
	Node      string // that answered
	Request   string // id for the log
}

// Applied tells how far the newest revision has come.
type Applied struct {
	Known    bool // false while nodes' reports cannot be read, or not be made
	ReadOnly bool // they cannot be made, as the database can be read only
	Revision int64
	Holding  int // nodes that have applied it
	Nodes    int
	Lost     int64 // newest revision that nodes have in force and a restored database no longer has; 0: none
}

// Behind counts the nodes that have not applied the newest revision.
func (a Applied) Behind() int { return a.Nodes - a.Holding }

// Cells are the cells of the meter: one for each node up to a dozen, true for one that holds the revision.
func (a Applied) Cells() []bool {
	cells := make([]bool, min(a.Nodes, 12))
	for i := range cells {
		cells[i] = i*a.Nodes < a.Holding*len(cells)
	}
	return cells
}

// Marks of a state, which give it its shape and colour.
const (
	Up      = "up"      // works
	Part    = "part"    // works, but wants attention
	Down    = "down"    // does not work
	Off     = "off"     // switched off by someone
	Unknown = "unknown" // never shown as good
)

// A Notice is the one banner above a page's heading.
type Notice struct {
	Mark   string // Up, Part, Down or Unknown
	Strong string // the word that it begins with, such as Saved.
	Text   string
	Href   string // the way out, with Link as its words; both may be empty
	Link   string
}

// A State is a shape, a word and a colour.
type State struct {
	Mark string
	Word string
	Note string // second line, may be empty
}

// A Finding is one thing that is missing or wrong: what, why it matters, and the way out.
type Finding struct {
	Mark  string
	Title string
	Text  string
	Href  string
	Link  string
}

// count is a number with its noun: count(1, "node", "nodes") is "1 node".
func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// errorID is the id of a field's error, which the field names as its description.
func errorID(name string) string { return "error-" + name }

// hintID is the id of a field's hint.
func hintID(name string) string { return "hint-" + name }

// fieldID is the id of a field.
func fieldID(name string) string { return "field-" + name }

// inForce is "3 of 4 nodes", or "no node yet".
func inForce(a Applied) string {
	switch {
	case a.Nodes == 0:
		return "no node yet"
	case a.Nodes == 1 && a.Holding == 1:
		return "the one node"
	case a.Holding == a.Nodes:
		return fmt.Sprintf("all %d nodes", a.Nodes)
	}
	return fmt.Sprintf("%d of %s", a.Holding, count(a.Nodes, "node", "nodes"))
}
