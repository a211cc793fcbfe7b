package pstest

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

var placeholder = regexp.MustCompile(`\{\{|\}\}|\{(\d+)(?::([^}]*))?\}|[{}]`)

// format is -f: {0} and {0:x4} in the left side become the items of the right.
func format(r *run, n *Node, left, right any) any {
	list := items(right)
	return placeholder.ReplaceAllStringFunc(Text(left), func(found string) string {
		switch found {
		case "{{", "}}":
			return found[:1]
		case "{", "}":
			throw("Error formatting a string: Input string was not in a correct format.")
		}
		m := placeholder.FindStringSubmatch(found)
		i, _ := strconv.Atoi(m[1])
		if i >= len(list) {
			throw("Error formatting a string: Index (zero based) must be greater than or equal to zero and less than the size of the argument list.")
		}
		return r.formatted(n, list[i], m[2])
	})
}

// formatted is one value in .NET's format.
func (r *run) formatted(n *Node, v any, form string) string {
	if form == "" {
		return Text(v)
	}
	if t, ok := v.(time.Time); ok {
		return r.date(n, t, form)
	}
	i, isNumber := number(v)
	width, err := strconv.Atoi(form[1:])
	if isNumber && (err == nil || len(form) == 1) {
		switch form[0] {
		case 'x':
			return fmt.Sprintf("%0*x", width, i)
		case 'X':
			return fmt.Sprintf("%0*X", width, i)
		case 'D', 'd':
			return fmt.Sprintf("%0*d", width, i)
		}
	}
	r.unknown(n, "the format %s of %T", form, v)
	return ""
}

// dateParts are the parts of .NET's date formats that our scripts use, longest first.
var dateParts = [][2]string{{"yyyy", "2006"}, {"MM", "01"}, {"dd", "02"}, {"HH", "15"}, {"mm", "04"}, {"ss", "05"}}

// date writes a time in .NET's format; a letter of it that is not known fails the test.
func (r *run) date(n *Node, t time.Time, form string) string {
	if form == "s" || form == "o" {
		return t.Format("2006-01-02T15:04:05")
	}
	var b strings.Builder
	for form != "" {
		known := false
		for _, part := range dateParts {
			if rest, ok := strings.CutPrefix(form, part[0]); ok {
				b.WriteString(t.Format(part[1]))
				form, known = rest, true
				break
			}
		}
		if known {
			continue
		}
		if !strings.ContainsAny(form[:1], "-:. TZ") {
			r.unknown(n, "the date format %s", form)
		}
		b.WriteString(form[:1])
		form = form[1:]
	}
	return b.String()
}
