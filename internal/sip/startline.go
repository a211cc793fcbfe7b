package sip

import "bytes"

// startLine reads "METHOD URI SIP/2.0" or "SIP/2.0 STATUS REASON", single blanks between (RFC 3261 section 7).
func (m *Message) startLine(line []byte, suspect bool) {
	m.request = len(line) < 4 || !equalFold(line[:4], versionHead)
	if len(line) < 2 || line[len(line)-2] != '\r' {
		m.fail(errBreak)
		return
	}
	if suspect {
		if problem := checkLine(line); problem != nil {
			m.fail(problem)
			return
		}
	}
	if len(line) > MaxHeaderLine {
		m.fail(tooLarge("The first line is longer than 8 KiB."))
		return
	}
	line = line[:len(line)-2]
	if m.request {
		m.requestLine(line)
	} else {
		m.statusLine(line)
	}
}

func (m *Message) requestLine(line []byte) {
	first, last := bytes.IndexByte(line, ' '), bytes.LastIndexByte(line, ' ')
	if first <= 0 || first == last || !all(line[:first], tokenChar) {
		m.fail(badRequest("The request line is not METHOD URI SIP/2.0 with single blanks between."))
		return
	}
	m.method = method(line[:first])
	m.uri = span{uint16(first + 1), uint16(last)}
	m.checkVersion(line[last+1:])
	m.checkRequestURI(line[first+1 : last])
}

func (m *Message) checkVersion(version []byte) {
	switch {
	case equalFold(version, sipVersion):
	case len(version) > 4 && equalFold(version[:4], versionHead):
		m.fail(&Error{Status: 505, Reason: "The SIP version is not 2.0."})
	default:
		m.fail(badRequest("The request line does not end in SIP/2.0."))
	}
}

// checkRequestURI leaves an unknown scheme to routing (416). Headers in a Request-URI are refused, so that they are
// never forwarded (RFC 4475 section 3.1.2.11).
func (m *Message) checkRequestURI(b []byte) {
	u, err := ParseURI(b)
	m.target = u
	if err != nil {
		m.fail(err.(*Error))
		return
	}
	if u.Headers != nil {
		m.fail(badRequest("The Request-URI carries headers after a question mark."))
	}
}

func (m *Message) statusLine(line []byte) {
	version, rest, _ := bytes.Cut(line, []byte(" "))
	code, _, _ := bytes.Cut(rest, []byte(" "))
	status, ok := number(code, 699)
	if !equalFold(version, sipVersion) || len(code) != 3 || !ok || status < 100 {
		m.fail(badRequest("The status line is not SIP/2.0 and a code from 100 to 699."))
		return
	}
	m.status = status
	start := min(len(version)+len(code)+2, len(line)) // the blank after the code may be missing with the phrase
	m.reason = span{uint16(start), uint16(len(line))}
}

// method returns a known method without allocating.
func method(b []byte) string {
	switch string(b) {
	case "INVITE":
		return "INVITE"
	case "ACK":
		return "ACK"
	case "BYE":
		return "BYE"
	case "CANCEL":
		return "CANCEL"
	case "OPTIONS":
		return "OPTIONS"
	case "SUBSCRIBE":
		return "SUBSCRIBE"
	case "NOTIFY":
		return "NOTIFY"
	case "BENOTIFY":
		return "BENOTIFY"
	case "MESSAGE":
		return "MESSAGE"
	case "INFO":
		return "INFO"
	case "REFER":
		return "REFER"
	case "UPDATE":
		return "UPDATE"
	case "PRACK":
		return "PRACK"
	case "PUBLISH":
		return "PUBLISH"
	case "REGISTER":
		return "REGISTER"
	case "SERVICE":
		return "SERVICE"
	case "NEGOTIATE":
		return "NEGOTIATE"
	}
	return string(b)
}
