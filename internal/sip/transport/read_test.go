package transport

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"

	"isthmus/internal/sip"
)

func TestMessagesAreHandledInOrderHoweverTheyAreCut(t *testing.T) {
	r := newRecorder()
	l := newLayer(t, r, Limits{})
	p := connect(t, listenTCP(t, l))
	var all strings.Builder
	const n = 3000
	for i := range n {
		all.WriteString(message("MESSAGE", fmt.Sprint(i), i%1500))
	}
	go func() {
		rest := all.String()
		for size := 1; rest != ""; size = size*7%9001 + 1 {
			part := rest[:min(size, len(rest))]
			rest = rest[len(part):]
			_, _ = io.WriteString(p, part)
		}
	}()
	for i := range n {
		if got := next(t, r.got); got != fmt.Sprint(i) {
			t.Fatalf("message %d is %s", i, got)
		}
		if got := p.status(t); got != "200" {
			t.Fatalf("message %d was answered %s", i, got)
		}
	}
}

func TestLargestMessagesAreTakenAndLargerAreRefused(t *testing.T) {
	r := newRecorder()
	l := newLayer(t, r, Limits{})
	addr := listenTCP(t, l)
	p := connect(t, addr)
	for range 3 {
		p.write(t, message("MESSAGE", "large", sip.MaxBody)+message("MESSAGE", "small", 10))
		if a, b := p.status(t), p.status(t); a != "200" || b != "200" {
			t.Errorf("answered %s and %s, want 200 twice", a, b)
		}
	}
	p.write(t, message("MESSAGE", "beyond", sip.MaxBody+1))
	if got := p.status(t); got != "513" {
		t.Errorf("answered %s, want 513", got)
	}
	if got := p.end(t); got != "closed" {
		t.Errorf("the connection was %s, want closed after the answer", got)
	}
}

func TestADeclaredLengthCostsNoMemory(t *testing.T) {
	r := newRecorder()
	r.malformed = func(c *Conn, _ *sip.Message, err *sip.Error) { c.Close(err) }
	l := newLayer(t, r, Limits{})
	addr := listenTCP(t, l)
	head := strings.TrimSuffix(message("MESSAGE", "bomb", 0), "0\r\n\r\n")
	connect(t, addr).write(t, head+"4294967295\r\n\r\n") // the first also pays for what is pooled
	next(t, r.closed)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range 20 {
		p := connect(t, addr)
		p.write(t, head+"4294967295\r\n\r\n")
		if got := next(t, r.closed); got.err == nil {
			t.Error("closed without a reason")
		}
	}
	runtime.ReadMemStats(&after)
	if grown := (after.TotalAlloc - before.TotalAlloc) / 20; grown > 64<<10+sip.MaxMessage {
		t.Errorf("%d bytes were allocated for each connection", grown)
	}
}

func TestASlowDripIsClosed(t *testing.T) {
	r := newRecorder()
	l := newLayer(t, r, Limits{Message: 200 * time.Millisecond})
	p := connect(t, listenTCP(t, l))
	p.write(t, message("MESSAGE", "whole", 0))
	if got := p.status(t); got != "200" {
		t.Fatalf("answered %s", got)
	}
	begin := time.Now()
	go func() { // a byte every 20 ms: never idle, never done
		pace := time.NewTicker(20 * time.Millisecond)
		defer pace.Stop()
		for _, ch := range message("MESSAGE", "drip", 0) {
			if _, err := p.Write([]byte(string(ch))); err != nil {
				return
			}
			<-pace.C
		}
	}()
	got := next(t, r.closed)
	if took := time.Since(begin); !errors.Is(got.err, ErrSlowWriter) || took < 190*time.Millisecond || took > time.Second {
		t.Errorf("closed after %v for %v, want 200 ms and ErrSlowWriter", took, got.err)
	}
}

func TestAPauseBetweenMessagesIsNoDrip(t *testing.T) {
	r := newRecorder()
	l := newLayer(t, r, Limits{Message: 30 * time.Millisecond, Warm: 20 * time.Millisecond})
	p := connect(t, listenTCP(t, l))
	pause := time.NewTicker(60 * time.Millisecond)
	defer pause.Stop()
	for range 5 {
		p.write(t, message("MESSAGE", "a", 700))
		if got := p.status(t); got != "200" {
			t.Fatalf("answered %s, want 200", got)
		}
		<-pause.C
	}
}

func TestKeepAlivesAreAnsweredAndFloodsClosed(t *testing.T) {
	r := newRecorder()
	l := newLayer(t, r, Limits{})
	addr := listenTCP(t, l)
	p := connect(t, addr)
	p.write(t, "\r\n\r\n"+message("MESSAGE", "a", 0)+"\r\n"+message("MESSAGE", "b", 0))
	answer := make([]byte, 2)
	if _, err := io.ReadFull(p.lines, answer); err != nil || string(answer) != "\r\n" {
		t.Errorf("CRLFCRLF was answered by %q, %v", answer, err)
	}
	if a, b := p.status(t), p.status(t); a != "200" || b != "200" {
		t.Errorf("answered %s and %s; an empty line between messages means nothing", a, b)
	}
	flood := connect(t, addr)
	go func() { _, _ = io.Copy(flood, strings.NewReader(strings.Repeat("\r\n", 1<<16))) }()
	if got := next(t, r.closed); !errors.Is(got.err, ErrFlood) {
		t.Errorf("closed for %v, want ErrFlood", got.err)
	}
}

