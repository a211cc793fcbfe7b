package main

import (
	"context"
	"crypto/tls"
	"errors"
	"sync"

	"isthmus/internal/certs"
	"isthmus/web"
)

// keyless is the start of a node that has neither the database nor a key file: it cannot tell yet whether it may make one,
// and what others sealed it cannot open.
type keyless struct{ cause error }

func (k keyless) Unwrap() error { return k.cause }

func (k keyless) Error() string {
	return "The database cannot be used, and this node has no key file yet. It starts as soon as the database answers. " + k.cause.Error()
}

// awaitKey shows the console, and that the node starts, until the database answers or somebody brings the key file. A
// process that ended instead would be started again and again by whatever watches over it.
func (s *server) awaitKey(ctx context.Context, sockets []socket, why error) (*certs.Key, func(context.Context), error) {
	s.log.Error("no database and no key file yet; waiting for one of them", "reason", why)
	site := web.New(web.Config{Store: s.db, Node: s.Node, Version: version, Log: s.log, Resolver: s.resolver(),
		Health: func() web.Health { return web.Health{State: web.Starting, Database: why.Error()} }})
	own, err := copies(sockets) // as what serves a socket closes it
	if err != nil {
		return nil, nil, err
	}
	doors := s.doors(own, site, func() (*tls.Certificate, error) { return nil, why })
	var group sync.WaitGroup
	for _, d := range doors {
		group.Go(func() { d.serve(s.log) })
	}
	defer group.Wait()
	defer closeDoors(doors)
	for {
		if s.db.Pause(ctx, retryDatabase); ctx.Err() != nil {
			return nil, nil, ctx.Err()
		}
		key, later, err := s.prepare(ctx)
		if !errors.As(err, new(keyless)) {
			return key, later, err
		}
	}
}
