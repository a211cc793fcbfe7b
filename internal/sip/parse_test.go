package sip_test

import (
	"fmt"
	"strings"
	"testing"

	"isthmus/internal/sip"
)

func TestEverySampleIsReadWithoutComplaint(t *testing.T) {
	for name, raw := range samples(t) {
		m := parsed(t, raw)
		if len(m.From().Tag()) == 0 || len(m.CallID()) == 0 || m.ViaCount() == 0 {
			t.Errorf("%s: From tag %q, Call-ID %q, %d Vias", name, m.From().Tag(), m.CallID(), m.ViaCount())
		}
		equal(t, name+": bytes", string(m.Bytes()), raw)
	}
}

func TestAnInviteOfAPoolIsIndexed(t *testing.T) {
	m := parsed(t, sample(t, "invite-im.sip"))
	number, method := m.CSeq()
	hops, _ := m.MaxForwards()
	got := fmt.Sprintf("%s %s %d %d %s %d %d %d %s", m.Method(), m.RequestURI(), m.ViaCount(), m.RecordRouteCount(), m.CallID(),
		number, hops, m.RouteCount(), method)
	equal(t, "index", got, "INVITE sip:carla@synergy.com 2 1 0b6de4f1a3584e0c9d27 1 69 0 INVITE")
	equal(t, "From display", string(m.From().Display), `"Weiss, Anna"`)
	equal(t, "From tag", string(m.From().Tag()), "c0ffee1234")
	equal(t, "To tag", string(m.To().Tag()), "")
	equal(t, "top Via", string(m.Via(0).Branch), "z9hG4bK7A11C0DE.6D0F41B2A9C35E70")
	equal(t, "client's Via has no branch", m.Via(1).Branch == nil, true)
	rr := m.RecordRoute(0)
	equal(t, "Record-Route outside the brackets", string(rr.Tag()), "5EC0A9D17B4F42D8B2C36F10E7A49D55")
	u, err := sip.ParseURI(rr.URI)
	fe, _ := u.Param("ms-fe")
	equal(t, "Record-Route inside the brackets", string(fe), "lync01.synergy.com")
	equal(t, "Record-Route URI", err, nil)
	if body := string(m.Body()); !strings.HasPrefix(body, "v=0\r\n") || !strings.HasSuffix(body, "+xml\r\n") {
		t.Errorf("body: %q", body)
	}
}

func TestAResponseIsIndexed(t *testing.T) {
	m := parsed(t, sample(t, "180-two-record-routes.sip"))
	got := fmt.Sprintf("%v %d %s %s %d %d", m.IsRequest(), m.Status(), m.Reason(), m.Method(), m.ViaCount(), m.RecordRouteCount())
	equal(t, "index", got, "false 180 Ringing INVITE 2 2")
	equal(t, "second Via of one line", m.Via(1).SentBy(), "203.0.113.9:5060")
	equal(t, "a response has no Request-URI", m.RequestURI() == nil, true)
	equal(t, "a response is not answered", m.Answerable(), false)
}

