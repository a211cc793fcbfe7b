package wizard

import (
	"slices"
	"strings"
	"unicode"
)

// What stands before names in the shell's output.
const (
	registrarRole = "registrar:"
	siteScope     = "site:"
)

// A record is one printed object: the lines of each field's value, by the field's name in lower case.
type record map[string][]string

func (r record) has(field string) bool { _, ok := r[field]; return ok }

// text is a value in which blanks matter; a console breaks it at a blank.
func (r record) text(field string) string {
	return strings.TrimSpace(strings.Join(r[field], " "))
}

// name is a value without blanks, which a console breaks wherever its width ends.
func (r record) name(field string) string { return canonicalName(strings.Join(r[field], "")) }

// either is the first of two names that was printed.
func (r record) either(first, second string) string {
	if name := r.name(first); name != "" {
		return name
	}
	return r.name(second)
}

// list is a value such as {fe1.synergy.com, fe2.synergy.com}; cut tells that it ends with three dots. An item that was
// cut itself is left out.
func (r record) list(field string) (items []string, cut bool) {
	all := strings.Trim(strings.Join(r[field], ""), "{}")
	whole := strings.TrimRight(all, ".…")
	cut = isCut(all)
	for item := range strings.SplitSeq(whole, ",") {
		if name := canonicalName(item); name != "" {
			items = append(items, name)
		}
	}
	if cut && !strings.Contains(strings.Join(r[field], ""), "}") && len(items) > 0 {
		items = items[:len(items)-1] // a table's cell ends in the middle of a name
	}
	return items, cut
}

// isCut reports whether the shell shortened a value: with three dots, or since PowerShell 6 with one character.
func isCut(s string) bool { return strings.HasSuffix(s, "...") || strings.HasSuffix(s, "…") }

// pastedLines are the lines without byte order mark; a terminal may have doubled the carriage returns.
func pastedLines(text string) []string {
	text = strings.TrimPrefix(text, "\ufeff")
	text = strings.NewReplacer("\r\r\n", "\n", "\r\n", "\n", "\r", "\n", "\u00a0", " ", "\t", "    ").Replace(text)
	return strings.Split(text, "\n")
}

// A recordReader collects records from lines.
type recordReader struct {
	done   []record
	open   record // nil before the first field
	indent int    // of its first field
	last   string // field that continues on the next line
}

func readRecords(lines []string) []record {
	var r recordReader
	for i := 0; i < len(lines); i++ {
		if i+1 < len(lines) && isRule(lines[i+1]) && r.mayBeHeader(lines[i]) {
			r.end()
			i = r.table(lines, i)
			continue
		}
		r.line(lines[i])
	}
	r.end()
	return r.done
}

// line takes one line of the list form: a field, the continuation of its value, or the end of an object.
func (r *recordReader) line(line string) {
	indent, field, value, ok := fieldOf(line)
	switch {
	case strings.TrimSpace(line) == "" || isPrompt(line):
		r.end()
	case ok && (r.open == nil || indent <= r.indent):
		if r.open.has(field) {
			r.end() // the next object begins with a field that this one has
		}
		if r.open == nil {
			r.open, r.indent = record{}, indent
		}
		r.open[field], r.last = []string{value}, field
	case r.open != nil && (startsBlank(line) || isOpenList(r.open[r.last])):
		r.open[r.last] = append(r.open[r.last], strings.TrimSpace(line))
	}
}

// mayBeHeader reports whether a line can stand above a table; one that continues a value cannot, whatever follows it.
func (r *recordReader) mayBeHeader(line string) bool {
	rest := strings.TrimLeft(line, " ")
	return rest != "" && (r.open == nil || len(line)-len(rest) <= r.indent)
}

func (r *recordReader) end() {
	if r.open != nil {
		r.done = append(r.done, r.open)
	}
	r.open, r.last = nil, ""
}

// fieldOf splits "Site           : Site:Redmond". The shell puts a blank before its colon; a value's own colon has none.
func fieldOf(line string) (indent int, field, value string, ok bool) {
	rest := strings.TrimLeft(line, " ")
	indent = len(line) - len(rest)
	label, value, found := strings.Cut(rest, ":")
	field = strings.TrimRight(label, " ")
	strange := func(c rune) bool { return c > unicode.MaxASCII || !unicode.IsLetter(c) && !unicode.IsDigit(c) }
	if !found || field == "" || field == label || strings.ContainsFunc(field, strange) {
		return 0, "", "", false
	}
	return indent, strings.ToLower(field), strings.TrimSpace(value), true
}

func startsBlank(line string) bool { return strings.HasPrefix(line, " ") }

// isOpenList reports whether a list began and did not end, so that the next line belongs to it even without indentation.
func isOpenList(value []string) bool {
	return len(value) > 0 && strings.HasPrefix(value[0], "{") && !strings.HasSuffix(value[len(value)-1], "}")
}

// isPrompt reports whether somebody typed into this line: "PS C:\> Get-CsPool", or ">>" where a command goes on.
func isPrompt(line string) bool {
	line = strings.TrimSpace(line)
	return strings.HasPrefix(line, "PS ") && strings.Contains(line, ">") || strings.HasPrefix(line, "[PS]") || strings.HasPrefix(line, ">>")
}

// isRule reports whether a line holds nothing but the dashes below a table's headers.
func isRule(line string) bool {
	line = strings.TrimSpace(line)
	return strings.HasPrefix(line, "--") && strings.Trim(line, "- ") == ""
}

// maxColumns of a table are read; what the cmdlets print is narrower than any of them.
const maxColumns = 64

// A column of a table is where its dashes begin, counted in characters, and the header above them.
type column struct {
	field string
	start int
}

// table reads the table whose headers stand in line i and returns the last line that belongs to it. A row without a
// first cell continues the one above it, as Format-Table -Wrap prints it.
func (r *recordReader) table(lines []string, i int) int {
	columns := columnsOf([]rune(lines[i]), []rune(lines[i+1]))
	rows := 0
	for i += 2; i < len(lines) && strings.TrimSpace(lines[i]) != "" && !isPrompt(lines[i]); i++ {
		cells := cellsOf([]rune(lines[i]), columns)
		if cells[0] != "" || rows == 0 {
			r.done = append(r.done, record{})
			rows++
		}
		row := r.done[len(r.done)-1]
		for n, c := range columns {
			row[c.field] = append(row[c.field], cells[n])
		}
	}
	return i - 1
}

func columnsOf(header, rule []rune) []column {
	var list []column
	for i, c := range rule {
		if c == '-' && (i == 0 || rule[i-1] == ' ') && len(list) < maxColumns {
			list = append(list, column{start: i})
		}
	}
	for i, field := range cellsOf(header, list) {
		list[i].field = strings.ToLower(field)
	}
	return list
}

// cellsOf cuts a row where the columns begin. A cell to the right, such as a number, may begin before its header does.
func cellsOf(row []rune, columns []column) []string {
	cells := make([]string, len(columns))
	end := len(row)
	for i, c := range slices.Backward(columns) {
		start := min(c.start, end)
		for i > 0 && start > columns[i-1].start && start < end && row[start] != ' ' && row[start-1] != ' ' {
			start--
		}
		if i == 0 {
			start = 0
		}
		cells[i] = strings.TrimSpace(string(row[start:end]))
		end = start
	}
	return cells
}
