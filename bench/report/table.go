package report

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// A Table is rows of cells under a head.
type Table struct {
	Head []string
	Rows [][]string
}

// String is the table for a terminal.
func (t *Table) String() string {
	return t.lines(func(cells []string, widths []int) string {
		return strings.TrimRight("  "+strings.Join(padded(cells, widths), "  "), " ")
	}, false)
}

// Markdown is the table for a document. The first column is text, the others are numbers.
func (t *Table) Markdown() string {
	return t.lines(func(cells []string, widths []int) string {
		return "| " + strings.Join(padded(cells, widths), " | ") + " |"
	}, true)
}

func (t *Table) lines(line func([]string, []int) string, ruled bool) string {
	widths := t.widths()
	var text strings.Builder
	fmt.Fprintln(&text, line(t.Head, widths))
	if ruled {
		fmt.Fprintln(&text, rule(widths))
	}
	for _, row := range t.Rows {
		fmt.Fprintln(&text, line(row, widths))
	}
	return text.String()
}

func (t *Table) widths() []int {
	widths := make([]int, len(t.Head))
	for _, row := range append([][]string{t.Head}, t.Rows...) {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell), 3)
		}
	}
	return widths
}

func rule(widths []int) string {
	var cells []string
	for i, w := range widths {
		if i == 0 {
			cells = append(cells, strings.Repeat("-", w))
		} else {
			cells = append(cells, strings.Repeat("-", w-1)+":")
		}
	}
	return "| " + strings.Join(cells, " | ") + " |"
}

// padded aligns the first cell to the left and the others to the right.
func padded(cells []string, widths []int) []string {
	var list []string
	for i, cell := range cells {
		space := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
		if i == 0 {
			list = append(list, cell+space)
		} else {
			list = append(list, space+cell)
		}
	}
	return list
}
