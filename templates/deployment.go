package templates

import (
	"strings"

	"isthmus/internal/diagnose"
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
	Standing *Standing // nil where a list does not tell it
}

// A Standing is how far a deployment is on both sides.
type Standing struct {
	Here, There State
	Tasks       Progress
}

// A Progress is how many steps of a workflow are done.
type Progress struct{ Done, All int }

// Words are "9 of 21".
func (p Progress) Words() string { return itoa(int64(p.Done)) + " of " + itoa(int64(p.All)) }

// Cells are the cells of the meter, one for each step, true for as many as are done.
func (p Progress) Cells() []bool {
	cells := make([]bool, p.All)
	for i := range min(p.Done, p.All) {
		cells[i] = true
	}
	return cells
}

// Kind is the platform with its edition.
func (d DeploymentRow) Kind() string {
	return PlatformName(d.Answers.Platform) + ", " + EditionName(d.Answers.Edition)
}

// Domains are the domains of the deployment in one line.
func (d DeploymentRow) Domains() string { return strings.Join(d.Answers.Domains, ", ") }

// A DeploymentHead is what stands above each of a deployment's pages.
type DeploymentHead struct {
	Title string // a whole sentence where it is a finding
	Lede  string
	Links []PageLink // the deployment's pages
}

// A PageLink leads to one of several pages that belong together.
type PageLink struct {
	Name    string
	Href    string
	Current bool
}

// A Deployment is what is known of both sides, with all files for the other one.
type Deployment struct {
	Head         DeploymentHead
	Row          DeploymentRow
	Here         OurSide
	There        TheirSide
	Files        []ScriptFile
	Unwritten    string // why there are no files, "" when there are
	Certificates string // path of the page about them; "" when none are needed
	MayChange    bool
}

// OurSide is how much of the wizard's plan is in place.
type OurSide struct {
	State   State
	Missing []PlanRow // what is not in place, or stands otherwise
	Refused string    // why there is no plan any more, "" when there is
	Draft   bool      // the reader has a draft, which opening the wizard here would replace
}

// TheirSide is what verify.ps1 found.
type TheirSide struct {
	State   State
	Blind   bool   // the platform has no verify.ps1
	Seen    string // where and when it ran, and who handed it in; "" when nobody did
	Stale   bool   // it is of scripts older than the configuration
	Results []VerifyRow
	Command string // the line that makes a result to hand in
	HandIn  Form

	Unwritten bool // no script can be written today
	MayChange bool
}

// A VerifyRow is one object of the Microsoft side.
type VerifyRow struct {
	State State
	federation.VerifyResult
}

// What says what kind of object it is in a person's words.
func (r VerifyRow) What() string { return diagnose.KindWords(r.Kind) }

// NewVerifyRow words the state of one object.
func NewVerifyRow(r federation.VerifyResult) VerifyRow {
	row := VerifyRow{VerifyResult: r}
	switch r.State {
	case federation.VerifyExists:
		row.State = State{Mark: Up, Word: "There"}
	case federation.VerifyMissing:
		row.State = State{Mark: Part, Word: "Missing"}
	default:
		row.State = State{Mark: Down, Word: "Different"}
	}
	return row
}

// MissingRow is an object of a plan that is not in place.
func MissingRow(a federation.Answers, c federation.Change) PlanRow { return planRow(a, c) }

// A ScriptFile is one file for the Microsoft side, and how to use it.
type ScriptFile struct {
	Name    string
	Title   string
	Where   string
	Command string
	Success string
	Text    string
	Href    string // of the download
	SavedAs string // the name under which a browser saves it
}

// Names of the files that a page treats in a way of their own.
const (
	checklist = "checklist.md"
	rollback  = "rollback.ps1"
	verify    = "verify.ps1"
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
func (d Deployment) Checklist() (file ScriptFile, ok bool) { return fileNamed(d.Files, checklist) }

// Back is the file that takes everything back; ok is false when there is none.
func (d Deployment) Back() (file ScriptFile, ok bool) { return fileNamed(d.Files, rollback) }

func fileNamed(files []ScriptFile, name string) (file ScriptFile, ok bool) {
	for _, f := range files {
		if f.Name == name {
			return f, true
		}
	}
	return file, false
}

// ID is the id of the file's text in the page.
func (f ScriptFile) ID() string { return "text-" + strings.ReplaceAll(f.Name, ".", "-") }

// first is the number of the first script: certificates go before it where there are any.
func (d Deployment) first() int {
	if d.Certificates == "" {
		return 1
	}
	return 2
}
