package report

import (
	"bufio"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A Line is what something costs by the number of a kind that is configured.
type Line struct {
	Name   string
	Points []Point // by size
}

// A Point is one measurement.
type Point struct {
	Size  int
	Nanos float64 // of one operation
}

// A benchmark's line: BenchmarkDecide/domain_routes=10-2  9045  2625 ns/op  1032 B/op ...
var grown = regexp.MustCompile(`^Benchmark(\w+)/([^=\s]+)=(\d+)(?:-\d+)?\s+\d+\s+([\d.]+) ns/op`)

// ReadGrowth reads what go test -bench printed: those benchmarks whose name ends with =SIZE. Of several runs of one
// the fastest counts, as whatever else the machine does only adds to it.
func ReadGrowth(r io.Reader) (lines []Line, err error) {
	scanner := bufio.NewScanner(r)
	for scanner.Scan() {
		m := grown.FindStringSubmatch(scanner.Text())
		if m == nil {
			continue
		}
		size, err1 := strconv.Atoi(m[3])
		nanos, err2 := strconv.ParseFloat(m[4], 64)
		if err1 != nil || err2 != nil {
			return nil, fmt.Errorf("read %q: it is no benchmark's line", scanner.Text())
		}
		lines = add(lines, m[1]+", "+strings.ReplaceAll(m[2], "_", " "), Point{size, nanos})
	}
	return lines, scanner.Err()
}

func add(lines []Line, name string, p Point) []Line {
	i := slices.IndexFunc(lines, func(l Line) bool { return l.Name == name })
	if i < 0 {
		return append(lines, Line{name, []Point{p}})
	}
	l := &lines[i]
	at, found := slices.BinarySearchFunc(l.Points, p.Size, func(q Point, size int) int { return q.Size - size })
	if found {
		l.Points[at].Nanos = min(l.Points[at].Nanos, p.Nanos)
	} else {
		l.Points = slices.Insert(l.Points, at, p)
	}
	return lines
}

// Growth is the table: the cost of the least and the greatest number, and how many times as much the latter is.
func Growth(lines []Line) *Table {
	t := &Table{Head: []string{"what", "with", "ns", "with", "ns", "times"}}
	for _, l := range lines {
		first, last := l.Points[0], l.Points[len(l.Points)-1]
		t.Rows = append(t.Rows, []string{l.Name, grouped(first.Size), number(first.Nanos), grouped(last.Size), number(last.Nanos),
			fmt.Sprintf("%.1f", last.Nanos/first.Nanos)})
	}
	return t
}

// grouped writes 1000000 as 1,000,000.
func grouped(n int) string {
	text := strconv.Itoa(n)
	for at := len(text) - 3; at > 0; at -= 3 {
		text = text[:at] + "," + text[at:]
	}
	return text
}
