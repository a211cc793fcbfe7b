package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// script is a conversation as its file has it: a promise in a sentence, the world that it takes place in, and steps.
//
// A step begins at a line's first column; what it says word for word stands under it, four blanks in. A # begins a comment.
// The steps are:
//
//	NAME listens TRANSPORT HOST:PORT [as CERTIFICATE]
//	NAME connects TRANSPORT to NODE from HOST [as CERTIFICATE]
//	NAME sends                     a request, with the headers that every request needs where the text has none of them
//	NAME sends CRLF CRLF           a keep-alive
//	NAME receives                  the next message: its first line, and of the headers that are named all lines
//	NAME receives in order         the same, and one named header stands before the other as the text has them
//	NAME receives CRLF             the answer to a keep-alive
//	NAME answers METHOD STATUS     the last such request that it received; more words: tag TAG
//	NAME hears nothing for TIME
//	NAME is closed                 by the other side
//	NAME closes
//	NAME stops, NAME starts        a listening party, or a node
//	config:                        sections of the configuration document, waited for until every node obeys them
//
// A line "no NAME" means that the header is not there. {name} stands for a text: in what is received it takes what is there
// the first time and demands it later; in what is sent it is made up the first time. {*} is anything. {imp1}, {fe1} and so
// on are addresses, {call} is the conversation's Call-ID, the name of who connects is its address and port.
type script struct {
	file, promise, world string
	steps                []step
}

// step is one line and the text under it.
type step struct {
	at    string // file:line
	who   string
	verb  string
	words []string // the others
	text  []string
}

var stepLine = regexp.MustCompile(`^([a-z][a-z0-9-]*) (listens|connects|sends|receives|answers|hears|is|closes|stops|starts)\b *(.*)$`)

// readScript reads a file; the error names file and line.
func readScript(file string) (script, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return script{}, err
	}
	s := script{file: filepath.Base(file)}
	for i, l := range strings.Split(strings.TrimRight(string(b), "\n"), "\n") {
		if err := s.add(fmt.Sprintf("%s:%d", s.file, i+1), l); err != nil {
			return s, err
		}
	}
	for i := range s.steps {
		s.steps[i].text = withoutEnd(s.steps[i].text)
	}
	if s.promise == "" || s.world == "" || len(s.steps) == 0 {
		return s, fmt.Errorf("%s: a promise, a world and steps are wanted", s.file)
	}
	return s, nil
}

func (s *script) add(at, line string) error {
	last := len(s.steps) - 1
	text, indented := strings.CutPrefix(line, "    ")
	switch match := stepLine.FindStringSubmatch(line); {
	case strings.HasPrefix(line, "#"):
	case last >= 0 && (indented || line == ""):
		s.steps[last].text = append(s.steps[last].text, text)
	case line == "config:":
		s.steps = append(s.steps, step{at: at, verb: line})
	case match != nil && s.world != "":
		s.steps = append(s.steps, step{at: at, who: match[1], verb: match[2], words: strings.Fields(match[3])})
	case strings.HasPrefix(line, "world: "):
		s.world = strings.TrimPrefix(line, "world: ")
	case s.world == "":
		s.promise = strings.TrimSpace(s.promise + " " + line)
	case line != "":
		return fmt.Errorf("%s: this is no step: %q", at, line)
	}
	return nil
}

func withoutEnd(text []string) []string {
	for len(text) > 0 && text[len(text)-1] == "" {
		text = text[:len(text)-1]
	}
	return text
}

// word returns the word after another one, "" when that is not there.
func (s step) word(after string) string {
	for i, w := range s.words[:max(len(s.words)-1, 0)] {
		if w == after {
			return s.words[i+1]
		}
	}
	return ""
}

// message is the text as header lines, with those that continue them, and a body.
func (s step) message() (lines []string, body string) {
	for i, l := range s.text {
		switch {
		case l == "":
			return lines, strings.Join(s.text[i+1:], "\r\n")
		case (l[0] == ' ' || l[0] == '\t') && len(lines) > 0:
			lines[len(lines)-1] += "\r\n" + l
		default:
			lines = append(lines, l)
		}
	}
	return lines, ""
}
