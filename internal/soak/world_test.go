package soak

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"isthmus/internal/certs"
	"isthmus/internal/federation"
	"isthmus/internal/metrics"
	"isthmus/internal/node"
	"isthmus/internal/siptest"
)

// certificates is how many the node has, to show one after the other.
const certificates = 3

// A world is a node at work, with everybody around it.
type world struct {
	t       testing.TB
	net     string // first three numbers of every address
	ca      *siptest.Authority
	otherCA *siptest.Authority // the visitor's
	own     []federation.Certificate
	serials []string // of own
	trusted []federation.Certificate
	node    *node.Node
	metrics *metrics.Metrics
	commits chan federation.Snapshot

	visitor, newcomer tls.Certificate
	book              atomic.Pointer[ledger] // of the phase that runs
	notifier          atomic.Pointer[lane]   // over which the connector sends

	mu     sync.Mutex
	states []state // by revision, from 1
	roams  []*siptest.Listener
	took   []time.Duration // until a change was in force

	told, inForce atomic.Int64 // revisions
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{
		t: t, net: fmt.Sprintf("127.%d.%d.", 200+os.Getpid()/200%50, 1+os.Getpid()%200), commits: make(chan federation.Snapshot),
		ca: siptest.NewAuthority("Synergy CA"), otherCA: siptest.NewAuthority("Other CA"), metrics: metrics.New("soak"),
	}
	dir := t.TempDir()
	key, err := certs.OpenKey(filepath.Join(dir, "key"), "", false)
	w.check(err)
	w.issue(key)
	w.listen()
	w.node = node.New(node.Config{
		Name: imp1, Version: "soak", Dir: dir, Key: key, Metrics: w.metrics, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
		Snapshots: w.snapshots, UserFacts: w.userFacts, ReportEvery: 20 * time.Millisecond, Drain: time.Millisecond,
		Report: func(context.Context, federation.NodeStatus) error { return nil },
	})
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { w.node.Run(ctx) })
	t.Cleanup(func() {
		stop()
		running.Wait()
	})
	return w
}

func (w *world) check(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// issue makes the node's certificates and the CAs.
func (w *world) issue(key *certs.Key) {
	w.t.Helper()
	for range certificates {
		leaf := w.ca.Issue(siptest.Leaf{Names: []string{imp1}, RSA: true}) // as a request makes it
		c, err := certs.ImportOwn(key, imp1, time.Now(), siptest.CertificatePEM(leaf), siptest.KeyPEM(leaf))
		w.check(err)
		w.own, w.serials = append(w.own, c), append(w.serials, leaf.Leaf.SerialNumber.String())
	}
	for _, ca := range []*siptest.Authority{w.ca, w.otherCA} {
		list, err := certs.ImportTrust(time.Now(), ca.PEM())
		w.check(err)
		w.trusted = append(w.trusted, list...)
	}
}

func (w *world) address(host int) string { return w.net + fmt.Sprint(host) }

// change puts a change in force and waits until it is.
func (w *world) change(what string, turn func(*state)) {
	w.t.Helper()
	s := firstState()
	if w.told.Load() > 0 {
		s = w.now()
	}
	s.revision = w.told.Load() + 1
	turn(&s)
	w.openRoam(s.roam)
	snapshot := w.snapshot(s)
	if problems := snapshot.Validate(); len(problems) > 0 {
		w.t.Fatalf("%s: no administrator could save this: %v", what, federation.Invalid(problems))
	}
	w.mu.Lock()
	w.states = append(w.states, s)
	w.mu.Unlock()
	w.told.Store(s.revision)
	began := time.Now()
	w.commits <- snapshot
	w.await(what+" is in force", inForce, func() bool { return w.node.Health().AppliedRevision == s.revision })
	w.inForce.Store(s.revision)
	w.took = append(w.took, time.Since(began))
	if h := w.node.Health(); h.State != node.Ready {
		w.t.Errorf("after %s the node is %s: %+v", what, h.State, h)
	}
}

// slip tells the node of a configuration without itself, as only a damaged database has it: everything stays as it is, and
// the next change works.
func (w *world) slip() {
	w.t.Helper()
	s := w.now()
	s.revision++
	snapshot := w.snapshot(s)
	snapshot.Nodes = snapshot.Nodes[1:]
	w.mu.Lock()
	w.states = append(w.states, s)
	w.mu.Unlock()
	w.told.Store(s.revision)
	w.commits <- snapshot
	w.await("the node says that it cannot put this in force", inForce, func() bool { return w.node.Health().State == node.Degraded })
	if h := w.node.Health(); h.AppliedRevision != s.revision-1 {
		w.t.Errorf("it says %+v", h)
	}
	w.inForce.Store(s.revision) // what is in force is the same
}

// now is the newest state, at is that of a revision.
func (w *world) now() state { return w.at(w.told.Load()) }

func (w *world) at(revision int64) state {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.states[revision-1]
}

// await asks until the answer is yes.
func (w *world) await(promise string, limit time.Duration, yes func() bool) {
	w.t.Helper()
	look := time.NewTicker(time.Millisecond)
	defer look.Stop()
	end := time.After(limit)
	for !yes() {
		select {
		case <-look.C:
		case <-end:
			w.t.Fatalf("not within %v: %s", limit, promise)
		}
	}
}

// snapshots is what the database tells the node.
func (w *world) snapshots(ctx context.Context) iter.Seq2[federation.Snapshot, error] {
	return func(yield func(federation.Snapshot, error) bool) {
		for {
			select {
			case s := <-w.commits:
				if !yield(s, nil) {
					return
				}
			case <-ctx.Done():
				return
			}
		}
	}
}

// userFacts are those of the newest revision: dora's is the one that changes.
func (w *world) userFacts(_ context.Context, after int64) ([]federation.UserFact, []string, int64, error) {
	s := w.now()
	dora := federation.UserFact{UserID: "dora", Address: "dora@synergy.com", Node: s.dora, Licensed: s.dora != ""}
	if after > 0 {
		return []federation.UserFact{dora}, nil, s.revision, nil
	}
	return []federation.UserFact{dora,
		{UserID: "ann", Address: "ann@synergy.com", Node: imp1, Licensed: true},
		{UserID: "bob", Address: "bob@synergy.com", Node: imp2, Licensed: true},
		{UserID: "carl", MicrosoftAddress: "carl@synergy.com"},
	}, nil, s.revision, nil
}
