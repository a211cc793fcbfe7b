package proxy

import (
	"sync"
	"time"
)

// dated are the open connections whose certificates end one day, and when. Its zero value is ready.
type dated struct {
	mu   sync.Mutex
	byID map[uint64]dateOf
}

type dateOf struct {
	link Link
	end  time.Time
}

// note takes down until when a connection is good; zero: for ever.
func (d *dated) note(l Link, end time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if end.IsZero() {
		delete(d.byID, l.ID())
		return
	}
	if d.byID == nil {
		d.byID = map[uint64]dateOf{}
	}
	d.byID[l.ID()] = dateOf{l, end}
}

// over takes out those whose time is over. Who has closed is forgotten.
func (d *dated) over(now time.Time) (list []Link) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for id, c := range d.byID {
		over, closed := now.After(c.end), c.link.Err() != nil
		if over && !closed {
			list = append(list, c.link)
		}
		if over || closed {
			delete(d.byID, id)
		}
	}
	return list
}

// CloseExpired closes the connections whose certificates have ended since it was called last, as those that a change
// forbids. It is to be called every second.
func (p *Proxy) CloseExpired() {
	policy := p.policy.Load()
	if policy == nil {
		return
	}
	for _, l := range p.dated.over(p.clock.Now()) {
		p.certified(policy, l)
	}
}
