package sip_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"isthmus/internal/sip"
)

// hostile are messages of a kind, each about four times as long for four times n; for 2000 as long as the limits let pass,
// and further on beyond them.
var hostile = map[string]func(n int) string{
	"parameters":     func(n int) string { return request("To: <sip:b@c>" + strings.Repeat(";p=q", n)) },
	"commas":         func(n int) string { return request("Via: " + strings.Repeat(",", 4*n)) },
	"folds":          func(n int) string { return request("+X: a" + strings.Repeat("\r\n b", n)) },
	"quotes":         func(n int) string { return request("+Contact: " + strings.Repeat(`"",`, n)) },
	"open quotes":    func(n int) string { return request("+Contact: " + strings.Repeat(`"`, 4*n+1)) },
	"open brackets":  func(n int) string { return request("+Route: " + strings.Repeat("<", 4*n)) },
	"colons in Via":  func(n int) string { return request("Via: SIP/2.0/TCP " + strings.Repeat(":", 4*n)) },
	"blanks in Via":  func(n int) string { return request("Via: SIP" + strings.Repeat(" ", 4*n) + "/2.0/TCP h") },
	"NULs in quotes": func(n int) string { return request("+X: \"" + strings.Repeat("\\\x00", 2*n) + `"`) },
	"headers":        func(n int) string { return request(repeated(n/20, "+X: "+strings.Repeat("x", 200))...) },
	"short headers":  func(n int) string { return request(repeated(n, "+X:")...) },
	"colons":         func(n int) string { return request("+" + strings.Repeat(":", 4*n)) },
	"blanks in name": func(n int) string { return request("+X" + strings.Repeat(" ", 4*n) + ":") },
	"Vias":           func(n int) string { return request(repeated(n/30, "Via: SIP/2.0/TCP h;branch=z9hG4bKa")...) },
	"Vias in a line": func(n int) string { return request("Via: " + strings.Repeat("SIP/2.0/TCP h,", n/4) + "SIP/2.0/TCP h") },
	"Routes":         func(n int) string { return request("+Route: " + strings.Repeat("<sip:h;lr>,", n/3) + "<sip:h;lr>") },
	"Record-Routes":  func(n int) string { return request(repeated(n/20, "+Record-Route: <sip:h;lr>")...) },
	"Contacts":       func(n int) string { return request("+m: " + strings.Repeat(`"a" <sip:a@b>;q=1,`, n/6) + "*") },
	"folded lines":   func(n int) string { return request(repeated(n/20, "+X: a"+strings.Repeat("\r\n b", 40))...) },
	"escapes":        func(n int) string { return request(`To: "` + strings.Repeat(`\"`, 2*n) + `" <sip:b@c>`) },
	"tags":           func(n int) string { return request("To: <sip:b@c>" + strings.Repeat(";tag=", n)) },
	"URI parameters": func(n int) string { return request("=MESSAGE sip:b@c" + strings.Repeat(";p", 2*n) + " SIP/2.0") },
	"a long URI":     func(n int) string { return request("=MESSAGE sip:" + strings.Repeat("%41", n) + "@c SIP/2.0") },
	"a long method":  func(n int) string { return request("=" + strings.Repeat("M", 4*n) + " sip:b@c SIP/2.0") },
	"digits":         func(n int) string { return request("CSeq: " + strings.Repeat("1", 4*n) + " MESSAGE") },
	"stray CRs":      func(n int) string { return request("+X: " + strings.Repeat("\r", 4*n)) },
	"empty lines":    func(n int) string { return strings.Repeat("\r\n", 2*n) + request() },
	"a body":         func(n int) string { return request(fmt.Sprint("Content-Length: ", 4*n)) + strings.Repeat("x", 4*n) },
}

// handled is all that is done with a message: framed, read, and forwarded and answered where that is possible.
func handled(raw []byte, m *sip.Message, dst []byte) []byte {
	var f sip.Framer
	skip, _, _ := f.Next(raw)
	err := m.Parse(raw[skip:])
	dst = dst[:0]
	if err == nil {
		dst = pass(dst, m)
	}
	if m.Answerable() {
		dst = m.AppendAnswer(dst, sip.Answer{Status: 400, ToTag: "x", Received: netip.AddrFrom4([4]byte{192, 0, 2, 99})})
	}
	return dst
}

// Hostile shapes take time in proportion to their size: four times the size, about four times the time.
func TestHostileShapesTakeLinearTime(t *testing.T) {
	for what, shape := range hostile {
		t.Run(what, func(t *testing.T) {
			small, large := fastest(shape(500)), fastest(shape(2000))
			if large > 12*small+20*time.Microsecond {
				t.Errorf("4 times the size took %v instead of %v", large, small)
			}
		})
	}
}

func fastest(raw string) time.Duration {
	m, b, dst, best := new(sip.Message), []byte(raw), make([]byte, 0, 256<<10), time.Hour
	for range 20 {
		start := time.Now()
		dst = handled(b, m, dst)
		best = min(best, time.Since(start))
	}
	return best
}

// What is allocated for a message, that of a refusal included, does not depend on what is in it.
func TestHostileShapesAllocateNoMoreForTheirSize(t *testing.T) {
	for what, shape := range hostile {
		m, dst := new(sip.Message), make([]byte, 0, 256<<10)
		for _, n := range []int{1, 500, 2000, 8000} {
			b := []byte(shape(n))
			allocs := testing.AllocsPerRun(5, func() { dst = handled(b, m, dst) })
			if allocs > 8 {
				t.Errorf("%s of %d bytes: %v allocations", what, len(b), allocs)
			}
		}
	}
}

// What goes out is no longer than what came in, but for what this node puts on top of it.
func TestNothingGrowsOnItsWay(t *testing.T) {
	const own = 600
	for what, shape := range hostile {
		for _, n := range []int{1, 500, 2000} {
			m, b := new(sip.Message), []byte(shape(n))
			_ = m.Parse(b) // what was read before a fault is answered all the same
			forward, answer := 0, 0
			if m.Answerable() {
				forward = len(pass(nil, m))
				answer = len(m.AppendAnswer(nil, sip.Answer{Status: 400, ToTag: "x"}))
			}
			if forward > len(b)+own || answer > len(b)+own {
				t.Errorf("%s of %d bytes: forwarded %d, answered %d", what, len(b), forward, answer)
			}
		}
	}
}
