package e2e

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"isthmus/internal/siptest"
)

// raw is a request to ann as text, whose header lines a case replaces.
func raw(start string, lines ...string) string {
	return start + "\r\n" + strings.Join(lines, "\r\n") + "\r\n\r\n"
}

// standard are the lines of a request that is in order but for those left out by their beginning.
func standard(without ...string) []string {
	var list []string
	for _, l := range []string{"Via: SIP/2.0/TCP 192.0.2.4:5060;branch=" + siptest.Unique("z9hG4bK"), "From: <sip:carl@synergy.com>;tag=1", "To: <sip:ann@synergy.com>",
		"Call-ID: " + siptest.Unique("broken"), "CSeq: 1 MESSAGE", "Max-Forwards: 70", "Content-Length: 0"} {
		keep := true
		for _, w := range without {
			keep = keep && !strings.HasPrefix(l, w)
		}
		if keep {
			list = append(list, l)
		}
	}
	return list
}

const start = "MESSAGE sip:ann@synergy.com SIP/2.0"

// broken are inputs, and what each gets: an answer, and whether the connection is closed. No answer is "".
var broken = []struct {
	promise string
	input   func() string
	answer  string
	closed  bool
}{
	{"no To", func() string { return raw(start, standard("To")...) }, "400", false},
	{"no From", func() string { return raw(start, standard("From")...) }, "400", false},
	{"no CSeq", func() string { return raw(start, standard("CSeq")...) }, "400", false},
	{"no Via", func() string { return raw(start, standard("Via")...) }, "", true},
	{"no Call-ID", func() string { return raw(start, standard("Call-ID")...) }, "", true},
	{"no Content-Length on a stream", func() string { return raw(start, standard("Content-Length")...) }, "400", true},
	{"a Content-Length of 4 GiB", func() string { return raw(start, append(standard("Content-Length"), "Content-Length: 4294967296")...) }, "513", true},
	{"a Content-Length beyond an int64", func() string {
		return raw(start, append(standard("Content-Length"), "Content-Length: 99999999999999999999999")...)
	}, "400", true},
	{"a negative Content-Length", func() string { return raw(start, append(standard("Content-Length"), "Content-Length: -1")...) }, "400", true},
	{"two Content-Lengths that differ", func() string { return raw(start, append(standard(), "Content-Length: 5")...) }, "400", true},
	{"an empty parameter name", func() string { return raw(start, append(standard("To"), "To: <sip:ann@synergy.com>;=1")...) }, "400", false},
	{"the URI sip", func() string { return raw("MESSAGE sip SIP/2.0", standard()...) }, "400", false},
	{"the URI sip:", func() string { return raw("MESSAGE sip: SIP/2.0", standard()...) }, "400", false},
	{"a URI in brackets", func() string { return raw("MESSAGE <sip:ann@synergy.com> SIP/2.0", standard()...) }, "400", false},
	{"another version", func() string { return raw("MESSAGE sip:ann@synergy.com SIP/7.0", standard()...) }, "505", false},
	{"a method that CSeq does not name", func() string { return raw(start, append(standard("CSeq"), "CSeq: 1 INVITE")...) }, "400", false},
	{"a CSeq beyond 31 bits", func() string { return raw(start, append(standard("CSeq"), "CSeq: 4294967296 MESSAGE")...) }, "400", false},
	{"a Max-Forwards beyond 255", func() string { return raw(start, append(standard("Max-Forwards"), "Max-Forwards: 300")...) }, "400", false},
	{"two From", func() string { return raw(start, append(standard(), "From: <sip:dora@synergy.com>;tag=2")...) }, "400", false},
	{"a NUL in a header", func() string { return raw(start, append(standard(), "Subject: a\x00b")...) }, "400", false},
	{"a line feed alone", func() string { return raw(start, append(standard(), "Subject: a\nX: b")...) }, "400", true},
	{"101 headers", func() string {
		return raw(start, append(standard(), strings.Split(strings.TrimSuffix(strings.Repeat("X-Filler: 1\n", 94), "\n"), "\n")...)...)
	}, "513", false},
	{"a header section over 32 KiB", func() string {
		return raw(start, append(standard(), strings.Split(strings.TrimSuffix(strings.Repeat("X-Filler: "+strings.Repeat("x", 4000)+"\n", 9), "\n"), "\n")...)...)
	}, "513", true},
	{"a body over 64 KiB", func() string {
		return raw(start, append(standard("Content-Length"), "Content-Length: 65537")...) + strings.Repeat("x", 65537)
	}, "513", true},
	{"no SIP at all", func() string { return "GET / HTTP/1.1\r\nHost: synergy.com\r\n\r\n" }, "", true},
	{"a response to nothing", func() string { return raw("SIP/2.0 200 OK", standard()...) }, "", false},
}

