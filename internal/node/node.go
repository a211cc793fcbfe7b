// Package node is this node at work: it follows the configuration's snapshots, puts each in force without a restart,
// opens and closes listeners, keeps what it needs for a start without the database, and says how it is. It knows no
// database: snapshots, users' facts and status reports go through functions that it is given.
package node

import (
	"context"
	"crypto/tls"
	"iter"
	"log/slog"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"isthmus/internal/certs"
	"isthmus/internal/federation"
	"isthmus/internal/metrics"
	"isthmus/internal/names"
	"isthmus/internal/proxy"
	"isthmus/internal/sip/transport"
)

// drainLimit is how long requests under way may take after SIGTERM: RFC 3261's Timer B, after which nobody upstream
// waits for an answer any more.
const drainLimit = 32 * time.Second

// Config is what a node is made of. All fields are required but those that say what nil or 0 means, and Stuck, which goes with
// Watchdog.
type Config struct {
	Name    string     // this node's row in the configuration
	Version string     // of the program, for status rows
	Dir     string     // where snapshot and users are kept for a start without the database
	Key     *certs.Key // the cluster's
	Metrics *metrics.Metrics
	Log     *slog.Logger

	// Snapshots yields the state of now and then the state after every change. An error means that the database cannot
	// be followed at present; the sequence goes on by itself, until the context ends.
	Snapshots func(context.Context) iter.Seq2[federation.Snapshot, error]
	// UserFacts are the facts that changed after a revision, the ids of users who are gone since, and the revision up to
	// which this is so. After 0 it is everything.
	UserFacts func(ctx context.Context, after int64) (facts []federation.UserFact, gone []string, upTo int64, err error)
	// Report keeps the node's status where the console reads it.
	Report func(context.Context, federation.NodeStatus) error
	// Peers are the certificates that peers showed when any node saw them last. nil: none are known.
	Peers func(context.Context) ([]federation.PeerCertificate, error)

	// Clock is the time of the database. nil: it is not compared with this machine's.
	Clock func(context.Context) (time.Time, error)

	// Inherited are sockets of the process before this one, as transport.Config has them; nil: there are none.
	Inherited func(network string, addr netip.AddrPort) *os.File
	Heir      Heir // for the listening sockets at the end; nil: they are closed

	// Names is what DNS says of peers and next hops; nil: it is not asked, so that names admit nobody and lead nowhere.
	Names *names.Book

	MemoryLimit int64 // bytes that the process may use, beyond most of which peers are turned away; 0: nobody ever is

	// Watchdog is how long the node may be stuck before it keeps all stacks on disk and calls Stuck, which ends the process. 0: for
	// ever. It is far more than any request waits for inside.
	Watchdog time.Duration
	Stuck    func()

	ReportEvery time.Duration // 0: 2 s
	Drain       time.Duration // how long requests under way may take at the end; 0: 32 s

	memoryUsed func() uint64 // bytes; nil: as the runtime has it
}

// An Heir keeps listening sockets for the process that comes after this one.
type Heir interface {
	Keep(fd uintptr) error
	Forget() // as the end takes too long: who connects is better refused than left waiting
}

// A Node runs the SIP core of one node.
type Node struct {
	config   Config
	log      *slog.Logger
	started  time.Time
	files    files
	crashes  crashes
	pressure atomic.Int32 // a pressure
	users    *Users
	core     *proxy.Proxy
	layer    *transport.Layer
	local    atomic.Pointer[netip.Addr] // address that connections are opened from

	applying sync.Mutex // one snapshot at a time; guards cold
	cold     bool       // the snapshot on disk was tried

	syncing  sync.Mutex // one look at the users at a time; guards progress
	progress progress

	mu    sync.Mutex
	facts facts

	handshakes handshakes // that failed
	peers      peers      // and their certificates

	usersChanged, keepNow, reportNow chan struct{}
}

// noAnswerYet is what Health says of the database before it answered or failed for the first time.
const noAnswerYet = "the database has not answered yet"

// New makes a node that does nothing before Run.
func New(c Config) *Node {
	if c.ReportEvery == 0 {
		c.ReportEvery = reportEvery
	}
	if c.Drain == 0 {
		c.Drain = drainLimit
	}
	if c.memoryUsed == nil {
		c.memoryUsed = usedMemory
	}
	n := &Node{
		config: c, log: c.Log.With("node", c.Name), started: time.Now(), users: NewUsers(),
		files:        files{dir: c.Dir, key: c.Key.SnapshotKey()},
		crashes:      crashes{dir: c.Dir},
		facts:        facts{database: noAnswerYet},
		usersChanged: make(chan struct{}, 1), keepNow: make(chan struct{}, 1), reportNow: make(chan struct{}, 1),
	}
	n.wire()
	c.Metrics.Observe(n.observe)
	return n
}

// Users are the routing facts that the node knows.
func (n *Node) Users() *Users { return n.users }

// Certificate is the certificate that this node shows at present, or why it has none.
func (n *Node) Certificate() (*tls.Certificate, error) {
	if a := n.current(); a != nil {
		return a.configs.Own()
	}
	return nil, errNotStarted
}

// Run follows the configuration until ctx ends. Then it closes the listeners, lets the requests under way be answered,
// closes the connections, and returns.
func (n *Node) Run(ctx context.Context) {
	n.files.prepare()
	var group sync.WaitGroup
	group.Go(func() { n.guarded(ctx, "following the configuration", n.follow) })
	group.Go(func() { n.guarded(ctx, "following the users", n.followUsers) })
	group.Go(func() { n.guarded(ctx, "reporting", n.report) })
	group.Go(func() { n.guarded(ctx, "watching the peers' certificates", n.watchCertificates) })
	if n.config.MemoryLimit > 0 {
		group.Go(func() { n.guarded(ctx, "watching the memory", n.watchMemory) })
	}
	if n.config.Watchdog > 0 {
		group.Go(func() { n.watch(ctx) })
	}
	<-ctx.Done()
	n.drain()
	group.Wait()
}
