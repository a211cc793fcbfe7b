package node

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
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
	n := watchedNode(dir)
	n.mu.Lock()
	<-make(chan struct{})
}

// standsStillIn names the directory of a node that this test binary is to be until it is killed.
const standsStillIn = "ISTHMUS_TEST_STANDS_STILL_IN"

// atWork is a process with a node in it, which says so and then goes on.
func atWork(dir string) {
	n := watchedNode(dir)
	for {
		n.beat()
		fmt.Println("at work")
		<-time.After(watchedFor / 10)
	}
}

// watchedFor is the patience of the watchdog of these processes.
const watchedFor = time.Second

// watchedNode runs a node that serves.
func watchedNode(dir string) *Node {
	key, err := certs.OpenKey(filepath.Join(dir, "key"), "", false)
	if err != nil {
		panic(err)
	}
	b, r := &base{events: make(chan event)}, &rig{name: self, address: ownAddress()}
	n := New(Config{Name: self, Version: "1.0", Dir: dir, Key: key, Metrics: metrics.New("1.0"), Log: slog.New(slog.NewJSONHandler(os.Stderr, nil)),
		Snapshots: b.snapshots, UserFacts: b.userFacts, Report: b.report, Watchdog: watchedFor, Stuck: func() { os.Exit(1) }})
	go n.Run(context.Background())
	b.events <- event{snapshot: r.snapshot(1)}
	for n.Health().AppliedRevision != 1 {
		<-time.After(time.Millisecond)
	}
	return n
}

// A process that was stopped for longer than the watchdog waits has missed no beat.
func TestAProcessThatStandsStillIsNotFoundStuck(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 6*patience)
	defer cancel()
	child := exec.CommandContext(ctx, os.Args[0])
	child.Env = append(os.Environ(), standsStillIn+"="+t.TempDir())
	var errs safeBuffer
	child.Stderr = &errs
	out, err := child.StdoutPipe()
	if err == nil {
		err = child.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	works := func(times int) {
		t.Helper()
		for range times {
			if !lines.Scan() {
				t.Fatalf("it is not at work: %s", errs.String())
			}
		}
	}
	works(1)
	_ = child.Process.Signal(syscall.SIGSTOP) // had it ended, it would not go on to work
	<-time.After(2 * watchedFor)
	_ = child.Process.Signal(syscall.SIGCONT)
	works(12) // for longer than the watchdog waits
	_ = child.Process.Kill()
	_ = child.Wait() // killed
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
