package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"isthmus/internal/siptest"
)

// journal is a program's output, whose lines a test can wait for.
type journal struct {
	mu      sync.Mutex
	text    string
	changed chan struct{} // closed by the next write
}

func newJournal() *journal { return &journal{changed: make(chan struct{})} }

func (j *journal) Write(b []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.text += string(b)
	close(j.changed)
	j.changed = make(chan struct{})
	return len(b), nil
}

func (j *journal) read() (string, <-chan struct{}) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text, j.changed
}

const limit = 10 * time.Second

// waits until one line holds every word, and returns it.
func (j *journal) waits(t *testing.T, words ...string) string {
	t.Helper()
	deadline := time.NewTimer(limit)
	defer deadline.Stop()
	for {
		text, changed := j.read()
		if line, ok := lineWith(text, words); ok {
			return line
		}
		select {
		case <-changed:
		case <-deadline.C:
			t.Fatalf("no line with %q in\n%s", words, text)
		}
	}
}

// waitsTwice waits until two lines hold a word.
func (j *journal) waitsTwice(t *testing.T, word string) {
	t.Helper()
	deadline := time.NewTimer(limit)
	defer deadline.Stop()
	for {
		text, changed := j.read()
		if strings.Count(text, word) >= 2 {
			return
		}
		select {
		case <-changed:
		case <-deadline.C:
			t.Fatalf("no second line with %q in\n%s", word, text)
		}
	}
}

func lineWith(text string, words []string) (string, bool) {
	for line := range strings.Lines(text) {
		all := true
		for _, w := range words {
			all = all && strings.Contains(line, w)
		}
		if all {
			return line, true
		}
	}
	return "", false
}

// started is the program under way, ended with the test or by stop.
type started struct {
	*journal
	cancel context.CancelFunc
	code   chan int
}

func start(t *testing.T, args ...string) *started {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	s := &started{newJournal(), cancel, make(chan int, 1)}
	go func() { s.code <- run(ctx, args, s.journal, s.journal) }()
	t.Cleanup(func() { cancel() })
	return s
}

// stop ends the program and returns its exit code.
func (s *started) stop(t *testing.T) int {
	t.Helper()
	s.cancel()
	select {
	case code := <-s.code:
		return code
	case <-time.After(limit):
		t.Fatal("the program goes on after its context has ended")
		return 0
	}
}

// free returns an address of this process's own with a port that nobody listens on.
func free(t *testing.T) string {
	t.Helper()
	return fmt.Sprintf("127.%d.%d.1:%d", 32+os.Getpid()/250%64, 1+os.Getpid()%250, siptest.FreePorts(t, 1)[0])
}

// called runs the program to its end.
func called(args ...string) (code int, out string) {
	var text strings.Builder
	code = run(context.Background(), args, io.Discard, &text)
	return code, text.String()
}
