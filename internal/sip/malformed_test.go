package sip_test

import (
	"strings"
	"testing"

	"isthmus/internal/sip"
)

// malformed are the reader's refusals, most of them verdicts of RFC 4475. close: framing is lost, the connection cannot
// go on.
var malformed = []struct {
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
	{"a continuation before any header", request("=MESSAGE sip:b@c SIP/2.0\r\n X: y"), 400, false},
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

	{"a tag that is no token", request(`From: <sip:a@b>;tag=a\b`), 400, false},
	{"a tag in quotation marks", request(`To: <sip:a@b>;tag="q"`), 400, false},
	{"a parameter of From that needs quotation marks", request("From: <sip:a@b>;tag=1;epid=a=b"), 400, false},
	{"a parameter of To with a backslash", request(`To: <sip:a@b>;x=a\b`), 400, false},
	{"a backslash in an address", request(`To: <sip:a\b@c>`), 400, false},
	{"a backslash in the Request-URI", request(`=MESSAGE sip:a\b@c SIP/2.0`), 400, false},

	{"another method in CSeq", request("CSeq: 1 INVITE"), 400, false},
	{"a method in another case", request("CSeq: 1 message"), 400, false},
	{"CSeq at 2^31", request("CSeq: 2147483648 MESSAGE"), 400, false},
	{"CSeq beyond 64 bits", request("CSeq: 36893488147419103232 MESSAGE"), 400, false},
	{"CSeq without a method", request("CSeq: 1"), 400, false},
	{"Max-Forwards 256", request("Max-Forwards: 256"), 400, false},
	{"a negative Max-Breadth", request("+Max-Breadth: -1"), 400, false},
	{"two Max-Breadth", request("+Max-Breadth: 1", "+Max-Breadth: 1"), 400, false},
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
}

func TestMalformedMessagesAreRefused(t *testing.T) {
	for _, c := range malformed {
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
