package pstest

import (
	"fmt"
	"strings"
)

// Quotes and dashes that PowerShell reads as the plain ones (language specification, chapter 2), and the grammar as
// letters.
const (
	singleQuotes = "'\u2018\u2019\u201a\u201b"
	doubleQuotes = "\u201c\u201d\u201e"
	dashes       = "\u2013\u2014\u2015"
)

// firstFault is the sentence for the first place that is no PowerShell, "" when all is well.
func firstFault(t *Tree) string {
	fault := ""
	t.Root.Walk(func(n *Node) {
		if fault == "" {
			if reason := faultOf(n); reason != "" {
				fault = fmt.Sprintf("line %d: %s: %s", n.Line, reason, lineText(t.Source, n.Start))
			}
		}
	})
	return fault
}

func faultOf(n *Node) string {
	switch {
	case n.Error:
		return "this is no PowerShell"
	case n.Missing:
		return "a " + n.Type + " is missing"
	case n.Type == "try_statement" && !n.has("catch_clauses") && !n.has("finally_clause"):
		return "a try has neither catch nor finally"
	case n.Type == "verbatim_string_characters":
		return stringFault(n.Text())
	case len(n.Children) == 0 && !n.Extra:
		return textFault(n)
	}
	return ""
}

// stringFault finds the quote that ends a string early.
func stringFault(text string) string {
	if _, ok := unquote(text); !ok {
		return "a typographic quote ends the string early"
	}
	return ""
}

func textFault(n *Node) string {
	if strings.ContainsAny(n.Text(), singleQuotes[1:]+doubleQuotes+dashes) {
		return "a typographic quote or dash stands outside a string"
	}
	return ""
}

// unquote is the value of a string in single quotes: any of five characters closes it, and two of them in a row are one.
func unquote(text string) (string, bool) {
	runes := []rune(text)
	inner := runes[1 : len(runes)-1]
	var b strings.Builder
	for i := 0; i < len(inner); i++ {
		if strings.ContainsRune(singleQuotes, inner[i]) {
			if i+1 == len(inner) || !strings.ContainsRune(singleQuotes, inner[i+1]) {
				return "", false
			}
			i++
		}
		b.WriteRune(inner[i])
	}
	return b.String(), true
}

// has reports whether a node has a child of a type.
func (n *Node) has(kind string) bool { return n.child(kind) != nil }

// child is the first child of a type, nil when there is none.
func (n *Node) child(kind string) *Node {
	for _, c := range n.Children {
		if c.Type == kind {
			return c
		}
	}
	return nil
}

// lineText is the line in which a byte stands, without blanks around it.
func lineText(source string, at int) string {
	start := strings.LastIndexByte(source[:at], '\n') + 1
	line, _, _ := strings.Cut(source[start:], "\n")
	return strings.TrimSpace(line)
}
