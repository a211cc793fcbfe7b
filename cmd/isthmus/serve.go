package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"isthmus/internal/certs"
	"isthmus/internal/embedpg"
	"isthmus/internal/federation"
	"isthmus/internal/metrics"
	"isthmus/internal/names"
	"isthmus/internal/node"
	"isthmus/internal/store"
	"isthmus/web"
)

type serveCommand struct{}

// Run serves until ctx ends, then drains. A start that was called off has not failed.
func (serveCommand) Run(ctx context.Context, f *flags, c console) error {
	err := serve(ctx, f, c)
	if err != nil && ctx.Err() != nil {
		f.logger(c.err).Info("stopped before the start was complete", "reason", err)
		return nil
	}
	return err
}

func serve(ctx context.Context, f *flags, c console) error {
	if err := f.check(); err != nil {
		return err
	}
	log := f.logger(c.err)
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
	s := server{flags: f, console: c, log: log, db: db, known: known, recognise: sync.OnceFunc(func() { close(known) })}
	return s.run(ctx)
}

// database is where the configuration lies: at the given URL, or in the private cluster of the data directory.
func (f *flags) database(ctx context.Context, c console, log *slog.Logger) (string, *embedpg.Cluster, error) {
	if f.DatabaseURL != "" {
		return f.DatabaseURL, nil, nil
	}
	cluster, err := embedpg.Start(ctx, f.embedded(c.err))
	if err != nil {
		return "", nil, err
	}
	if notice := cluster.Notice(); notice != "" {
		log.Warn(notice)
	}
	return cluster.URL(), cluster, nil
}

// A server is one running node with its console.
type server struct {
	*flags
	console console
	log     *slog.Logger
	db      *store.Store

	known     <-chan struct{} // closed once the database is known to be this cluster's, by the key file
	recognise func()          // closes known
}

func (s *server) run(ctx context.Context) error {
	key, late, err := s.prepare(ctx)
	if err != nil {
		return err
	}
	numbers := metrics.New(version)
	book := names.New(names.Config{Ask: s.ask(), Log: s.log.With("node", s.Node)})
	defer book.Close()
	core := node.New(node.Config{
		Name: s.Node, Version: version, Dir: s.DataDir, Key: key, Metrics: numbers, Log: s.log,
		Snapshots: s.snapshots, UserFacts: s.db.UserFacts, Report: s.report, Peers: s.db.PeerCertificates,
		Names: book,
	})
	doors, err := s.doors(s.site(core, numbers, key), core.Certificate)
	if err != nil {
		return err
	}
	var group sync.WaitGroup
	for _, d := range doors {
		group.Go(func() { d.serve(s.log) })
	}
	if late {
		group.Go(func() { s.prepareLater(ctx, key) })
	} else if err := s.invite(ctx); err != nil {
		s.log.Error("no set-up link could be made; isthmus admin add makes the first administrator", "reason", err)
	}
	core.Run(ctx)
	// The console outlives the core, so that /readyz says draining as long as that takes.
	closeDoors(doors)
	group.Wait()
	s.log.Info("stopped")
	return nil
}

// prepare brings the database up to date and registers this node. When the database cannot be reached, the node starts
// with what is kept on disk, and late says that all of it is still to be done.
func (s *server) prepare(ctx context.Context) (key *certs.Key, late bool, err error) {
	err = s.db.Migrate(ctx)
	if errors.Is(err, store.ErrUnavailable) {
		s.log.Error("the database cannot be reached; starting with what is kept on disk", "reason", err)
		key, err = certs.OpenKey(s.KeyFile, "", true)
		return key, true, err
	}
	if err != nil {
		return nil, false, unreachable(err)
	}
	if key, err = s.key(ctx, s.db); err != nil {
		return nil, false, err
	}
	s.recognise()
	return key, false, s.register(ctx, key)
}

// register writes this node's row when it is new, and a self-signed certificate until one is imported, so that its TLS
// listeners open.
func (s *server) register(ctx context.Context, key *certs.Key) error {
	self := federation.Node{}
	self.Default()
	self.Name, self.Address = s.Node, s.SIPAddress
	if _, added, err := s.db.RegisterNode(ctx, self); err != nil {
		return fmt.Errorf("this node could not be added as %s: %w", s.Node, err)
	} else if added {
		s.log.Info("this node is new", "node", s.Node, "address", s.SIPAddress)
	}
	snapshot, err := s.db.Snapshot(ctx)
	if err != nil || snapshot.Own(s.Node) != nil {
		return err
	}
	own, err := certs.SelfSigned(key, s.Node, time.Now())
	if err != nil {
		return err
	}
	return s.db.SaveCertificate(ctx, own)
}

const retryDatabase = time.Second

// prepareLater does what prepare could not, as soon as the database answers. A database that was set up with another key
// file is one that this node must not use; it says so and goes on with what it has.
func (s *server) prepareLater(ctx context.Context, key *certs.Key) {
	said := ""
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(retryDatabase):
		}
		err := s.catchUp(ctx, key)
		if err == nil {
			return
		}
		if news := err.Error() != said; news && !errors.Is(err, store.ErrUnavailable) {
			s.log.Error("the database is back, but this node could not register there", "reason", err)
		}
		said = err.Error()
	}
}

func (s *server) catchUp(ctx context.Context, key *certs.Key) error {
	if err := s.db.Migrate(ctx); err != nil {
		return err
	}
	if _, err := s.key(ctx, s.db); err != nil {
		return err
	}
	s.recognise()
	if err := s.register(ctx, key); err != nil {
		return err
	}
	return s.invite(ctx)
}

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
		Health: func() web.Health { return web.Health(core.Health()) }})
}
