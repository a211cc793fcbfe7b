package e2e

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"isthmus/internal/siptest"
)

var placeholder = regexp.MustCompile(`\{(\*|[a-z][a-z0-9-]*)\}`)

// fill puts values into a text that is sent. A new placeholder gets a value that is like no other.
func (c *conversation) fill(text string) string {
	return placeholder.ReplaceAllStringFunc(text, func(p string) string {
		name := p[1 : len(p)-1]
		if _, ok := c.values[name]; !ok {
			c.values[name] = siptest.Unique(name)
		}
		return c.values[name]
	})
}

// match compares what was received with a text. What new placeholders stand for is remembered when all of it fits.
func (c *conversation) match(want, got string) bool {
	var pattern strings.Builder
	var fresh []string
	pattern.WriteString(`(?s)\A`)
	at := 0
	for _, m := range placeholder.FindAllStringSubmatchIndex(want, -1) {
		pattern.WriteString(regexp.QuoteMeta(want[at:m[0]]))
		name := want[m[2]:m[3]]
		if value, ok := c.values[name]; ok {
			pattern.WriteString(regexp.QuoteMeta(value))
		} else if name == "*" {
			pattern.WriteString(`.*`)
		} else {
			pattern.WriteString(`(.+?)`)
			fresh = append(fresh, name)
		}
		at = m[1]
	}
	pattern.WriteString(regexp.QuoteMeta(want[at:]) + `\z`)
	found := regexp.MustCompile(pattern.String()).FindStringSubmatch(got)
	for i := range fresh[:min(len(fresh), max(len(found)-1, 0))] {
		c.values[fresh[i]] = found[i+1]
	}
	return found != nil
}

// differs says in which line a message is not what the text says, "" when it fits. Of each header that the text names all
// lines are compared, in their order.
func (c *conversation) differs(s step, raw string) string {
	want, body := s.message()
	start, headers, gotBody := parts(raw)
	named := map[string]bool{}
	var lines []string
	for _, l := range want[1:] {
		name, absent := strings.CutPrefix(l, "no ")
		if !absent {
			lines = append(lines, l)
		}
		named[nameOf(name)] = true
	}
	if !c.match(want[0], start) {
		return fmt.Sprintf("instead of %q", want[0])
	}
	headers = slices.DeleteFunc(headers, func(h string) bool { return !named[nameOf(h)] })
	if !slices.Contains(s.words, "order") {
		byName := func(a, b string) int { return strings.Compare(nameOf(a), nameOf(b)) }
		slices.SortStableFunc(headers, byName)
		slices.SortStableFunc(lines, byName)
	}
	i := 0
	for _, h := range headers {
		if i == len(lines) || !c.match(lines[i], h) {
			return fmt.Sprintf("%q is not %q", h, append(lines, "the end")[i])
		}
		i++
	}
	if i < len(lines) {
		return fmt.Sprintf("%q is missing", lines[i])
	}
	if body != "" && !c.match(body, gotBody) {
		return "the body is another"
	}
	return ""
}

// request is what a step sends: the text, and what every request needs where the text does not say otherwise.
func (c *conversation) request(s step, p *party) string {
	given, body := s.message()
	body = c.fill(body)
	method, _, _ := strings.Cut(given[0], " ")
	said := map[string]bool{}
	lines := []string{c.fill(given[0])}
	for _, l := range given[1:] {
		name, absent := strings.CutPrefix(l, "no ")
		said[nameOf(name)] = true
		if !absent {
			lines = append(lines, c.fill(l))
		}
	}
	sentBy := c.values[p.name]
	if sentBy == "" {
		sentBy = p.conn.LocalAddr().String()
	}
	for _, needed := range []string{
		"Via: SIP/2.0/" + strings.ToUpper(p.transport) + " " + sentBy + ";branch=" + siptest.Unique("z9hG4bK"),
		"Max-Forwards: 70", "Call-ID: " + c.fill("{call}"), "CSeq: 1 " + method, fmt.Sprint("Content-Length: ", len(body)),
	} {
		if !said[nameOf(needed)] {
			lines = append(lines, needed)
		}
	}
	return strings.Join(lines, "\r\n") + "\r\n\r\n" + body
}

// response is the answer to a request: Record-Routes in the text are those of proxies behind us, and stand above the others.
func (c *conversation) response(s step, a arrival, status int) string {
	given, body := s.message()
	var records, lines []string
	for _, l := range given {
		if nameOf(l) == "record-route" {
			records = append(records, c.fill(l))
		} else {
			lines = append(lines, c.fill(l))
		}
	}
	raw := siptest.ResponseWithBody(a.Message, status, "", c.fill(body), lines...)
	if tag := s.word("tag"); tag != "" {
		raw = strings.Replace(raw, ";tag="+siptest.ToTag(a.Message), ";tag="+tag, 1)
	}
	start, rest, _ := strings.Cut(raw, "\r\n")
	return strings.Join(append(append([]string{start}, records...), rest), "\r\n")
}
