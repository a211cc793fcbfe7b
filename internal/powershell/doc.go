// Package powershell writes what an administrator runs on the Microsoft side: scripts for Skype for Business and Lync,
// and a checklist. They are a pure function of what is stored, so they are there again tomorrow. It is the only package
// that quotes for PowerShell; it runs nothing and knows no pages.
package powershell

import (
	"bytes"
	"slices"
	"strings"
	"time"

	"isthmus/internal/federation"
)

// A Step is one file of a deployment, with what a person needs to know to use it.
type Step struct {
	File    string // such as configure.ps1
	Title   string // what it is for, a few words
	Where   string // where and as whom to run it, a whole sentence
	Command string // the line that runs it; "" for a text to read
	Success string // what it does when all is well, whole sentences; "" for a text to read
	Text    string // the file with line feeds and without byte order mark, as a page shows it
}

// Bytes are the file as Windows needs it: UTF-8 with a byte order mark, without which Windows PowerShell 5.1 reads the
// ANSI code page, and CRLF line ends.
func (s Step) Bytes() []byte {
	return append([]byte("\ufeff"), strings.ReplaceAll(s.Text, "\n", "\r\n")...)
}

// DownloadName is the file's name with the deployment and the day it was finished, in ASCII, so that the files of two
// deployments can lie in one folder.
func (s Step) DownloadName(d federation.Deployment) string {
	name, ending, _ := strings.Cut(s.File, ".")
	return name + "-" + d.Name + "-" + d.CreatedAt.UTC().Format(time.DateOnly) + "." + ending
}

// Script writes the files of a deployment in the order in which they are used. The snapshot tells the nodes' addresses.
// The error is a whole sentence: a value that no script can hold.
func Script(d federation.Deployment, s federation.Snapshot) ([]Step, error) {
	v := valuesOf(d, s)
	if err := v.check(); err != nil {
		return nil, err
	}
	steps := stepsOf(v)
	for i := range steps {
		text, err := render(steps[i].File, v)
		if err != nil {
			return nil, federation.Refuse("%s cannot be written: %s Correct the answers and finish the wizard again.", steps[i].File, err)
		}
		steps[i].Text = text
	}
	return steps, nil
}

// Fingerprint identifies a deployment's scripts: it changes exactly when one of them does, apart from its head, which
// names the fingerprint itself, the day, the revision and the program. Every script and every result of verify.ps1
// carries it; the files of a deployment's pages carry it too, but do not count. "" is that of scripts that cannot be written.
func Fingerprint(d federation.Deployment, s federation.Snapshot) string {
	return valuesOf(d, s).Fingerprint
}

// File returns the step of that file name.
func File(steps []Step, name string) (Step, bool) {
	i := slices.IndexFunc(steps, func(s Step) bool { return s.File == name })
	if i < 0 {
		return Step{}, false
	}
	return steps[i], true
}

func render(file string, v values) (string, error) {
	name := file
	if v.OCS() {
		name = "ocs-" + file
	}
	var b bytes.Buffer
	if err := templates.ExecuteTemplate(&b, name+".tmpl", v); err != nil {
		return "", cause(err)
	}
	return b.String(), nil
}
