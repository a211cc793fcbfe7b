package node

import (
	"context"
	"iter"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"isthmus/internal/federation"
	"isthmus/internal/metrics"
	"isthmus/internal/siptest"
)

// A fault of ours in one message costs the connection that it came over, once, and shows in the metrics.
func TestAFaultInsideCostsOneConnectionAndIsCounted(t *testing.T) {
	counts := metrics.New("1.0")
	r := start(t, func(c *Config) { c.Metrics, c.Drain = counts, time.Millisecond }) // what was lost is still waited for
	r.commits(r.snapshot(1))
	good := siptest.Connect(t, r.at(5060), siptest.Options{Local: "127.0.0.1"})
	bad := siptest.Connect(t, r.at(5060), siptest.Options{Local: "127.0.0.1"})
	func() {
		r.node.syncing.Lock() // what keeps the users on disk is to meet no fault
		defer r.node.syncing.Unlock()
		users := r.node.users.table.Swap(nil) // whoever is looked up now is one
		defer r.node.users.table.Store(users)
		bad.Sends(siptest.Message("anna@synergy.com", "carla@synergy.com", "hi"))
		bad.ExpectClosed()
	}()
	good.Sends(siptest.Message("anna@synergy.com", "carla@synergy.com", "hi"))
	good.Expect("404")
	measured(t, counts, "isthmus_sip_panics_total 1")
	if told := r.crashFile(); !strings.Contains(told, "in handling a connection\n") || !strings.Contains(told, "users.go:") {
		t.Errorf("the crash file:\n%s", told)
	}
}

func measured(t *testing.T, counts *metrics.Metrics, line string) {
	t.Helper()
	page := httptest.NewRecorder()
	counts.Handler().ServeHTTP(page, httptest.NewRequest("GET", "/metrics", nil))
	if !strings.Contains(page.Body.String(), "\n"+line+"\n") {
		t.Errorf("no %s in the metrics:\n%s", line, page.Body)
	}
}

// crashFile is the text of the only one that the node wrote.
func (r *rig) crashFile() string {
	r.t.Helper()
	var list []string
	var text []byte
	await(r.t, "a crash file", func() bool {
		list, _ = filepath.Glob(filepath.Join(r.dir, "crash-*"))
		if len(list) == 0 {
			return false
		}
		text, _ = os.ReadFile(list[0])
		return len(text) > 0
	})
	if info, err := os.Stat(list[0]); err != nil || len(list) != 1 || info.Mode() != 0o600 {
		r.t.Fatalf("crash files %q; the first is %v, %v", list, info, err)
	}
	return string(text)
}

// A fault in what a node does beside its calls ends neither: each begins anew, and is counted and written down.
func TestAFaultInThePartsOfANodeEndsNothing(t *testing.T) {
	for what, breaks := range map[string]func(c *Config, fault func()){
		"reporting": func(c *Config, fault func()) {
			report := c.Report
			c.Report = func(ctx context.Context, s federation.NodeStatus) error { fault(); return report(ctx, s) }
		},
		"following the configuration": func(c *Config, fault func()) {
			snapshots := c.Snapshots
			c.Snapshots = func(ctx context.Context) iter.Seq2[federation.Snapshot, error] { fault(); return snapshots(ctx) }
		},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			counts, faults := metrics.New("1.0"), atomic.Int32{}
			r := start(t, func(c *Config) {
				c.Metrics = counts
				breaks(c, func() {
					if faults.Add(1) <= 2 {
						panic("injected: " + what)
					}
				})
			})
			r.commits(r.snapshot(1))
			await(t, "a report", func() bool { return r.lastReport().AppliedRevision == 1 })
			if !r.answers(5060) {
				t.Error("the node does not answer")
			}
			measured(t, counts, "isthmus_node_panics_total 2")
			if told := r.crashFile(); !strings.Contains(told, "in "+what+"\ninjected: "+what+"\n") || !strings.Contains(told, "fault_test.go:") {
				t.Errorf("the crash file:\n%s", told)
			}
		})
	}
}

// The users of a revision cannot be read because of a fault: that revision is told to be the cause, and the next is taken.
func TestARevisionThatMeetsAFaultIsRefusedAndTheNextIsTaken(t *testing.T) {
	faults := atomic.Bool{}
	r := start(t, func(c *Config) {
		facts := c.UserFacts
		c.UserFacts = func(ctx context.Context, after int64) ([]federation.UserFact, []string, int64, error) {
			if faults.Load() {
				panic("injected")
			}
			return facts(ctx, after)
		}
	})
	r.commits(r.snapshot(1))
	faults.Store(true)
	r.tells(event{snapshot: r.snapshot(2)})
	await(t, "the fault is reported", func() bool { return strings.Contains(r.lastReport().Error, "met a fault inside Isthmus") })
	if !r.answers(5060) {
		t.Error("the node does not answer")
	}
	faults.Store(false)
	r.commits(r.snapshot(3))
	await(t, "all is well", func() bool { return r.lastReport().Error == "" })
}

func TestAFaultInTheLastGoroutineBeforeTheEndDelaysNothing(t *testing.T) {
	r := start(t, func(c *Config) { c.Report = func(context.Context, federation.NodeStatus) error { panic("always") } })
	r.crashFile()
	began := time.Now()
	r.end()
	if took := time.Since(began); took > patience {
		t.Errorf("the end took %v", took)
	}
}

func TestTheLastFiveCrashFilesAreKeptAndOneInTenSecondsIsWritten(t *testing.T) {
	c, now := crashes{dir: t.TempDir()}, time.Date(2026, 11, 23, 9, 41, 0, 0, time.UTC)
	written := 0
	for range 80 {
		path, err := c.keep(now, "text")
		if err != nil {
			t.Fatal(err)
		}
		if path != "" {
			written++
		}
		now = now.Add(time.Second)
	}
	list, _ := filepath.Glob(filepath.Join(c.dir, "*"))
	if written != 8 || len(list) != 5 || filepath.Base(list[0]) != "crash-20261123T094130.000Z.txt" {
		t.Errorf("%d files were written, kept are %q", written, list)
	}
}
