package powershell

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// unquote reads one single-quoted string as PowerShell's tokenizer does: any of five characters opens and closes it, and
// two of them in a row are one. It returns the value and what follows.
func unquote(s string) (value, rest string, ok bool) {
	runes := []rune(s)
	if len(runes) == 0 || !strings.ContainsRune(quotes, runes[0]) {
		return "", s, false
	}
	var b strings.Builder
	for i := 1; i < len(runes); i++ {
		if strings.ContainsRune(quotes, runes[i]) {
			if i+1 == len(runes) || !strings.ContainsRune(quotes, runes[i+1]) {
				return b.String(), string(runes[i+1:]), true
			}
			i++
		}
		b.WriteRune(runes[i])
	}
	return "", s, false
}

func TestQuote(t *testing.T) {
	for _, c := range []struct{ name, value, want string }{
		{"a name", "pool.synergy.com", "'pool.synergy.com'"},
		{"nothing", "", "''"},
		{"an apostrophe", "x'; Remove-Item C:\\", "'x''; Remove-Item C:\\'"},
		{"typographic quotes", "a‘b’c‚d‛e", "'a‘‘b’’c‚‚d‛‛e'"},
		{"an expression stays text", "$(calc) `n $x", "'$(calc) `n $x'"},
		{"double quotes stay text", "a\"b“c”d", "'a\"b“c”d'"},
		{"dashes stay text", "a–b—c #> <# @'", "'a–b—c #> <# @'''"},
		{"letters of any script", "Zürich 東京", "'Zürich 東京'"},
	} {
		got, err := Quote(c.value)
		if err != nil || got != c.want {
			t.Errorf("%s: %s, %v; want %s", c.name, got, err, c.want)
		}
	}
}

func TestQuoteRefuses(t *testing.T) {
	for name, value := range map[string]string{
		"a line feed": "a\nb", "a carriage return": "a\rb", "NUL": "a\x00b", "a tab": "a\tb", "escape": "a\x1bb", "delete": "a\x7fb", "next line": "a\u0085b",
		"a line separator": "a\u2028b", "a paragraph separator": "a\u2029b", "a turn of direction": "a\u202eb", "a byte order mark": "\ufeffa",
		"no UTF-8": "a\xffb",
	} {
		if got, err := Quote(value); err == nil {
			t.Errorf("%s is quoted as %q", name, got)
		}
	}
}

func FuzzQuote(f *testing.F) {
	for _, seed := range []string{"", "'", "''", "‘’‚‛'", "x'; calc #", "$(1)", "`", "@'", "'@", "–—―", "\"“”„", "日本\u2028", "a\xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		quoted, err := Quote(value)
		if err != nil {
			if utf8.ValidString(value) && !strings.ContainsFunc(value, unwritable) {
				t.Fatalf("%q is refused: %v", value, err)
			}
			return
		}
		got, rest, ok := unquote(quoted + " -Next")
		if !ok || got != value || rest != " -Next" {
			t.Fatalf("%q is quoted as %s, which reads as %q and leaves %q", value, quoted, got, rest)
		}
		if strings.ContainsAny(quoted, "\r\n\x00") {
			t.Fatalf("%q is quoted over several lines", value)
		}
	})
}
