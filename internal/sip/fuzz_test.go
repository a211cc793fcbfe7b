package sip_test

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"testing"

	"isthmus/internal/sip"
)

// FuzzMessage holds what a proxy relies on: whatever was accepted is read the same again after it was forwarded, and
// whatever can be answered gets an answer that a strict reader accepts.
func FuzzMessage(f *testing.F) {
	for _, raw := range samples(f) {
		f.Add([]byte(raw))
	}
	for _, raw := range tortured(f) {
		f.Add(raw)
	}
	for _, edit := range []string{"-To", "Content-Length: 4294967296", "From: <sip:a@b>;=", "=MESSAGE sip SIP/2.0", "+X : a\r\n b",
		"+Route: <sip:a;lr>,<sip:b;lr>", "To: \"\\\x00\" <sip:a@b>", "+t: <sip:a@b>", "Via: SIP/2.0/TCP h;rport,SIP/2.0/TCP i"} {
		f.Add([]byte(request(edit)))
	}
	f.Add([]byte(response("+Record-Route: <sip:a;lr>;x=\"<,>\"")))
	addCorpus(f)
	f.Fuzz(func(t *testing.T, raw []byte) {
		m := new(sip.Message)
		err := m.Parse(raw)
		if m.Answerable() {
			checkAnswer(t, m, err)
		}
		if err == nil && len(raw) < 8<<10 && m.ViaCount() < 60 && m.RouteCount()+m.RecordRouteCount() < 15 {
			checkPassing(t, m)
		}
	})
}

func checkAnswer(t *testing.T, m *sip.Message, err error) {
	answer := m.AppendAnswer(nil, sip.Answer{Status: 400, ToTag: "x", Received: netip.MustParseAddr("192.0.2.99"), RPort: 5})
	if err == nil {
		parsed(t, string(answer))
		return
	}
	var refusal *sip.Error
	if !errors.As(err, &refusal) || refusal.Status < 400 {
		t.Errorf("refused with %#v", err)
	}
	if bytes.Count(answer, []byte("\n")) != bytes.Count(answer, []byte("\r\n")) {
		t.Errorf("a bare LF went into the answer:\n%q", answer)
	}
}

func checkPassing(t *testing.T, m *sip.Message) {
	vias := 1
	if !m.IsRequest() {
		vias = -1
	}
	if m.ViaCount()+vias == 0 {
		return
	}
	n := new(sip.Message)
	passed := pass(nil, m)
	if err := n.Parse(passed); err != nil {
		if strings.Contains(err.Error(), "100 headers") || strings.Contains(err.Error(), "8 KiB") {
			return
		}
		t.Fatalf("what was passed on is refused: %v\n%q\n%q", err, m.Bytes(), passed)
	}
	equal(t, "essence", essence(n), essence(m))
	equal(t, "Vias", n.ViaCount(), m.ViaCount()+vias)
	var framer sip.Framer
	_, length, err := framer.Next(passed)
	if err != nil || length != len(passed) {
		t.Errorf("framed %d of %d: %v\n%q", length, len(passed), err, passed)
	}
}

// essence is what the next hop must see as we do.
func essence(m *sip.Message) string {
	number, method := m.CSeq()
	s := fmt.Sprintf("%s %q %d %q %q %q %d %s %q", m.Method(), m.RequestURI(), m.Status(), m.From().Raw, m.To().Raw, m.CallID(), number, method, m.Body())
	for i := range m.RouteCount() {
		s += fmt.Sprintf(" %q", m.Route(i).Raw)
	}
	for v := range m.Header("P-Asserted-Identity") {
		s += fmt.Sprintf(" %q", v)
	}
	return s
}

func FuzzStream(f *testing.F) {
	f.Add([]byte(request()+"\r\n\r\n"+request("+l: 3", "-Content-Length")+"abc"), 7)
	f.Add([]byte(request("Content-Length:\r\n 5")+"hello"), 100)
	f.Add([]byte(request("-Content-Length")), 3)
	f.Add([]byte(request("+Content-Length: 1")), 1)
	addCorpus(f)
	f.Fuzz(func(t *testing.T, stream []byte, size int) {
		whole := frames(string(stream), len(stream))
		equal(t, "bytewise", strings.Join(frames(string(stream), 1), "¶"), strings.Join(whole, "¶"))
		equal(t, "in pieces", strings.Join(frames(string(stream), size), "¶"), strings.Join(whole, "¶"))
		checkFramed(t, stream)
		for _, raw := range whole {
			if m := new(sip.Message); m.Parse([]byte(raw)) == nil {
				equal(t, "reader and framer agree on the end", string(m.Bytes()), raw)
			}
		}
	})
}

