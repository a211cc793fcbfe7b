// Package embedpg owns the private Postgres of a node without a database URL: where its files lie, who
// runs it, who may connect, and that it ends with the process that started it. It refuses to know what
// the database holds: there are no tables here and no migrations.
//
// A cluster's directory holds the server's files (data), its socket directory (run), the password and
// the lock. One process at a time holds the lock and runs the server; its other users attach to it.
package embedpg

import (
	"context"
	"log/slog"
	"os"
	"sync"
)

const (
	superuser   = "isthmus"
	database    = "isthmus"
	maintenance = "postgres"
)

// Config says where a cluster lies and how it is run.
type Config struct {
	// DataDir is the node's data directory; the cluster lies in its subdirectory "postgres".
	DataDir string
	// DataDirNamed is true when the administrator chose DataDir by flag or environment. Such a directory
	// is refused when the server's user cannot reach it; the default one is replaced (Cluster.Notice).
	DataDirNamed bool
	// Log takes the server's own lines at debug level and its unexpected end at error level; nil: nowhere.
	Log *slog.Logger
	// Persist has Start succeed on a cluster that was made before, whether its server starts or not, and go on trying:
	// for a process that does without its database for a while.
	Persist bool
	// Volatile trades durability for speed: a crash of the machine may lose everything. For tests only.
	Volatile bool
	// Once leaves a server ended that has ended by itself. For tests only, which end it and start it when they want.
	Once bool

	places    []string // directories to search for server programs, as globs; nil: the usual ones, then PATH
	elsewhere string   // where clusters of unreachable default data directories lie; "": /var/lib/isthmus
}

func (c Config) withDefaults() Config {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.places == nil {
		c.places = usualPlaces()
	}
	if c.elsewhere == "" {
		c.elsewhere = "/var/lib/isthmus"
	}
	return c
}

// Cluster is a Postgres that accepts connections.
type Cluster struct {
	url    string
	place  place
	keeper *keeper // nil: another process runs it
	held   *hold
	once   sync.Once
	err    error
}

// Start runs the cluster of the data directory until Close or the end of this process, and makes it on
// first use. A server that ends by itself is started again. It refuses to start beside another Start on the same directory; a command that only borrows
// the cluster (Open) is waited for. The context bounds the start, not the cluster's life.
func Start(ctx context.Context, cfg Config) (*Cluster, error) {
	return begin(ctx, cfg, owner)
}

// Open attaches to the cluster that a Start on the same data directory runs, whether in this process or
// another; without one it runs the cluster itself until Close.
func Open(ctx context.Context, cfg Config) (*Cluster, error) {
	return begin(ctx, cfg, borrower)
}

func begin(ctx context.Context, cfg Config, r role) (*Cluster, error) {
	cfg = cfg.withDefaults()
	p, err := cfg.place()
	if err != nil {
		return nil, err
	}
	held, url, err := claim(ctx, p, r)
	if err != nil {
		return nil, err
	}
	c := &Cluster{url: url, place: p, held: held}
	if held == nil {
		return c, nil
	}
	if err := c.boot(ctx, cfg); err != nil {
		held.release()
		return nil, err
	}
	return c, nil
}

// boot makes the cluster when it is new and starts its server; the caller holds the lock.
func (c *Cluster) boot(ctx context.Context, cfg Config) error {
	made, err := c.place.exists()
	if err != nil {
		return err
	}
	if !made {
		if err := initialize(ctx, cfg, c.place, c.held.lock); err != nil {
			return err
		}
	}
	password, err := readPassword(c.place)
	if err != nil {
		return err
	}
	c.url = c.place.url(password, database)
	c.keeper = &keeper{config: cfg, place: c.place, lock: c.held.lock, url: c.place.url(password, maintenance)}
	return c.keeper.begin(ctx, made && cfg.Persist)
}

// URL is the connection string of the cluster's database, for pgx and libpq alike. It holds the password.
func (c *Cluster) URL() string { return c.url }

// Dir is the directory that holds the cluster: data, password, lock and, unless its path is too long for
// a socket, the socket directory.
func (c *Cluster) Dir() string { return c.place.dir }

// Notice is a sentence for the administrator when the cluster does not lie in the data directory, else "".
func (c *Cluster) Notice() string { return c.place.notice }

// Close ends the server that this Cluster started, with open transactions rolled back, and gives the
// directory free. A cluster that another process runs goes on.
func (c *Cluster) Close() error {
	c.once.Do(func() {
		if c.keeper == nil {
			return
		}
		c.err = c.keeper.end()
		os.Remove(c.place.sockets) // empty now; made again at each start
		c.held.release()
	})
	return c.err
}
