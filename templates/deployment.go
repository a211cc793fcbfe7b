package templates

import (
	"strings"

	"isthmus/internal/federation"
)

// A DeploymentRow is one finished run of the wizard.
type DeploymentRow struct {
	ID       int64
	Name     string
	Href     string
	Answers  federation.Answers
	Finished string
	By       string
	Revision int64
}

// Kind is the platform with its edition.
func (d DeploymentRow) Kind() string {
	return PlatformName(d.Answers.Platform) + ", " + EditionName(d.Answers.Edition)
}

// Domains are the domains of the deployment in one line.
func (d DeploymentRow) Domains() string { return strings.Join(d.Answers.Domains, ", ") }

// A Deployment is the wizard's result, with all of its files.
type Deployment struct {
	Row   DeploymentRow
	Nodes []string // the routing node first
	Files []ScriptFile
}

// A ScriptFile is one file for the Microsoft side, and how to use it.
type ScriptFile struct {
	Name    string
	Title   string
	Where   string
	Command string
	Success string
	Text    string
	Href    string // of the download
}

// Names of the two files that are no step of their own.
const (
	checklist = "checklist.md"
	rollback  = "rollback.ps1"
)

// Forward are the scripts in the order in which they are used, without the way back.
func (d Deployment) Forward() []ScriptFile {
	var list []ScriptFile
	for _, f := range d.Files {
		if f.Name != rollback && f.Name != checklist {
			list = append(list, f)
		}
	}
	return list
}

// Checklist is everything as a list to tick off; ok is false when there is none.
func (d Deployment) Checklist() (file ScriptFile, ok bool) { return d.file(checklist) }

// Back is the file that takes everything back; ok is false when there is none.
func (d Deployment) Back() (file ScriptFile, ok bool) { return d.file(rollback) }

func (d Deployment) file(name string) (file ScriptFile, ok bool) {
	for _, f := range d.Files {
		if f.Name == name {
			return f, true
		}
	}
	return file, false
}

// ID is the id of the file's text in the page.
func (f ScriptFile) ID() string { return "text-" + strings.ReplaceAll(f.Name, ".", "-") }
