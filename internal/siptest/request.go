package siptest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"isthmus/internal/sip"
)

// Request is a request to send. Its String is the message; every field may be changed before.
type Request struct {
	Method      string
	URI         string        // "sip:carla@synergy.com"
	Transport   sip.Transport // of the Via
	SentBy      string        // host:port of the Via; "": Conn.Send puts its own address there
	Branch      string        // "": the Via has none
	ViaParams   string        // further Via parameters: ";branched=FALSE"
	Top         []string      // lines before the Via, Record-Route mostly
	Below       []string      // lines after it: the Vias further down, Route
	MaxForwards int           // below 0: no such header
	From, To    string        // whole values with their tags
	CallID      string
	CSeq        int
	Lines       []string // further lines
	ContentType string   // with Body
	Body        string
	LengthFirst bool // Content-Length stands before the lines below the Via, as Microsoft servers have it
}

// NewRequest makes a request outside a dialog from one address to another, "anna@synergy.com".
func NewRequest(method, from, to string, lines ...string) Request {
	return Request{
		Method: method, URI: "sip:" + to, Branch: Unique("z9hG4bK"), MaxForwards: 70,
		From:   fmt.Sprintf("<sip:%s>;tag=%s", from, Unique("f")),
		To:     fmt.Sprintf("<sip:%s>", to),
		CallID: Unique("call"), CSeq: 1, Lines: lines,
	}
}

// Message is an instant message.
func Message(from, to, text string) Request {
	return NewRequest("MESSAGE", from, to).WithBody("text/plain; charset=UTF-8", text)
}

// Subscribe asks for presence.
func Subscribe(from, to string) Request {
	return NewRequest("SUBSCRIBE", from, to, "Event: presence", "Accept: application/pidf+xml", "Expires: 7446", contact(from))
}

// Notify tells presence: "open" or "closed". Inside a subscription, give it to Dialog.Request instead.
func Notify(from, to, basic string) Request {
	lines := []string{"Event: presence", "Subscription-State: active;expires=7440", contact(from)}
	return NewRequest("NOTIFY", from, to, lines...).WithBody("application/pidf+xml", PIDF(from, basic))
}

// PIDF is a presence document with one tuple.
func PIDF(of, basic string) string {
	return `<presence xmlns="urn:ietf:params:xml:ns:pidf" entity="sip:` + of + `"><tuple id="0"><status><basic>` + basic +
		`</basic></status></tuple></presence>`
}

// Invite begins an IM session.
func Invite(from, to string) Request {
	sdp := "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=session\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=message 5060 sip null\r\n" +
		"a=accept-types:text/plain multipart/alternative\r\n"
	return NewRequest("INVITE", from, to, contact(from)).WithBody("application/sdp", sdp)
}

// Probe is an OPTIONS to a host: its URI has no user part.
func Probe(host string) Request {
	r := NewRequest("OPTIONS", "probe@"+host, host)
	r.To = "<sip:" + host + ">"
	return r
}

// Negotiate asks for compression, as Microsoft servers do first on a new connection: one hop, no branch.
func Negotiate(host string) Request {
	r := NewRequest("NEGOTIATE", host, host, "Compression: LZ77-8K", "Supported: NewNegotiate,OCSNative,ECC,IPv6,TlsRecordSplit")
	r.Branch, r.MaxForwards = "", 0
	return r
}

// Ack is the ACK for a final response other than 2xx, on the transaction of its INVITE. For a 2xx use Dialog.Request.
func (r Request) Ack(response *sip.Message) Request {
	r = r.followUp("ACK")
	r.To = string(response.To().Raw)
	return r
}

// Cancel is the CANCEL of this INVITE.
func (r Request) Cancel() Request { return r.followUp("CANCEL") }

// followUp keeps the transaction: its Via alone, and the Route set (RFC 3261 sections 9.1 and 17.1.1.3).
func (r Request) followUp(method string) Request {
	r.Method, r.Top, r.Lines, r.Body = method, nil, nil, ""
	r.Below = slices.DeleteFunc(slices.Clone(r.Below), func(l string) bool { return !strings.HasPrefix(l, "Route:") })
	return r
}

// WithBody sets the body.
func (r Request) WithBody(contentType, body string) Request {
	r.ContentType, r.Body = contentType, body
	return r
}

// contact names a user but no host address, as Microsoft's do: it routes through the Record-Route set only.
func contact(user string) string {
	return "Contact: <sip:" + user + ";opaque=user:epid:Qx81LmZ0aVyT3kEbWgAA;gruu>"
}

// String returns the message.
func (r Request) String() string {
	lines := append([]string{r.Method + " " + r.URI + " SIP/2.0"}, r.Top...)
	lines = append(lines, r.via())
	if r.MaxForwards >= 0 {
		lines = append(lines, fmt.Sprint("Max-Forwards: ", r.MaxForwards))
	}
	length := "Content-Length: " + strconv.Itoa(len(r.Body))
	if r.LengthFirst {
		lines = append(lines, length)
	}
	lines = append(lines, r.Below...)
	lines = append(lines, "From: "+r.From, "To: "+r.To, "Call-ID: "+r.CallID, fmt.Sprintf("CSeq: %d %s", r.CSeq, r.Method))
	lines = append(lines, r.Lines...)
	if !r.LengthFirst {
		lines = append(lines, length)
	}
	return finish(lines, r.ContentType, r.Body)
}

func (r Request) via() string {
	via := fmt.Sprintf("Via: SIP/2.0/%s %s", r.Transport, r.SentBy)
	if r.Branch != "" {
		via += ";branch=" + r.Branch
	}
	return via + r.ViaParams
}

// finish ends a header section and adds the body.
func finish(lines []string, contentType, body string) string {
	if body != "" {
		lines = append(lines, "Content-Type: "+contentType)
	}
	return strings.Join(lines, "\r\n") + "\r\n\r\n" + body
}
