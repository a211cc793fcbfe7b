package powershell

import (
	"isthmus/internal/federation"
)

// A Page is one of a deployment's own pages about the Microsoft side: instructions in order, with the lines to copy and
// the files to download filled in.
type Page struct {
	Name     string // the path below the deployment: certificates, pop-ups or tracing
	Title    string // the page's heading, a few words
	Lede     string // what the page is for, whole sentences
	Sections []Section
}

// A Section is a part of a page under a heading of its own.
type Section struct {
	Title string
	Items []Item // numbered, in the order in which they are done
	Step  *Step  // a file that belongs to the section, such as popups-off.ps1; nil for none
}

// An Item is one thing to do.
type Item struct {
	Text string // a whole sentence
	Code string // a line to copy; "" for none
}

// Pages writes a deployment's own pages in the order in which they are used. A page that the platform has no use for is
// left out: OCS knows no policy for pop-ups, and over TCP there are no certificates. The snapshot tells the nodes'
// addresses. The error is a whole sentence: an answer that was left open, or a value that no line can hold.
func Pages(d federation.Deployment, s federation.Snapshot) ([]Page, error) {
	v := valuesOf(d, s)
	if open := v.open(); open != "" {
		return nil, federation.Refuse("The deployment %s has no %s, so its pages cannot be written. Finish the wizard for it again.", d.Name, open)
	}
	var pages []Page
	for _, write := range v.pages() {
		w := &writer{values: v}
		page := write(w)
		if w.err != nil {
			return nil, federation.Refuse("The page %s cannot be written: %s Correct the answers and finish the wizard again.", page.Name, w.err)
		}
		pages = append(pages, page)
	}
	return pages, nil
}

// pages are the pages that the platform and its transport need.
func (v values) pages() []func(*writer) Page {
	switch {
	case v.OCS() && v.TCP():
		return []func(*writer) Page{ocsTracingPage}
	case v.OCS():
		return []func(*writer) Page{ocsCertificatesPage, ocsTracingPage}
	}
	return []func(*writer) Page{certificatesPage, popupsPage, tracingPage}
}

// PageSteps are the files of all pages, such as for a download by name.
func PageSteps(pages []Page) []Step {
	var steps []Step
	for _, p := range pages {
		for _, section := range p.Sections {
			if section.Step != nil {
				steps = append(steps, *section.Step)
			}
		}
	}
	return steps
}
