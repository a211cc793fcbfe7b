package sip_test

import (
	"strings"
	"testing"
)

// contentLengths are the ways of saying how long a body of five octets is. What follows the body is the next message,
// so that whoever reads another length reads another message.
var contentLengths = []struct {
	lines string // header lines; blank: none
	want  string // body taken: its text; else the status, after which the stream is closed
}{
	{"Content-Length: 5", "hello"},
	{"content-length: 5", "hello"},
	{"CONTENT-LENGTH:5", "hello"},
	{"Content-Length : 5", "hello"},
	{"Content-Length\t:\t5\t", "hello"},
	{"l: 5", "hello"},
	{"L:5", "hello"},
	{"l \t : 5 ", "hello"},
	{"Content-Length: 05", "hello"},
	{"Content-Length: 0000000005", "hello"},
	{"Content-Length:\r\n 5", "hello"},
	{"Content-Length: 5\r\n\t\r\n x", "400"},
	{"Content-Length: 5\r\nContent-Length: 5", "hello"},
	{"Content-Length: 5\r\nl: 5", "hello"},
	{"l: 5\r\nX: y\r\nCONTENT-LENGTH: 0005", "hello"},
	{"Content-Length: 0", ""},
	{"X: Content-Length: 9\r\nContent-Length: 5", "hello"},
	{"X-Content-Length: 9\r\nContent-Length: 5", "hello"},

	{"X: y", "400"},
	{"Content-Length:", "400"},
	{"Content-Length: \t ", "400"},
	{"Content-Length: -5", "400"},
	{"Content-Length: -0", "400"},
	{"Content-Length: +5", "400"},
	{"Content-Length: 0x5", "400"},
	{"Content-Length: 5.0", "400"},
	{"Content-Length: 5e0", "400"},
	{"Content-Length: 5 5", "400"},
	{"Content-Length: 5,5", "400"},
	{"Content-Length: 5;x=y", "400"},
	{"Content-Length: \"5\"", "400"},
	{"Content-Length: <5>", "400"},
	{"Content-Length: five", "400"},
	{"Content-Length: ٥", "400"},
	{"Content-Length: 5\x00", "400"},
	{"Content-Length: 5\v", "400"},
	{"Content-Length: \u00a05", "400"},
	{"Content-Length: 0\r\n 5", "400"},
	{"Content-Length: 5\r\nContent-Length: 0", "400"},
	{"Content-Length: 0\r\nContent-Length: 5", "400"},
	{"Content-Length: 5\r\nl: 4", "400"},
	{"l: 5\r\nContent-Length: ", "400"},
	{"Content_Length: 5", "400"},
	{"Content-Length\x00: 5", "400"},
	{"Content-Length\u00a0: 5", "400"},
	{"Content Length: 5", "400"},
	{"Content-Length; 5", "400"},
	{"X: y\r\n Content-Length: 5", "400"},
	{"Content-Length: 5\rl: 0", "400"},
	{"Content-Length: 5\nl: 0", "400"},
	{"Content-Length: 10000000000", "400"},
	{"Content-Length: 18446744073709551621", "400"}, // 2^64 + 5
	{"Content-Length: 340282366920938463463374607431768211461", "400"},
	{"Content-Length: 00000000005", "400"},
	{"Content-Length: 4294967301", "513"}, // 2^32 + 5
	{"Content-Length: 9999999999", "513"},
	{"Content-Length: 2147483648", "513"},
	{"Content-Length: 65537", "513"},
}

func TestContentLengthHasOneMeaningOrNone(t *testing.T) {
	next := request("Call-ID: next")
	for _, c := range contentLengths {
		head := request("-Content-Length", "+"+c.lines)
		for _, size := range []int{1 << 20, 1} {
			got := frames(head+"hello"+next, size)
			switch {
			case len(c.want) == 3:
				if len(got) != 1 || !strings.HasPrefix(got[0], c.want+" close=true ") {
					t.Errorf("%q: framed as %q, want %s and the end", c.lines, got, c.want)
				}
			case got[0] != head+c.want || string(parsed(t, got[0]).Body()) != c.want:
				t.Errorf("%q: framed as %q", c.lines, got)
			case c.want != "" && (len(got) != 3 || got[1] != next):
				t.Errorf("%q: the next message is %q", c.lines, got[1:])
			}
		}
	}
}
