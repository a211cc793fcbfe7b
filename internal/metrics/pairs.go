package metrics

import (
	"maps"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
)

// pairs are counters by one or two labels, which are found faster than the library does, as every message counts in some.
type pairs struct {
	vec   *prometheus.CounterVec
	mu    sync.RWMutex
	known map[[2]string]prometheus.Counter
}

func newPairs(vec *prometheus.CounterVec) *pairs {
	return &pairs{vec: vec, known: map[[2]string]prometheus.Counter{}}
}

// of takes as many values as there are labels.
func (p *pairs) of(values ...string) prometheus.Counter {
	var key [2]string
	copy(key[:], values)
	p.mu.RLock()
	c := p.known[key]
	p.mu.RUnlock()
	if c == nil {
		c = p.add(key, len(values))
	}
	return c
}

func (p *pairs) add(key [2]string, labels int) prometheus.Counter {
	p.mu.Lock()
	defer p.mu.Unlock()
	c := p.vec.WithLabelValues(key[:labels]...)
	p.known[key] = c
	return c
}

// drop forgets the counters whose first label, of that name, has the value.
func (p *pairs) drop(name, value string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	maps.DeleteFunc(p.known, func(key [2]string, _ prometheus.Counter) bool { return key[0] == value })
	p.vec.DeletePartialMatch(prometheus.Labels{name: value})
}
