package sip

import (
	"bytes"
	"cmp"
	"strings"
)

// NameAddr is a From, To, Contact, Route or Record-Route value (RFC 3261 section 20.10). The fields are spans of the
// text it was read from.
type NameAddr struct {
	Raw     []byte // the whole value
	Display []byte // display name as written, quotes included
	URI     []byte // without its angle brackets
	Params  []byte // header parameters, from the first semicolon after the bracket: ";tag=1;epid=2"
}

// ParseNameAddr reads one value. The error is an *Error with status 400.
func ParseNameAddr(b []byte) (NameAddr, error) {
	var n NameAddr
	problem := n.read(trim(b))
	if problem != "" {
		return n, badRequest("The address " + problem + ".")
	}
	return n, nil
}

// read reads a trimmed value. The problem completes a sentence that begins with the header's name.
func (n *NameAddr) read(b []byte) (problem string) {
	if problem = n.split(b); problem == "" {
		problem, _ = checkParams(n.Params)
	}
	return problem
}

// readParty reads a trimmed value of From or To, which are held to more.
func (n *NameAddr) readParty(b []byte) (problem string) {
	if problem = n.split(b); problem != "" {
		return problem
	}
	problem, party := checkParams(n.Params)
	return cmp.Or(problem, party)
}

// split finds the parts and leaves the parameters unread.
func (n *NameAddr) split(b []byte) (problem string) {
	*n = NameAddr{Raw: b}
	open, problem := n.readDisplay()
	if problem != "" {
		return problem
	}
	pos := 0
	if open < 0 {
		pos, problem = n.readBare()
	} else {
		pos, problem = n.readBracketed(open)
	}
	if problem != "" {
		return problem
	}
	n.Params = b[skipBlanks(b, pos):]
	return ""
}

// readDisplay reads a display name; open is the position of the bracket after it, -1 for a bare URI.
func (n *NameAddr) readDisplay() (open int, problem string) {
	b := n.Raw
	if len(b) > 0 && b[0] == '"' {
		end := quotedEnd(b, 0)
		if end < 0 {
			return 0, "has a quotation mark that is not closed"
		}
		n.Display = b[:end]
		open = skipBlanks(b, end)
		if open == len(b) || b[open] != '<' {
			return 0, "has a display name that no <URI> follows"
		}
		return open, ""
	}
	open = bytes.IndexByte(b, '<')
	if open < 0 {
		return -1, ""
	}
	n.Display = trim(b[:open])
	for _, ch := range n.Display {
		if !isClass(ch, tokenChar) && !blank(ch) && ch < 0x80 {
			return 0, "has a display name that needs quotation marks"
		}
	}
	return open, ""
}

func (n *NameAddr) readBracketed(open int) (next int, problem string) {
	end := bytes.IndexByte(n.Raw[open:], '>')
	if end < 0 {
		return 0, "has an angle bracket that is not closed"
	}
	n.URI = n.Raw[open+1 : open+end]
	return open + end + 1, checkAddrSpec(n.URI)
}

// readBare reads a URI without brackets. What follows a semicolon belongs to the header then, and a comma or a
// question mark needs brackets (RFC 3261 section 20).
func (n *NameAddr) readBare() (next int, problem string) {
	end := bytes.IndexByte(n.Raw, ';')
	if end < 0 {
		end = len(n.Raw)
	}
	n.URI = trim(n.Raw[:end])
	if bytes.IndexByte(n.URI, '?') >= 0 || bytes.IndexByte(n.URI, ',') >= 0 {
		return 0, "has a URI that needs angle brackets"
	}
	return end, checkAddrSpec(n.URI)
}

// checkAddrSpec looks at the scheme and for blanks only: a proxy does not use these URIs, and any scheme may stand
// here (RFC 4475 section 3.3.4).
func checkAddrSpec(uri []byte) (problem string) {
	colon := schemeEnd(uri)
	if colon < 0 {
		return "has no URI with a scheme such as sip:"
	}
	if !all(uri[colon+1:], uriChar) {
		return "has a URI that is empty or holds blanks, quotation marks, backslashes or brackets"
	}
	return ""
}

// checkParams refuses two tags, since two readers could each take another one, and an empty one. party is what other
// readers refuse in From and To alone: a tag that is no token, and an unquoted value with "=" or a backslash; in other
// headers Microsoft servers write base64.
func checkParams(b []byte) (problem, party string) {
	p := params{b: b}
	tags := 0
	for p.next() {
		name, value := p.name(), p.value()
		tag := equalFold(name, "tag")
		if tag {
			tags++
		}
		switch {
		case tag && (tags > 1 || len(value) == 0):
			return "has an empty tag or more than one tag", ""
		case party != "":
		case tag && !all(value, tokenChar):
			party = "has a tag that is no token"
		case needsQuotes(value):
			party = "has a parameter whose value needs quotation marks"
		}
	}
	return p.problem, party
}

func needsQuotes(value []byte) bool {
	return len(value) > 0 && value[0] != '"' && !all(value, plainChar)
}

// Tag returns the tag parameter, nil when there is none.
func (n NameAddr) Tag() []byte {
	value, _ := findParam(params{b: n.Params}, "tag")
	return value
}

// Param returns a header parameter by its name in any case, quotes included; a flag has the value "".
func (n NameAddr) Param(name string) (value []byte, ok bool) {
	return findParam(params{b: n.Params}, strings.ToLower(name))
}
