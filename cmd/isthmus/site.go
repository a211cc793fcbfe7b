package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"time"

	"isthmus/internal/certs"
	"isthmus/internal/federation"
	"isthmus/internal/metrics"
	"isthmus/internal/node"
	"isthmus/web"
)

const setupLife = 15 * time.Minute

// invite prints the link that makes the first administrator, while there is none.
func (s *server) invite(ctx context.Context) error {
	has, err := s.db.HasAdministrator(ctx)
	if err != nil || has {
		return err
	}
	token, hash := web.NewSetupToken()
	if err := s.db.NewSetupToken(ctx, hash, time.Now().Add(setupLife)); err != nil {
		return err
	}
	fmt.Fprintf(s.console.out, "Create the first administrator within 15 minutes: %s/setup?token=%s\n", s.address(), token)
	return nil
}

// address is where people of this machine find the console.
func (s *server) address() string {
	scheme, listen := "http", s.HTTP
	if s.HTTPS != "" {
		scheme, listen = "https", s.HTTPS
	}
	host, port, err := net.SplitHostPort(listen)
	if a, parseErr := federation.ParseAddress(host); err != nil || host == "" || parseErr == nil && a.IsUnspecified() {
		host = s.Node
	}
	return scheme + "://" + net.JoinHostPort(host, port)
}

func (s *server) site(core *node.Node, numbers *metrics.Metrics, key *certs.Key) http.Handler {
	return web.New(web.Config{Store: s.db, Node: s.Node, Version: version, Metrics: numbers.Handler(), Key: key, Log: s.log, Resolver: s.resolver(),
		Health: func() web.Health { return web.Health(core.Health()) }, Latest: core.Latest})
}
