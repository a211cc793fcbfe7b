// Package htmltest asks pages for what a reader would find in them, by selector. It knows a small part of CSS and no
// browser: what a page does with a style sheet or a script is tested elsewhere. For tests only.
package htmltest

import (
	"io"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// A Node is an element of a page, or the page itself.
type Node struct{ node *html.Node }

// Parse reads a page. The test fails when it is no HTML at all.
func Parse(t testing.TB, r io.Reader) Node {
	t.Helper()
	root, err := html.Parse(r)
	if err != nil {
		t.Fatalf("read the page: %v", err)
	}
	return Node{root}
}

// All are the elements below n that a selector finds, in the page's order: a tag, #id, .class, [attribute] or
// [attribute=value], any of them joined, and several of such with blanks between them for what lies below.
func (n Node) All(selector string) []Node {
	found := []Node{n}
	for _, step := range parse(selector) {
		var next []Node
		seen := map[*html.Node]bool{}
		for _, from := range found {
			for d := range from.node.Descendants() {
				if step.matches(d) && !seen[d] {
					seen[d] = true
					next = append(next, Node{d})
				}
			}
		}
		found = next
	}
	return found
}

// One is the only element that a selector finds. The test fails when there is none or more.
func (n Node) One(t testing.TB, selector string) Node {
	t.Helper()
	found := n.All(selector)
	if len(found) != 1 {
		t.Fatalf("%q finds %d elements, want 1, in:\n%s", selector, len(found), n.Text())
	}
	return found[0]
}

// Count fails the test when a selector does not find that many elements.
func (n Node) Count(t testing.TB, selector string, want int) {
	t.Helper()
	if found := n.All(selector); len(found) != want {
		t.Errorf("%q finds %d elements, want %d, in:\n%s", selector, len(found), want, n.Text())
	}
}

// Says fails the test when no element that the selector finds holds the text.
func (n Node) Says(t testing.TB, selector, text string) {
	t.Helper()
	var said []string
	for _, found := range n.All(selector) {
		if strings.Contains(found.Text(), text) {
			return
		}
		said = append(said, found.Text())
	}
	t.Errorf("%q does not say %q, but %q", selector, text, said)
}

// Text is what a reader reads: every text below n with its blanks joined, without scripts and drawings.
func (n Node) Text() string {
	var text strings.Builder
	write(&text, n.node)
	return strings.Join(strings.Fields(text.String()), " ")
}

// inline are the elements that part no words.
var inline = map[string]bool{"a": true, "abbr": true, "b": true, "code": true, "em": true, "i": true, "small": true, "span": true, "strong": true}

func write(text *strings.Builder, n *html.Node) {
	switch {
	case n.Type == html.TextNode:
		text.WriteString(n.Data)
	case n.Data == "script" || n.Data == "style" || n.Data == "svg":
		return
	case n.Type == html.ElementNode && !inline[n.Data]:
		text.WriteByte(' ')
		defer text.WriteByte(' ')
	}
	for child := range n.ChildNodes() {
		write(text, child)
	}
}

// Attr is the value of an attribute, "" when it is not there.
func (n Node) Attr(name string) string {
	value, _ := attribute(n.node, name)
	return value
}

// Has reports whether an attribute is there, whatever its value.
func (n Node) Has(name string) bool {
	_, ok := attribute(n.node, name)
	return ok
}

// Form is what a browser would send of a form as it stands, without its buttons.
func (n Node) Form() url.Values {
	values := url.Values{}
	for _, in := range n.All("input[name]") {
		kind := in.Attr("type")
		if (kind == "checkbox" || kind == "radio") && !in.Has("checked") || in.Has("disabled") {
			continue
		}
		values.Add(in.Attr("name"), in.Attr("value"))
	}
	for _, choice := range n.All("select[name]") {
		options := choice.All("option")
		for i, o := range options {
			if o.Has("selected") || i == 0 && len(choice.All("option[selected]")) == 0 {
				values.Set(choice.Attr("name"), o.Attr("value"))
			}
		}
	}
	return values
}

func attribute(n *html.Node, name string) (string, bool) {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val, true
		}
	}
	return "", false
}