func FuzzURI(f *testing.F) {
	for _, s := range []string{"sip", "sip:anna@synergy.com", "sips:a:b@h:5061;lr?x=y", "sip:[::1]:5", "tel:+1", "sip:a;b?c@h;=", "sip:%41%zz@h"} {
		f.Add([]byte(s))
	}
	addCorpus(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		u, err := sip.ParseURI(b)
		if err != nil {
			return
		}
		again, err := sip.ParseURI([]byte(printURI(u)))
		if err != nil {
			t.Fatalf("%q became %q: %v", b, printURI(u), err)
		}
		equal(t, "parts", fmt.Sprint(again), fmt.Sprint(u))
		equal(t, "address", again.Address(), u.Address())
	})
}

func printURI(u sip.URI) string {
	if u.Opaque != nil {
		return fmt.Sprintf("%s:%s", u.Scheme, u.Opaque)
	}
	s := string(u.Scheme) + ":"
	if u.HasUser {
		s += string(u.User) + "@"
	}
	s += bracketed(u.Host)
	if u.Port > 0 {
		s += ":" + strconv.Itoa(u.Port)
	}
	s += string(u.Params)
	if len(u.Headers) > 0 {
		s += "?" + string(u.Headers)
	}
	return s
}

func bracketed(host []byte) string {
	if bytes.IndexByte(host, ':') < 0 {
		return string(host)
	}
	return "[" + string(host) + "]"
}

func FuzzNameAddr(f *testing.F) {
	for _, s := range []string{`"a"<sip:b@c>;tag=d`, "sip:a@b;tag=c", "<sip:a>;=", "a b <sip:c>", `"\"" <sip:a>;b="c"`, "<>"} {
		f.Add([]byte(s))
	}
	addCorpus(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		n, err := sip.ParseNameAddr(b)
		if err != nil {
			return
		}
		printed := fmt.Sprintf("%s <%s>%s", n.Display, n.URI, n.Params)
		again, err := sip.ParseNameAddr([]byte(printed))
		if err != nil {
			t.Fatalf("%q became %q: %v", b, printed, err)
		}
		n.Raw, again.Raw = nil, nil
		equal(t, "parts", fmt.Sprintf("%q", again), fmt.Sprintf("%q", n))
		equal(t, "tag", string(again.Tag()), string(n.Tag()))
	})
}

func FuzzVia(f *testing.F) {
	for _, s := range []string{"SIP/2.0/TLS h:5061;branch=z9hG4bKa;rport", "SIP / 2.0 /UDP [::1] ; received = 1", "SIP/2.0/TCP h;=", `sip/2.0/tcp h;x="a,b"`} {
		f.Add([]byte(s))
	}
	addCorpus(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		m := new(sip.Message)
		if m.Parse([]byte(request("Via: "+string(b)))) != nil || m.ViaCount() != 1 {
			return
		}
		v := m.Via(0)
		again := parsed(t, request("Via: "+printVia(v))).Via(0)
		v.Raw, again.Raw = nil, nil
		equal(t, "parts", fmt.Sprint(again), fmt.Sprint(v))
		equal(t, "sent-by", again.SentBy(), v.SentBy())
	})
}

func printVia(v sip.Via) string {
	s := fmt.Sprintf("SIP/2.0/%s %s", v.Transport, bracketed(v.Host))
	if v.Port > 0 {
		s += ":" + strconv.Itoa(v.Port)
	}
	if len(v.Branch) > 0 {
		s += ";branch=" + string(v.Branch)
	}
	if len(v.Received) > 0 {
		s += ";received=" + string(v.Received)
	}
	switch {
	case v.RPortValue > 0:
		s += fmt.Sprintf(";rport=%d", v.RPortValue)
	case v.RPort:
		s += ";rport"
	}
	return s
}
