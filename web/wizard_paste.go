package web

import (
	"net/url"
	"strings"

	"isthmus/internal/federation"
	"isthmus/internal/wizard"
)

// readPasted fills in the answers from what the Microsoft side's shell printed, and says what it took. Any button but Back
// reads it, so that nobody loses a paste by pressing Next; Back keeps the domains as far as they are understood. The answers
// stay as they are when it is not understood.
func readPasted(a *federation.Answers, step int, posted url.Values) (took []string, invalid federation.Invalid) {
	if step == stepDomains {
		invalid = readDomains(a, posted)
	}
	switch {
	case posted.Has("back"):
		return nil, nil
	case step == stepDomains:
		return nil, invalid
	}
	text := posted.Get("paste")
	if strings.TrimSpace(text) == "" && !posted.Has("read") {
		return nil, nil
	}
	pasted, err := wizard.ReadPaste(text)
	if err == nil {
		took, err = pasted.Fill(a)
	}
	if err != nil {
		return nil, federation.Invalid{{Path: "paste", Text: err.Error()}}
	}
	if len(took) == 0 {
		return nil, federation.Invalid{{Path: "paste", Text: "Nothing in this answers a question of the wizard; paste what Get-CsPool or Get-CsSite prints."}}
	}
	return took, nil
}

// readDomains takes the domains of the Microsoft side over: what Get-CsSipDomain printed, or a list by hand.
func readDomains(a *federation.Answers, posted url.Values) federation.Invalid {
	if !posted.Has("microsoft_domains") {
		return nil
	}
	text := posted.Get("microsoft_domains")
	if !isPrinted(text) {
		a.MicrosoftDomains = domainsIn(text)
		return nil
	}
	pasted, err := wizard.ReadPaste(text)
	switch {
	case err != nil:
		return federation.Invalid{{Path: "microsoft_domains", Text: err.Error()}}
	case len(pasted.Domains) == 0:
		return federation.Invalid{{Path: "microsoft_domains", Text: "There is no SIP domain in this; paste what Get-CsSipDomain prints, or enter one domain a line."}}
	}
	a.MicrosoftDomains = pasted.Domains
	return nil
}

// domainsIn are the names of a list by hand; what is no domain stays as typed, for the check to name.
func domainsIn(text string) []string {
	list := strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" \t\r\n,;", r) })
	for i, name := range list {
		if d, err := federation.ParseDomain(name); err == nil {
			list[i] = d
		}
	}
	return list
}

// isPrinted tells what a cmdlet printed, as a list or as a table, from a list of names.
func isPrinted(text string) bool {
	return strings.Contains(text, ":") || strings.Contains(text, "---") || strings.Contains(strings.ToLower(text), "isdefault")
}
