package proxy

import (
	"sync"
	"time"
)

// refusalsPerSecond bounds what strangers over UDP are told, and what is logged of them, as addresses can be forged without end.
// Of the TLS handshakes of strangers no more are logged.
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

// refusalsEvery is how often handshakes that this node refused or cut off are logged, for each reason; the metric counts them all.
const refusalsEvery = 10 * time.Second

// A seldom lets one event of each name pass in that time. Its zero value is ready; the names are few.
type seldom struct {
	mu   sync.Mutex
	last map[string]time.Time
}

func (s *seldom) passes(name string, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if last, ok := s.last[name]; ok && now.Sub(last) < refusalsEvery {
		return false
	}
	if s.last == nil {
		s.last = map[string]time.Time{}
	}
	s.last[name] = now
	return true
}
