package web

import (
	"context"
	"errors"
	"slices"
	"sync"

	"isthmus/internal/federation"
	"isthmus/internal/store"
)

// A kept snapshot is the last one that was read from the database. Pages read it many times, and it changes seldom; one
// cheap query tells whether it still is the newest. Its zero value is ready.
type kept struct {
	mu       sync.Mutex
	known    bool
	snapshot federation.Snapshot
}

func (k *kept) at(p federation.Point) (federation.Snapshot, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.snapshot, k.known && k.snapshot.Point() == p
}

// keep takes what was just read, also when it is older: the database may have gone back, as after a restore.
func (k *kept) keep(snapshot federation.Snapshot) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.known, k.snapshot = true, snapshot
}

// snapshot is the last committed state of the configuration. Nobody may change its lists in place: others read them at
// the same time.
func (s *Server) snapshot(ctx context.Context) (federation.Snapshot, error) {
	newest, err := s.store.Newest(ctx)
	if err != nil {
		return s.inForce(err)
	}
	if snapshot, ok := s.kept.at(newest); ok {
		return snapshot, nil
	}
	snapshot, err := s.store.Snapshot(ctx)
	if err != nil {
		return s.inForce(err)
	}
	clip(&snapshot.Configuration)
	s.kept.keep(snapshot)
	return snapshot, nil
}

// inForce is what this node has in force, for a database that is away.
func (s *Server) inForce(err error) (federation.Snapshot, error) {
	if errors.Is(err, store.ErrUnavailable) && s.Latest != nil {
		if snapshot, _, ok := s.Latest(); ok {
			return snapshot, nil
		}
	}
	return federation.Snapshot{}, err
}

// clip leaves no room behind any list, so that whoever appends gets a list of their own.
func clip(c *federation.Configuration) {
	c.Domains, c.Nodes, c.StaticRoutes, c.ACL = slices.Clip(c.Domains), slices.Clip(c.Nodes), slices.Clip(c.StaticRoutes), slices.Clip(c.ACL)
	c.TLSPeerSubjects, c.TLSContexts = slices.Clip(c.TLSPeerSubjects), slices.Clip(c.TLSContexts)
	c.Listeners, c.FederatedDomains = slices.Clip(c.Listeners), slices.Clip(c.FederatedDomains)
}
