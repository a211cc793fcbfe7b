// Package load plays both sides of a proxy: callers that send requests over a few connections, and the one upstream that answers.
// It checks every message that it gets against what RFC 3261 section 16 lets a proxy change, and measures how long
// answers take. It knows nothing of how a proxy is started or what it costs.
package load

import (
	"fmt"
	"strings"
)

// A Scenario is what one transaction consists of.
type Scenario string

// Scenarios.
const (
	Message Scenario = "message" // a MESSAGE of 1 KB and its 200
	Notify  Scenario = "notify"  // a NOTIFY in a dialog with 1 KB of PIDF, and its 200
	Invite  Scenario = "invite"  // a dialog: INVITE 100 180 200 ACK BYE 200
)

// Scenarios are all, in the order of reports.
var Scenarios = []Scenario{Message, Notify, Invite}

const (
	messageSize = 1024 // of a MESSAGE in all, and of a PIDF document
	maxForwards = 70
)

// A Call is what a request is addressed with.
type Call struct {
	Local    string // host and port of the caller, for its Via
	Protocol string // TCP or TLS
	From     string // address of record of the caller, without scheme
	To       string // address of record of the recipient, without scheme
	Contact  string // the upstream's contact, without angle brackets
	Route    string // the proxy's Route value in a dialog, with angle brackets; empty: none
}

// request is the text of a scenario's first request, with placeholder where its number stands.
func (s Scenario) request(c Call) string {
	switch s {
	case Message:
		text := c.head("MESSAGE", "sip:"+c.To, "", "Content-Type: text/plain;charset=UTF-8")
		return text + s.body(len(text))
	case Notify:
		return c.head("NOTIFY", c.Contact, ";tag=d"+placeholder, c.route()+"Event: presence\r\nSubscription-State: active;expires=7200\r\n"+
			"Contact: <sip:"+c.From+";opaque=user:epid:bench;gruu>\r\nContent-Type: application/pidf+xml") + s.body(0)
	default:
		return c.head("INVITE", "sip:"+c.To, "", "Contact: <sip:"+c.From+";opaque=user:epid:bench;gruu>\r\nContent-Type: application/sdp") + s.body(0)
	}
}

func (c Call) route() string {
	if c.Route == "" {
		return ""
	}
	return "Route: " + c.Route + "\r\n"
}

// head is all of a request but the length and the body.
func (c Call) head(method, uri, toTag, more string) string {
	return fmt.Sprintf("%s %s SIP/2.0\r\n"+
		"Via: SIP/2.0/%s %s;branch=z9hG4bK%s\r\n"+
		"Max-Forwards: %d\r\n"+
		"From: <sip:%s>;tag=f%s;epid=0f3c2a91d4\r\n"+
		"To: <sip:%s>%s\r\n"+
		"Call-ID: %s@bench\r\n"+
		"CSeq: 1 %s\r\n"+
		"X-Sequence: %s\r\n"+
		"User-Agent: UCCAPI/16.0.4849.1000 OC/16.0.4849.1000\r\n"+
		"%s\r\n",
		method, uri, c.Protocol, c.Local, placeholder, maxForwards, c.From, placeholder, c.To, toTag, placeholder, method, sequencePlaceholder, more)
}

// body is the end of a request, from Content-Length on. A MESSAGE is filled up to its size, head being the length of what
// comes before.
func (s Scenario) body(head int) string {
	text := s.content(head)
	return fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(text), text)
}

func (s Scenario) content(head int) string {
	switch s {
	case Message:
		const rest = len("Content-Length: 000\r\n\r\n")
		return filled("", "Shall we meet at eleven? ", "", messageSize-head-rest)
	case Notify:
		return filled(`<?xml version="1.0" encoding="UTF-8"?><presence xmlns="urn:ietf:params:xml:ns:pidf" entity="sip:carl@synergy.com">`+
			`<tuple id="t1"><status><basic>open</basic></status><note>`, "in a meeting, ", `</note></tuple></presence>`, messageSize)
	default:
		return "v=0\r\no=- 0 0 IN IP4 192.0.2.40\r\ns=session\r\nc=IN IP4 192.0.2.40\r\nt=0 0\r\nm=message 5060 sip null\r\na=accept-types:text/plain\r\n"
	}
}

// filled is begin, then as much of text as there is room for, then end: size bytes in all.
func filled(begin, text, end string, size int) string {
	room := size - len(begin) - len(end)
	return begin + strings.Repeat(text, room/len(text)+1)[:room] + end
}
