package sip

// params walks a list of parameters, ";name=value;flag", of a header value or of a URI.
type params struct {
	b     []byte
	pos   int
	uri   bool // URI parameters: no blanks, no quotes, more characters in names
	count int

	nameStart, nameEnd   int // the parameter that next found
	valueStart, valueEnd int // quotes included; empty at nameEnd for a flag
	problem              string
}

func (p *params) name() []byte  { return p.b[p.nameStart:p.nameEnd] }
func (p *params) value() []byte { return p.b[p.valueStart:p.valueEnd] }

// next finds the next parameter. At the end, or at what is no parameter (then problem is set), it returns false.
func (p *params) next() bool {
	pos := skipBlanks(p.b, p.pos)
	if pos == len(p.b) {
		return false
	}
	if p.b[pos] != ';' {
		return p.fail("has text where a semicolon and a parameter belong")
	}
	if p.count++; p.count > MaxParams {
		return p.fail("has too many parameters")
	}
	start := skipBlanks(p.b, pos+1)
	end := p.nameStop(start)
	if end == start {
		return p.fail("has a parameter without a name")
	}
	p.nameStart, p.nameEnd = start, end
	return p.readValue(end)
}

func (p *params) nameStop(pos int) int {
	if !p.uri {
		return run(p.b, pos, tokenChar)
	}
	for pos < len(p.b) && p.b[pos] != '=' && p.b[pos] != ';' {
		pos++
	}
	return pos
}

func (p *params) readValue(pos int) bool {
	start, end := pos, pos
	if pos = skipBlanks(p.b, pos); pos < len(p.b) && p.b[pos] == '=' {
		start = skipBlanks(p.b, pos+1)
		if end = p.valueStop(start); end < 0 {
			return p.fail("has a quotation mark that is not closed")
		}
	}
	p.valueStart, p.valueEnd, p.pos = start, end, end
	return true
}

func (p *params) valueStop(pos int) int {
	if !p.uri && pos < len(p.b) && p.b[pos] == '"' {
		return quotedEnd(p.b, pos)
	}
	return run(p.b, pos, valueChar)
}

func (p *params) fail(problem string) bool {
	p.problem = problem
	return false
}

// findParam returns the value of a parameter by its name in small letters.
func findParam(p params, small string) (value []byte, ok bool) {
	for p.next() {
		if equalFold(p.name(), small) {
			return p.value(), true
		}
	}
	return nil, false
}
