package load

import "bytes"

const mostValues = 6 // of one header that are looked at

// values are the lines of one header.
type values struct {
	list [mostValues][]byte
	n    int
}

func (v *values) add(line []byte) {
	if v.n < mostValues {
		v.list[v.n] = line
	}
	v.n++
}

func (v *values) all() [][]byte { return v.list[:min(v.n, mostValues)] }

// A head is a message with the headers that are checked. It points into the message.
type head struct {
	start                                               []byte
	from, to, callID, cseq, forwards, sequence, contact []byte
	vias, recordRoutes, routes                          values
	body                                                []byte
}

// read takes a message apart; it is not kept from one message to the next.
func (h *head) read(m []byte) {
	*h = head{}
	line, rest, _ := bytes.Cut(m, crlf)
	h.start = line
	for {
		line, rest, _ = bytes.Cut(rest, crlf)
		if len(line) == 0 {
			h.body = rest
			return
		}
		name, value, _ := bytes.Cut(line, colon)
		h.take(name, value)
	}
}

var crlf, colon = []byte("\r\n"), []byte(": ")

func (h *head) take(name, value []byte) {
	switch string(name) {
	case "Via":
		h.vias.add(value)
	case "Record-Route":
		h.recordRoutes.add(value)
	case "Route":
		h.routes.add(value)
	case "From":
		h.from = value
	case "To":
		h.to = value
	case "Call-ID":
		h.callID = value
	case "CSeq":
		h.cseq = value
	case "Max-Forwards":
		h.forwards = value
	case "X-Sequence":
		h.sequence = value
	case "Contact":
		h.contact = value
	}
}

// status is of a response; 0 for a request.
func (h *head) status() int {
	const begin = "SIP/2.0 "
	if len(h.start) < len(begin)+3 || string(h.start[:len(begin)]) != begin {
		return 0
	}
	n, _ := number(h.start[len(begin) : len(begin)+3])
	return int(n)
}

// method is that of the CSeq, which requests and responses have.
func (h *head) method() string {
	_, method, _ := bytes.Cut(h.cseq, []byte(" "))
	switch string(method) { // these without an allocation
	case "MESSAGE":
		return "MESSAGE"
	case "NOTIFY":
		return "NOTIFY"
	case "INVITE":
		return "INVITE"
	case "ACK":
		return "ACK"
	case "BYE":
		return "BYE"
	}
	return string(method)
}
