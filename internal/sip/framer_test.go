package sip_test

import (
	"fmt"
	"strings"
	"testing"

	"isthmus/internal/sip"
)

// frames feeds a stream in pieces of the given sizes (the last one repeats) and describes what came out of it.
func frames(stream string, sizes ...int) (out []string) {
	var f sip.Framer
	var buf []byte
	for i := 0; stream != ""; i++ {
		n := min(max(sizes[min(i, len(sizes)-1)], 1), len(stream))
		buf, stream = append(buf, stream[:n]...), stream[n:]
		for {
			skip, length, err := f.Next(buf)
			if err != nil {
				return append(out, fmt.Sprintf("%d close=%v %s", err.Status, err.Close, err.Reason))
			}
			if length > 0 {
				out = append(out, string(buf[skip:skip+length]))
			}
			buf = buf[skip+length:]
			if length == 0 {
				break
			}
		}
	}
	return append(out, fmt.Sprintf("%d left", len(buf)))
}

func TestAStreamIsFramedTheSameHoweverItIsCut(t *testing.T) {
	var stream string
	var want []string
	for _, raw := range samples(t) {
		stream += raw + "\r\n\r\n"
		want = append(want, raw)
	}
	stream += "\r"
	want = append(want, "1 left")
	for _, sizes := range [][]int{{len(stream)}, {1}, {2}, {3}, {7}, {100}, {1000}, {4096}, {1, 700, 3}} {
		equal(t, fmt.Sprint(sizes), strings.Join(frames(stream, sizes...), "¶"), strings.Join(want, "¶"))
	}
}

func TestContentLengthIsFoundInEveryForm(t *testing.T) {
	for _, line := range []string{"Content-Length: 5", "content-length:5", "CONTENT-LENGTH  :\t5  ", "l: 5", "L:005", "Content-Length:\r\n 5",
		"l :\r\n\t5\r\n ", "Content-Length: 5\r\nl: 5", "Content-Length: 5\r\nX: y"} {
		head := request("-Content-Length", "+"+line)
		got := frames(head+"helloMESSAGE", 1)
		equal(t, line, got[0], head+"hello")
	}
	got := frames(request("-Content-Length", "=MESSAGE sip:b@c SIP/2.0\r\nl: 2")+"hi", 1)
	equal(t, "right after the first line", strings.HasSuffix(got[0], "\r\n\r\nhi"), true)
}

func TestAStreamThatCannotBeFramedIsLost(t *testing.T) {
	for _, c := range []struct{ promise, stream, want string }{
		{"without Content-Length", request("-Content-Length"), "400"},
		{"with Content-Length in the first line only", request("-Content-Length", "=l:0 x"), "400"},
		{"with a Content-Length of 4 GiB", request("Content-Length: 4294967296"), "513"},
		{"with a Content-Length of 65537", request("Content-Length: 65537"), "513"},
		{"with a negative Content-Length", request("Content-Length: -1"), "400"},
		{"with an empty Content-Length", request("Content-Length: "), "400"},
		{"with a Content-Length folded into two", request("Content-Length: 1\r\n 2"), "400"},
		{"with two Content-Length", request("+Content-Length: 1"), "400"},
		{"with a control character in the name", request("-Content-Length", "+Content-Length\x01: 0"), "400"},
		{"with a bare LF", request("+X: a\nb"), "400"},
		{"with a bare CR", request("+X: a\rb"), "400"},
		{"with a bare CR before its end", strings.TrimSuffix(request("+X: a\rb"), "\r\n"), "400"},
		{"with LF line ends", strings.ReplaceAll(request(), "\r\n", "\n"), "400"},
		{"that begins with a CR alone", "\r" + request(), "400"},
		{"that begins with an LF", "\n" + request(), "400"},
		{"that begins like TLS", "\x16\x03\x01\x02\x00\x01", "400"},
		{"that never ends a line", "M" + strings.Repeat("x", 9<<10), "513"},
		{"that never ends a header section", "M x SIP/2.0\r\n" + strings.Repeat("X: y\r\n", 9<<10), "513"},
	} {
		t.Run(c.promise, func(t *testing.T) {
			whole, bytewise := frames(request()+c.stream, 1<<20), frames(request()+c.stream, 1)
			equal(t, "cut", strings.Join(bytewise, "¶"), strings.Join(whole, "¶"))
			if len(whole) != 2 || !strings.HasPrefix(whole[1], c.want+" close=true ") {
				t.Errorf("%q", whole)
			}
		})
	}
}

func TestABrokenStreamCanBeAnsweredFromWhatWasRead(t *testing.T) {
	var f sip.Framer
	buf := []byte("\r\n" + request("Content-Length: 4294967296"))
	skip, _, lost := f.Next(buf)
	if lost == nil {
		t.Fatal("4 GiB were accepted")
	}
	m := new(sip.Message)
	e := refused(t, m, string(buf[skip:]))
	equal(t, "reader and framer agree", *e, *lost)
	answer := parsed(t, string(m.AppendAnswer(nil, sip.Answer{Status: lost.Status, ToTag: "x"})))
	equal(t, "answer", answer.Status(), 513)
}

// A declared length allocates nothing: only what was received is held, by the caller.
func TestADeclaredLengthAllocatesNothing(t *testing.T) {
	head := []byte(request("Content-Length: 65536"))
	allocs := testing.AllocsPerRun(100, func() {
		var f sip.Framer
		if _, length, err := f.Next(head); length != 0 || err != nil {
			t.Fatalf("%d %v", length, err)
		}
	})
	equal(t, "allocations", allocs, 0)
}
