package powershell

import (
	"fmt"
	"strings"

	"isthmus/internal/federation"
)

// A writer fills the lines of one page. It keeps the first value that a line cannot hold, so that a page is written
// straight down and asked for its error once.
type writer struct {
	values
	err error
}

// item is an instruction without a line to copy.
func item(text string) Item { return Item{Text: text} }

// run is an instruction with a line for PowerShell. Values stand where the line has %s, in single quotes.
func (w *writer) run(text, line string, values ...string) Item {
	return Item{Text: text, Code: w.fill(line, Quote, values)}
}

// shell is an instruction with a line for a node's own shell. There a value stands bare, so only what needs no quotes
// may be in it.
func (w *writer) shell(text, line string, values ...string) Item {
	return Item{Text: text, Code: w.fill(line, bare, values)}
}

func (w *writer) fill(line string, write func(string) (string, error), values []string) string {
	written := make([]any, len(values))
	for i, value := range values {
		text, err := write(value)
		if err != nil && w.err == nil {
			w.err = err
		}
		written[i] = text
	}
	return fmt.Sprintf(line, written...)
}

// say is a sentence with values in it. A value that would break the sentence's line is refused like in a script.
func (w *writer) say(sentence string, values ...string) string {
	return w.fill(sentence, visible, values)
}

// unblock takes the mark of a download off a file. Windows PowerShell 2.0 has no cmdlet for it.
func (w *writer) unblock(file string) Item {
	if w.Lync2010() {
		return Item{Text: "After the download: right-click " + file[2:] + ", Properties, Unblock."}
	}
	return Item{Text: "After the download, unblock the file.", Code: "Unblock-File -Path " + file}
}

// step is a file of the page with its text.
func (w *writer) step(s Step) *Step {
	text, err := render(s.File, w.values)
	if err != nil && w.err == nil {
		w.err = err
	}
	s.Text = text
	return &s
}

// where says in which shell a script runs and as whom.
func (w *writer) where(on string) string {
	return "Run it in the " + w.Shell() + " on " + on + ", as a member of RTCUniversalServerAdmins."
}

func visible(value string) (string, error) {
	if strings.ContainsFunc(value, unwritable) {
		return "", federation.Refuse("A value holds a line break or a control character.")
	}
	return value, nil
}

// bare is a value that means the same in every shell without quotes, as a name of DNS is.
func bare(value string) (string, error) {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune(".-_", r)
	}
	if value == "" || value[0] == '-' || strings.TrimFunc(value, plain) != "" {
		return "", federation.Refuse("A name holds a character that does not belong into the name of a server.")
	}
	return value, nil
}