// What is unusual but legal, or what Microsoft servers and RFC 4475, 5118 want tolerated.
func TestUnusualMessagesAreAccepted(t *testing.T) {
	for _, c := range []struct{ promise, raw string }{
		{"no Content-Length: the body is the rest of the datagram", request("-Content-Length") + "hello"},
		{"equal Content-Length twice", request("+Content-Length: 00")},
		{"octets after the body of a datagram", request() + "trailing"},
		{"empty lines in front", "\r\n\r\n" + request()},
		{"no Max-Forwards", request("-Max-Forwards")},
		{"no branch on top", request("Via: SIP/2.0/TLS 192.0.2.21:5061")},
		{"the bare cookie as branch", request("Via: SIP/2.0/TLS 192.0.2.21:5061;branch=z9hG4bK")},
		{"an unknown transport", request("+Via: SIP/2.0/SCTP h;branch=z9hG4bKa")},
		{"no blank before the bracket", request(`From: "Anna"<sip:anna@synergy.com>;tag=a1;epid=07`)},
		{"an address without brackets", request("To: sip:bob@synergy.com")},
		{"an unquoted name beyond ASCII", request("From: Jürgen <sip:anna@synergy.com>;tag=1")},
		{"a NUL escaped in quotation marks", request("To: \"NUL:\\\x00 DEL:\\\x7f\" <sip:bob@synergy.com>")},
		{"an unknown scheme in To", request("To: isbn:2983792873")},
		{"an unknown scheme in the Request-URI", request("=MESSAGE nobodyKnowsThis:totally,opaque SIP/2.0")},
		{"a scheme with a dot", request("=MESSAGE soap.beep://192.0.2.103:3002 SIP/2.0")},
		{"semicolon and question mark in the user part", request("=MESSAGE sip:user;par=u?x@synergy.com SIP/2.0")},
		{"a method of odd tokens", request("=!odd-Method_*+`.%~' sip:bob@synergy.com SIP/2.0", "CSeq: 1 !odd-Method_*+`.%~'")},
		{"a Call-ID of odd characters", request(`Call-ID: w%ZK-!.*_+'@word` + "`" + `~)(><:\/"][?}{`)},
		{"a Date that is none", request("+Date: Fri, 01 Jan 2010 16:00:00 EST")},
		{"an empty Subject", request("+s :")},
		{"an unknown header of separators", request("+X: ;;,,;;,;")},
		{"Contact *", request("+Contact: *")},
		{"an IPv6 host", request("=MESSAGE sip:[2001:db8::10] SIP/2.0", "Via: SIP/2.0/UDP [2001:db8::9:1];branch=z9hG4bKas3")},
		{"received with brackets", request("Via: SIP/2.0/UDP [2001:db8::9:1];received=[2001:db8::9:255];branch=z9hG4bKas3")},
		{"received without brackets", request("Via: SIP/2.0/UDP [2001:db8::9:1];received=2001:db8::9:255;branch=z9hG4bKas3")},
		{"three colons in an IPv6 address", request("=MESSAGE sip:bob@[2001:db8:::192.0.2.1] SIP/2.0")},
		{"an IPv4 address mapped to IPv6", request("=MESSAGE sip:bob@[::ffff:192.0.2.10] SIP/2.0")},
		{"a response without a phrase", response("=SIP/2.0 100 ")},
		{"a response without the blank before the phrase", response("=SIP/2.0 100")},
		{"a phrase beyond ASCII", response("=SIP/2.0 200 = 2**3 * 5**2 но сто девяносто девять")},
		{"a body of NUL, CR and LF", request("Content-Length: 5") + "\x00\r\n\n\r"},
	} {
		t.Run(c.promise, func(t *testing.T) { parsed(t, c.raw) })
	}
}

func TestFoldsBlanksCompactFormsAndOddCaseAreUnderstood(t *testing.T) {
	m := parsed(t, crlf(`INVITE sip:vera@synergy.com;unknownparam SIP/2.0
TO :
 sip:vera@synergy.com ;   tag    = 1918n
f   : "V \\\""       <sip:anna@synergy.com>
  ;
  tag = 98asjd8
MaX-fOrWaRdS: 0068
i: fold.1@192.0.2.1
cseq: 0009
  INVITE
Via  : SIP  /   2.0
 /UDP
    192.0.2.2;branch=390skdjuw
NewFangled:   value
 continued
Route:
 <sip:services.synergy.com;lr;unknown-no-value>, "Second, hop" <sip:two.synergy.com;lr>
v:  SIP  / 2.0  / TCP     spindle.synergy.com   ;
  branch  =   z9hG4bK9ikj8  ,
 SIP  /    2.0   / UDP  192.0.2.255   ; branch=
 z9hG4bK30239
m:"Quoted \"\"" <sip:anna@synergy.com> ; newparam =
      newvalue ; q = 0.33
Content-Length   : 4

body`))
	number, method := m.CSeq()
	hops, _ := m.MaxForwards()
	got := fmt.Sprintf("%s %s %s %d %s %d %d", m.To().URI, m.To().Tag(), m.From().Tag(), number, method, hops, m.ViaCount())
	equal(t, "index", got, "sip:vera@synergy.com 1918n 98asjd8 9 INVITE 68 3")
	equal(t, "folded Via", string(m.Via(0).Branch)+" "+m.Via(0).SentBy(), "390skdjuw 192.0.2.2:5060")
	equal(t, "second", string(m.Via(1).Branch)+" "+m.Via(1).SentBy(), "z9hG4bK9ikj8 spindle.synergy.com:5060")
	equal(t, "third", string(m.Via(2).Branch)+" "+m.Via(2).SentBy(), "z9hG4bK30239 192.0.2.255:5060")
	equal(t, "routes", string(m.Route(0).URI)+" "+string(m.Route(1).URI), "sip:services.synergy.com;lr;unknown-no-value sip:two.synergy.com;lr")
	equal(t, "body", string(m.Body()), "body")
}

