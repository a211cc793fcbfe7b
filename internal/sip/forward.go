package sip

import (
	"bytes"
	"net/netip"
	"slices"
	"strconv"
)

// Forward says what a proxy changes in a request that it sends on (RFC 3261 section 16.6). Everything else goes on
// byte for byte.
type Forward struct {
	RequestURI   []byte     // nil: unchanged
	Via          []byte     // our Via value, without the header's name
	RecordRoutes [][]byte   // our Record-Route values, the first becomes the topmost; nil: none
	DropRoutes   int        // so many leading Route values are removed
	DropLast     bool       // the last Route value is removed: a strict router before us put the target there
	LastRoute    []byte     // appended as the last Route value (the strict router's fix), nil: none
	MaxForwards  int        // the value written; the header is added when it is missing
	MaxBreadth   int        // written when the header is missing, 0: not; one that is there goes on as it is
	Received     netip.Addr // the sender's address; written into its Via when that does not name it already
	RPort        int        // the sender's port; written into its Via when that asks with rport (RFC 3581)
}

// AppendForward appends the request as it is sent on.
func (m *Message) AppendForward(dst []byte, f Forward) []byte {
	dst = m.appendRequestLine(dst, m.method, f.RequestURI)
	dst = appendHeader(dst, "Via", f.Via)
	for _, r := range f.RecordRoutes {
		dst = appendHeader(dst, "Record-Route", r)
	}
	if m.maxForwards < 0 {
		dst = appendNumber(dst, "Max-Forwards", f.MaxForwards)
	}
	if m.maxBreadth < 0 && f.MaxBreadth > 0 {
		dst = appendNumber(dst, "Max-Breadth", f.MaxBreadth)
	}
	dst = m.appendFirstRoute(dst, &f)
	dst = m.appendLength(dst)
	run := m.linesStart()
	for i := range m.headers[:m.headerCount] {
		h := &m.headers[i]
		if !m.edits(h, i, &f) {
			continue
		}
		dst = append(dst, m.raw[run:h.start]...)
		dst = m.appendEdited(dst, h, i, &f)
		run = int(h.end)
	}
	return append(dst, m.raw[run:]...)
}

// appendRequestLine writes the message's own Request-URI when it is not told another.
func (m *Message) appendRequestLine(dst []byte, method string, uri []byte) []byte {
	if uri == nil {
		uri = m.span(m.uri)
	}
	dst = append(append(dst, method...), ' ')
	return append(append(dst, uri...), " SIP/2.0\r\n"...)
}

// appendFirstRoute writes the last Route value where there is no Route line that it could follow.
func (m *Message) appendFirstRoute(dst []byte, f *Forward) []byte {
	if f.LastRoute == nil || m.routeCount > 0 {
		return dst
	}
	return appendHeader(dst, "Route", f.LastRoute)
}

// appendLength adds Content-Length to a message that came as a datagram without one, as it may go out on a stream.
func (m *Message) appendLength(dst []byte) []byte {
	if m.has(contentLength) {
		return dst
	}
	return appendNumber(dst, "Content-Length", len(m.Body()))
}

// linesStart is where the first header line begins.
func (m *Message) linesStart() int {
	if m.headerCount == 0 {
		return m.body
	}
	return int(m.headers[0].start)
}

// edits reports whether a line does not go on as it is: changed by the proxy, or with blanks before its colon, which
// the next reader may take for another name.
func (m *Message) edits(h *header, i int, f *Forward) bool {
	switch h.kind {
	case via:
		return m.isTop(i) && m.stamps(f.Received) || h.mends()
	case maxForwards:
		return true
	case route:
		return f.changesRoutes() || h.mends()
	}
	return h.mends()
}

func (f *Forward) changesRoutes() bool { return f.DropRoutes > 0 || f.DropLast || f.LastRoute != nil }

func (h *header) mends() bool { return h.colon != h.nameEnd }

func (m *Message) isTop(line int) bool { return m.viaCount > 0 && int(m.vias[0].header) == line }

func (m *Message) appendEdited(dst []byte, h *header, i int, f *Forward) []byte {
	switch {
	case h.kind == maxForwards:
		dst = append(append(dst, m.lineName(h)...), ": "...)
		return append(strconv.AppendInt(dst, int64(f.MaxForwards), 10), crlf...)
	case h.kind == route && f.changesRoutes():
		return m.appendRoutes(dst, h, i, f)
	case h.kind == via && m.isTop(i) && m.stamps(f.Received):
		return m.appendStamped(dst, h, f.Received, f.RPort)
	}
	return m.appendMended(dst, h)
}

// appendMended writes a line without the blanks before its colon.
func (m *Message) appendMended(dst []byte, h *header) []byte {
	dst = append(dst, m.lineName(h)...)
	return append(dst, m.raw[h.colon:h.end]...)
}