func TestKeepAlivesOverALongTimeAreNoFlood(t *testing.T) {
	r := newRecorder()
	l := newLayer(t, r, Limits{EmptyLines: 4})
	p := connect(t, listenTCP(t, l))
	second := time.NewTicker(1010 * time.Millisecond)
	defer second.Stop()
	for range 2 {
		p.write(t, strings.Repeat("\r\n", 4))
		if _, err := io.ReadFull(p.lines, make([]byte, 4)); err != nil {
			t.Fatalf("as many empty lines as a second may have: %v", err)
		}
		<-second.C
	}
}

func TestABrokenMessageIsAnsweredAndTheNextOneRead(t *testing.T) {
	r := newRecorder()
	l := newLayer(t, r, Limits{})
	p := connect(t, listenTCP(t, l))
	p.write(t, strings.Replace(message("MESSAGE", "a", 0), "Max-Forwards: 70", "Max-Forwards: x", 1)+message("MESSAGE", "b", 0))
	if a, b := p.status(t), p.status(t); a != "400" || b != "200" {
		t.Errorf("answered %s and %s, want 400 and 200", a, b)
	}
}

// What comes after must not be searched for something that looks like a message; and the answer must arrive though the
// peer is still sending.
func TestLostFramingIsAnsweredThenClosed(t *testing.T) {
	r := newRecorder()
	l := newLayer(t, r, Limits{})
	p := connect(t, listenTCP(t, l))
	good := message("MESSAGE", "good", 0)
	p.write(t, good+strings.Replace(good, "Content-Length: 0\r\n", "", 1)+strings.Repeat(good, 500))
	if a, b := p.status(t), p.status(t); a != "200" || b != "400" {
		t.Errorf("answered %s and %s, want 200 and 400", a, b)
	}
	if got := p.status(t); got != "closed" {
		t.Errorf("then %s, want closed", got)
	}
	if got := next(t, r.closed); got.err == nil || len(r.got) != 1 {
		t.Errorf("closed for %v after %d good messages, want one", got.err, len(r.got))
	}
}

func TestGarbageIsClosedUnanswered(t *testing.T) {
	r := newRecorder()
	l := newLayer(t, r, Limits{})
	p := connect(t, listenTCP(t, l))
	p.write(t, "\x16\x03\x01\x00\xa5 this is TLS on a TCP port\r\n\r\n")
	if got := p.status(t); got != "closed" {
		t.Errorf("got %s, want closed", got)
	}
}

func TestAHalfMessageAtTheEndIsDiscarded(t *testing.T) {
	r := newRecorder()
	l := newLayer(t, r, Limits{})
	p := connect(t, listenTCP(t, l))
	p.write(t, message("MESSAGE", "half", 100)[:200])
	p.Close()
	if got := next(t, r.closed); !errors.Is(got.err, io.ErrUnexpectedEOF) || len(r.got) != 0 {
		t.Errorf("closed for %v with %d messages, want ErrUnexpectedEOF and none", got.err, len(r.got))
	}
}

func TestAPanicCostsItsConnectionOnly(t *testing.T) {
	r := newRecorder()
	r.receive = func(c *Conn, m *sip.Message) {
		if string(m.CallID()) == "boom" {
			panic("boom")
		}
		_ = c.Send(answer(m, 200))
	}
	l := newLayer(t, r, Limits{})
	addr := listenTCP(t, l)
	victim, other := connect(t, addr), connect(t, addr)
	other.write(t, message("MESSAGE", "before", 0))
	victim.write(t, message("MESSAGE", "boom", 0))
	if got := next(t, r.panicked); got != "boom" {
		t.Errorf("recovered %v", got)
	}
	if got := next(t, r.closed); !errors.Is(got.err, ErrPanic) {
		t.Errorf("closed for %v, want ErrPanic", got.err)
	}
	other.write(t, message("MESSAGE", "after", 0))
	if a, b := other.status(t), other.status(t); a != "200" || b != "200" {
		t.Errorf("the other connection was answered %s and %s", a, b)
	}
}

func TestIdleConnectionsHoldNoBuffer(t *testing.T) {
	r := newRecorder()
	l := newLayer(t, r, Limits{Warm: 20 * time.Millisecond})
	addr := listenTCP(t, l)
	const n = 200
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for range n {
		p := connect(t, addr)
		p.write(t, message("MESSAGE", "a", 0))
		if got := p.status(t); got != "200" {
			t.Fatal(got)
		}
	}
	until(t, "20 KB of heap for an idle connection, the test's own end included", func() bool {
		runtime.GC() // a pool gives up what two collections found unused
		runtime.ReadMemStats(&after)
		return int64(after.HeapAlloc)-int64(before.HeapAlloc) < n*20<<10
	})
}
