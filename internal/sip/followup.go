package sip

import "strconv"

// AppendACK appends the ACK for a final response other than 2xx to this INVITE, which is the request as we sent it. Such
// an ACK ends at the next hop (RFC 3261 section 17.1.1.3).
func (m *Message) AppendACK(dst []byte, response *Message) []byte {
	dst = m.appendFollowUp(dst, "ACK", &Forward{Via: m.top.Raw})
	dst = appendHeader(dst, "To", response.to.Raw)
	return append(dst, "Content-Length: 0\r\n\r\n"...)
}

// AppendCancel appends the CANCEL of this INVITE, which is the request as we sent it (RFC 3261 section 9.1).
func (m *Message) AppendCancel(dst []byte) []byte {
	return m.AppendForwardCancel(dst, Forward{Via: m.top.Raw})
}

// AppendForwardCancel appends the CANCEL of what AppendForward makes of this INVITE, without reading that again.
func (m *Message) AppendForwardCancel(dst []byte, f Forward) []byte {
	dst = m.appendFollowUp(dst, "CANCEL", &f)
	dst = appendHeader(dst, "To", m.to.Raw)
	return append(dst, "Content-Length: 0\r\n\r\n"...)
}

// appendFollowUp writes what ACK and CANCEL share: the top Via alone, the Route set, From, Call-ID and the CSeq number.
func (m *Message) appendFollowUp(dst []byte, method string, f *Forward) []byte {
	dst = m.appendRequestLine(dst, method, f.RequestURI)
	dst = appendHeader(dst, "Via", f.Via)
	dst = m.appendFirstRoute(dst, f)
	for i := range m.headers[:m.headerCount] {
		if h := &m.headers[i]; h.kind == route {
			dst = m.appendEdited(dst, h, i, f)
		}
	}
	dst = append(dst, "Max-Forwards: 70\r\n"...)
	dst = appendHeader(dst, "From", m.from.Raw)
	dst = appendHeader(dst, "Call-ID", m.CallID())
	dst = append(dst, "CSeq: "...)
	dst = strconv.AppendUint(dst, uint64(m.cseqNumber), 10)
	return append(append(append(dst, ' '), method...), crlf...)
}
