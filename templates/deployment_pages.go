package templates

import "strconv"

// An OwnPage is one of a deployment's pages about the Microsoft side: instructions in order.
type OwnPage struct {
	Head     DeploymentHead
	Sections []OwnSection
}

// An OwnSection is a part of such a page under a heading of its own.
type OwnSection struct {
	Title string
	Items []OwnItem
	File  *ScriptFile // nil for none
}

// An OwnItem is one thing to do, with a line to copy or without.
type OwnItem struct{ Text, Code string }

// lineID is the id of a line to copy.
func lineID(section, item int) string {
	return "line-" + strconv.Itoa(section+1) + "-" + strconv.Itoa(item+1)
}
