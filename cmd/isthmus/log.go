package main

import (
	"bytes"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"
)

// logger writes JSON lines.
func (f *flags) logger(w io.Writer) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(f.LogLevel)) // the flag's enum allows nothing else
	return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level}))
}

// What a sink holds at most for a reader that does not read, and how long the end waits for it.
const (
	sinkLines = 4096
	sinkBytes = 1 << 20
	sinkFlush = 500 * time.Millisecond
	sinkTells = 5 * time.Second // between two lines about lost ones, while it goes on losing
)

// A sink is where serve logs. Nobody who writes to it waits: whoever reads our standard error may have stopped, its disk
// may be full, and neither may hold up a request. What finds no room is lost, counted, and told of once there is room.
type sink struct {
	out     io.Writer
	lines   chan []byte
	size    atomic.Int64 // bytes in lines
	lost    atomic.Int64
	closing chan struct{}
	ended   chan struct{}
	broken  chan os.Signal

	// Of the one goroutine that writes:
	told   int64     // lost lines that were told of
	toldAt time.Time // when
	torn   bool      // the last line was written in part
}

func newSink(out io.Writer) *sink {
	s := &sink{out: out, lines: make(chan []byte, sinkLines), closing: make(chan struct{}), ended: make(chan struct{}), broken: make(chan os.Signal, 1)}
	// Without it a reader of the log that is gone would end the process (os/signal, "SIGPIPE").
	signal.Notify(s.broken, syscall.SIGPIPE)
	go s.run()
	return s
}

// Write takes one line and never fails.
func (s *sink) Write(line []byte) (int, error) {
	n := int64(len(line))
	if s.size.Add(n) > sinkBytes {
		s.size.Add(-n)
		s.lost.Add(1)
		return len(line), nil
	}
	select {
	case s.lines <- bytes.Clone(line): // slog uses its buffer again
	default:
		s.size.Add(-n)
		s.lost.Add(1)
	}
	return len(line), nil
}

// Lost is the number of lines that were lost so far.
func (s *sink) Lost() int64 { return s.lost.Load() }

// close writes what is held, as long as somebody reads it. Nothing may be written to the sink after it.
func (s *sink) close() {
	close(s.closing)
	limit := time.NewTimer(sinkFlush)
	defer limit.Stop()
	select {
	case <-s.ended:
	case <-limit.C:
	}
	signal.Stop(s.broken)
}

func (s *sink) run() {
	defer close(s.ended)
	for {
		select {
		case line := <-s.lines:
			s.put(line)
		case <-s.closing:
			s.rest()
			return
		}
	}
}

func (s *sink) rest() {
	for len(s.lines) > 0 {
		s.put(<-s.lines)
	}
	s.tell()
}

// put writes a line, and after it how many were lost: they came later than those that were held.
func (s *sink) put(line []byte) {
	s.size.Add(-int64(len(line)))
	if s.torn {
		line = append([]byte("\n"), line...) // which would else be part of the torn one
	}
	n, err := s.out.Write(line)
	s.torn = err != nil && (n > 0 || s.torn)
	if err != nil {
		s.lost.Add(1)
		return
	}
	if len(s.lines) == 0 || time.Since(s.toldAt) >= sinkTells {
		s.tell()
	}
}

func (s *sink) tell() {
	lost := s.lost.Load()
	if lost == s.told {
		return
	}
	n, told := lost-s.told, s.told
	s.told, s.toldAt = lost, time.Now()
	var line bytes.Buffer
	slog.New(slog.NewJSONHandler(&line, nil)).Warn("log lines were lost, as they could not be written in time", "lines", n)
	if _, err := s.out.Write(line.Bytes()); err != nil {
		s.told = told
	}
}

// stuckAfter is how long a node may be stuck until it ends, for its supervisor to start it anew.
const stuckAfter = 30 * time.Second

// abort ends the process without draining, as what would be drained is stuck.
func (s *server) abort() {
	s.lines.close()
	os.Exit(exitFailure)
}
