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

// The reader's refusals. close: framing is lost, the connection cannot go on.
func TestMalformedMessagesAreRefused(t *testing.T) {
	for _, c := range []struct {
		promise string
		raw     string
		status  int
		close   bool
	}{
		{"a request without To", request("-To"), 400, false},
		{"a Content-Length of 4 GiB", request("Content-Length: 4294967296"), 513, true},
		{"an empty parameter name in From", request("From: <sip:anna@synergy.com>;=x"), 400, false},
		{"an empty parameter name in Via", request("Via: SIP/2.0/TCP h;branch=z9hG4bKa;=;x"), 400, false},
		{"an empty parameter name in the Request-URI", request("=MESSAGE sip:bob@synergy.com;= SIP/2.0"), 400, false},
		{"the Request-URI sip", request("=MESSAGE sip SIP/2.0"), 400, false},
		{"the Request-URI sip:", request("=MESSAGE sip: SIP/2.0"), 400, false},
		{"the From URI sip", request("From: <sip>;tag=1"), 400, false},

		{"no Via", request("-Via"), 400, false},
		{"no From", request("-From"), 400, false},
		{"no Call-ID", request("-Call-ID"), 400, false},
		{"no CSeq", request("-CSeq"), 400, false},
		{"two To", request("+To: <sip:eve@synergy.com>;tag=9"), 400, false},
		{"To twice, once compact", request("+t: <sip:eve@synergy.com>;tag=9"), 400, false},
		{"two From", request("+From: <sip:eve@synergy.com>;tag=9"), 400, false},
		{"two Call-ID", request("+i: other"), 400, false},
		{"two CSeq", request("+CSEQ: 2 MESSAGE"), 400, false},
		{"two Max-Forwards", request("+Max-Forwards: 1"), 400, false},
		{"two Content-Type", request("+Content-Type: a/b", "+c: a/b"), 400, false},
		{"two tags", request("To: <sip:bob@synergy.com>;tag=1;TAG=2"), 400, false},
		{"an empty tag", request("To: <sip:bob@synergy.com>;tag="), 400, false},
		{"two branches", request("Via: SIP/2.0/TCP h;branch=z9hG4bKa;branch=z9hG4bKb"), 400, false},

		{"two Content-Length that differ", request("+Content-Length: 5"), 400, true},
		{"Content-Length that differs in compact form", request("+l: 5"), 400, true},
		{"a negative Content-Length", request("Content-Length: -999"), 400, true},
		{"a signed Content-Length", request("Content-Length: +0"), 400, true},
		{"a hexadecimal Content-Length", request("Content-Length: 0x0"), 400, true},
		{"an empty Content-Length", request("Content-Length:"), 400, true},
		{"a Content-Length in a list", request("Content-Length: 0, 0"), 400, true},
		{"a Content-Length beyond 64 bits", request("Content-Length: 18446744073709551648"), 400, true},
		{"ten thousand leading zeros", request("Content-Length: " + strings.Repeat("0", 8000)), 400, true},
		{"a body shorter than its Content-Length", request("Content-Length: 5"), 400, true},

		{"a control character in a header name", request("+To\x01: <sip:eve@synergy.com>"), 400, false},
		{"a blank within a header name", request("+X y: z"), 400, false},
		{"an empty header name", request("+: z"), 400, false},
		{"a line without a colon", request("+Nonsense"), 400, false},
		{"a bare LF in a value", request("+X: a\nTo: <sip:eve@synergy.com>"), 400, true},
		{"a bare CR in a value", request("+X: a\rTo: <sip:eve@synergy.com>"), 400, true},
		{"LF CR between lines", request("+X: a\n\rY: b"), 400, true},
		{"a NUL in a value", request("+X: a\x00b"), 400, false},
		{"a NUL in quotation marks that nothing escapes", request("+X: \"a\x00b\""), 400, false},
		{"a NUL in the first line", request("=MESSAGE sip:b\x00b@synergy.com SIP/2.0"), 400, false},
		{"lines that end in LF only", strings.ReplaceAll(request(), "\r\n", "\n"), 400, true},
		{"a header section that does not end", strings.TrimSuffix(request(), "\r\n"), 400, true},
		{"a continuation of the first line", request("= MESSAGE sip:bob@synergy.com SIP/2.0"), 400, false},
		{"a continuation before any header", request("Via:  x", "=MESSAGE sip:b@c SIP/2.0\r\n Via: y"), 400, false},
		{"a continuation of blanks only", request("+X: a\r\n \t"), 400, false},
		{"nothing", "", 0, true},
		{"empty lines only", "\r\n\r\n\r\n", 0, true},

		{"a name that needs quotation marks", request("From: Bell, Anna <sip:anna@synergy.com>;tag=1"), 400, false},
		{"an open quotation mark", request(`To: "Bob <sip:bob@synergy.com>`), 400, false},
		{"an open bracket", request("To: <sip:bob@synergy.com"), 400, false},
		{"blanks in an address", request(`To: "Bob" < sip:bob@synergy.com >`), 400, false},
		{"a question mark without brackets", request("+Contact: sip:anna@synergy.com?Route=%3Csip:x%3E"), 400, false},
		{"parameters without names in Contact", request("+m: <sip:anna@synergy.com>;;;"), 400, false},
		{"empty Via values", request("Via: SIP/2.0/TCP 192.0.2.15;;,;,,"), 400, false},
		{"a Via of another protocol", request("Via: HTTP/1.1/TCP h;branch=z9hG4bKa"), 400, false},
		{"a Via without host", request("Via: SIP/2.0/TCP ;branch=z9hG4bKa"), 400, false},
		{"an IPv6 address in Via without brackets", request("Via: SIP/2.0/TCP 2001:db8::1;branch=z9hG4bKa"), 400, false},
		{"a port beyond 65535", request("Via: SIP/2.0/TCP h:65536;branch=z9hG4bKa"), 400, false},
		{"a Route without brackets", request("+Route: sip:imp1.synergy.com;lr"), 400, false},
		{"an empty Route", request("+Route:"), 400, false},
		{"a Route that ends in a comma", request("+Route: <sip:imp1.synergy.com;lr>,"), 400, false},
		{"a blank in Call-ID", request("Call-ID: a b"), 400, false},
		{"an empty Call-ID", request("Call-ID:"), 400, false},

		{"another method in CSeq", request("CSeq: 1 INVITE"), 400, false},
		{"a method in another case", request("CSeq: 1 message"), 400, false},
		{"CSeq at 2^31", request("CSeq: 2147483648 MESSAGE"), 400, false},
		{"CSeq beyond 64 bits", request("CSeq: 36893488147419103232 MESSAGE"), 400, false},
		{"CSeq without a method", request("CSeq: 1"), 400, false},
		{"Max-Forwards 256", request("Max-Forwards: 256"), 400, false},
		{"a negative Max-Forwards", request("Max-Forwards: -1"), 400, false},
		{"an empty Max-Forwards", request("Max-Forwards:"), 400, false},

		{"SIP 7.0", request("=MESSAGE sip:bob@synergy.com SIP/7.0"), 505, false},
		{"another protocol", request("=GET / HTTP/1.1"), 400, false},
		{"no version", request("=MESSAGE sip:bob@synergy.com"), 400, false},
		{"a Request-URI in brackets", request("=MESSAGE <sip:bob@synergy.com> SIP/2.0"), 400, false},
		{"a blank in the Request-URI", request("=MESSAGE sip:bob@synergy.com; lr SIP/2.0"), 400, false},
		{"two blanks in the request line", request("=MESSAGE  sip:bob@synergy.com  SIP/2.0"), 400, false},
		{"a blank after the version", request("=MESSAGE sip:bob@synergy.com SIP/2.0 "), 400, false},
		{"headers in the Request-URI", request("=MESSAGE sip:bob@synergy.com?Route=%3Csip:x%3E SIP/2.0"), 400, false},
		{"a method that is no token", request("=MESS<GE sip:bob@synergy.com SIP/2.0", "CSeq: 1 MESS<GE"), 400, false},
		{"an IPv6 address in the Request-URI without brackets", request("=MESSAGE sip:2001:db8::10 SIP/2.0"), 400, false},

		{"a response with a status beyond 699", response("=SIP/2.0 4294967301 better not"), 0, false},
		{"a response with status 099", response("=SIP/2.0 099 x"), 0, false},
		{"a response with CSeq out of range", response("CSeq: 9292394834772304023312 OPTIONS"), 0, false},
		{"a response without Via", response("-Via", "-Via"), 0, false},
	} {
		t.Run(c.promise, func(t *testing.T) {
			m := new(sip.Message)
			e := refused(t, m, c.raw)
			equal(t, "status: "+e.Reason, e.Status, c.status)
			equal(t, "close", e.Close, c.close)
			if !strings.HasSuffix(e.Reason, ".") {
				t.Errorf("the reason is no sentence: %s", e.Reason)
			}
		})
	}
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
