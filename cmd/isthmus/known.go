package main

import (
	"context"
	"errors"
	"iter"

	"isthmus/internal/federation"
)

// snapshots are the database's, once it is known. What another key file sealed cannot be opened here: following such a
// database would give up what this node has.
func (s *server) snapshots(ctx context.Context) iter.Seq2[federation.Snapshot, error] {
	return func(yield func(federation.Snapshot, error) bool) {
		for snapshot, err := range s.db.Snapshots(ctx) {
			if err == nil && !s.isKnown() && !yield(federation.Snapshot{}, errStranger) {
				return
			}
			if err == nil && !s.awaitKnown(ctx) || !yield(snapshot, err) {
				return
			}
		}
	}
}

// errStranger stands for the database until the log can say more: it may have a newer schema, or another key file.
var errStranger = errors.New("The database answers, but this node has not joined it yet. It goes on with what is kept on disk; the log says what stands in the way.")

func (s *server) isKnown() bool {
	select {
	case <-s.known:
		return true
	default:
		return false
	}
}

func (s *server) awaitKnown(ctx context.Context) bool {
	select {
	case <-s.known:
		return true
	case <-ctx.Done():
		return false
	}
}

// report keeps the node's status in the database, and nowhere as long as that may be another cluster's, whose node of this
// name it would speak for.
func (s *server) report(ctx context.Context, status federation.NodeStatus) error {
	select {
	case <-s.known:
		return s.db.ReportStatus(ctx, status)
	default:
		return errors.New("The database has not been reached since the start, or was set up with another key file; the node reports as soon as it can register there.")
	}
}
