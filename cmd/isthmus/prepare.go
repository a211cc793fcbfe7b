package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"time"

	"isthmus/internal/certs"
	"isthmus/internal/embedpg"
	"isthmus/internal/federation"
	"isthmus/internal/node"
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

// patience is how long a node that has all it needs on disk waits for the database before it goes on without.
const patience = 300 * time.Millisecond

// prepare brings the database up to date and registers this node. When the database cannot be used, or not in time, the
// node starts with what is kept on disk, and later is what has still to be done; nil: nothing.
func (s *server) prepare(ctx context.Context) (key *certs.Key, later func(context.Context), err error) {
	joined := make(chan joining, 1)
	go func() { joined <- s.join(ctx) }()
	select {
	case j := <-joined:
		if j.err == nil || !outlived(j.err) {
			return j.key, nil, j.err
		}
		if store.Denied(j.err) && !s.startsFromDisk() {
			return nil, nil, unreachable(j.err) // a first start with a wrong URL is told so
		}
		if key, err = s.keptKey(); errors.Is(err, fs.ErrNotExist) {
			return nil, nil, keyless{j.err}
		}
		s.log.Error("the database cannot be used; starting with what is kept on disk", "reason", j.err)
		joined <- j
	case <-s.overdue():
		s.log.Warn("the database does not answer in time; starting with what is kept on disk")
		key, err = s.keptKey()
	}
	return key, func(ctx context.Context) { s.joinLater(ctx, joined) }, err
}

// keptKey opens the key file without the database, and never makes one.
func (s *server) keptKey() (*certs.Key, error) {
	if _, err := os.Stat(s.KeyFile); err != nil {
		return nil, err
	}
	return certs.OpenKey(s.KeyFile, "", true)
}

// overdue tells when a node that could start from disk has waited long enough; nil, which is never, for one that could not.
func (s *server) overdue() <-chan time.Time {
	if !s.startsFromDisk() {
		return nil
	}
	return time.After(patience)
}

// startsFromDisk reports whether this node has there what a start without the database takes.
func (s *server) startsFromDisk() bool {
	_, err := s.keptKey()
	return err == nil && node.Kept(s.DataDir)
}

// outlived reports whether a node does without the database for as long as it says this.
func outlived(err error) bool {
	for _, e := range []error{store.ErrUnavailable, store.ErrReadOnly, store.ErrBusy, store.ErrFull, store.ErrNewerSchema, store.ErrRestored} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// joining is how the try to join the database's cluster ended.
type joining struct {
	key *certs.Key
	err error
}

// join makes this node one of the database's cluster.
func (s *server) join(ctx context.Context) joining {
	if err := s.db.Migrate(ctx); outlived(err) {
		return joining{err: err}
	} else if err != nil {
		return joining{err: unreachable(err)}
	}
	key, err := s.key(ctx, s.db)
	if err != nil {
		return joining{err: err}
	}
	s.recognise()
	return joining{key, s.register(ctx, key)}
}

// register writes this node's row when it is new, and a self-signed certificate until one is imported, so that its TLS
// listeners open.
func (s *server) register(ctx context.Context, key *certs.Key) error {
	self := federation.Node{}
	self.Default()
	self.Name, self.Address = s.Node, s.SIPAddress
	if _, added, err := s.db.RegisterNode(ctx, self); err != nil {
		return fmt.Errorf("This node could not be added as %s. %w", s.Node, renamed(err, map[string]string{"name": "--node", "address": "--sip-address"}))
	} else if added {
		s.log.Info("this node is new", "node", s.Node, "address", s.SIPAddress)
	}
	if holds, err := s.db.HoldsOwn(ctx, s.Node); err != nil || holds {
		return err
	}
	own, err := certs.SelfSigned(key, s.Node, time.Now())
	if err != nil {
		return err
	}
	return s.db.SaveCertificate(ctx, own)
}

const retryDatabase = time.Second

// joinLater joins as soon as the database can be used. first is how the try ends that is under way. A database that was set
// up with another key file is one that this node must not use; it says so and goes on with what it has.
func (s *server) joinLater(ctx context.Context, first <-chan joining) {
	said := ""
	for j := <-first; j.err != nil; j = s.join(ctx) {
		if ctx.Err() == nil && j.err.Error() != said && (!errors.Is(j.err, store.ErrUnavailable) || store.Denied(j.err)) {
			s.log.Error("the database is there, but this node could not register", "reason", j.err)
		}
		said = j.err.Error()
		if s.db.Pause(ctx, retryDatabase); ctx.Err() != nil {
			return
		}
	}
	s.welcome(ctx)
}

// welcome says how the first administrator is made.
func (s *server) welcome(ctx context.Context) {
	if err := s.invite(ctx); err != nil && ctx.Err() == nil {
		s.log.Error("no set-up link could be made; isthmus admin add makes the first administrator", "reason", err)
	}
}
