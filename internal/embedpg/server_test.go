package embedpg

import (
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// A diary is a log's text that another goroutine may be writing.
type diary struct {
	mu   sync.Mutex
	text strings.Builder
}

func (d *diary) Write(b []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.text.Write(b)
}

func (d *diary) holds(part string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return strings.Contains(d.text.String(), part)
}

func TestAServerThatEndsByItselfIsReportedAndOneThatIsClosedIsNot(t *testing.T) {
	const report = "has ended by itself"
	dir := madeDir(t)
	var ordered, accident diary
	logging := func(d *diary) Config {
		cfg := quick(dir)
		cfg.Log = slog.New(slog.NewTextHandler(d, nil))
		return cfg
	}
	start(t, logging(&ordered)).Close()
	c := start(t, logging(&accident))
	if err := syscall.Kill(postmaster(t, dir), syscall.SIGQUIT); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the report", func() bool { return accident.holds(report) })
	if ordered.holds(report) {
		t.Error("an end that was asked for is reported as an accident")
	}
	if err := c.Close(); err != nil {
		t.Errorf("closing what has ended already: %v", err)
	}
}

func TestAServerThatCannotStartIsQuoted(t *testing.T) {
	dir := madeDir(t)
	path := filepath.Join(dir, "postgres", "data", "postgresql.conf")
	if err := os.WriteFile(path, []byte("no_such_setting = on\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := Start(t.Context(), quick(dir))
	wantSentence(t, err, "did not start; it said: ", "no_such_setting")
	if !strings.Contains(err.Error(), "; ") || strings.Contains(err.Error(), "\n") {
		t.Errorf("the server's lines do not stand on one: %v", err)
	}
	if _, err := Start(t.Context(), quick(dir)); err == nil || strings.Contains(err.Error(), "already serves") {
		t.Errorf("the failed start kept the lock: %v", err)
	}
}

func TestTheLastLinesAreKeptHoweverTheyArrive(t *testing.T) {
	l := lines{log: slog.New(slog.DiscardHandler)}
	for i := range 20 {
		for _, part := range []string{"line ", strconv.Itoa(i) + "\nli", "ne and half\n"} {
			l.Write([]byte(part))
		}
	}
	if got, want := l.tail(), "line 16; line and half; line 17; line and half; line 18; line and half; line 19; line and half"; got != want {
		t.Errorf("kept are %q, want %q", got, want)
	}
}

func TestALostPasswordIsNamedAndNoneIsMadeUp(t *testing.T) {
	dir := madeDir(t)
	path := filepath.Join(dir, "postgres", "password")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	_, err := Start(t.Context(), quick(dir))
	wantSentence(t, err, "password", "backup", path)
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("another password was written: %v", err)
	}
}

func TestAPasswordOfAnInterruptedFirstStartIsKept(t *testing.T) {
	p := place{dir: t.TempDir()}
	if err := os.WriteFile(p.passwordFile()+".new", []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	first, err := newPassword(p)
	if err != nil || len(first) < 20 {
		t.Fatalf("the password is %q, %v", first, err)
	}
	if again, err := newPassword(p); err != nil || again != first {
		t.Errorf("the second start has the password %q, %v; want the first one's", again, err)
	}
}

func TestACloneLeavesLocksAndLinksBehind(t *testing.T) {
	from, to := emptyDir(t), filepath.Join(emptyDir(t), "copy")
	cluster := filepath.Join(from, "postgres")
	for _, dir := range []string{"data", "run"} {
		if err := os.MkdirAll(filepath.Join(cluster, dir), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for _, file := range []string{"lock", "holder", "password", "run/socket", "data/lock"} {
		if err := os.WriteFile(filepath.Join(cluster, file), []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("/etc/passwd", filepath.Join(cluster, "data", "link")); err != nil {
		t.Fatal(err)
	}
	if err := Clone(from, to); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{"lock": false, "holder": false, "run": false, "data/link": false, "password": true, "data/lock": true} {
		text, err := os.ReadFile(filepath.Join(to, "postgres", name))
		if (err == nil) != want || want && string(text) != name {
			t.Errorf("%s: %q, %v; copied should be %v", name, text, err, want)
		}
	}
	if err := Clone(from, to); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a clone over another cluster gave: %v", err)
	}
}
