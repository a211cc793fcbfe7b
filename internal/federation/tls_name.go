package federation

import "strings"

// commonNames are the Common Names of a whole subject as certificate viewers and tools write it, in lower case: with
// commas, semicolons or plus signs between its attributes (RFC 4514), with or without blanks. whole is false for any
// other text.
func commonNames(text string) (names []string, whole bool) {
	for _, word := range []string{"subject=", "subject:"} { // openssl x509 writes it before
		text = strings.TrimPrefix(text, word)
	}
	for _, attribute := range attributes(text) {
		kind, value, pair := strings.Cut(attribute, "=")
		if !pair || strings.ContainsAny(kind, "/:?") { // an URL is none
			return nil, false
		}
		if kind = strings.TrimSpace(kind); kind == "cn" || kind == "2.5.4.3" {
			names = append(names, strings.Trim(strings.TrimSpace(value), `"`))
		}
	}
	return names, true
}

// attributes splits a subject where a separator is neither quoted nor escaped.
func attributes(subject string) []string {
	var list []string
	begin, quoted, escaped := 0, false, false
	for i, r := range subject {
		switch {
		case escaped:
			escaped = false
		case r == '\\':
			escaped = true
		case r == '"':
			quoted = !quoted
		case !quoted && (r == ',' || r == ';' || r == '+'):
			list, begin = append(list, subject[begin:i]), i+1
		}
	}
	return append(list, subject[begin:])
}
