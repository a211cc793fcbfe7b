package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"isthmus/internal/certs"
	"isthmus/internal/embedpg"
	"isthmus/internal/federation"
	"isthmus/internal/store"
)

// database is where the configuration lies: at the given URL, or in the private cluster of the data directory.
func (f *flags) database(ctx context.Context, c console, log *slog.Logger) (string, *embedpg.Cluster, error) {
	if f.DatabaseURL != "" {
		return f.DatabaseURL, nil, nil
	}
	config := f.embedded(c.err)
	config.Persist = true // without it this node goes on with what is kept on disk
	cluster, err := embedpg.Start(ctx, config)
	if err != nil {
		return "", nil, err
	}
	if notice := cluster.Notice(); notice != "" {
		log.Warn(notice)
	}
	return cluster.URL(), cluster, nil
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
