package federation

import (
	"errors"
	"fmt"
	"strings"
)

// ErrNotFound is returned when what was asked for does not exist.
var ErrNotFound = errors.New("this no longer exists; somebody may have deleted it")

// A Problem is one fault of one field. Path is the field's name, or within a whole configuration its place, such as
// static_routes[1].destination (counted from 0). Text is a whole sentence with the way out.
type Problem struct {
	Path string
	Text string
}

// String is "path: sentence", or the sentence alone when no field is to blame.
func (p Problem) String() string {
	if p.Path == "" {
		return p.Text
	}
	return p.Path + ": " + p.Text
}

// Invalid is the error of input that breaks rules: all of its problems, never only the first.
type Invalid []Problem

func (i Invalid) Error() string {
	lines := make([]string, len(i))
	for n, p := range i {
		lines[n] = p.String()
	}
	return strings.Join(lines, "\n")
}

// Of returns the sentences about one field.
func (i Invalid) Of(path string) []string {
	var texts []string
	for _, p := range i {
		if p.Path == path {
			texts = append(texts, p.Text)
		}
	}
	return texts
}

// Err returns nil when there is no problem, so that callers can return it as it is.
func (i Invalid) Err() error {
	if len(i) == 0 {
		return nil
	}
	return i
}

// A Refusal is a change that could not be made although its input is well formed, such as deleting a domain that users
// still need. Its text is a whole sentence with the way out.
type Refusal string

func (r Refusal) Error() string { return string(r) }

// Refuse makes a Refusal.
func Refuse(format string, args ...any) error { return Refusal(fmt.Sprintf(format, args...)) }

func problem(path, format string, args ...any) Problem {
	return Problem{Path: path, Text: fmt.Sprintf(format, args...)}
}

// under puts a prefix before every path: under("domains[3]", ...).
func under(prefix string, list []Problem) []Problem {
	out := make([]Problem, len(list))
	for i, p := range list {
		out[i] = Problem{Path: prefix + "." + p.Path, Text: p.Text}
	}
	return out
}
