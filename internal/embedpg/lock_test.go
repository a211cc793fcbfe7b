package embedpg

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

func TestASecondStartOnOneDirectoryIsRefused(t *testing.T) {
	dir := madeDir(t)
	c := start(t, quick(dir))
	_, err := Start(t.Context(), quick(dir))
	wantSentence(t, err, strconv.Itoa(os.Getpid()), "already serves", "--data-dir")
	link := filepath.Join(emptyDir(t), "link")
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	_, err = Start(t.Context(), quick(link))
	wantSentence(t, err, "already serves")
	if said := another(t, "start", dir).first; !strings.Contains(said, "already serves") {
		t.Errorf("another process got: %s", said)
	}
	if err := ping(t.Context(), c.URL()); err != nil {
		t.Errorf("the refused starts harmed the first: %v", err)
	}
}

func TestACommandUsesTheClusterOfARunningServe(t *testing.T) {
	dir := madeDir(t)
	serve := another(t, "start", dir)
	command, err := Open(t.Context(), quick(dir))
	if err != nil {
		t.Fatal(err)
	}
	if command.URL() != serve.first {
		t.Errorf("the command uses %s, serve %s", command.URL(), serve.first)
	}
	if err := command.Close(); err != nil {
		t.Fatal(err)
	}
	if err := ping(t.Context(), serve.first); err != nil {
		t.Errorf("the command's end ended serve's cluster: %v", err)
	}
}

func TestAnAttachedCommandNeedsNoServerPrograms(t *testing.T) {
	dir := madeDir(t)
	start(t, quick(dir))
	cfg := quick(dir)
	cfg.places = []string{t.TempDir()}
	if _, err := Open(t.Context(), cfg); err != nil {
		t.Error(err)
	}
}

func TestACommandAloneRunsTheClusterForAsLongAsItNeeds(t *testing.T) {
	c, err := Open(t.Context(), quick(madeDir(t)))
	if err != nil {
		t.Fatal(err)
	}
	if err := ping(t.Context(), c.URL()); err != nil {
		t.Error(err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if err := ping(t.Context(), c.URL()); err == nil {
		t.Error("the cluster outlived the command")
	}
}

func TestServeWaitsForACommandAndKeepsItsOwnCluster(t *testing.T) {
	dir := madeDir(t)
	command := another(t, "open", dir)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, err := Start(ctx, quick(dir)); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("beside a running command the start gave: %v", err)
	}
	command.stdin.Close()
	c := start(t, quick(dir))
	command.cmd.Wait()
	if err := ping(t.Context(), c.URL()); err != nil {
		t.Errorf("serve lost its cluster with the command: %v", err)
	}
}

func TestKill9EndsTheClusterAndTheNextStartWorks(t *testing.T) {
	dir := madeDir(t)
	victim := another(t, "start", dir)
	execute(t, victim.first, `CREATE TABLE kept (word text); INSERT INTO kept VALUES ('yes')`)
	conn, err := pgx.Connect(t.Context(), victim.first)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	server := postmaster(t, dir)
	if err := victim.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	c := start(t, quick(dir)) // at once: it waits for the old server's end
	if running(server) {
		t.Errorf("the server %d outlived its process", server)
	}
	if ask(t, c.URL(), `SELECT word FROM kept`) != "yes" {
		t.Error("a committed row was lost")
	}
}

func TestKill9EndsTheClusterWithoutANextStart(t *testing.T) {
	dir := madeDir(t)
	victim := another(t, "start", dir)
	server := postmaster(t, dir)
	if err := victim.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the server ends with its process", func() bool { return !running(server) })
}

func TestALeftPidFileWhoseNumberAnotherProcessHasNow(t *testing.T) {
	dir := madeDir(t)
	runner, err := serverAccount()
	if err != nil {
		t.Fatal(err)
	}
	other := exec.Command("/bin/sh", "-c", "read -r _")
	other.Dir = "/"
	other.SysProcAttr = runner.process() // the same user: Postgres alone would believe it
	stdin, err := other.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { stdin.Close(); other.Wait() }()
	leavePidFile(t, dir, other.Process.Pid, runner)
	if err := ping(t.Context(), start(t, quick(dir)).URL()); err != nil {
		t.Error(err)
	}
}

func TestAServerStartedByHandIsNotDisturbed(t *testing.T) {
	dir := madeDir(t)
	runner, err := serverAccount()
	if err != nil {
		t.Fatal(err)
	}
	byHand := exec.Command("/bin/sh", "-c", "read -r _")
	byHand.Dir = filepath.Join(dir, "postgres", "data") // where a postmaster works
	stdin, err := byHand.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := byHand.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { stdin.Close(); byHand.Wait() }()
	leavePidFile(t, dir, byHand.Process.Pid, runner)
	_, err = Start(t.Context(), quick(dir))
	wantSentence(t, err, "isthmus did not start", strconv.Itoa(byHand.Process.Pid), "stop it first")
}

func TestAnInterruptedInitdbIsBegunAgain(t *testing.T) {
	dir := filepath.Join(emptyDir(t), "var")
	unfinished := filepath.Join(dir, "postgres", "data.new", "base")
	if err := os.MkdirAll(unfinished, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := ping(t.Context(), start(t, quick(dir)).URL()); err != nil {
		t.Error(err)
	}
}

func TestACancelledStartLeavesNothingRunning(t *testing.T) {
	dir := madeDir(t)
	began := time.Now()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Start(ctx, quick(dir)); !errors.Is(err, context.Canceled) {
		t.Fatalf("a cancelled start gave: %v", err)
	}
	start(t, quick(dir))
	if took := time.Since(began); took > grace/2 {
		t.Errorf("the server that had just been launched was ended after %s only", took)
	}
}

func TestTheLockIsHeldByOneAtATime(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	first, err := TryLock(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := TryLock(path); !errors.Is(err, ErrLocked) {
		t.Errorf("a second holder got: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := WaitLock(ctx, path); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a waiting holder got: %v", err)
	}
	first.Release()
	second, err := WaitLock(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	second.Release()
}

// postmaster is the process number of the running server.
func postmaster(t *testing.T, dir string) int {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "postgres", "data", "postmaster.pid"))
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(text), "\n")
	pid, err := strconv.Atoi(first)
	if err != nil || syscall.Kill(pid, 0) != nil {
		t.Fatalf("no server runs as process %q", first)
	}
	return pid
}

func running(pid int) bool { return !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) }

func leavePidFile(t *testing.T, dir string, pid int, a account) {
	t.Helper()
	data := filepath.Join(dir, "postgres", "data")
	text := strconv.Itoa(pid) + "\n" + data + "\n1700000000\n5432\n\n\n         1         1\nready   \n"
	path := filepath.Join(data, "postmaster.pid")
	if err := errors.Join(os.WriteFile(path, []byte(text), 0o600), a.give(path)); err != nil {
		t.Fatal(err)
	}
}
