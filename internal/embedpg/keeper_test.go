package embedpg

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

func (d *diary) count(part string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return strings.Count(d.text.String(), part)
}

// keeping is a configuration that persists, whose log can be read.
func keeping(dir string) (Config, *diary) {
	cfg, d := quick(dir), &diary{}
	cfg.Persist = true
	cfg.Log = slog.New(slog.NewTextHandler(d, &slog.HandlerOptions{Level: slog.LevelDebug}))
	return cfg, d
}

func answers(t *testing.T, url string) bool {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return false
	}
	return conn.Close(ctx) == nil
}

// spoil gives the server a setting that it does not start with, and returns what mends it.
func spoil(t *testing.T, dir string) (mend func()) {
	t.Helper()
	path := filepath.Join(dir, "postgres", "data", "postgresql.conf")
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	write := func(text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("no_such_setting = on\n")
	return func() { write(string(good)) }
}

func TestAKilledServerIsStartedAgainWithWhatItHeld(t *testing.T) {
	dir := madeDir(t)
	cfg, log := keeping(dir)
	c := start(t, cfg)
	execute(t, c.URL(), `CREATE TABLE words AS SELECT 'kept' AS word`)
	for round, signal := range []syscall.Signal{syscall.SIGKILL, syscall.SIGQUIT, syscall.SIGKILL} {
		if err := syscall.Kill(postmaster(t, dir), signal); err != nil {
			t.Fatal(err)
		}
		eventually(t, "it answers again", func() bool { return answers(t, c.URL()) })
		if word := ask(t, c.URL(), `SELECT word FROM words`); word != "kept" {
			t.Errorf("round %d: it holds %q", round, word)
		}
	}
	eventually(t, "that is said", func() bool { return log.holds("runs again") })
	if n := log.count("has ended by itself"); n != 1 {
		t.Errorf("three ends within a minute are told %d times", n)
	}
	pid := postmaster(t, dir)
	if err := c.Close(); err != nil || running(pid) {
		t.Errorf("closed: %v, runs: %v", err, running(pid))
	}
}

func TestAServerThatRunsOnceStaysAwayAndItsDirectoryCanBeUsedAgain(t *testing.T) {
	dir := madeDir(t)
	cfg := quick(dir)
	cfg.Once = true
	c := start(t, cfg)
	if err := syscall.Kill(postmaster(t, dir), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-c.keeper.ended
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if again := start(t, cfg); !answers(t, again.URL()) {
		t.Error("started again, it does not answer")
	}
}

func TestAServerThatDoesNotStartIsTriedAgainUntilItDoes(t *testing.T) {
	dir := madeDir(t)
	mend := spoil(t, dir)
	cfg, log := keeping(dir)
	c := start(t, cfg)
	eventually(t, "it is tried again", func() bool { return log.count("unrecognized configuration parameter") >= 3 })
	if n := log.count("cannot be started"); n != 1 {
		t.Errorf("it complained %d times within a minute", n)
	}
	mend()
	eventually(t, "it answers", func() bool { return answers(t, c.URL()) })
	eventually(t, "that is said", func() bool { return log.holds("runs again") })
}

func TestAClusterCanBeClosedWhileItsServerDoesNotStart(t *testing.T) {
	dir := madeDir(t)
	mend := spoil(t, dir)
	cfg, log := keeping(dir)
	c := start(t, cfg)
	eventually(t, "it is tried again", func() bool { return log.count("unrecognized configuration parameter") >= 4 })
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	mend()
	again := start(t, quick(dir)) // the lock is free
	if !answers(t, again.URL()) {
		t.Error("it does not run afterwards")
	}
}

func TestANewClusterThatCannotBeMadeFailsThoughItMayPersist(t *testing.T) {
	cfg, _ := keeping(filepath.Join(emptyDir(t), "var"))
	cfg.places = []string{t.TempDir()}
	if _, err := Start(t.Context(), cfg); err == nil {
		t.Error("a start without server programs succeeded")
	}
}

func TestAStartThatIsCalledOffDoesNotPersist(t *testing.T) {
	cfg, _ := keeping(madeDir(t))
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if c, err := Start(ctx, cfg); err == nil {
		c.Close()
		t.Error("it started")
	}
}
