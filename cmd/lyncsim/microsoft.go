package main

import (
	"fmt"
	"net"
	"strings"

	"isthmus/internal/sip"
	"isthmus/internal/siptest"
)

// microsoft writes as a front end of a pool does: a client's message that the front end passes on, with parameters inside
// and outside of brackets, a client's Via without a branch, an epid, and a Contact that names no host and so is reached by
// the Record-Route alone.
type microsoft struct {
	frontEnd siptest.FrontEnd
}

const serverName = "RTC/6.0"

func newMicrosoft(name, pool string) microsoft {
	return microsoft{siptest.FrontEnd{FQDN: name, Pool: pool, Client: "192.168.40.17:52344"}}
}

func (d microsoft) dress(r siptest.Request) siptest.Request {
	from := addressOfValue(r.From)
	switch to := addressOfValue(r.To); {
	case strings.Contains(r.To, ";tag="):
	case r.Method == "INVITE":
		r.Lines = append(r.Lines, invitation(from, to)...)
	case r.Method == "SUBSCRIBE":
		r.Lines = append(r.Lines,
			"Supported: com.microsoft.autoextend", "Supported: ms-piggyback-first-notify",
			"ACCEPT: application/msrtc-event-categories+xml, application/xpidf+xml, text/xml+msrtc.pidf, application/rlmi+xml, multipart/related")
	}
	r = d.frontEnd.Dress(r)
	r.Branch = microsoftBranch()
	if !strings.HasPrefix(r.From, `"`) { // a dialog's later requests have it
		r.From = fmt.Sprintf("%q%s", displayName(from), r.From)
	}
	return r
}

// microsoftBranch has the dot that these servers put between the two halves.
func microsoftBranch() string { return "z9hG4bK" + digits(8) + "." + digits(16) }

// invitation is what a client adds to the first INVITE of a conversation.
func invitation(from, to string) []string {
	return []string{
		fmt.Sprintf("P-Asserted-Identity: %q<sip:%s>,<tel:+14085550117>", displayName(from), from),
		"Supported: timer", "Supported: histinfo", "Supported: ms-sender", "Supported: ms-early-media",
		"ALLOW: INVITE, BYE, ACK, CANCEL, INFO, MESSAGE, UPDATE, REFER, NOTIFY, BENOTIFY",
		"Roster-Manager: sip:" + from, fmt.Sprintf("EndPoints: %q <sip:%s>, <sip:%s>", displayName(from), from, to),
		"Ms-Conversation-ID: Ad" + digits(22), "ms-subnet: 192.168.40.0", "history-info: <sip:" + to + ">;index=1",
		"Session-Expires: 720", "Min-SE: 90",
	}
}

// answer adds what a server writes into the Via it got, which has to come back to its sender untouched.
func (d microsoft) answer(l *link, request *sip.Message, a answer) string {
	if a.status == 101 {
		a.lines = append(a.lines, fmt.Sprintf(`ms-diagnostics: 13004;reason="Request was proxied to one or more registered endpoints";source=%q;Count="1";appName="InboundRouting"`, d.frontEnd.FQDN))
	}
	_, port, _ := net.SplitHostPort(l.RemoteAddr().String()) // a connection's address always has a port
	raw := siptest.ResponseWithBody(request, a.status, a.contentType, a.body, append(a.lines, "Server: "+serverName)...)
	via := string(request.Via(0).Raw)
	raw = strings.Replace(raw, via, via+";ms-received-port="+port+";ms-received-cid="+digits(6), 1)
	if a.status > 100 && a.status < 300 && request.RecordRouteCount() > 0 && request.To().Tag() == nil {
		raw = strings.Replace(raw, "\r\n", "\r\nRecord-Route: "+d.frontEnd.RecordRoute()+"\r\n", 1)
	}
	return strings.Replace(raw, "101 Progress\r\n", "101 Progress Report\r\n", 1)
}

// owns: the front end stands in the route of its client's dialogs by its own name or the pool's.
func (d microsoft) owns(route string) bool {
	n, err := sip.ParseNameAddr([]byte(route))
	if err != nil {
		return false
	}
	u, err := sip.ParseURI(n.URI)
	return err == nil && (u.HostString() == d.frontEnd.FQDN || u.HostString() == d.frontEnd.Pool)
}

// progress: the server says 100 and 101, the client that it forked to says 180.
func (microsoft) progress() []int { return []int{100, 101, 180} }

func (microsoft) contact(address string) string {
	return "<sip:" + address + ";opaque=user:epid:mPq3XvZ8cUeH1tYwRkUqAA;gruu>"
}

// presence writes the draft form that these servers send to other systems, which is older than RFC 4480.
func (microsoft) presence(address string) string {
	return fmt.Sprintf(`<?xml version="1.0" encoding="utf-8"?>`+"\r\n"+
		`<presence xmlns="urn:ietf:params:xml:ns:pidf" xmlns:ep="urn:ietf:params:xml:ns:pidf:status:rpid-status" xmlns:ci="urn:ietf:params:xml:ns:pidf:cipid" entity="sip:%s">`+
		`<tuple id="0"><status><basic>open</basic><ep:activities><ep:activity>away</ep:activity></ep:activities></status></tuple>`+
		`<ci:display-name>%s</ci:display-name></presence>`, address, displayName(address))
}

func (d microsoft) passes(l *link) sip.Forward {
	return sip.Forward{
		Via:          fmt.Appendf(nil, `SIP/2.0/TLS %s;branch=%s;branched=FALSE;ms-internal-info="%s"`, l.LocalAddr(), microsoftBranch(), digits(22)),
		RecordRoutes: [][]byte{[]byte(d.frontEnd.RecordRoute())},
	}
}
