package embedpg

import (
	"context"
	"time"
)

// A server that ended by itself is started again after a pause, which grows while it goes on ending.
const (
	minRest = 50 * time.Millisecond
	maxRest = 5 * time.Second
	steady  = time.Minute // a server that ran so long has started well; also between two complaints
)

// firstTry is how long Start waits for a server whose recovery goes on afterwards (Config.Persist).
const firstTry = 2 * time.Second

// keeper has the server of a cluster and starts it again when it ends unasked. The lock is the cluster's.
type keeper struct {
	config Config
	place  place
	lock   *Lock
	url    string // of the maintenance database
	stop   context.CancelFunc
	ended  chan struct{}
	err    error // how the last server ended when it was told to; read after ended

	complained time.Time
	owed       bool // somebody was told that the database is away, and not yet that it is back
}

// begin has the server run until end. A patient one is not waited for, however its start ends.
func (k *keeper) begin(ctx context.Context, patient bool) error {
	life, stop := context.WithCancel(context.WithoutCancel(ctx))
	k.stop, k.ended = stop, make(chan struct{})
	if !patient {
		s, err := k.raise(ctx)
		if err != nil {
			stop()
			return err
		}
		go k.keep(life, s, nil)
		return nil
	}
	first := make(chan error, 1)
	go k.keep(life, nil, first)
	select {
	case <-first: // the log has it
	case <-time.After(firstTry):
		k.config.Log.Warn("the embedded database does not answer yet, as while it recovers from a crash")
	case <-ctx.Done():
		_ = k.end()
		return ctx.Err()
	}
	return nil
}

// raise starts the server and waits until it answers.
func (k *keeper) raise(ctx context.Context) (*server, error) {
	bin, err := k.config.programs(k.place)
	if err != nil {
		return nil, err
	}
	if err := ownDir(k.place.sockets, k.place.account); err != nil {
		return nil, err
	}
	if err := clearStale(k.place); err != nil {
		return nil, err
	}
	s, err := launch(k.config, bin, k.place, k.lock)
	if err != nil {
		return nil, err
	}
	if err := s.ready(ctx, k.url); err != nil {
		_ = s.stop() // why it did not start matters more
		return nil, err
	}
	return s, nil
}

// keep has a server until ctx ends. s is the one that runs; with nil the first is still to be started, and how that ended
// is sent to first.
func (k *keeper) keep(ctx context.Context, s *server, first chan<- error) {
	defer close(k.ended)
	rest := minRest
	for {
		if s == nil {
			var err error
			s, err = k.raise(ctx)
			k.tell(ctx, err)
			if first != nil {
				first <- err
				first = nil
			}
		}
		if s != nil {
			rest = k.watch(ctx, s, rest)
			s = nil
		}
		if k.config.Once || pause(ctx, rest) != nil {
			return
		}
		rest = min(2*rest, maxRest)
	}
}

// tell says how a start ended.
func (k *keeper) tell(ctx context.Context, err error) {
	switch {
	case err == nil && k.owed:
		k.config.Log.Info("the embedded database runs again")
		k.owed = false
	case err != nil && ctx.Err() == nil:
		k.complain("the embedded database cannot be started; trying again", err)
	}
}

// watch waits for a server's end, which it brings about when ctx ends, and returns how long to rest before the next one.
func (k *keeper) watch(ctx context.Context, s *server, rest time.Duration) time.Duration {
	began := time.Now()
	select {
	case <-ctx.Done():
		k.err = s.stop()
		return rest
	case <-s.ended:
	}
	s.leash.Close()
	if time.Since(began) > steady {
		rest = minRest
	}
	k.complain("the embedded database has ended by itself; it is started again", s.err, "last_lines", s.lines.tail())
	return rest
}

// complain says what went wrong, once a minute at most: a server that crashes at every start would fill the log.
func (k *keeper) complain(text string, err error, more ...any) {
	if !k.complained.IsZero() && time.Since(k.complained) < steady {
		return
	}
	k.complained, k.owed = time.Now(), true
	k.config.Log.Error(text, append([]any{"reason", err}, more...)...)
}

// end ends the server for good.
func (k *keeper) end() error {
	k.stop()
	<-k.ended
	return k.err
}
