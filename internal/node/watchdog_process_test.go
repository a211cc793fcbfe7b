package node

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"isthmus/internal/certs"
	"isthmus/internal/metrics"
)

// deadlockIn names the directory of a node that this test binary is to be, instead of running tests. Nothing in the product
// can be made to lock up from outside, so the deadlock is put in here.
const deadlockIn = "ISTHMUS_TEST_DEADLOCK_IN"

// deadlock is a process with a node in it in which a lock is taken and never given back. It ends as the watchdog says.
func deadlock(dir string) {
	key, err := certs.OpenKey(filepath.Join(dir, "key"), "", false)
	if err != nil {
		panic(err)
	}
	b, r := &base{events: make(chan event)}, &rig{name: self, address: ownAddress()}
	n := New(Config{Name: self, Version: "1.0", Dir: dir, Key: key, Metrics: metrics.New("1.0"), Log: slog.New(slog.NewJSONHandler(os.Stderr, nil)),
		Snapshots: b.snapshots, UserFacts: b.userFacts, Report: b.report, Watchdog: time.Second, Stuck: func() { os.Exit(1) }})
	go n.Run(context.Background())
	b.events <- event{snapshot: r.snapshot(1)}
	for n.Health().AppliedRevision != 1 {
		<-time.After(time.Millisecond)
	}
	n.mu.Lock()
	<-make(chan struct{})
}

func TestAProcessWithADeadlockEndsForItsSupervisorAndLeavesItsStacks(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 6*patience)
	defer cancel()
	dir := t.TempDir()
	child := exec.CommandContext(ctx, os.Args[0])
	child.Env = append(os.Environ(), deadlockIn+"="+dir)
	out, err := child.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 1 {
		t.Fatalf("it ended with %v:\n%s", err, out)
	}
	if !strings.Contains(string(out), `"msg":"this node is stuck and ends`) {
		t.Errorf("the log does not tell why:\n%s", out)
	}
	told := (&rig{t: t, dir: dir}).crashFile()
	if !strings.Contains(told, "stuck: nothing moved for 1s") || !strings.Contains(told, "node.deadlock") || !strings.Contains(told, "(*Node).Health") {
		t.Errorf("the crash file:\n%s", told)
	}
}
