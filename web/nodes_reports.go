package web

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"isthmus/internal/federation"
	"isthmus/internal/store"
)

// reports are what the nodes were heard to say last, for pages while the database is away. Its zero value is ready.
type reports struct {
	mu   sync.Mutex
	list []federation.NodeStatus
	at   time.Time
}

func (h *reports) keep(list []federation.NodeStatus, at time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.list, h.at = list, at
}

func (h *reports) last() ([]federation.NodeStatus, time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.list), h.at
}

// statuses are the last reports of all nodes. While the database is away they are those that were read before, of the time
// asOf, and of this node what it says of itself at this moment.
func (s *Server) statuses(ctx context.Context) (list []federation.NodeStatus, asOf time.Time, err error) {
	list, err = s.store.NodeStatuses(ctx)
	if err == nil {
		s.reports.keep(list, s.Now())
		return list, asOf, nil
	}
	last, at := s.reports.last()
	if !errors.Is(err, store.ErrUnavailable) || s.Health == nil {
		return nil, asOf, err
	}
	if at.IsZero() {
		at = s.Now()
	}
	return withOwn(last, s.ownStatus()), at, nil
}

// ownStatus is what this node says of itself without the database.
func (s *Server) ownStatus() federation.NodeStatus {
	h := s.Health()
	return federation.NodeStatus{Node: s.Node, AppliedRevision: h.AppliedRevision, State: h.State, Database: h.Database,
		Listeners: h.Listeners, Version: s.Version, ReportedAt: s.Now()}
}

// withOwn puts a node's own status in the place of the one that it reported before, which keeps what Health does not tell.
func withOwn(list []federation.NodeStatus, own federation.NodeStatus) []federation.NodeStatus {
	before := statusOf(list, own.Node)
	if before == nil {
		return append(list, own)
	}
	own.AppliedEra, own.StartedAt, own.Error, own.Unkept, own.Restarted, own.Hops = before.AppliedEra, before.StartedAt, before.Error, before.Unkept, before.Restarted, before.Hops
	own.LastError, own.ErrorAt = before.LastError, before.ErrorAt
	*before = own
	return list
}
