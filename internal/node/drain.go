package node

import (
	"context"
	"time"
)

const (
	drainLook  = 50 * time.Millisecond  // between two looks at what is under way
	serveOn    = 2 * time.Second        // in which new requests on open connections are still served
	refuseFor  = 500 * time.Millisecond // after that, until whoever still asks is left alone
	quietFor   = 250 * time.Millisecond // without a request, until those who went on asking seem to have gone elsewhere
	closeLimit = 2 * time.Second        // for what is queued on connections
)

// drain ends the node in good order: no new connections, then no requests under way, then no connections.
func (n *Node) drain() {
	n.mu.Lock()
	n.facts.draining = true
	n.mu.Unlock()
	n.log.Info("draining")
	n.applying.Lock() // a snapshot that is just being applied opens no listener after this
	n.core.Stop()
	n.closeListeners()
	n.applying.Unlock()
	left := n.awaitRequests()
	n.core.Refuse() // what comes while the connections are being closed
	ctx, cancel := context.WithTimeout(context.Background(), closeLimit)
	defer cancel()
	if err := n.layer.Shutdown(ctx); err != nil {
		n.log.Warn("connections were cut off", "reason", err)
	}
	n.log.Info("stopped", "unanswered", left)
}

func (n *Node) closeListeners() {
	if n.config.Heir == nil {
		n.layer.Fit(nil)
		return
	}
	n.layer.HandOver(n.config.Heir.Keep)
}

// awaitRequests returns when no request is under way and none comes any more, or after the time that they get; then it
// tells how many there are. Peers that do not cease to ask are sent elsewhere with 503 after a while, and keep
// the node no longer than such answers need.
func (n *Node) awaitRequests() (left int) {
	look := time.NewTicker(drainLook)
	defer look.Stop()
	began, refusing := time.Now(), time.Time{} // refusing: since then, however late that was
	var came int64
	var last time.Time // when came was seen to grow
	for kept := n.config.Heir != nil; ; <-look.C {
		if refusing.IsZero() && time.Since(began) >= serveOn {
			refusing = time.Now()
			n.core.Refuse()
		}
		told := !refusing.IsZero() && time.Since(refusing) >= refuseFor
		if told && kept {
			// Who waits in the queues of sockets that were handed over would go elsewhere if it were refused.
			kept = false
			n.config.Heir.Forget()
		}
		if now := n.core.Came(); now != came {
			came, last = now, time.Now()
		}
		left = n.core.Pending()
		switch {
		case left == 0 && (told || time.Since(last) >= quietFor):
			return 0
		case time.Since(began) >= n.config.Drain:
			return left
		}
	}
}
