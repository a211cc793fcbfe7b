package sip

import "bytes"

var (
	crlf        = []byte("\r\n")
	emptyLine   = []byte("\r\n\r\n")
	sipVersion  = "sip/2.0"
	versionHead = "sip/"
)

// Parse reads and indexes one message. raw is kept, not copied. Empty lines before the message are skipped, and what
// follows Content-Length is ignored: the trailing octets of a datagram (RFC 4475 section 3.1.1.8). Without a
// Content-Length the body is the rest, as RFC 3261 section 18.3 has it for datagrams; on a stream the Framer has refused
// such a message already.
//
// The error is an *Error. After an error as much as possible is indexed, so that an answer can be built.
func (m *Message) Parse(raw []byte) error {
	m.reset(raw)
	section := m.section()
	m.index(section, bytes.Count(section, crlf[:1]) != bytes.Count(section, crlf[1:]) || bytes.IndexByte(section, 0) >= 0)
	return m.read()
}

// ParseFramed is Parse for one whole message that a Framer found, and head what the Head of that same Framer returned before its
// next Next: where the header section ends is known, and that it holds no stray CR or LF.
func (m *Message) ParseFramed(raw []byte, head int) error {
	m.reset(raw)
	m.body = head
	section := raw[:head-len(crlf)]
	m.index(section, bytes.IndexByte(section, 0) >= 0)
	return m.read()
}

// read takes what the index shows.
func (m *Message) read() error {
	m.interpret()
	m.readBody()
	if m.err == nil {
		return nil
	}
	if !m.request {
		m.err.Status = 0
	}
	return m.err
}

func (m *Message) reset(raw []byte) {
	for bytes.HasPrefix(raw, crlf) {
		raw = raw[2:]
	}
	m.raw = raw
	m.request, m.method, m.status = false, "", 0
	m.uri, m.reason = span{}, span{}
	m.headerCount, m.viaCount, m.routeCount, m.recordCount = 0, 0, 0, 0
	m.first = [kinds]uint8{}
	m.target, m.top, m.from, m.to = URI{}, Via{}, NameAddr{}, NameAddr{}
	m.cseqNumber, m.cseqMethod = 0, ""
	m.maxForwards, m.maxBreadth, m.length, m.body = -1, -1, -1, len(raw)
	m.err = nil
}

// fail keeps the first error; that framing is lost must not be hidden by an earlier, smaller one. It copies the error, so
// that those which follow the first, of which a hostile message has thousands, are never allocated.
func (m *Message) fail(e *Error) {
	if m.err == nil {
		first := *e
		m.err = &first
	} else if e.Close {
		m.err.Close = true
	}
}

// section returns the header section without its empty line.
func (m *Message) section() []byte {
	end := emptyLineIn(m.raw)
	switch {
	case end+len(emptyLine) > MaxHeaderSection, end < 0 && len(m.raw) > MaxHeaderSection:
		m.fail(errSection())
		return m.raw[:MaxHeaderSection]
	case end < 0:
		m.fail(framingLost(400, "The header section does not end in an empty line."))
		return m.raw
	}
	m.body = end + len(emptyLine)
	return m.raw[:end+len(crlf)]
}

// emptyLineIn returns where the line before the first empty line ends, -1 when there is none. Going from line to line is faster
// than bytes.Index, as every line begins as what is looked for.
func emptyLineIn(b []byte) int {
	for pos := 0; ; {
		i := bytes.IndexByte(b[pos:], '\n')
		if i < 0 {
			return -1
		}
		if pos += i + 1; bytes.HasSuffix(b[:pos], emptyLine) {
			return pos - len(emptyLine)
		}
	}
}

func errSection() *Error { return framingLost(513, "The header section is longer than 32 KiB.") }

// What a message may be full of.
var (
	errBreak = framingLost(400, "The header section holds a CR or LF that is not part of a line's end.")
	errBlank = badRequest("A continuation line holds nothing but blanks.")
	errNUL   = badRequest("The header section holds a NUL character.")
)

// index walks the lines. suspect says that a stray CR, LF or NUL is somewhere, which spares looking for them in every line.
func (m *Message) index(section []byte, suspect bool) {
	pos := bytes.IndexByte(section, '\n') + 1
	if pos == 0 {
		m.fail(framingLost(400, "The message has no complete first line."))
		return
	}
	m.startLine(section[:pos], suspect)
	for pos < len(section) {
		end, problem := lineEnd(section, pos)
		if end < 0 {
			return
		}
		if problem == nil && suspect {
			problem = checkLine(section[pos:end])
		}
		if problem != nil {
			m.fail(problem)
		} else {
			m.indexLine(pos, end)
		}
		pos = end
	}
}

// lineEnd returns the position after a header line and the lines that continue it, -1 when the line does not end.
func lineEnd(section []byte, pos int) (end int, problem *Error) {
	for end = pos; ; {
		start := end
		i := bytes.IndexByte(section[start:], '\n')
		if i < 0 {
			return -1, nil
		}
		end = start + i + 1
		if i == 0 || section[end-2] != '\r' {
			problem = errBreak
		}
		if start > pos && skipBlanks(section[:end], start) == end {
			problem = errBlank
		}
		if end == len(section) || section[end] != ' ' && section[end] != '\t' {
			return end, problem
		}
	}
}

// checkLine looks at the characters of a line in a section that holds a stray CR, LF or NUL somewhere.
func checkLine(line []byte) *Error {
	for i, ch := range line {
		if ch == '\r' && (i+1 == len(line) || line[i+1] != '\n') || ch == '\n' && (i == 0 || line[i-1] != '\r') {
			return errBreak
		}
	}
	if !nulsQuoted(line) {
		return errNUL
	}
	return nil
}

// nulsQuoted reports whether each NUL stands escaped in a quoted string, where it is legal (RFC 4475 section 3.1.1.2).
func nulsQuoted(line []byte) bool {
	quoted := false
	for i := 0; i < len(line); i++ {
		switch {
		case line[i] == 0:
			return false
		case line[i] == '"':
			quoted = !quoted
		case line[i] == '\\' && quoted:
			i++
		}
	}
	return true
}

func (m *Message) indexLine(start, end int) {
	line := m.raw[start:end]
	if len(line) > MaxHeaderLine {
		m.fail(tooLarge("A header line is longer than 8 KiB."))
		return
	}
	if m.headerCount == MaxHeaders {
		m.fail(tooLarge("The message has more than 100 headers."))
		return
	}
	nameEnd, colon, ok := splitName(line)
	if !ok {
		m.fail(badRequest("A header line does not begin with a header name and a colon."))
		return
	}
	value, valueEnd := trimmed(line, colon+1, len(line))
	m.headers[m.headerCount] = header{
		start: uint16(start), nameEnd: uint16(start + nameEnd), colon: uint16(start + colon),
		value: uint16(start + value), valueEnd: uint16(start + valueEnd), end: uint16(end),
		kind: kindOf(line[:nameEnd]),
	}
	m.headerCount++
}

// readBody cuts the message at its Content-Length.
func (m *Message) readBody() {
	rest := len(m.raw) - m.body
	switch {
	case m.length >= 0 && m.length <= rest:
		m.raw = m.raw[:m.body+m.length]
	case m.length > rest:
		m.fail(framingLost(400, "The body is shorter than Content-Length says."))
	case rest > MaxBody:
		m.fail(errBody())
	}
}

func errBody() *Error { return framingLost(513, "The body is longer than 64 KiB.") }
