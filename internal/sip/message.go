package sip

import (
	"bytes"
	"iter"
	"strings"
)

// span is a part of the header section.
type span struct{ start, end uint16 }

// element is one value of a comma-separated list.
type element struct {
	span
	header uint8 // the line it stands in
}

// Message is one SIP request or response: its bytes, and an index of offsets into them. The zero value is ready, and
// one Message serves any number of Parse calls. It must not be copied; Clone does that.
type Message struct {
	raw         []byte
	request     bool
	method      string // request: start line; response: CSeq
	uri, reason span
	target      URI // what the Request-URI was read as
	status      int
	headers     [MaxHeaders]header
	headerCount int
	first       [kinds]uint8 // position of a kind's first line, plus one
	vias        [MaxVias + ownVias]element
	viaCount    int
	routes      [MaxRoutes]element
	routeCount  int
	records     [MaxRoutes + ownRoutes]element
	recordCount int
	top         Via
	from, to    NameAddr
	cseqNumber  uint32
	cseqMethod  string
	maxForwards int // -1: none
	maxBreadth  int // -1: none
	length      int // Content-Length, -1: none or not valid
	body        int // offset of the body; len(raw) when the header section does not end
	err         *Error
}

// Clone returns a copy with its own bytes, for what outlives the read buffer.
func (m *Message) Clone() *Message {
	c := new(Message)
	*c = *m
	c.raw = bytes.Clone(m.raw)
	c.target, _ = parseURI(c.RequestURI())
	c.top.read(c.firstVia())
	c.from.read(c.firstValue(from))
	c.to.read(c.firstValue(to))
	return c
}

func (m *Message) firstVia() []byte {
	if m.viaCount == 0 {
		return nil
	}
	return m.span(m.vias[0].span)
}

// firstValue returns the value of the first line of a kind, nil when there is none.
func (m *Message) firstValue(k kind) []byte {
	if m.first[k] == 0 {
		return nil
	}
	return m.value(&m.headers[m.first[k]-1])
}

func (m *Message) span(s span) []byte        { return m.raw[s.start:s.end] }
func (m *Message) value(h *header) []byte    { return m.raw[h.value:h.valueEnd] }
func (m *Message) has(k kind) bool           { return m.first[k] != 0 }
func (m *Message) lineName(h *header) []byte { return m.raw[h.start:h.nameEnd] }

// Answerable reports whether an error response to this request can be built and sent: it has a Via to send it to and
// a Call-ID to match it by. From, To and CSeq are copied when they are there.
func (m *Message) Answerable() bool {
	return m.request && m.has(via) && m.has(callID)
}

// Bytes returns the message as received, without what preceded or followed it.
func (m *Message) Bytes() []byte { return m.raw }

// IsRequest reports whether the message is a request.
func (m *Message) IsRequest() bool { return m.request }

// IsResponse reports whether the message begins as a response does, even if its status cannot be read. Of what has no
// first line neither this nor IsRequest is true.
func (m *Message) IsResponse() bool {
	return !m.request && len(m.raw) >= 4 && equalFold(m.raw[:4], versionHead)
}

// Method returns the request's method, or the method of a response's CSeq.
func (m *Message) Method() string { return m.method }

// RequestURI returns the Request-URI as written, nil for a response.
func (m *Message) RequestURI() []byte {
	if !m.request {
		return nil
	}
	return m.span(m.uri)
}

// Target returns the Request-URI taken apart, as far as it could be read.
func (m *Message) Target() URI { return m.target }

// Status returns a response's status code, 0 for a request.
func (m *Message) Status() int { return m.status }

// Reason returns a response's reason phrase as written.
func (m *Message) Reason() []byte { return m.span(m.reason) }

// ViaCount returns the number of Via values, across lines and commas.
func (m *Message) ViaCount() int { return m.viaCount }

// Via returns a Via value; 0 is the topmost.
func (m *Message) Via(i int) Via {
	if i == 0 {
		return m.top
	}
	var v Via
	v.read(m.span(m.vias[i].span))
	return v
}

// From returns the From value, empty when it is missing.
func (m *Message) From() NameAddr { return m.from }

// To returns the To value, empty when it is missing.
func (m *Message) To() NameAddr { return m.to }

// CallID returns the Call-ID.
func (m *Message) CallID() []byte { return m.firstValue(callID) }

// CSeq returns number and method.
func (m *Message) CSeq() (uint32, string) { return m.cseqNumber, m.cseqMethod }

// MaxForwards returns the number of hops left; ok is false when the header is missing.
func (m *Message) MaxForwards() (n int, ok bool) { return max(m.maxForwards, 0), m.maxForwards >= 0 }

// MaxBreadth returns the number of branches that the request may still have; ok is false when the header is missing.
func (m *Message) MaxBreadth() (n int, ok bool) { return max(m.maxBreadth, 0), m.maxBreadth >= 0 }

// HasProxyRequire reports whether there is a Proxy-Require header, which hardly any message has.
func (m *Message) HasProxyRequire() bool { return m.has(proxyRequire) }

// RouteCount returns the number of Route values, across lines and commas.
func (m *Message) RouteCount() int { return m.routeCount }

// Route returns a Route value; 0 is the topmost.
func (m *Message) Route(i int) NameAddr {
	var n NameAddr
	n.read(m.span(m.routes[i].span))
	return n
}

// RecordRouteCount returns the number of Record-Route values, across lines and commas.
func (m *Message) RecordRouteCount() int { return m.recordCount }

// RecordRoute returns a Record-Route value; 0 is the topmost.
func (m *Message) RecordRoute(i int) NameAddr {
	var n NameAddr
	n.read(m.span(m.records[i].span))
	return n
}

// Body returns the bytes after the header section, cut at Content-Length.
func (m *Message) Body() []byte { return m.raw[m.body:] }

// Header returns the value of each line of a header, named long or compact in any case, in order. Values are trimmed;
// folds and commas are left in.
func (m *Message) Header(name string) iter.Seq[[]byte] {
	small := longName(name)
	return func(yield func([]byte) bool) {
		for i := range m.headers[:m.headerCount] {
			h := &m.headers[i]
			if sameHeader(m.lineName(h), small) && !yield(m.value(h)) {
				return
			}
		}
	}
}

func longName(name string) string {
	if len(name) == 1 {
		return compactNames[lower(name[0])]
	}
	return strings.ToLower(name)
}

// HeaderValue returns the value of the first line of a header.
func (m *Message) HeaderValue(name string) (value []byte, ok bool) {
	for value := range m.Header(name) {
		return value, true
	}
	return nil, false
}

// List returns the elements of a comma-separated header such as Proxy-Require, across its lines, in order. Commas
// within quotation marks and angle brackets do not separate; empty elements are left out.
func (m *Message) List(name string) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for value := range m.Header(name) {
			for pos := 0; pos < len(value); {
				end := elementEnd(value, pos)
				if e := trim(value[pos:end]); len(e) > 0 && !yield(e) {
					return
				}
				pos = end + 1
			}
		}
	}
}
