package templates

import (
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// capital begins a sentence with the word.
func capital(s string) string {
	r, size := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(r)) + s[size:]
}

// lower takes a label into the middle of a sentence; abbreviations such as TLS and proper names stay as they are.
func lower(s string) string {
	if strings.HasPrefix(s, "Microsoft") {
		return s
	}
	if r, size := utf8.DecodeRuneInString(s); size < len(s) && unicode.IsUpper(r) {
		if next, _ := utf8.DecodeRuneInString(s[size:]); !unicode.IsUpper(next) {
			return string(unicode.ToLower(r)) + s[size:]
		}
	}
	return s
}

// Clock is a time as people say it: 09:41 today, else 4 March 2026, 09:41.
func Clock(t, now time.Time) string {
	t = t.In(now.Location())
	if t.Format(time.DateOnly) == now.Format(time.DateOnly) {
		return t.Format("15:04")
	}
	return t.Format("2 January 2006, 15:04")
}

// Ago is how long ago something was, in one unit.
func Ago(t, now time.Time) string {
	d := now.Sub(t)
	switch {
	case d < 2*time.Second:
		return "now"
	case d < 2*time.Minute:
		return count(int(d.Seconds()), "second", "seconds") + " ago"
	case d < 2*time.Hour:
		return count(int(d.Minutes()), "minute", "minutes") + " ago"
	case d < 48*time.Hour:
		return count(int(d.Hours()), "hour", "hours") + " ago"
	}
	return count(int(d.Hours()/24), "day", "days") + " ago"
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// orDash shows that a value is absent, rather than nothing.
func orDash(s string) string {
	if s == "" {
		return "none"
	}
	return s
}
