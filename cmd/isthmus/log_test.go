package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"isthmus/internal/metrics"
	"isthmus/internal/siptest"
)

// A gateway is a writer that takes nothing while it is shut.
type gateway struct {
	screen
	gate sync.RWMutex
}

func (g *gateway) Write(p []byte) (int, error) {
	g.gate.RLock()
	defer g.gate.RUnlock()
	return g.screen.Write(p)
}

func fill(s *sink, lines int, line string) {
	for range lines {
		fmt.Fprintln(s, line)
	}
}

// lostIn adds up what a log says was lost, and counts its other lines.
func lostIn(t *testing.T, log string) (lost, others int64) {
	t.Helper()
	for line := range strings.Lines(log) {
		var told struct{ Lines int64 }
		if strings.Contains(line, "log lines were lost") {
			if err := json.Unmarshal([]byte(line), &told); err != nil {
				t.Errorf("%q: %v", line, err)
			}
		} else {
			others++
		}
		lost += told.Lines
	}
	return lost, others
}

func TestALogThatNobodyReadsHoldsNobodyUp(t *testing.T) {
	var out gateway
	out.gate.Lock()
	s := newSink(&out)
	fill(s, 3*sinkLines, "one")
	if lost := s.Lost(); lost < 2*sinkLines-1 || lost > 2*sinkLines {
		t.Errorf("%d of %d lines are lost, though there is room for %d", lost, 3*sinkLines, sinkLines)
	}
	out.gate.Unlock()
	s.close()
	<-s.ended
	lost, others := lostIn(t, out.String())
	if lost != s.Lost() || lost+others != 3*sinkLines {
		t.Errorf("the log has %d lines and tells of %d lost ones; %d are", others, lost, s.Lost())
	}
}

func TestALogThatNobodyReadsHoldsNoMoreThanAMebibyte(t *testing.T) {
	var out gateway
	out.gate.Lock()
	s := newSink(&out)
	fill(s, 64, strings.Repeat("x", 1<<16))
	if held := s.size.Load(); held > sinkBytes || s.Lost() < 64-17 {
		t.Errorf("%d bytes are held, %d lines lost", held, s.Lost())
	}
	out.gate.Unlock()
	s.close()
	<-s.ended
	if held := s.size.Load(); held != 0 {
		t.Errorf("%d bytes are held at the end", held)
	}
}

// A failing takes so many writes, then has no room for any but the first half of each, until it is mended.
type failing struct {
	mu   sync.Mutex
	text bytes.Buffer
	full bool
}

func (f *failing) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.full {
		n, _ := f.text.Write(p[:len(p)/2])
		return n, syscall.ENOSPC
	}
	return f.text.Write(p)
}

func (f *failing) set(full bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.full = full
}

func TestAFullDiskCostsLinesThatAreCountedAndNoOthers(t *testing.T) {
	out := &failing{}
	s := newSink(out)
	fill(s, 1, `{"line":1}`)
	awaitThat(t, "line 1", func() bool { out.mu.Lock(); defer out.mu.Unlock(); return out.text.Len() > 0 })
	out.set(true)
	fill(s, 2, `{"line":2}`)
	awaitThat(t, "two lost lines", func() bool { return s.Lost() == 2 })
	out.set(false)
	fill(s, 1, `{"line":3}`)
	s.close()
	<-s.ended
	whole := strings.Split(out.text.String(), "\n")
	if len(whole) != 6 || whole[0] != `{"line":1}` || whole[3] != `{"line":3}` || !strings.Contains(whole[4], `"lines":2`) || whole[5] != "" {
		t.Errorf("the log: %q", whole)
	}
}

func TestAReaderOfTheLogThatIsGoneEndsNothing(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	r.Close()
	s := newSink(w)
	fill(s, 3, "one")
	s.close()
	<-s.ended
	if s.Lost() != 3 {
		t.Errorf("%d lines are lost, not 3", s.Lost())
	}
}

func TestLostLinesAreInTheMetrics(t *testing.T) {
	out := &failing{full: true}
	s := newSink(out)
	numbers := metrics.New("1.0")
	numbers.ObserveLog(s.Lost)
	fill(s, 3, "one")
	s.close()
	<-s.ended
	page := httptest.NewRecorder()
	numbers.Handler().ServeHTTP(page, httptest.NewRequest("GET", "/metrics", nil))
	if !strings.Contains(page.Body.String(), "\nisthmus_log_lines_dropped_total 3\n") {
		t.Errorf("the metrics:\n%s", page.Body.String())
	}
}

// fullPipe is a pipe that nobody reads and that holds all it can.
func fullPipe(t *testing.T) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := w.SetWriteDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = w.Write(make([]byte, 4096))
	}
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatal(err)
	}
	if err := w.SetWriteDeadline(time.Time{}); err != nil {
		t.Fatal(err)
	}
	return r, w
}

// The reader of standard error has stopped, and the pipe is full: requests are answered, and the program ends when told.
func TestABlockedLogStopsNoRequestAndNoEnd(t *testing.T) {
	m := newMachine(t)
	r, w := fullPipe(t)
	defer r.Close()
	defer w.Close()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	s := serving{out: &screen{}, log: &screen{}, stop: stop, ended: make(chan int, 1)}
	address := freeAddress(t)
	s.url = "http://" + address
	args := []string{"serve", "--log-level", "debug", "--database-url", m.url, "--data-dir", m.dir, "--node", "imp1.synergy.com", "--sip-address", "127.61.0.9", "--http", address}
	go func() { s.ended <- run(ctx, args, console{strings.NewReader(""), io.Discard, w}) }()
	awaitThat(t, "ready", func() bool { status, _ := s.readiness(); return status == 200 })
	c := siptest.Connect(t, "127.61.0.9:5060", siptest.Options{Local: "127.61.0.9"})
	for range 100 { // each is logged
		c.Sends(siptest.Probe("imp1.synergy.com"))
		c.Expect("200")
		c.Sends(siptest.Message("anna@synergy.com", "nobody@synergy.com", "hi"))
		if m, err := c.Receive(); err != nil || m.Status() < 400 {
			t.Fatalf("a message to nobody is answered with %v, %v", m, err)
		}
	}
	began := time.Now()
	if code := s.end(t); code != 0 {
		t.Errorf("exit %d", code)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("the end took %v", took)
	}
}
