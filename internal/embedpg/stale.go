package embedpg

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// clearStale removes what a killed server left behind. Postgres itself only asks whether some process has
// the number in postmaster.pid, and in a container that soon is another one. The caller holds the lock,
// which every server of ours holds to its end, so only one started by hand can still be running here.
func clearStale(p place) error {
	pidFile := filepath.Join(p.data(), "postmaster.pid")
	text, err := os.ReadFile(pidFile)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("read the embedded database's process number: %w", err)
	}
	if err == nil {
		first, _, _ := strings.Cut(string(text), "\n")
		switch runs, known := worksIn(first, p.data()); {
		case !known:
			return nil // without /proc Postgres decides
		case runs:
			return fmt.Errorf("a PostgreSQL server that isthmus did not start (process %s) runs on %s; stop it first", first, p.data())
		}
	}
	socket := socketPath(p.sockets)
	for _, left := range []string{pidFile, socket, socket + ".lock"} {
		if err := os.Remove(left); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove what a killed database server left behind: %w", err)
		}
	}
	return nil
}

// worksIn asks /proc whether a process's working directory is dir, as a postmaster's is.
func worksIn(pid, dir string) (runs, known bool) {
	if _, err := os.Readlink("/proc/self/cwd"); err != nil {
		return false, false
	}
	n, err := strconv.Atoi(strings.TrimSpace(pid))
	if err != nil {
		return false, true
	}
	cwd, err := os.Readlink(filepath.Join("/proc", strconv.Itoa(n), "cwd"))
	return err == nil && cwd == dir, true
}
