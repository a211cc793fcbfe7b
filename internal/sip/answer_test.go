package sip_test

import (
	"fmt"
	"strings"
	"testing"

	"isthmus/internal/sip"
)

func TestAnAnswerRepeatsWhatItMust(t *testing.T) {
	m := parsed(t, sample(t, "subscribe-presence.sip"))
	got := m.AppendAnswer(nil, sip.Answer{Status: 403, ToTag: "imp5", Headers: []string{`Warning: 399 imp1.synergy.com "no"`}})
	equal(t, "answer", string(got), crlf(`SIP/2.0 403 Forbidden
Via: SIP/2.0/TLS 192.0.2.21:49822;branch=z9hG4bK7A11C0DE.AD0F41B2A9C35E70;branched=FALSE;ms-internal-info="dcQ1xPLm/9+Za0=="
Via: SIP/2.0/TLS 198.51.100.40:52011;ms-received-port=52011;ms-received-cid=33E00
From: "Weiss, Anna"<sip:anna@synergy.com>;tag=9d1b22e0c7;epid=77d1e2a9b0
To: <sip:carla@synergy.com>;tag=imp5
Call-ID: 2d80a6b3c57a
CSeq: 1 SUBSCRIBE
Warning: 399 imp1.synergy.com "no"
Content-Length: 0

`))
}

func TestTheToTagOfAnAnswer(t *testing.T) {
	for _, c := range []struct {
		promise, to string
		status      int
		want        string
	}{
		{"is added", "<sip:bob@synergy.com>", 404, "<sip:bob@synergy.com>;tag=x"},
		{"is added to an address without brackets", "sip:bob@synergy.com;user=phone", 404, "sip:bob@synergy.com;user=phone;tag=x"},
		{"is not added twice", "<sip:bob@synergy.com>;tag=b", 404, "<sip:bob@synergy.com>;tag=b"},
		{"is not added to a 100", "<sip:bob@synergy.com>", 100, "<sip:bob@synergy.com>"},
	} {
		t.Run(c.promise, func(t *testing.T) {
			got := string(parsed(t, request("To: "+c.to)).AppendAnswer(nil, sip.Answer{Status: c.status, ToTag: "x"}))
			if !strings.Contains(got, "\r\nTo: "+c.want+"\r\n") {
				t.Errorf("answer:\n%s", got)
			}
		})
	}
}

func TestA100RepeatsTheTimestamp(t *testing.T) {
	m := parsed(t, request("+Timestamp: 54"))
	for status, want := range map[int]bool{100: true, 200: false} {
		got := string(m.AppendAnswer(nil, sip.Answer{Status: status}))
		equal(t, "Timestamp", strings.Contains(got, "\r\nTimestamp: 54\r\n"), want)
	}
}

func TestBrokenRequestsAreAnsweredWithWhatTheyHave(t *testing.T) {
	for _, c := range []struct{ promise, raw, contains, lacks string }{
		{"without To", request("-To"), "\r\nCall-ID: c1@192.0.2.21\r\nCSeq: 1 MESSAGE\r\n", "To:"},
		{"with two To", request("+To: <sip:eve@synergy.com>"), "To: <sip:bob@synergy.com>;tag=x\r\n", "eve"},
		{"with a broken To", request(`To: "Bob <sip:bob@synergy.com>`), "To: \"Bob <sip:bob@synergy.com>\r\n", "tag=x"},
		{"with blanks before a colon", request("-To", "+To : <sip:bob@synergy.com>", "-Max-Forwards", "+Max-Forwards: x"), "To: <sip:bob@synergy.com>;tag=x\r\n", " :"},
		{"with a line that is not clean", request("+From\n: x"), "CSeq: 1 MESSAGE\r\n", "\n:"},
		{"with a broken Content-Length", request("Content-Length: -1"), "\r\nContent-Length: 0\r\n", "-1"},
	} {
		t.Run(c.promise, func(t *testing.T) {
			m := new(sip.Message)
			refused(t, m, c.raw)
			got := string(m.AppendAnswer(nil, sip.Answer{Status: 400, ToTag: "x"}))
			if !strings.HasPrefix(got, "SIP/2.0 400 Bad Request\r\n") || !strings.Contains(got, c.contains) || strings.Contains(got, c.lacks) {
				t.Errorf("answer:\n%s", got)
			}
		})
	}
}

