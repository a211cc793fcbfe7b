package wire

import (
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"testing/iotest"
)

const (
	short = "SIP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n"
	long  = "MESSAGE sip:a@b SIP/2.0\r\nContent-Length: 5\r\nX: y\r\n\r\nhello"
)

func TestMessagesAreFoundHoweverTheyArrive(t *testing.T) {
	for name, r := range map[string]io.Reader{"at once": strings.NewReader(short + long + long), "by bytes": iotest.OneByteReader(strings.NewReader(short + long + long))} {
		var got []string
		if err := Read(r, func(m []byte) { got = append(got, string(m)) }, func() {}); err != io.EOF {
			t.Fatal(err)
		}
		if strings.Join(got, "|") != short+"|"+long+"|"+long {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestAMessageThatDoesNotFitIsAnError(t *testing.T) {
	err := Read(strings.NewReader("MESSAGE sip:a@b SIP/2.0\r\nContent-Length: 99999\r\n\r\n"+strings.Repeat("x", bufferSize)), func([]byte) {}, func() {})
	if !errors.Is(err, ErrTooLong) {
		t.Errorf("got %v", err)
	}
}

func TestWhatWasAppendedIsWrittenInOrder(t *testing.T) {
	a, b := net.Pipe()
	defer b.Close()
	w := NewWriter(a)
	w.Append([]byte("one "))
	w.AppendBy(func(dst []byte) []byte { return append(dst, "two"...) })
	go func() {
		_ = w.Flush() // what is read says whether it was
		a.Close()
	}()
	if got, err := io.ReadAll(b); err != nil || string(got) != "one two" {
		t.Errorf("%q, %v", got, err)
	}
	w.Append([]byte("late"))
	if w.Flush() == nil {
		t.Error("a write to a closed connection is no error")
	}
}
