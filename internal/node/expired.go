package node

import (
	"context"
	"time"
)

// expiredLook is how often connections are closed whose certificates have ended meanwhile.
const expiredLook = time.Second

// watchCertificates closes them until ctx ends.
func (n *Node) watchCertificates(ctx context.Context) {
	tick := time.NewTicker(expiredLook)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			n.core.CloseExpired()
		case <-ctx.Done():
			return
		}
	}
}
