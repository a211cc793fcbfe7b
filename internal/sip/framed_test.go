package sip_test

import (
	"reflect"
	"testing"

	"isthmus/internal/sip"
)

// checkFramed holds ParseFramed against Parse, for each message that is found in a stream.
func checkFramed(t *testing.T, stream []byte) {
	t.Helper()
	var f sip.Framer
	for {
		skip, length, err := f.Next(stream)
		if err != nil || length == 0 {
			return
		}
		raw := stream[skip : skip+length]
		framed, plain := new(sip.Message), new(sip.Message)
		framedErr, plainErr := framed.ParseFramed(raw, f.Head()), plain.Parse(raw)
		if !reflect.DeepEqual(framed, plain) || !reflect.DeepEqual(framedErr, plainErr) {
			t.Errorf("framed: %v, else: %v\n%q\n%+v\n%+v", framedErr, plainErr, raw, framed, plain)
		}
		stream = stream[skip+length:]
	}
}

func TestWhatWasFramedIsReadAsEver(t *testing.T) {
	var stream []byte
	for _, raw := range samples(t) {
		stream = append(append(stream, raw...), "\r\n\r\n"...)
	}
	checkFramed(t, stream)
	for _, raw := range tortured(t) {
		checkFramed(t, raw)
	}
	for _, edit := range []string{"+X: a\r\n b", "+X:\r\n \r\n", "+X: a\nb", "+X: a\n", "+X: \x00", "+X: \"\\\x00\"", "-To", "+t: <sip:a@b>", "+\n", "+X: a\n\n"} {
		checkFramed(t, []byte(request(edit)+request()))
	}
}

func TestABareLineFeedLosesTheFraming(t *testing.T) {
	for _, stream := range []string{request("+\n"), "MESSAGE sip:a@b SIP/2.0\r\n\n"} {
		var f sip.Framer
		if _, length, err := f.Next([]byte(stream)); err == nil || !err.Close {
			t.Errorf("%q: %d bytes, %v", stream, length, err)
		}
	}
}
