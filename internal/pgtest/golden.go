package pgtest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"isthmus/internal/embedpg"
)

const (
	goldenPrefix = "golden-"
	runPrefix    = "run-"
	// enough is the free memory that clusters in memory are given, in bytes; containers often have 64 MB.
	enough = 1 << 30
	// unused is after how long a golden directory of another schema is removed.
	unused = 24 * time.Hour
)

// root is this user's directory of golden directories and running copies, in memory where that is offered.
//
//	golden-KEY/    a migrated cluster, not running
//	run-NNN/       one test process's copy; run-NNN/in-use is locked while that process lives
//	lock           held while either is made or removed
type root string

func openRoot() (root, error) {
	dir := filepath.Join(parent(), fmt.Sprintf("isthmus-pgtest-%d", os.Geteuid()))
	if err := os.Mkdir(dir, 0o711); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", fmt.Errorf("make a directory for test clusters: %w", err)
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return "", fmt.Errorf("look at the directory for test clusters: %w", err)
	}
	if owner := info.Sys().(*syscall.Stat_t).Uid; !info.IsDir() || int(owner) != os.Geteuid() {
		return "", fmt.Errorf("%s is not a directory of this user; remove it and test again", dir)
	}
	return root(dir), os.Chmod(dir, 0o711) // the umask may have closed it to the server's user
}

// parent is memory, ten times faster than a disk here, or else the temporary directory.
func parent() string {
	const memory = "/dev/shm"
	var s syscall.Statfs_t
	if syscall.Statfs(memory, &s) == nil && uint64(s.Bavail)*uint64(s.Bsize) >= enough {
		return memory
	}
	return os.TempDir()
}

func (r root) path(name string) string { return filepath.Join(string(r), name) }

func (r root) lock(ctx context.Context) (*embedpg.Lock, error) {
	lock, err := embedpg.WaitLock(ctx, r.path("lock"))
	if err != nil {
		return nil, fmt.Errorf("wait for other test processes: %w", err)
	}
	return lock, nil
}

// run makes a directory for this process's copy and removes those of processes that were killed.
func (r root) run(ctx context.Context) (dir string, inUse *embedpg.Lock, err error) {
	lock, err := r.lock(ctx)
	if err != nil {
		return "", nil, err
	}
	defer lock.Release()
	r.sweep()
	if dir, err = os.MkdirTemp(string(r), runPrefix); err != nil {
		return "", nil, fmt.Errorf("make a directory for a test cluster: %w", err)
	}
	inUse, err = embedpg.TryLock(filepath.Join(dir, "in-use"))
	if err == nil {
		err = os.Chmod(dir, 0o711) // the server's user passes through
	}
	return dir, inUse, err
}

// sweep removes copies whose process is dead, and golden directories that nobody has used for a day. What
// cannot be removed now is tried again by the next process.
func (r root) sweep() {
	entries, _ := os.ReadDir(string(r))
	for _, e := range entries {
		dir := r.path(e.Name())
		switch {
		case strings.HasPrefix(e.Name(), runPrefix) && abandoned(dir):
			os.RemoveAll(dir)
		case strings.HasPrefix(e.Name(), goldenPrefix):
			if info, err := e.Info(); err == nil && time.Since(info.ModTime()) > unused {
				os.RemoveAll(dir)
			}
		}
	}
}

// abandoned looks at the process's lock, then at its server's, which ends a moment later.
func abandoned(dir string) bool {
	for _, name := range []string{"in-use", "postgres/lock"} {
		lock, err := embedpg.TryLock(filepath.Join(dir, name))
		if errors.Is(err, embedpg.ErrLocked) {
			return false
		}
		if err == nil {
			lock.Release()
		}
	}
	return true
}

// copyGolden makes the schema's golden directory when it is missing, then copies it. Others wait meanwhile:
// they would only compete for the same processors.
func (r root) copyGolden(ctx context.Context, key string, migrate Migrate, to string) error {
	lock, err := r.lock(ctx)
	if err != nil {
		return err
	}
	defer lock.Release()
	golden := r.path(goldenPrefix + key)
	if _, err := os.Stat(golden); errors.Is(err, fs.ErrNotExist) {
		if err := makeGolden(ctx, golden, migrate); err != nil {
			return err
		}
	}
	now := time.Now()
	if err := os.Chtimes(golden, now, now); err != nil { // sweep goes by it
		return fmt.Errorf("mark the test template as used: %w", err)
	}
	return embedpg.Clone(golden, to)
}

// makeGolden renames a finished cluster into place, so that one which was interrupted is never used.
func makeGolden(ctx context.Context, golden string, migrate Migrate) error {
	unfinished := golden + ".new"
	if err := os.RemoveAll(unfinished); err != nil {
		return fmt.Errorf("remove an unfinished test template: %w", err)
	}
	pg, err := embedpg.Start(ctx, volatile(unfinished))
	if err != nil {
		return err
	}
	err = migrate(ctx, pg.URL())
	if err := errors.Join(err, pg.Close()); err != nil {
		return errors.Join(fmt.Errorf("migrate the test template: %w", err), os.RemoveAll(unfinished))
	}
	return os.Rename(unfinished, golden)
}