func TestBrokenInputIsAnsweredOrClosedAndTheNodeLivesOn(t *testing.T) {
	t.Parallel()
	w, p := running(t)
	for _, b := range broken {
		t.Run(b.promise, func(t *testing.T) {
			peer := w.outside(t, fe1Host, "fe1.synergy.com")
			peer.SendsRaw(b.input())
			if b.answer != "" {
				// The answer repeats what was broken, so it is looked at as text.
				if got, err := peer.ReadRaw(siptest.Timeout); !strings.HasPrefix(got, "SIP/2.0 "+b.answer+" ") {
					t.Fatalf("expected %s, got %q %v", b.answer, got, err)
				}
			}
			if b.closed {
				peer.ExpectClosed()
				return
			}
			peer.Sends(siptest.Probe("imp1.synergy.com"))
			peer.Expect("200")
		})
	}
	w.connector.nothing(t)
	select {
	case <-p.ended:
		t.Errorf("the node has ended: %s", p.err)
	default:
	}
	if says(p, "panic") {
		t.Errorf("the node panicked:\n%s", p.err)
	}
}

// TestWhatJustFitsIsTaken is the other side of the limits.
func TestWhatJustFitsIsTaken(t *testing.T) {
	t.Parallel()
	w, _ := running(t)
	for promise, input := range map[string]string{
		"98 headers, our Via and our Max-Breadth": raw(start, append(standard(), strings.Split(strings.TrimSuffix(strings.Repeat("X-Filler: 1\n", 91), "\n"), "\n")...)...),
		"a body of 64 KiB":                        raw(start, append(standard("Content-Length"), "Content-Length: 65536")...) + strings.Repeat("x", 65536),
		"compact forms":                           raw(start, "v: SIP/2.0/TCP 192.0.2.4;branch="+siptest.Unique("z9hG4bK"), "f: <sip:carl@synergy.com>;tag=1", "t: <sip:ann@synergy.com>", "i: "+siptest.Unique("compact"), "CSeq: 1 MESSAGE", "l: 0"),
		"keep-alives in front":                    "\r\n\r\n\r\n" + raw(start, standard()...),
		"folded lines":                            raw(start, append(standard(), "Subject: one", " two", "\tthree")...),
		"no Max-Forwards":                         raw(start, standard("Max-Forwards")...),
		"a name in upper case":                    raw(start, append(standard("From"), "FROM: <sip:carl@synergy.com>;tag=1")...),
		"a Via without branch":                    raw(start, append([]string{"Via: SIP/2.0/tls 192.0.2.7"}, standard("Via")...)...),
		"a Via that is IPv6":                      raw(start, append([]string{"Via: SIP/2.0/TLS [2001:db8::1]:5061;branch=" + siptest.Unique("z9hG4bK")}, standard("Via")...)...),
		"a body that ends late":                   raw(start, append(standard("Content-Length"), "Content-Length: 5")...) + "hello",
	} {
		t.Run(promise, func(t *testing.T) {
			peer := w.outside(t, fe1Host, "fe1.synergy.com")
			for _, part := range []string{input[:len(input)/2], input[len(input)/2:]} {
				peer.SendsRaw(part)
			}
			select {
			case a := <-w.connector.arrived:
				a.answers(t, 200)
				peer.Expect("200")
			case <-time.After(siptest.Timeout):
				got, err := peer.ReadRaw(time.Second)
				t.Errorf("it did not arrive; the answer was %q %v", got, err)
			}
		})
	}
}

// TestNoiseHarmsNobody has many connections send what a random generator made of a valid request.
func TestNoiseHarmsNobody(t *testing.T) {
	t.Parallel()
	w, p := running(t)
	w.connector.takesAll(t)
	w.fe1.takesAll(t)
	random := rand.New(rand.NewPCG(4475, uint64(time.Now().UnixNano())))
	for range 300 {
		c, err := siptest.Dial(w.net+nodeHost+":5060", siptest.Options{Local: w.net + nodeHost})
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Write(spoilt(random)); err != nil && !siptest.Closed(err) {
			t.Fatal(err)
		}
		c.Close()
	}
	peer := w.outside(t, fe1Host, "fe1.synergy.com")
	peer.Sends(siptest.Probe("imp1.synergy.com"))
	peer.Expect("200")
	if says(p, "panic") {
		t.Errorf("the node panicked:\n%s", p.err)
	}
}

// spoilt is a request of which some bytes are changed, left out or doubled.
func spoilt(random *rand.Rand) string {
	r := dressed(siptest.Invite(carl, ann))
	r.SentBy = "192.0.2.4:5060"
	b := []byte(r.String())
	for range 1 + random.IntN(12) {
		at := random.IntN(len(b))
		switch random.IntN(3) {
		case 0:
			b[at] = byte(random.IntN(256))
		case 1:
			b = append(b[:at], b[at+1:]...)
		default:
			b = []byte(fmt.Sprintf("%s%s%s", b[:at], b[at:min(at+20, len(b))], b[at:]))
		}
	}
	return string(b)
}
