package main

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"

	"isthmus/internal/metrics"
	"isthmus/internal/names"
	"isthmus/internal/node"
	"isthmus/internal/store"
	"isthmus/internal/systemd"
)

type serveCommand struct{}

// Run serves until ctx ends, then drains. A start that was called off has not failed.
func (serveCommand) Run(ctx context.Context, f *flags, c console) error {
	lines := newSink(c.err)
	defer lines.close()
	c.err = lines
	err := serve(ctx, f, c, lines)
	if err != nil && ctx.Err() != nil {
		f.logger(c.err).Info("stopped before the start was complete", "reason", err)
		return nil
	}
	return err
}

func serve(ctx context.Context, f *flags, c console, lines *sink) error {
	if err := f.check(); err != nil {
		return err
	}
	log := f.logger(c.err)
	manager := systemd.Open() // before any other program is started
	url, cluster, err := f.database(ctx, c, log)
	if err != nil {
		return err
	}
	defer closeCluster(cluster)
	db, err := store.Open(ctx, url)
	if err != nil {
		return unreachable(err)
	}
	defer db.Close()
	known := make(chan struct{})
	s := server{flags: f, console: c, log: log, lines: lines, db: db, manager: manager, known: known, recognise: sync.OnceFunc(func() { close(known) })}
	return s.run(ctx)
}

// A server is one running node with its console.
type server struct {
	*flags
	console console
	log     *slog.Logger
	lines   *sink // that log writes to
	db      *store.Store
	manager *systemd.Manager // who started the process; nil: nobody who has to be told

	known     <-chan struct{} // closed once the database is known to be this cluster's, by the key file
	recognise func()          // closes known
}

func (s *server) run(ctx context.Context) error {
	var core atomic.Pointer[node.Node]
	defer s.announced(ctx, &core)()
	sockets, err := s.sockets()
	if err != nil {
		return err
	}
	defer closeSockets(sockets)
	key, later, err := s.prepare(ctx)
	if errors.As(err, new(keyless)) {
		key, later, err = s.awaitKey(ctx, sockets, err)
	}
	if err != nil {
		return err
	}
	numbers := metrics.New(version)
	numbers.ObserveLog(s.lines.Lost)
	book := names.New(names.Config{Ask: s.ask(), Log: s.log.With("node", s.Node)})
	defer book.Close()
	config := node.Config{
		Name: s.Node, Version: version, Dir: s.DataDir, Key: key, Metrics: numbers, Log: s.log,
		Snapshots: s.snapshots, UserFacts: s.db.UserFacts, Report: s.report, Peers: s.db.PeerCertificates, Clock: s.db.Clock,
		Names: book, MemoryLimit: node.LimitMemory(), Watchdog: stuckAfter, Stuck: s.abort,
	}
	if s.manager.Keeps() {
		config.Inherited, config.Heir = s.manager.Take, s.manager
	}
	n := node.New(config)
	doors := s.doors(sockets, s.site(n, numbers, key), n.Certificate)
	var group sync.WaitGroup
	for _, d := range doors {
		group.Go(func() { d.serve(s.log) })
	}
	if later == nil {
		later = s.welcome
	}
	group.Go(func() { later(ctx) })
	core.Store(n)
	group.Go(func() { node.CollectSeldom(ctx) })
	n.Run(ctx)
	// The console outlives the core, so that /readyz says draining as long as that takes.
	s.handOver(doors)
	closeDoors(doors)
	group.Wait()
	s.log.Info("stopped")
	return nil
}
