package powershell

import (
	"fmt"
	"strings"
	"testing"
)

// A token is one word of a script, as far as these tests need PowerShell's grammar.
type token struct {
	kind string // string, variable, parameter, word, mark or line
	text string
	line int
}

const marks = "(){}[];|,=&!+"

// tokenize splits a script that uses single-quoted strings only. It fails on what such a script must not hold: double
// quotes, backticks, and anything but ASCII outside strings and comments.
func tokenize(script string) ([]token, error) {
	var list []token
	for n, text := range strings.Split(script, "\n") {
		tokens, err := tokenizeLine(text, n+1)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w: %s", n+1, err, text)
		}
		list = append(append(list, tokens...), token{"line", "", n + 1})
	}
	return list, nil
}

func tokenizeLine(s string, line int) ([]token, error) {
	var list []token
	for {
		s = strings.TrimLeft(s, " ")
		switch {
		case s == "" || s[0] == '#':
			return list, nil
		case strings.ContainsRune(quotes, []rune(s)[0]):
			value, rest, ok := unquote(s)
			if !ok {
				return nil, fmt.Errorf("a string without end")
			}
			list, s = append(list, token{"string", value, line}), rest
		case strings.ContainsRune("\"`“”„", []rune(s)[0]):
			return nil, fmt.Errorf("a double quote or backtick")
		case s[0] >= 0x80 || s[0] == '\t':
			return nil, fmt.Errorf("a character that is not ASCII, outside a string")
		case strings.IndexByte(marks, s[0]) >= 0:
			list, s = append(list, token{"mark", s[:1], line}), s[1:]
		default:
			end := strings.IndexFunc(s, func(r rune) bool {
				return r == ' ' || strings.ContainsRune(marks, r) || strings.ContainsRune(quotes+"\"`", r)
			})
			if end < 0 {
				end = len(s)
			}
			list, s = append(list, token{kindOf(s[:end]), s[:end], line}), s[end:]
		}
	}
}

func kindOf(word string) string {
	switch {
	case word[0] == '$':
		return "variable"
	case word[0] == '@' && len(word) > 1:
		return "splat"
	case word[0] == '-' && len(word) > 1 && word[1] >= 'A' && word[1] <= 'Z':
		return "parameter"
	}
	return "word"
}

// A call is one command of a script with the names of its parameters.
type call struct {
	command    string
	parameters []string
	line       int
}

// calls are all commands of a script in the form Verb-Noun; those of hash tables passed by @name are looked up.
func calls(tokens []token) []call {
	var list []call
	for i, t := range tokens {
		if t.kind != "word" || !isCommand(t.text) || i > 0 && tokens[i-1].text == "function" {
			continue
		}
		c := call{command: t.text, line: t.line}
		for depth, rest := 0, tokens[i+1:]; len(rest) > 0; rest = rest[1:] {
			switch t := rest[0]; {
			case strings.Contains("({[", t.text) && t.kind == "mark":
				depth++
			case strings.Contains(")}]", t.text) && t.kind == "mark":
				depth--
			case depth > 0:
				continue
			case t.kind == "parameter":
				name, _, _ := strings.Cut(t.text[1:], ":")
				c.parameters = append(c.parameters, name)
			case t.kind == "splat":
				c.parameters = append(c.parameters, keysOf(tokens[:i], t.text[1:])...)
			}
			if depth < 0 || depth == 0 && (rest[0].kind == "line" || rest[0].kind == "mark" && strings.Contains("|;", rest[0].text)) {
				break
			}
		}
		list = append(list, c)
	}
	return list
}

// keysOf are the keys of the hash table that was last given to a variable.
func keysOf(tokens []token, variable string) []string {
	for i := len(tokens) - 1; i >= 0; i-- {
		if tokens[i].text != "$"+variable || i+3 >= len(tokens) || tokens[i+1].text != "=" || tokens[i+2].text != "@" {
			continue
		}
		var keys []string
		for j := i + 3; tokens[j].text != "}"; j++ {
			if tokens[j].kind == "word" && tokens[j+1].text == "=" {
				keys = append(keys, tokens[j].text)
			}
		}
		return keys
	}
	return nil
}

// isCommand reports whether a word has the form Verb-Noun, each part with a capital.
func isCommand(word string) bool {
	verb, noun, ok := strings.Cut(word, "-")
	capital := func(s string) bool { return s != "" && s[0] >= 'A' && s[0] <= 'Z' }
	return ok && capital(verb) && capital(noun)
}

func TestTheChecksFindMistakes(t *testing.T) {
	for name, text := range map[string]string{"a double quote": `Write-Host "x"`, "a backtick": "Write-Host x `", "an open string": "Write-Host 'x", "a long dash": "Write-Host –x"} {
		if _, err := tokenize(text); err == nil {
			t.Errorf("%s passes", name)
		}
	}
	tokens, err := tokenize("$p = @{\n  Identity = 'x # no comment'\n  Site = (Get-It -Deep $true)\n}\nNew-Thing @p -Confirm:$false | Out-Null\nif (-not (Get-Other -Name 'a')) { Set-It -Route @{ Add = $r } -Force }")
	if err != nil {
		t.Fatal(err)
	}
	want := "[{Get-It [Deep] 3} {New-Thing [Identity Site Confirm] 5} {Out-Null [] 5} {Get-Other [Name] 6} {Set-It [Route Force] 6}]"
	if got := fmt.Sprint(calls(tokens)); got != want {
		t.Errorf("the calls are %s, want %s", got, want)
	}
	if fits(call{command: "New-Thing", parameters: []string{"Identity", "Sight"}}, []string{"Identity!", "Site"}) || fits(call{command: "New-Thing"}, []string{"Identity!"}) {
		t.Error("a misspelt or a missing parameter passes")
	}
}
