package pstest

import (
	"errors"
	"regexp"
	"slices"
	"strings"
)

// A Tree is the syntax of one script.
type Tree struct {
	Source string
	Root   *Node
}

// A Node is one piece of a script: what the grammar calls it, where it stands, and what it is made of.
type Node struct {
	Type       string // such as if_statement; of an unnamed node its own text, such as {
	Start, End int    // bytes of the source, the end left out
	Line       int    // from 1
	Named      bool   // false for brackets, keywords and operators
	Error      bool   // the grammar does not know what stands here
	Missing    bool   // the grammar needs something here that does not stand here
	Extra      bool   // a comment
	Children   []*Node

	source string
	parts  []*Node // the children without comments
}

// Text is the piece of the script that the node covers.
func (n *Node) Text() string { return n.source[n.Start:n.End] }

// Walk visits a node and all below it in the order of the text.
func (n *Node) Walk(visit func(*Node)) {
	visit(n)
	for _, child := range n.Children {
		child.Walk(visit)
	}
}

// Shape is the tree without its texts: the types of all nodes and how they nest. Two scripts of one shape differ in
// names, numbers and the contents of strings alone.
func (t *Tree) Shape() string {
	var b strings.Builder
	writeShape(&b, t.Root)
	return b.String()
}

func writeShape(b *strings.Builder, n *Node) {
	b.WriteString(n.Type)
	if len(n.Children) == 0 {
		return
	}
	b.WriteByte('(')
	for i, child := range n.Children {
		if i > 0 {
			b.WriteByte(' ')
		}
		writeShape(b, child)
	}
	b.WriteByte(')')
}

// keptTrees bounds the memory of trees that were read: each has thousands of nodes.
const keptTrees = 400

// Parse reads a script by PowerShell's grammar. It refuses what that grammar does not take, and what it wrongly takes: a
// try without catch and finally, and typographic quotes and dashes, which PowerShell reads as plain ones. The error
// names the line and shows it. Nobody changes a tree, so a text that was read of late is not read again.
func Parse(script string) (*Tree, error) {
	script = strings.TrimPrefix(script, "\ufeff")
	g, err := loaded()
	if err != nil {
		return nil, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if tree := g.read[script]; tree != nil {
		return tree, nil
	}
	b := builder{grammar: g, flat: g.parse(script), source: script, line: 1}
	tree := &Tree{Source: script, Root: b.node()}
	if fault := firstFault(tree); fault != "" {
		return nil, errors.New(fault)
	}
	if len(g.read) >= keptTrees {
		clear(g.read)
	}
	g.read[script] = tree
	return tree, nil
}

// A builder makes a tree of flat nodes, of which the first is always the next to come.
type builder struct {
	grammar    *grammar
	flat       []flatNode
	source     string
	line, seen int // the line of the byte up to which lines are counted
}

// passing are the levels of precedence that the grammar passes through on the way to each value. Where such a level has
// one child and so does nothing, the child stands in its place: that leaves a fifth of the nodes.
var passing = regexp.MustCompile(`^((logical|bitwise|comparison|additive|multiplicative|format|range)(_argument)?|argument|array_literal|unary)_expression$`)

func (b *builder) node() *Node {
	f := b.flat[0]
	b.flat = b.flat[1:]
	name := b.grammar.name(f.symbol)
	if f.children == 1 && b.grammar.passes(name) {
		return b.node()
	}
	n := &Node{
		Type: name, Start: int(f.start), End: int(f.end), Line: b.lineOf(int(f.start)), source: b.source,
		Named: f.flags&flagNamed != 0, Error: f.flags&flagError != 0, Missing: f.flags&flagMissing != 0, Extra: f.flags&flagExtra != 0,
	}
	for range f.children {
		n.Children = append(n.Children, b.node())
	}
	n.parts = n.Children
	if slices.ContainsFunc(n.Children, isExtra) {
		n.parts = slices.DeleteFunc(slices.Clone(n.Children), isExtra)
	}
	return n
}

func isExtra(n *Node) bool { return n.Extra }

// lineOf counts on from the last place asked for: nodes come in the order of the text.
func (b *builder) lineOf(at int) int {
	if at > b.seen {
		b.line += strings.Count(b.source[b.seen:at], "\n")
		b.seen = at
	}
	return b.line
}