func TestHeadersAreFoundByLongAndCompactName(t *testing.T) {
	m := parsed(t, request("+Supported: timer, \"a,b\"", "+K: ,eventlist", "+SUBJECT: hi"))
	var lines, options []string
	for v := range m.Header("Supported") {
		lines = append(lines, string(v))
	}
	for v := range m.List("k") {
		options = append(options, string(v))
	}
	equal(t, "lines", strings.Join(lines, "|"), `timer, "a,b"|,eventlist`)
	equal(t, "elements", strings.Join(options, "|"), `timer|"a,b"|eventlist`)
	subject, ok := m.HeaderValue("s")
	equal(t, "Subject", string(subject), "hi")
	equal(t, "Subject found", ok, true)
	_, ok = m.HeaderValue("Expires")
	equal(t, "no Expires", ok, false)
}

func TestWhatCanBeAnsweredIsKnown(t *testing.T) {
	for _, c := range []struct {
		promise, raw string
		answerable   bool
	}{
		{"without To", request("-To"), true},
		{"without CSeq", request("-CSeq"), true},
		{"without Via", request("-Via"), false},
		{"without Call-ID", request("-Call-ID"), false},
		{"of another version", request("=MESSAGE sip:bob@synergy.com SIP/3.0"), true},
		{"with a Via line that is not clean", request("Via: SIP/2.0/TCP h\n;branch=z9hG4bKa"), false},
		{"a response", response("-To"), false},
	} {
		m := new(sip.Message)
		refused(t, m, c.raw)
		equal(t, c.promise, m.Answerable(), c.answerable)
	}
}

func TestACloneOutlivesTheReadBuffer(t *testing.T) {
	buf := []byte(sample(t, "message-im.sip"))
	m := new(sip.Message)
	if err := m.Parse(buf); err != nil {
		t.Fatal(err)
	}
	c := m.Clone()
	clear(buf)
	got := fmt.Sprintf("%s %s %s %s %s", c.Method(), c.Via(0).Branch, c.From().Tag(), c.To().Tag(), c.CallID())
	equal(t, "clone", got, "MESSAGE z9hG4bK7A11C0DE.7D0F41B2A9C35E70 c0ffee1234 imp77 0b6de4f1a3584e0c9d27")
	equal(t, "bytes", string(c.Bytes()), sample(t, "message-im.sip"))
}

func TestAMessageIsReusedWithoutTraces(t *testing.T) {
	m := parsed(t, sample(t, "invite-im.sip"))
	if err := m.Parse([]byte(response())); err != nil {
		t.Fatal(err)
	}
	_, hops := m.MaxForwards()
	got := fmt.Sprintf("%v %d %d %v %q", m.IsRequest(), m.RecordRouteCount(), len(m.Body()), hops, m.RequestURI())
	equal(t, "second message", got, `false 0 0 false ""`)
}
