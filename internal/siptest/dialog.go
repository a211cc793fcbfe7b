package siptest

import (
	"fmt"
	"strings"

	"isthmus/internal/sip"
)

// Response builds a response as the callee sends it: Vias, Record-Routes, From, To with a tag that is the same for every
// response to one Call-ID, Call-ID, CSeq, then the given lines. A 100 has no tag.
func Response(request *sip.Message, status int, lines ...string) string {
	return ResponseWithBody(request, status, "", "", lines...)
}

// ResponseWithBody is Response with a body, such as the SDP of an accepted INVITE.
func ResponseWithBody(request *sip.Message, status int, contentType, body string, lines ...string) string {
	out := []string{fmt.Sprintf("SIP/2.0 %d %s", status, sip.ReasonPhrase(status))}
	out = copied(out, request, "Via")
	if status > 100 && status < 300 {
		out = copied(out, request, "Record-Route")
	}
	out = copied(out, request, "From")
	to := "To: " + string(request.To().Raw)
	if status > 100 && request.To().Tag() == nil {
		to += ";tag=" + ToTag(request)
	}
	out = copied(copied(append(out, to), request, "Call-ID"), request, "CSeq")
	return finish(append(append(out, lines...), fmt.Sprint("Content-Length: ", len(body))), contentType, body)
}

// ToTag is the tag that Response gives to a dialog: that of the request, or one made of its Call-ID.
func ToTag(request *sip.Message) string {
	if tag := request.To().Tag(); tag != nil {
		return string(tag)
	}
	tag := []byte("t")
	for _, ch := range request.CallID() {
		if ch >= '0' && ch <= '9' || ch|0x20 >= 'a' && ch|0x20 <= 'z' {
			tag = append(tag, ch)
		}
	}
	return string(tag)
}

func copied(out []string, m *sip.Message, name string) []string {
	for value := range m.Header(name) {
		out = append(out, name+": "+string(value))
	}
	return out
}

// Dialog makes requests inside a dialog (RFC 3261 section 12.2).
type Dialog struct {
	Target        string   // Request-URI: the other side's Contact
	Routes        []string // the route set, nearest first
	Local, Remote string   // whole From and To values
	CallID        string
	CSeq          int // of the last request
}

// Caller returns the dialog of the side that sent a request and got this response to it.
func Caller(response *sip.Message) *Dialog {
	d := newDialog(response, string(response.From().Raw), string(response.To().Raw))
	number, _ := response.CSeq()
	d.CSeq = int(number)
	for i := range response.RecordRouteCount() { // the caller meets the last one added first
		d.Routes = append([]string{string(response.RecordRoute(i).Raw)}, d.Routes...)
	}
	return d
}

// Callee returns the dialog of the side that received a request and answered it with Response.
func Callee(request *sip.Message) *Dialog {
	to := string(request.To().Raw)
	if request.To().Tag() == nil {
		to += ";tag=" + ToTag(request)
	}
	d := newDialog(request, to, string(request.From().Raw))
	for i := range request.RecordRouteCount() {
		d.Routes = append(d.Routes, string(request.RecordRoute(i).Raw))
	}
	return d
}

func newDialog(m *sip.Message, local, remote string) *Dialog {
	d := &Dialog{Local: local, Remote: remote, CallID: string(m.CallID())}
	for value := range m.List("Contact") {
		if n, err := sip.ParseNameAddr(value); err == nil {
			d.Target = string(n.URI)
		}
	}
	return d
}

// Request makes the next request. An ACK repeats the CSeq number of the INVITE before it.
func (d *Dialog) Request(method string, lines ...string) Request {
	if method != "ACK" {
		d.CSeq++
	}
	r := Request{
		Method: method, URI: d.Target, Branch: Unique("z9hG4bK"), MaxForwards: 70,
		From: d.Local, To: d.Remote, CallID: d.CallID, CSeq: d.CSeq, Lines: lines,
	}
	if len(d.Routes) > 0 {
		r.Below = []string{"Route: " + strings.Join(d.Routes, ", ")}
	}
	return r
}
