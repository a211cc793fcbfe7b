package names

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"
)

// hopLimit is how long who wants to connect waits for a first look-up.
const hopLimit = time.Second

// Host returns the addresses of a name, each with the port. It waits up to 1 s when the name was never asked for.
func (b *Book) Host(ctx context.Context, name string, port int) ([]netip.AddrPort, error) {
	h, err := await(ctx, b, &b.hosts, name)
	if err != nil {
		return nil, fmt.Errorf("no address of %s: %w", name, err)
	}
	list := withPort(nil, h, uint16(port))
	if list == nil {
		return nil, fmt.Errorf("DNS knows no address of %s", name)
	}
	return list, nil
}

// Service returns the addresses that the SRV records of a name such as _sips._tcp.pool.synergy.com lead to, in the order
// in which they are to be tried. It waits as Host does.
func (b *Book) Service(ctx context.Context, name string) ([]netip.AddrPort, error) {
	targets, err := await(ctx, b, &b.services, name)
	if err != nil {
		return nil, fmt.Errorf("no SRV record of %s: %w", name, err)
	}
	if len(targets) == 0 {
		return nil, fmt.Errorf("DNS knows no SRV record of %s", name)
	}
	var list []netip.AddrPort
	for _, t := range b.ordered(targets) {
		list = withPort(list, t.host, t.port)
	}
	if list == nil {
		return nil, fmt.Errorf("DNS knows no address of the hosts in the SRV records of %s", name)
	}
	return list, nil
}

// await returns what is known of a key, after the first look-up when there was none yet.
func await[V any](ctx context.Context, b *Book, s *shelf[string, V], key string) (v V, err error) {
	limit, cancel := context.WithTimeout(ctx, hopLimit)
	defer cancel()
	for {
		b.mu.Lock()
		r, turn := s.get(key), b.turn
		v, known, err := r.value, r.known(), r.err
		b.mu.Unlock()
		switch {
		case known:
			return v, nil
		case err != nil:
			return v, err
		}
		select {
		case <-turn:
		case <-limit.Done():
			if err := ctx.Err(); err != nil {
				return v, err
			}
			return v, fmt.Errorf("DNS did not answer within %s", hopLimit)
		}
	}
}

func withPort(list []netip.AddrPort, h host, port uint16) []netip.AddrPort {
	for _, a := range h.addrs() {
		list = append(list, netip.AddrPortFrom(a, port))
	}
	return list
}

// ordered sorts targets by priority, and draws among equals by weight (RFC 2782).
func (b *Book) ordered(targets []target) []target {
	left := slices.Clone(targets)
	// Those without weight come first, which leaves them a small chance.
	slices.SortStableFunc(left, func(a, b target) int {
		if a.priority != b.priority {
			return int(a.priority) - int(b.priority)
		}
		return int(min(a.weight, 1)) - int(min(b.weight, 1))
	})
	for i := range left {
		j := i + b.draw(left[i:])
		chosen := left[j]
		copy(left[i+1:j+1], left[i:j])
		left[i] = chosen
	}
	return left
}

// draw chooses one of the targets that share the priority of the first.
func (b *Book) draw(list []target) int {
	sum := 0
	for _, t := range list {
		if t.priority == list[0].priority {
			sum += int(t.weight)
		}
	}
	at := b.random(sum + 1)
	for i, t := range list {
		if at -= int(t.weight); at <= 0 {
			return i
		}
	}
	return 0
}

func (b *Book) random(n int) int {
	if b.config.Random != nil {
		return b.config.Random(n)
	}
	return rand.IntN(n)
}
