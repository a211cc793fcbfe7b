package proxy

import (
	"maps"
	"sync"
	"time"
)

// refusalsPerSecond bounds what strangers over UDP are told, and what is logged of them, as addresses can be forged without end.
// Of strangers who connect, no more refused messages are logged, and no more failed TLS handshakes.
const refusalsPerSecond = 100

// A gate lets so many events of a second pass. Its zero value is ready.
type gate struct {
	mu     sync.Mutex
	began  time.Time
	passed int
}

func (g *gate) passes(now time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if now.Sub(g.began) >= time.Second {
		g.began, g.passed = now, 0
	}
	g.passed++
	return g.passed <= refusalsPerSecond
}

// refusalsEvery is how often the failed TLS handshakes of one known peer are logged, for each reason, and so are those of
// strangers that this node refused or cut off; the metric counts them all.
const refusalsEvery = 10 * time.Second

// maxNames is how many names are kept apart: a hundred lines a second at most.
const maxNames = 1000

// A seldom lets one event of each name pass in that time, the first at once. Names beyond maxNames share one. Its zero
// value is ready.
type seldom struct {
	mu   sync.Mutex
	last map[string]*spell
}

// A spell is the time since an event of a name passed.
type spell struct {
	began time.Time
	left  int // events that did not pass
}

func (s *spell) over(now time.Time) bool { return now.Sub(s.began) >= refusalsEvery }

// passes reports whether an event passes, and how many of its name did not since the last one that did.
func (s *seldom) passes(name string, now time.Time) (left int, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.last == nil {
		s.last = map[string]*spell{}
	}
	if s.last[name] == nil && len(s.last) >= maxNames {
		maps.DeleteFunc(s.last, func(_ string, known *spell) bool { return known.over(now) })
		if len(s.last) >= maxNames {
			name = ""
		}
	}
	known := s.last[name]
	switch {
	case known == nil:
		known = &spell{}
		s.last[name] = known
	case !known.over(now):
		known.left++
		return 0, false
	}
	left = known.left
	*known = spell{began: now}
	return left, true
}
