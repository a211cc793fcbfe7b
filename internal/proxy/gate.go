package proxy

import (
	"sync"
	"time"
)

// refusalsPerSecond bounds what strangers over UDP are told, and what is logged of them, as addresses can be forged without end.
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
