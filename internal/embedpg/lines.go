package embedpg

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
)

// keptLines is how much of the server's words an error about it repeats.
const keptLines = 8

// lines hands the server's output to the log line by line and keeps the last ones for errors.
type lines struct {
	log     *slog.Logger
	mu      sync.Mutex
	partial []byte
	last    []string
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.partial = append(l.partial, b...)
	for {
		line, rest, whole := bytes.Cut(l.partial, []byte("\n"))
		if !whole {
			return len(b), nil
		}
		l.add(string(line))
		l.partial = rest
	}
}

func (l *lines) add(line string) {
	l.log.Log(context.Background(), slog.LevelDebug, "embedded database", "line", line)
	l.last = append(l.last, line)
	if len(l.last) > keptLines {
		l.last = l.last[1:]
	}
}

func (l *lines) tail() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.last, "; ")
}
