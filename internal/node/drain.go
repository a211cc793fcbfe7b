package node

import (
	"context"
	"time"
)

const (
	drainLook  = 50 * time.Millisecond // between two looks at what is under way
	closeLimit = 2 * time.Second       // for what is queued on connections
)

// drain ends the node in good order: no new connections, then no requests under way, then no connections.
func (n *Node) drain() {
	n.mu.Lock()
	n.facts.draining = true
	n.mu.Unlock()
	n.log.Info("draining")
	n.applying.Lock() // a snapshot that is just being applied opens no listener after this
	n.layer.Fit(nil)
	n.applying.Unlock()
	n.core.Stop()
	left := n.awaitRequests()
	ctx, cancel := context.WithTimeout(context.Background(), closeLimit)
	defer cancel()
	if err := n.layer.Shutdown(ctx); err != nil {
		n.log.Warn("connections were cut off", "reason", err)
	}
	n.log.Info("stopped", "unanswered", left)
}

// awaitRequests returns when no request is under way, or after the time that they get; then it tells how many there are.
func (n *Node) awaitRequests() (left int) {
	limit := time.NewTimer(n.config.Drain)
	defer limit.Stop()
	look := time.NewTicker(drainLook)
	defer look.Stop()
	for {
		if left = n.core.Pending(); left == 0 {
			return 0
		}
		select {
		case <-limit.C:
			return left
		case <-look.C:
		}
	}
}
