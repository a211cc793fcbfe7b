package powershell

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
