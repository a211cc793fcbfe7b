package web

import (
	"context"
	"slices"
	"sync"
	"time"

	"isthmus/internal/federation"
)

// A kept snapshot is the last one that was read from the database. Pages read it many times, and it changes seldom; one
// cheap query tells whether it still is the newest. Its zero value is ready.
type kept struct {
	mu       sync.Mutex
	read     time.Time // zero: nothing was read yet
	snapshot federation.Snapshot
}

func (k *kept) at(p federation.Point) (federation.Snapshot, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.snapshot, !k.read.IsZero() && k.snapshot.Point() == p
}

// last is what was read last, and when; false while nothing was.
func (k *kept) last() (federation.Snapshot, time.Time, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.snapshot, k.read, !k.read.IsZero()
}

// keep takes what was just read, also when it is older: the database may have gone back, as after a restore.
func (k *kept) keep(snapshot federation.Snapshot, read time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.read, k.snapshot = read, snapshot
}

// snapshot is the last committed state of the configuration, or what is in force here while the database is away. What
// changes something gets the error instead. Nobody may change its lists in place: others read them at the same time.
func (s *Server) snapshot(ctx context.Context) (federation.Snapshot, error) {
	v := reachOf(ctx)
	err := v.away()
	if err == nil {
		snapshot, failed := s.newest(ctx)
		if failed == nil {
			return snapshot, nil
		}
		v.miss(failed)
		if err = failed; v.away() == nil {
			return federation.Snapshot{}, err
		}
	}
	if snapshot, _, ok := s.inForce(); ok && !v.changing {
		return snapshot, nil
	}
	return federation.Snapshot{}, err
}

// newest is what the database has now, read only when it is not the one that is kept.
func (s *Server) newest(ctx context.Context) (federation.Snapshot, error) {
	point, err := s.store.Newest(ctx)
	if err != nil {
		return federation.Snapshot{}, err
	}
	if snapshot, ok := s.kept.at(point); ok {
		return snapshot, nil
	}
	snapshot, err := s.store.Snapshot(ctx)
	if err == nil {
		clip(&snapshot.Configuration)
		s.kept.keep(snapshot, s.Now())
	}
	return snapshot, err
}

// clip leaves no room behind any list, so that whoever appends gets a list of their own.
func clip(c *federation.Configuration) {
	c.Domains, c.Nodes, c.StaticRoutes, c.ACL = slices.Clip(c.Domains), slices.Clip(c.Nodes), slices.Clip(c.StaticRoutes), slices.Clip(c.ACL)
	c.TLSPeerSubjects, c.TLSContexts = slices.Clip(c.TLSPeerSubjects), slices.Clip(c.TLSContexts)
	c.Listeners, c.FederatedDomains = slices.Clip(c.Listeners), slices.Clip(c.FederatedDomains)
}
