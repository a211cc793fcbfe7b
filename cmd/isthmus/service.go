package main

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"isthmus/internal/node"
)

const (
	announceAfter = 10 * time.Second // at the latest: a node that waits for its database or a port would be ended in vain
	announceLook  = 20 * time.Millisecond
)

// announced tells the service manager how the service fares until ctx ends; the function that it returns is for the end
// of the process. core holds no node until there is one that could serve.
func (s *server) announced(ctx context.Context, core *atomic.Pointer[node.Node]) (end func()) {
	if s.manager == nil {
		return func() {}
	}
	serving, stop := context.WithCancel(ctx)
	var group sync.WaitGroup
	group.Go(func() {
		s.announce(serving, func() string {
			if n := core.Load(); n != nil {
				return n.Health().State
			}
			return node.Starting
		})
	})
	context.AfterFunc(ctx, func() { s.tell(s.manager.Stopping("draining")) })
	return func() {
		stop()
		group.Wait()
	}
}

// announce tells the service manager when this node serves, which is what a restart waits for.
func (s *server) announce(ctx context.Context, state func() string) {
	defer s.manager.LetGo()
	look := time.NewTicker(announceLook)
	defer look.Stop()
	late := time.After(announceAfter)
	for {
		select {
		case <-ctx.Done():
			return
		case <-late:
			s.tell(s.manager.Ready("started, but not serving yet; the log says why"))
			return
		case <-look.C:
		}
		switch now := state(); now {
		case node.Starting:
		case node.Stopped:
			s.tell(s.manager.Ready("started; the SIP proxy does not run on this node"))
			return
		default:
			s.tell(s.manager.Ready("serving: " + now))
			return
		}
	}
}

// tell makes an error of the manager known; nothing depends on what it hears but its own view.
func (s *server) tell(err error) {
	if err != nil {
		s.log.Warn("the service manager was not told", "reason", err)
	}
}
