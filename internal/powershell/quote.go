package powershell

import (
	"errors"
	"slices"
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

// list is a PowerShell array of quoted values.
func list(items []string) (string, error) {
	quoted := make([]string, len(items))
	for i, item := range items {
		q, err := Quote(item)
		if err != nil {
			return "", err
		}
		quoted[i] = q
	}
	return "@(" + strings.Join(quoted, ", ") + ")", nil
}

// code is a value as a Markdown code span, whose fence is longer than any run of backticks in it.
func code(value string) (string, error) {
	if strings.ContainsFunc(value, unwritable) {
		return "", federation.Refuse("A value holds a line break or a control character.")
	}
	if !strings.Contains(value, "`") {
		return "`" + value + "`", nil
	}
	runs := strings.FieldsFunc(value, func(r rune) bool { return r != '`' })
	longest := slices.MaxFunc(runs, func(a, b string) int { return len(a) - len(b) })
	fence := longest + "`"
	return fence + " " + value + " " + fence, nil
}

// cause is the sentence of a function that a template called, without the template's place.
func cause(err error) error {
	var refusal federation.Refusal
	if errors.As(err, &refusal) {
		return refusal
	}
	return err
}
