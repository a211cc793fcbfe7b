package sip_test

import (
	"fmt"
	"strings"
	"testing"

	"isthmus/internal/sip"
)

// Each limit at the last accepted and the first refused value.
func TestLimitsAreExact(t *testing.T) {
	const baseHeaders = 7
	baseSection := len(request())
	body := func(n int) string {
		return request(fmt.Sprintf("Content-Length: %d", n)) + strings.Repeat("x", n)
	}
	uri := func(n int) string {
		return request("=MESSAGE sip:" + strings.Repeat("u", n-len("sip:@synergy.com")) + "@synergy.com SIP/2.0")
	}
	lines := func(n int, line string) string { return request(repeated(n, "+"+line)...) }
	section := func(n int) string { // four long lines and one that fits
		fill := n - baseSection - 4*8000 - len("X: \r\n")
		return request(append(repeated(4, "+X: "+strings.Repeat("x", 8000-5)), "+X: "+strings.Repeat("x", fill))...)
	}
	for _, c := range []struct {
		what   string
		limit  int
		make   func(n int) string
		status int
		close  bool
	}{
		{"headers", sip.MaxHeaders, func(n int) string { return lines(n-baseHeaders, "X: y") }, 513, false},
		{"header line", sip.MaxHeaderLine, func(n int) string { return request("+X: " + strings.Repeat("x", n-5)) }, 513, false},
		{"header section", sip.MaxHeaderSection, section, 513, true},
		{"body", sip.MaxBody, body, 513, true},
		{"Via values", sip.MaxVias, func(n int) string { return lines(n-1, "Via: SIP/2.0/TCP h") }, 400, false},
		{"Via values in one line", sip.MaxVias, func(n int) string {
			return request("Via: " + strings.TrimSuffix(strings.Repeat("SIP/2.0/TCP h,", n), ","))
		}, 400, false},
		{"Route values", sip.MaxRoutes, func(n int) string { return lines(n, "Route: <sip:h;lr>") }, 400, false},
		{"Record-Route values", sip.MaxRoutes, func(n int) string { return lines(n, "Record-Route: <sip:h;lr>") }, 400, false},
		{"Request-URI", sip.MaxURI, uri, 414, false},
		{"parameters", sip.MaxParams, func(n int) string {
			return request("To: <sip:bob@synergy.com>" + strings.Repeat(";p", n))
		}, 400, false},
		{"CSeq", sip.MaxCSeq, func(n int) string { return request(fmt.Sprintf("CSeq: %d MESSAGE", n)) }, 400, false},
	} {
		t.Run(c.what, func(t *testing.T) {
			parsed(t, c.make(c.limit-1))
			parsed(t, c.make(c.limit))
			e := refused(t, new(sip.Message), c.make(c.limit+1))
			equal(t, "status", e.Status, c.status)
			equal(t, "close", e.Close, c.close)
		})
	}
}

// A request at the limit comes back in an answer that has what this node put on top of it.
func TestTheAnswerToARequestAtTheLimitIsRead(t *testing.T) {
	answer := func(vias, records int) string {
		head := "SIP/2.0 200 OK\r\n" + strings.Repeat("Via: SIP/2.0/TCP h\r\n", vias) + strings.Repeat("Record-Route: <sip:h;lr>\r\n", records)
		return head + "From: <sip:a@b>;tag=1\r\nTo: <sip:c@d>;tag=2\r\nCall-ID: x\r\nCSeq: 1 SUBSCRIBE\r\nContent-Length: 0\r\n\r\n"
	}
	m := parsed(t, answer(sip.MaxVias+1, sip.MaxRoutes+2))
	equal(t, "Via values", m.ViaCount(), sip.MaxVias+1)
	equal(t, "Record-Route values", m.RecordRouteCount(), sip.MaxRoutes+2)
	refused(t, new(sip.Message), answer(sip.MaxVias+2, 0))
	refused(t, new(sip.Message), answer(1, sip.MaxRoutes+3))
}

func repeated(n int, line string) []string {
	lines := make([]string, n)
	for i := range lines {
		lines[i] = line
	}
	return lines
}

func TestAMessageBeyondALimitCanStillBeAnswered(t *testing.T) {
	m := new(sip.Message)
	refused(t, m, request(repeated(500, "+X: y")...))
	answer := parsed(t, string(m.AppendAnswer(nil, sip.Answer{Status: 513, ToTag: "x"})))
	equal(t, "answer", answer.Status(), 513)
	refused(t, m, request("+X: "+strings.Repeat("y", 40<<10)))
	equal(t, "answerable beyond 32 KiB", m.Answerable(), true)
}
