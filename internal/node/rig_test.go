package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"isthmus/internal/certs"
	"isthmus/internal/federation"
	"isthmus/internal/metrics"
	"isthmus/internal/siptest"
)

const self = "imp1.synergy.com"

// patience is how long tests wait for what has to happen. Nothing takes so long; a slow machine may.
const patience = 10 * time.Second

// await asks until the answer is yes.
func await(t *testing.T, promise string, yes func() bool) {
	t.Helper()
	look := time.NewTicker(2 * time.Millisecond)
	defer look.Stop()
	limit := time.After(patience)
	for !yes() {
		select {
		case <-look.C:
		case <-limit:
			t.Fatalf("not within %s: %s", patience, promise)
		}
	}
}

var lastAddress atomic.Uint32

// ownAddress is a loopback address that no other test uses, so that every one can use the usual ports.
func ownAddress() string {
	n := lastAddress.Add(1)
	return fmt.Sprintf("127.%d.%d.%d", 64+os.Getpid()%128, os.Getpid()/128%256, n)
}

// A base is a pretend database, which a test changes, breaks and mends.
type base struct {
	events  chan event
	mu      sync.Mutex
	broken  error // of the users' facts and of reports
	mute    error // of reports alone
	changed []federation.UserFact
	gone    []string
	upTo    int64
	asked   []int64 // revisions after which facts were asked for
	reports []federation.NodeStatus
}

type event struct {
	snapshot federation.Snapshot
	err      error
}

func (b *base) snapshots(ctx context.Context) iter.Seq2[federation.Snapshot, error] {
	return func(yield func(federation.Snapshot, error) bool) {
		for {
			select {
			case e := <-b.events:
				if !yield(e.snapshot, e.err) {
					return
				}
			case <-ctx.Done():
				return
			}
		}
	}
}

func (b *base) userFacts(_ context.Context, after int64) ([]federation.UserFact, []string, int64, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asked = append(b.asked, after)
	return b.changed, b.gone, b.upTo, b.broken
}

func (b *base) report(_ context.Context, s federation.NodeStatus) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.reports = append(b.reports, s)
	return errors.Join(b.broken, b.mute)
}

// with changes what the base holds.
func (b *base) with(change func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	change()
}

func (b *base) lastReport() federation.NodeStatus {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.reports) == 0 {
		return federation.NodeStatus{}
	}
	return b.reports[len(b.reports)-1]
}

// A rig is a node at work on a pretend database.
type rig struct {
	*base
	t       *testing.T
	node    *Node
	name    string
	address string
	dir     string
	key     *certs.Key
	stop    context.CancelFunc
	stopped chan struct{}
}

// start runs a node. edit may change how it is made.
func start(t *testing.T, edit ...func(*Config)) *rig {
	t.Helper()
	return startAs(t, self, edit...)
}

// startAs runs a node of another name.
func startAs(t *testing.T, name string, edit ...func(*Config)) *rig {
	t.Helper()
	r := &rig{t: t, name: name, address: ownAddress(), dir: t.TempDir()}
	r.run(edit...)
	return r
}

// run starts the rig's node anew, in the same place.
func (r *rig) run(edit ...func(*Config)) {
	r.t.Helper()
	key, err := certs.OpenKey(filepath.Join(r.dir, "key"), "", false)
	if err != nil {
		r.t.Fatal(err)
	}
	r.key, r.base = key, &base{events: make(chan event)}
	c := Config{Name: r.name, Version: "1.0", Dir: r.dir, Key: key, Metrics: metrics.New("1.0"), Log: slog.New(slog.NewTextHandler(guard.Writer(r.t, "the log of "+r.name+" in "+r.t.Name(), io.Discard), nil)),
		Snapshots: r.snapshots, UserFacts: r.userFacts, Report: r.report, ReportEvery: 20 * time.Millisecond}
	for _, f := range edit {
		f(&c)
	}
	ctx, stop := context.WithCancel(context.Background())
	r.node, r.stop, r.stopped = New(c), stop, make(chan struct{})
	go func() {
		defer close(r.stopped)
		r.node.Run(ctx)
	}()
	stopped := r.stopped
	r.t.Cleanup(func() {
		stop()
		<-stopped
	})
}

// end stops the node and waits until it has.
func (r *rig) end() {
	r.stop()
	<-r.stopped
}

// snapshot is a configuration of one node with a TCP listener, which lets everybody on this machine in.
func (r *rig) snapshot(revision int64, edit ...func(*federation.Snapshot)) federation.Snapshot {
	s := federation.Snapshot{Revision: revision, Configuration: federation.DefaultConfiguration()}
	s.Listeners = s.Listeners[:1]
	s.Domains = []federation.Domain{{Name: "synergy.com"}}
	s.ACL = []federation.ACLEntry{{Pattern: "127.0.0.1"}}
	s.Nodes = []federation.Node{{Name: r.name, Address: r.address, Services: federation.Services}}
	for _, f := range edit {
		f(&s)
	}
	s.Normalize()
	return s
}

// commits gives the node a snapshot and waits until it is in force.
func (r *rig) commits(s federation.Snapshot) {
	r.t.Helper()
	r.tells(event{snapshot: s})
	await(r.t, fmt.Sprintf("revision %d is in force", s.Revision), func() bool { return r.node.Health().AppliedRevision == s.Revision })
}

// tells gives the node an event and waits until it has taken it.
func (r *rig) tells(e event) {
	r.t.Helper()
	select {
	case r.events <- e:
	case <-time.After(patience):
		r.t.Fatal("the node does not listen to the database")
	}
}

var errDown = errors.New("the database is down")

// at is a port of the node.
func (r *rig) at(port int) string { return net.JoinHostPort(r.address, fmt.Sprint(port)) }

// answers reports whether the node answers an OPTIONS to itself on that port.
func (r *rig) answers(port int) bool {
	r.t.Helper()
	c, err := siptest.Dial(r.at(port), siptest.Options{Local: "127.0.0.1"})
	if err != nil {
		return false
	}
	defer c.Close()
	if err := c.Send(siptest.Probe(self)); err != nil {
		return false
	}
	m, err := c.Receive()
	return err == nil && m.Status() == 200
}

func (r *rig) awaitState(want string) Health {
	r.t.Helper()
	await(r.t, "the node is "+want, func() bool { return r.node.Health().State == want })
	return r.node.Health()
}

// shareKey starts the rig's node anew with the key file of another, as the nodes of a cluster have it.
func (r *rig) shareKey(other *rig) {
	r.t.Helper()
	r.end()
	key, err := os.ReadFile(filepath.Join(other.dir, "key"))
	if err == nil {
		err = os.WriteFile(filepath.Join(r.dir, "key"), key, 0o600)
	}
	if err != nil {
		r.t.Fatal(err)
	}
	r.run()
}
