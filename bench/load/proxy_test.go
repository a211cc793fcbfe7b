package load

import (
	"bytes"
	"net"
	"strings"
	"testing"

	"isthmus/bench/wire"
)

// A proxy does to each message what RFC 3261 section 16 wants, unless a fault is planted.
type proxy struct {
	to       string
	request  func(string) string     // plants a fault in a request that goes out; nil: none
	response func(string) string     // the same in a response
	batch    func([]string) []string // the same in what is written at once
}

const ownVia = "Via: SIP/2.0/TCP proxy.example:5060;branch=z9hG4bKown\r\n"

// forward is the right way of a request.
func forward(m string) string {
	start, rest, _ := strings.Cut(m, "\r\n")
	rest = strings.Replace(rest, "Max-Forwards: 70", "Max-Forwards: 69", 1)
	for strings.Contains(rest, "\r\nRoute: ") {
		before, after, _ := strings.Cut(rest, "\r\nRoute: ")
		_, after, _ = strings.Cut(after, "\r\n")
		rest = before + "\r\n" + after
	}
	method, _, _ := strings.Cut(start, " ")
	if method == "INVITE" || method == "NOTIFY" {
		rest = "Record-Route: <sip:proxy.example;lr>\r\n" + rest
	}
	return start + "\r\n" + ownVia + rest
}

func back(m string) string { return strings.Replace(m, ownVia, "", 1) }

// listen opens the proxy for as long as the test takes.
func (p *proxy) listen(t *testing.T) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go p.serve(c)
		}
	}()
	return l.Addr().String()
}

func (p *proxy) serve(c net.Conn) {
	defer c.Close()
	up, err := net.Dial("tcp", p.to)
	if err != nil {
		return
	}
	defer up.Close()
	go p.pass(up, c, func(m string) string {
		if strings.HasPrefix(m, "SIP/2.0 100") {
			return ""
		}
		return planted(back(m), p.response)
	}, nil)
	p.pass(c, up, func(m string) string { return planted(forward(m), p.request) }, p.batch)
}

func planted(m string, fault func(string) string) string {
	if fault == nil {
		return m
	}
	return fault(m)
}

func (p *proxy) pass(from, to net.Conn, change func(string) string, batch func([]string) []string) {
	var list []string
	_ = wire.Read(from, func(m []byte) { list = append(list, change(string(m))) }, func() {
		if batch != nil {
			list = batch(list)
		}
		_, _ = to.Write([]byte(strings.Join(list, "")))
		list = nil
	})
}

// upstream opens the other side for as long as the test takes.
func upstream(t *testing.T) (u *Upstream, address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	u = new(Upstream)
	go func() { _ = u.Serve(l) }()
	return u, l.Addr().String()
}

func TestWhatWasPutIntoATemplateIsRead(t *testing.T) {
	text := newTemplate("Call-ID: " + placeholder + "@bench\r\nX-Sequence: " + sequencePlaceholder + "\r\n\r\n")
	want := identity{run: 17, caller: 3, number: 123456}
	m := text.append([]byte("before"), want, 42)
	if got, ok := readIdentity(after(m, "Call-ID: ")); !ok || got != want {
		t.Errorf("%v, %v in %s", got, ok, m)
	}
	sequence, _, _ := bytes.Cut(after(m, "X-Sequence: "), crlf)
	if caller, n, ok := readSequence(sequence); !ok || caller != 3 || n != 42 {
		t.Errorf("%d, %d, %v in %s", caller, n, ok, m)
	}
	if _, ok := readIdentity([]byte("0001x")); ok {
		t.Error("what is no number was read")
	}
}

func TestRequestsHaveTheSizesThatTheReportNames(t *testing.T) {
	call := Call{Local: "127.77.1.21:40000", Protocol: "TLS", From: "carl@synergy.com", To: "ann@synergy.com", Contact: "sip:ann@h"}
	if n := len(Message.request(call)); n != messageSize {
		t.Errorf("a MESSAGE has %d bytes", n)
	}
	var h head
	for _, s := range Scenarios {
		text := s.request(call)
		h.read([]byte(text))
		if n := wire.Next([]byte(text)); n != len(text) || s == Notify && len(h.body) != messageSize {
			t.Errorf("%s: %d of %d bytes, body %d", s, n, len(text), len(h.body))
		}
	}
}
