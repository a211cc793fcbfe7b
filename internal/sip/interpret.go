package sip

import "bytes"

// interpret reads the headers that a proxy uses, and checks that those which every message needs are there.
func (m *Message) interpret() {
	for i := range m.headers[:m.headerCount] {
		h := &m.headers[i]
		if h.kind == unknown {
			continue
		}
		if m.first[h.kind] == 0 {
			m.first[h.kind] = uint8(i + 1)
		} else if singletons[h.kind] {
			m.failHeader(h.kind, "occurs more than once")
			continue
		}
		m.interpretLine(h, uint8(i))
	}
	for _, k := range [...]kind{via, from, to, callID, cseq} {
		if !m.has(k) {
			m.failHeader(k, "is missing")
		}
	}
	m.checkMethod()
}

func (m *Message) interpretLine(h *header, line uint8) {
	value := m.value(h)
	switch h.kind {
	case via:
		m.readVias(h, line)
	case from:
		m.failHeader(from, m.from.readParty(value))
	case to:
		m.failHeader(to, m.to.readParty(value))
	case callID:
		m.readCallID(value)
	case cseq:
		m.readCSeq(value)
	case maxForwards:
		m.readMaxForwards(value)
	case maxBreadth:
		m.readMaxBreadth(value)
	case contentLength:
		m.readLength(value)
	case route:
		m.readRoutes(h, line, m.routes[:], &m.routeCount)
	case recordRoute:
		list := m.records[:]
		if m.request {
			list = list[:MaxRoutes]
		}
		m.readRoutes(h, line, list, &m.recordCount)
	case contact:
		m.checkContact(h)
	}
}

// failHeader takes a problem that completes a sentence, "" for none.
func (m *Message) failHeader(k kind, problem string) {
	if problem != "" && m.err == nil {
		m.fail(badRequest("The " + names[k] + " header " + problem + "."))
	}
}

func (m *Message) readVias(h *header, line uint8) {
	var other Via // any but the topmost is only looked at
	for pos := int(h.value); pos <= int(h.valueEnd); {
		e, next := m.element(h, pos)
		if m.viaCount == len(m.vias) || m.request && m.viaCount == MaxVias {
			m.fail(badRequest("The message has more than 70 Via values."))
			return
		}
		v := &other
		if m.viaCount == 0 {
			v = &m.top
		}
		m.failHeader(via, v.read(m.span(e)))
		m.vias[m.viaCount] = element{e, line}
		m.viaCount++
		pos = next
	}
}

// readRoutes reads Route or Record-Route, whose values stand in angle brackets always (RFC 3261 section 20.34).
func (m *Message) readRoutes(h *header, line uint8, list []element, count *int) {
	for pos := int(h.value); pos <= int(h.valueEnd); {
		e, next := m.element(h, pos)
		if *count == len(list) {
			m.failHeader(h.kind, "has more than 20 values")
			return
		}
		var n NameAddr
		m.failHeader(h.kind, n.read(m.span(e)))
		if bytes.IndexByte(n.Raw, '<') < 0 {
			m.failHeader(h.kind, "has a value without angle brackets")
		}
		list[*count] = element{e, line}
		*count++
		pos = next
	}
}

// checkContact reads each value only to refuse what could be read in two ways; a proxy does not use it.
func (m *Message) checkContact(h *header) {
	for pos := int(h.value); pos <= int(h.valueEnd); {
		e, next := m.element(h, pos)
		if value := m.span(e); string(value) != "*" {
			var n NameAddr
			m.failHeader(contact, n.read(value))
		}
		pos = next
	}
}

// element returns the list value that begins at pos, trimmed, and where the next one begins.
func (m *Message) element(h *header, pos int) (s span, next int) {
	end := pos + elementEnd(m.raw[pos:h.valueEnd], 0)
	start, stop := trimmed(m.raw, pos, end)
	return span{uint16(start), uint16(stop)}, end + 1
}

// elementEnd returns the position of the comma that ends the list value at pos, or the end of b.
func elementEnd(b []byte, pos int) int {
	if bytes.IndexByte(b[pos:], ',') < 0 {
		return len(b)
	}
	for bracket := false; pos < len(b); pos++ {
		switch ch := b[pos]; {
		case ch == '"' && !bracket:
			end := quotedEnd(b, pos)
			if end < 0 {
				return len(b)
			}
			pos = end - 1
		case ch == '<':
			bracket = true
		case ch == '>':
			bracket = false
		case ch == ',' && !bracket:
			return pos
		}
	}
	return len(b)
}

func (m *Message) readCallID(value []byte) {
	if len(value) == 0 {
		m.failHeader(callID, "is empty")
	}
	for _, ch := range value {
		if ch <= ' ' || ch == 0x7f {
			m.failHeader(callID, "holds a blank or a control character")
			return
		}
	}
}

func (m *Message) readCSeq(value []byte) {
	digits := 0
	for digits < len(value) && !blank(value[digits]) {
		digits++
	}
	n, ok := number(value[:digits], MaxCSeq)
	name := value[skipBlanks(value, digits):]
	if !ok || !all(name, tokenChar) {
		m.failHeader(cseq, "is not a number below 2147483648 and a method")
		return
	}
	m.cseqNumber, m.cseqMethod = uint32(n), method(name)
}

func (m *Message) checkMethod() {
	if !m.request {
		m.method = m.cseqMethod
		return
	}
	if m.method != "" && m.cseqMethod != "" && m.method != m.cseqMethod {
		m.failHeader(cseq, "names another method than the request line")
	}
}

func (m *Message) readMaxForwards(value []byte) {
	n, ok := number(value, 255)
	if !ok {
		m.failHeader(maxForwards, "is not a number from 0 to 255")
		return
	}
	m.maxForwards = n
}

// readMaxBreadth reads how many branches the request may still have (RFC 5393 section 5.3.3.1).
func (m *Message) readMaxBreadth(value []byte) {
	n, ok := number(value, MaxCSeq)
	if !ok {
		m.failHeader(maxBreadth, "is not a number below 2147483648")
		return
	}
	m.maxBreadth = n
}

func (m *Message) readLength(value []byte) {
	n, problem := parseLength(value)
	if problem == nil && m.length >= 0 && n != m.length {
		problem = errLengths()
	}
	if problem != nil {
		m.fail(problem)
		return
	}
	m.length = n
}

// parseLength reads a Content-Length and holds it against the limit before anything is allocated for it.
func parseLength(value []byte) (int, *Error) {
	n, ok := number(value, 9999999999)
	if !ok {
		return 0, framingLost(400, "Content-Length is not a number.")
	}
	if n > MaxBody {
		return 0, errBody()
	}
	return n, nil
}

func errLengths() *Error {
	return framingLost(400, "The message has two Content-Length headers that differ.")
}
