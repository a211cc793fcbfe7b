package powershell

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"isthmus/internal/federation"
)

// quotes are the five characters that end a single-quoted string: PowerShell takes the typographic ones for the plain
// one (language specification, chapter 2, single-quote-character).
const quotes = "'\u2018\u2019\u201a\u201b"

// Quote writes a value as a single-quoted PowerShell string, in which nothing is expanded. Characters that a line of a
// script cannot hold, or that let it look like another one, are refused: control characters, line and paragraph
// separators, marks that turn the writing direction, and what is no UTF-8.
func Quote(value string) (string, error) {
	if !utf8.ValidString(value) || strings.ContainsFunc(value, unwritable) {
		return "", federation.Refuse("A value holds a line break, a control character or another that a script cannot show.")
	}
	var b strings.Builder
	b.WriteByte('\'')
	for _, r := range value {
		if strings.ContainsRune(quotes, r) {
			b.WriteRune(r) // doubled, the same character stands for itself
		}
		b.WriteRune(r)
	}
	b.WriteByte('\'')
	return b.String(), nil
}

func unwritable(r rune) bool {
	return unicode.IsControl(r) || unicode.In(r, unicode.Zl, unicode.Zp, unicode.Bidi_Control) || r == '\ufeff'
}
