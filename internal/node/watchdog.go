package node

import (
	"context"
	"runtime"
	"time"
)

// beats are so many in the time after which a node counts as stuck.
const beats = 6

// A watchdog asks again and again for a sign of life. It counts its own ticks, of which a process that was stopped or a
// machine that slept has none, and never looks at the clock: neither must look like a deadlock.
type watchdog struct {
	after time.Duration // without a beat, until the node counts as stuck
	beat  func()        // returns when all is well, and never in a deadlock
	stuck func()
}

// run watches until ctx ends or the node is stuck.
func (w watchdog) run(ctx context.Context) {
	tick := time.NewTicker(w.after / beats)
	defer tick.Stop()
	done, waiting, missed := make(chan struct{}, 1), false, 0
	for {
		select {
		case <-ctx.Done():
			return
		case <-done:
			waiting = false
			continue
		case <-tick.C:
		}
		if waiting {
			if missed++; missed >= beats {
				w.stuck()
				return
			}
			continue
		}
		waiting, missed = true, 0
		// On a timer, as the transactions' are: they have to ring too.
		time.AfterFunc(time.Millisecond, func() {
			w.beat()
			done <- struct{}{}
		})
	}
}

// watch ends a node that is stuck, for its supervisor to start it anew. A deadlock mends itself never.
func (n *Node) watch(ctx context.Context) {
	watchdog{after: n.config.Watchdog, beat: func() { n.faulted("the watchdog", n.beat) }, stuck: n.stuck}.run(ctx)
}

// beat takes every lock that requests, connections and the console's questions take, and is answered an OPTIONS.
func (n *Node) beat() {
	n.Health()
	n.layer.Connections()
	n.layer.HandshakesWaiting()
	n.core.Transactions()
	n.core.Beat(n.localAddress())
}

// stuck keeps what every goroutine waits for, then ends the process.
func (n *Node) stuck() {
	path, err := n.crashes.write(time.Now(), "Isthmus "+n.config.Version+" on "+n.config.Name+"\nstuck: nothing moved for "+n.config.Watchdog.String()+"\n\n"+stacks())
	if err != nil {
		n.log.Error("a crash file could not be written", "reason", err)
	}
	n.log.Error("this node is stuck and ends, to be started again; send the crash file to whoever maintains Isthmus", "file", path)
	n.config.Stuck()
}

// stacks are those of all goroutines, up to 64 MiB.
func stacks() string {
	for size := 1 << 20; ; size *= 2 {
		b := make([]byte, size)
		if n := runtime.Stack(b, true); n < size || size >= 64<<20 {
			return string(b[:n])
		}
	}
}