func TestTextInAnAnswerCannotBeginAHeader(t *testing.T) {
	a := sip.Answer{Status: 403, Reason: "No\r\nEvil: 1", Headers: []string{"Warning: 399 h \"x\r\n\r\nEvil: 2\""}}
	answer := parsed(t, string(parsed(t, request()).AppendAnswer(nil, a)))
	_, ok := answer.HeaderValue("Evil")
	equal(t, "smuggled", ok, false)
	equal(t, "reason", string(answer.Reason()), "No  Evil: 1")
}

func TestEveryStatusHasAPhrase(t *testing.T) {
	for status := 100; status < 700; status++ {
		if sip.ReasonPhrase(status) == "" {
			t.Errorf("no phrase for %d", status)
		}
	}
	equal(t, "504", sip.ReasonPhrase(504), "Server Time-out")
}

const inviteSent = `INVITE sip:bob@synergy.com SIP/2.0
Via: SIP/2.0/TLS imp1.synergy.com:5061;branch=z9hG4bKown
Via: SIP/2.0/TCP 192.0.2.21:5060;branch=z9hG4bKabc
Route : <sip:a.synergy.com;lr>,
 <sip:b.synergy.com;lr>
Max-Forwards: 69
f: "Anna" <sip:anna@synergy.com>;tag=a1
To: <sip:bob@synergy.com>
Call-ID: c1@192.0.2.21
CSeq: 7 INVITE
Content-Length: 0

`

func TestTheACKOfARefusedInviteEndsAtTheNextHop(t *testing.T) {
	m := parsed(t, crlf(inviteSent))
	r := parsed(t, response("=SIP/2.0 486 Busy Here", "To: <sip:bob@synergy.com>;tag=b9", "CSeq: 7 INVITE"))
	equal(t, "ACK", string(m.AppendACK(nil, r)), crlf(`ACK sip:bob@synergy.com SIP/2.0
Via: SIP/2.0/TLS imp1.synergy.com:5061;branch=z9hG4bKown
Route: <sip:a.synergy.com;lr>,
 <sip:b.synergy.com;lr>
Max-Forwards: 70
From: "Anna" <sip:anna@synergy.com>;tag=a1
Call-ID: c1@192.0.2.21
CSeq: 7 ACK
To: <sip:bob@synergy.com>;tag=b9
Content-Length: 0

`))
}

func TestTheCancelOfAForwardedInviteIsThatOfWhatWasSent(t *testing.T) {
	uri, route := []byte("sip:bob@imp2.synergy.com"), []byte("<sip:c.synergy.com>")
	without := strings.Replace(inviteSent, "Route : <sip:a.synergy.com;lr>,\n <sip:b.synergy.com;lr>\n", "", 1)
	if without == inviteSent {
		t.Fatal("the INVITE has no Route to take out")
	}
	for _, raw := range []string{inviteSent, without, strings.Replace(inviteSent, "CSeq: 7", "CSeq : 007", 1)} {
		m := parsed(t, crlf(raw))
		for _, f := range []sip.Forward{
			{},
			{RequestURI: uri},
			{DropRoutes: 1, RecordRoutes: recordRoutes},
			{DropRoutes: 2},
			{RequestURI: uri, LastRoute: route},
			{RequestURI: uri, DropRoutes: 1, DropLast: m.RouteCount() > 0, LastRoute: route},
		} {
			f.Via, f.MaxForwards = ours, 5
			sent := parsed(t, string(m.AppendForward(nil, f)))
			equal(t, fmt.Sprintf("%+v", f), string(m.AppendForwardCancel(nil, f)), string(sent.AppendCancel(nil)))
		}
	}
}

func TestACancelFollowsItsInvite(t *testing.T) {
	equal(t, "CANCEL", string(parsed(t, crlf(inviteSent)).AppendCancel(nil)), crlf(`CANCEL sip:bob@synergy.com SIP/2.0
Via: SIP/2.0/TLS imp1.synergy.com:5061;branch=z9hG4bKown
Route: <sip:a.synergy.com;lr>,
 <sip:b.synergy.com;lr>
Max-Forwards: 70
From: "Anna" <sip:anna@synergy.com>;tag=a1
Call-ID: c1@192.0.2.21
CSeq: 7 CANCEL
To: <sip:bob@synergy.com>
Content-Length: 0

`))
}
