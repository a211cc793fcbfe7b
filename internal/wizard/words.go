package wizard

import (
	"strconv"
	"strings"
)

func at(list string, i int) string { return list + "[" + strconv.Itoa(i) + "]" }

func hasPrefix(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}

// printable is what somebody typed as a sentence can hold it.
func printable(s string) string {
	s = strings.Map(func(r rune) rune {
		if unprintable(r) {
			return -1
		}
		return r
	}, s)
	if runes := []rune(s); len(runes) > 60 {
		return string(runes[:60]) + "..."
	}
	return s
}