// appendRoutes writes what is left of a Route line. After the last line comes the route that is to be the last.
func (m *Message) appendRoutes(dst []byte, h *header, line int, f *Forward) []byte {
	routes := m.routes[:m.routeCount]
	kept := routes
	if f.DropLast {
		kept = routes[:len(routes)-1]
	}
	kept = kept[min(f.DropRoutes, len(kept)):]
	first := slices.IndexFunc(kept, func(e element) bool { return int(e.header) == line })
	if first >= 0 {
		dst = append(append(dst, m.lineName(h)...), ": "...)
		last := kept[len(kept)-1]
		if f.DropLast && int(last.header) == line {
			dst = append(append(dst, m.raw[kept[first].start:last.end]...), crlf...)
		} else {
			dst = append(dst, m.raw[kept[first].start:h.end]...)
		}
	}
	if f.LastRoute != nil && int(routes[m.routeCount-1].header) == line {
		dst = appendHeader(dst, "Route", f.LastRoute)
	}
	return dst
}

// AppendUpstream appends a response without its top Via, as a proxy passes it on (RFC 3261 section 16.7 step 3).
func (m *Message) AppendUpstream(dst []byte) []byte {
	start := m.linesStart()
	dst = append(dst, m.raw[:start]...)
	dst = m.appendLength(dst)
	for i := range m.headers[:m.headerCount] {
		h := &m.headers[i]
		top := m.isTop(i)
		if !top && !h.mends() {
			continue
		}
		dst = append(dst, m.raw[start:h.start]...)
		if !top {
			dst = m.appendMended(dst, h)
		} else if m.viaCount > 1 && int(m.vias[1].header) == i {
			dst = append(append(dst, m.lineName(h)...), ": "...)
			dst = append(dst, m.raw[m.vias[1].start:h.end]...)
		}
		start = int(h.end)
	}
	return append(dst, m.raw[start:]...)
}

func appendHeader(dst []byte, name string, value []byte) []byte {
	dst = append(append(dst, name...), ": "...)
	return append(append(dst, value...), crlf...)
}

func appendNumber(dst []byte, name string, n int) []byte {
	dst = append(append(dst, name...), ": "...)
	return append(strconv.AppendInt(dst, int64(n), 10), crlf...)
}

// stamps reports whether the sender's Via gets its address: it asked with rport, or its sent-by does not name the
// address (RFC 3261 section 18.2.1, RFC 3581 section 4).
func (m *Message) stamps(received netip.Addr) bool {
	if !received.IsValid() || m.viaCount == 0 {
		return false
	}
	return m.top.RPort || !namesAddr(m.top.Host, received.Unmap())
}

// namesAddr reports whether a sent-by host is this address.
func namesAddr(host []byte, addr netip.Addr) bool {
	var text [64]byte
	if addr.Is4() || bytes.IndexByte(host, ':') < 0 {
		return bytes.Equal(addr.AppendTo(text[:0]), host)
	}
	other, err := netip.ParseAddr(string(host)) // one address has many spellings in IPv6
	return err == nil && other.Unmap() == addr.WithZone("")
}

// appendStamped writes the top Via's line with received and rport set. What the sender wrote there itself is replaced.
func (m *Message) appendStamped(dst []byte, h *header, received netip.Addr, port int) []byte {
	top := m.vias[0]
	value := m.span(top.span)
	dst = append(dst, m.lineName(h)...)
	dst = append(dst, m.raw[h.colon:top.start]...)
	done, run := false, 0
	for p := (params{b: value, pos: viaParams(value)}); p.next(); {
		switch {
		case equalFold(p.name(), "received") && !done:
			dst = append(append(dst, value[run:p.nameEnd]...), '=')
			dst = appendAddr(dst, received)
			run, done = p.valueEnd, true
		case equalFold(p.name(), "rport") && port > 0:
			dst = append(append(dst, value[run:p.nameEnd]...), '=')
			dst = strconv.AppendInt(dst, int64(port), 10)
			run = p.valueEnd
		}
	}
	dst = append(dst, value[run:]...)
	if !done {
		dst = appendAddr(append(dst, ";received="...), received)
	}
	return append(dst, m.raw[top.end:h.end]...)
}

// appendAddr writes an address without brackets and zone (RFC 5118 section 4.5).
func appendAddr(dst []byte, addr netip.Addr) []byte {
	return addr.Unmap().WithZone("").AppendTo(dst)
}

// viaParams is the offset of the first parameter; sent-by holds no semicolon.
func viaParams(value []byte) int {
	if i := bytes.IndexByte(value, ';'); i >= 0 {
		return i
	}
	return len(value)
}
