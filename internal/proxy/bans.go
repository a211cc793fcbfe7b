package proxy

import (
	"maps"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// An address that is refused more than banAfter times within banWindow is not heard for banFor.
const (
	banAfter  = 5
	banWindow = 10 * time.Second
	banFor    = time.Minute
	maxBans   = 10_000 // addresses remembered; beyond it the idle ones are swept
)

// bans counts refusals by address. Its zero value is ready.
type bans struct {
	mu      sync.Mutex
	records map[netip.Addr]*record
}

type record struct {
	refused [banAfter]time.Time // a ring of the last refusals
	next    int
	until   time.Time
}

// count notes a refusal.
func (b *bans) count(addr netip.Addr, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.records == nil {
		b.records = map[netip.Addr]*record{}
	}
	r := b.records[addr]
	if r == nil {
		b.sweep(now)
		r = &record{}
		b.records[addr] = r
	}
	oldest := r.refused[r.next]
	if now.Sub(oldest) < banWindow {
		r.until = now.Add(banFor)
	}
	r.refused[r.next] = now
	r.next = (r.next + 1) % banAfter
}

// sweep forgets addresses that were quiet, once there are many.
func (b *bans) sweep(now time.Time) {
	if len(b.records) < maxBans {
		return
	}
	for addr, r := range b.records {
		last := r.refused[(r.next+banAfter-1)%banAfter]
		if now.After(r.until) && now.Sub(last) >= banWindow {
			delete(b.records, addr)
		}
	}
	if len(b.records) > maxBans/2 {
		clear(b.records) // a flood from everywhere: counting it would cost more than it spares
	}
}

func (b *bans) banned(addr netip.Addr, now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	r := b.records[addr]
	return r != nil && now.Before(r.until)
}

// lift forgets the addresses that are listed now. listed is asked without the lock, on which every accept waits.
func (b *bans) lift(listed func(netip.Addr) bool) {
	b.mu.Lock()
	all := slices.Collect(maps.Keys(b.records))
	b.mu.Unlock()
	all = slices.DeleteFunc(all, func(a netip.Addr) bool { return !listed(a) })
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, addr := range all {
		delete(b.records, addr)
	}
}
