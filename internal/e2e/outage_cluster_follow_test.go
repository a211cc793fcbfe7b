package e2e

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"isthmus/internal/certs"
	"isthmus/internal/federation"
	"isthmus/internal/metrics"
	"isthmus/internal/node"
)

// A follower is a node in this process, so that what it is given and what it puts in force can be looked at. All else
// about it is as in a process of its own.
type follower struct {
	t    *testing.T
	name string
	node *node.Node

	mu    sync.Mutex
	saw   map[int64][sha256.Size]byte // by revision: what was given to it
	wrong []string
}

// followers are three nodes more in the cluster, homes of nobody.
func (c *trio) followers(t *testing.T) []*follower {
	t.Helper()
	var list []*follower
	for i := range 3 {
		list = append(list, c.follower(t, fmt.Sprintf("imp%d.synergy.com", 4+i), fmt.Sprint(c.net, 14+i)))
	}
	return list
}

func (c *trio) follower(t *testing.T, name, address string) *follower {
	t.Helper()
	key, err := certs.OpenKey(c.keyFile(), "", true)
	if err != nil {
		t.Fatal(err)
	}
	db := storeAt(t, c.database)
	self := federation.Node{}
	self.Default()
	self.Name, self.Address = name, address
	if _, _, err := db.RegisterNode(t.Context(), self); err != nil {
		t.Fatal(err)
	}
	own, err := certs.SelfSigned(key, name, time.Now())
	if err == nil {
		err = db.SaveCertificate(t.Context(), own)
	}
	if err != nil {
		t.Fatal(err)
	}
	f := &follower{t: t, name: name, saw: map[int64][sha256.Size]byte{}}
	log := slog.New(slog.NewTextHandler(guard.Writer(t, "the log of "+name, io.Discard), nil))
	f.node = node.New(node.Config{Name: name, Version: "test", Dir: t.TempDir(), Key: key, Metrics: metrics.New("test"), Log: log,
		Snapshots: f.watching(db.Snapshots), UserFacts: db.UserFacts, Report: db.ReportStatus, Clock: db.Clock})
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		f.node.Run(ctx)
	}()
	t.Cleanup(func() {
		stop()
		<-ended
	})
	eventually(t, patience, name+" follows", func() bool { return f.node.Health().AppliedRevision > 0 })
	return f
}

// watching looks at every snapshot before the node gets it, and at the node after it took it.
func (f *follower) watching(snapshots func(context.Context) iter.Seq2[federation.Snapshot, error]) func(context.Context) iter.Seq2[federation.Snapshot, error] {
	return func(ctx context.Context) iter.Seq2[federation.Snapshot, error] {
		return func(yield func(federation.Snapshot, error) bool) {
			last := int64(0)
			for s, err := range snapshots(ctx) {
				if err == nil {
					f.given(s, last)
					last = s.Revision
				}
				if !yield(s, err) {
					return
				}
				if err == nil {
					f.took(s)
				}
			}
		}
	}
}

func (f *follower) given(s federation.Snapshot, last int64) {
	got := sum(f.t, s.Configuration)
	f.mu.Lock()
	defer f.mu.Unlock()
	if s.Revision < last {
		f.wrong = append(f.wrong, fmt.Sprintf("revision %d came after %d", s.Revision, last))
	}
	f.saw[s.Revision] = got
}

func (f *follower) took(s federation.Snapshot) {
	if has, _, ok := f.node.Latest(); !ok || has.Revision != s.Revision {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.wrong = append(f.wrong, fmt.Sprintf("of revision %d it has %d in force", s.Revision, has.Revision))
	}
}

// agrees holds that all it saw are committed states, and that it has the last one with its users in force. It returns how
// many it saw.
func (f *follower) agrees(t *testing.T, sums map[int64][sha256.Size]byte, now *federation.Configuration, last int64) int {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.wrong) > 0 {
		t.Errorf("%s: %s", f.name, strings.Join(f.wrong, "; "))
	}
	count := 0
	for revision, got := range f.saw {
		want, there := sums[revision]
		if !there {
			continue // of before the edits
		}
		if count++; got != want {
			t.Errorf("%s saw at revision %d what was never committed", f.name, revision)
		}
	}
	if has, _, _ := f.node.Latest(); has.Revision != last || sum(t, has.Configuration) != sums[last] {
		t.Errorf("%s ends at revision %d, not with the configuration of %d", f.name, has.Revision, last)
	}
	if got, want := factsOf(f.node.Users().All()), usersOf(now); !slices.Equal(got, want) {
		t.Errorf("%s knows the users %v, and not %v", f.name, got, want)
	}
	return count
}

// factsOf and usersOf are who is licensed where, in order.
func factsOf(list []federation.UserFact) (names []string) {
	for _, u := range list {
		if u.Licensed {
			names = append(names, strings.ToLower(u.Address)+" "+u.Node)
		}
	}
	slices.Sort(names)
	return names
}

func usersOf(c *federation.Configuration) (names []string) {
	for _, u := range c.Users {
		if u.Licensed {
			names = append(names, u.Address(c.Settings)+" "+u.Node)
		}
	}
	slices.Sort(names)
	return names
}
