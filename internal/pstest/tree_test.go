package pstest

import (
	"strings"
	"testing"
)

func TestParseGivesTypesTextsAndLines(t *testing.T) {
	tree, err := Parse("\ufeff# first\nif ($a) {\n  Get-It -Name 'x'\n}\n")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	tree.Root.Walk(func(n *Node) {
		if n.Type == "comment" || n.Type == "command_name" || n.Type == "verbatim_string_characters" {
			found = append(found, n.Text())
			if n.Type == "command_name" && n.Line != 3 {
				t.Errorf("%s is on line %d, want 3", n.Text(), n.Line)
			}
		}
	})
	if got := strings.Join(found, " | "); got != "# first | Get-It | 'x'" {
		t.Errorf("found %s", got)
	}
}

func TestParseRefuses(t *testing.T) {
	for _, c := range []struct{ name, script, want string }{
		{"an open brace", "$a = 1\nif ($a) {\n  $b = 2\n", "line "},
		{"a brace too many", "$a = 1\n}\n", "line 2: this is no PowerShell"},
		{"an open string", "$a = 1\nWrite-Host 'abc\n", "line 2"},
		{"an open parenthesis", "$a = (1 + 2\n$b = 3\n", "line "},
		{"a value too many", "$a = 1 2\n", "line 1"},
		{"an operator without its right side", "$a = 1 -and\n", "line "},
		{"a try alone", "$a = 1\ntry { $a = 2 }\n$b = 3", "line 2: a try has neither catch nor finally: try { $a = 2 }"},
		{"a typographic quote that ends a string", "$a = 'x’; calc #'\n", "line 1: a typographic quote ends the string early"},
		{"typographic quotes for plain ones", "Write-Host ‘abc’\n", "line 1: a typographic quote or dash stands outside a string"},
		{"typographic double quotes", "Write-Host “abc”\n", "line 1: a typographic quote or dash stands outside a string"},
		{"a long dash for a minus", "Get-It –Name 'x'\n", "line 1: a typographic quote or dash stands outside a string"},
	} {
		if _, err := Parse(c.script); err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", c.name, err, c.want)
		}
	}
}

func TestParseTakes(t *testing.T) {
	for name, script := range map[string]string{
		"a try with catch":                   "try { Get-It } catch { $_ }",
		"a try with finally":                 "try { Get-It } finally { Get-It }",
		"typographic quotes, doubled":        "$a = 'Zürich''s ‘‘north’’ ‚‚ ‛‛'",
		"typographic quotes in a comment":    "# it’s “here” – really\n$a = 1",
		"what would be code elsewhere":       "$a = '$(calc) `n \" #> <# @'''",
		"Windows line ends":                  "if ($a) {\r\n  Get-It\r\n}\r\n",
		"a param block, a splat, a pipeline": "param([switch] $A)\n$p = @{ A = 1 }\nGet-It @p | Where-Object { $_.B -eq 2 }",
	} {
		if _, err := Parse(script); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestShapeIsBlindToTextsAndSeesStructure(t *testing.T) {
	shape := func(script string) string {
		tree, err := Parse(script)
		if err != nil {
			t.Fatal(err)
		}
		return tree.Shape()
	}
	if shape("$a = 'x'") != shape("$b = 'y''; $(z)'") {
		t.Error("another text in a string gives another shape")
	}
	if shape("$a = 'x'") == shape("$a = 'x'; calc") {
		t.Error("one more statement gives the same shape")
	}
}
