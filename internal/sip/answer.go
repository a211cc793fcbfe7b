package sip

import (
	"net/netip"
	"strconv"
)

// Answer is a response that this node makes itself.
type Answer struct {
	Status   int
	Reason   string     // "": the standard phrase
	ToTag    string     // written when To has none, except on a 100
	Headers  []string   // further lines, "Name: value"
	Received netip.Addr // the sender's address and port, stamped into its Via as in Forward
	RPort    int
}

// AppendAnswer appends the response to this request (RFC 3261 section 8.2.6). The request may be broken, as long as it
// is Answerable.
func (m *Message) AppendAnswer(dst []byte, a Answer) []byte {
	dst = appendStatusLine(dst, a)
	for i := range m.headers[:m.headerCount] {
		h := &m.headers[i]
		switch {
		case h.kind == via && m.isTop(i) && m.stamps(a.Received):
			dst = m.appendStamped(dst, h, a.Received, a.RPort)
		case h.kind == to && m.isFirst(to, i):
			dst = m.appendTagged(dst, h, a)
		case m.copied(h, i, a.Status):
			dst = m.appendMended(dst, h)
		}
	}
	for _, line := range a.Headers {
		dst = append(appendText(dst, line), crlf...)
	}
	return append(dst, "Content-Length: 0\r\n\r\n"...)
}

func appendStatusLine(dst []byte, a Answer) []byte {
	dst = append(dst, "SIP/2.0 "...)
	dst = append(strconv.AppendInt(dst, int64(a.Status), 10), ' ')
	reason := a.Reason
	if reason == "" {
		reason = ReasonPhrase(a.Status)
	}
	return append(appendText(dst, reason), crlf...)
}

func (m *Message) isFirst(k kind, line int) bool { return int(m.first[k]) == line+1 }

// copied names the lines that every response repeats; a 100 repeats Timestamp too (RFC 3261 section 8.2.6.1).
func (m *Message) copied(h *header, line, status int) bool {
	switch h.kind {
	case via:
		return true
	case from, callID, cseq:
		return m.isFirst(h.kind, line)
	}
	return status == 100 && equalFold(m.lineName(h), "timestamp")
}

func (m *Message) appendTagged(dst []byte, h *header, a Answer) []byte {
	if a.Status == 100 || a.ToTag == "" || m.to.URI == nil || m.to.Tag() != nil {
		return m.appendMended(dst, h)
	}
	dst = append(dst, m.lineName(h)...)
	dst = append(dst, m.raw[h.colon:h.valueEnd]...)
	dst = append(append(dst, ";tag="...), a.ToTag...)
	return append(dst, crlf...)
}

// appendText writes text of ours that may quote a sender: a line break in it must not begin a header.
func appendText(dst []byte, text string) []byte {
	for i := range len(text) {
		ch := text[i]
		if ch < ' ' && ch != '\t' || ch == 0x7f {
			ch = ' '
		}
		dst = append(dst, ch)
	}
	return dst
}
