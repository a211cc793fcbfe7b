package embedpg

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
)

// initialize makes the cluster. initdb works in a directory beside the final one, so that
// one which was interrupted is begun again and never used.
func initialize(ctx context.Context, cfg Config, p place, lock *Lock) error {
	bin, err := cfg.programs(p)
	if err != nil {
		return err
	}
	password, err := newPassword(p)
	if err != nil {
		return err
	}
	fresh := p.data() + ".new"
	if err := os.RemoveAll(fresh); err != nil {
		return fmt.Errorf("remove an unfinished embedded database: %w", err)
	}
	if err := ownDir(fresh, p.account); err != nil {
		return err
	}
	if err := initdb(ctx, cfg, bin, p.account, fresh, password, lock); err != nil {
		return err
	}
	if err := os.Rename(fresh, p.data()); err != nil {
		return fmt.Errorf("put the embedded database in place: %w", err)
	}
	return syncDir(p.dir)
}

// initdb lets in nobody without the password: scram on the socket, nothing over the network. cat opens the
// pipe for it because the server's user may not open root's standard input by name.
func initdb(ctx context.Context, cfg Config, bin programs, a account, dir, password string, lock *Lock) error {
	args := []string{"-c", `cat | "$@" --pwfile=/dev/stdin`, "sh", bin.initdb(), "--pgdata=" + dir, "--username=" + superuser,
		"--auth-local=scram-sha-256", "--auth-host=reject", "--encoding=UTF8", "--locale=" + locale()}
	if cfg.Volatile {
		args = append(args, "--no-sync", "--wal-segsize=1")
	} else {
		args = append(args, "--data-checksums")
	}
	cmd := exec.CommandContext(ctx, "/bin/sh", args...)
	cmd.Stdin = strings.NewReader(password + "\n")
	cmd.Dir, cmd.Env = "/", environment()
	cmd.SysProcAttr = a.process()
	cmd.ExtraFiles = []*os.File{lock.file} // an initdb that outlives us keeps the next start waiting
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	out, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		return fmt.Errorf("initdb could not make the embedded database in %s: %w; it said: %s", dir, err, strings.TrimSpace(string(out)))
	}
	cfg.Log.Debug("embedded database made", "directory", dir)
	return nil
}

// locale sorts by code point everywhere; systems without C.UTF-8 do so under C.
func locale() string {
	if runtime.GOOS == "linux" {
		return "C.UTF-8"
	}
	return "C"
}

// environment keeps our secrets and PG* variables out of the server's.
func environment() []string {
	return []string{"PATH=/usr/local/bin:/usr/bin:/bin", "LC_ALL=" + locale()}
}

// newPassword keeps one that an interrupted first start has written already.
func newPassword(p place) (string, error) {
	password, err := readPassword(p)
	if !errors.Is(err, fs.ErrNotExist) {
		return password, err
	}
	password = rand.Text()
	fresh := p.passwordFile() + ".new"
	if err := os.RemoveAll(fresh); err != nil {
		return "", fmt.Errorf("remove an unfinished password file: %w", err)
	}
	if err := writeNew(fresh, password+"\n"); err != nil {
		return "", fmt.Errorf("write the embedded database's password: %w", err)
	}
	if err := os.Rename(fresh, p.passwordFile()); err != nil {
		return "", fmt.Errorf("put the embedded database's password in place: %w", err)
	}
	return password, syncDir(p.dir)
}

// writeNew writes a file that did not exist, for this process's user alone, down to the disk.
func writeNew(path, text string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Sync(), f.Close())
}

// readPassword gives fs.ErrNotExist while the cluster has none.
func readPassword(p place) (string, error) {
	text, err := os.ReadFile(p.passwordFile())
	if errors.Is(err, fs.ErrPermission) {
		return "", foreign(p)
	}
	if err != nil {
		return "", fmt.Errorf("read the embedded database's password (restore the file from a backup when it is lost): %w", err)
	}
	return strings.TrimSpace(string(text)), nil
}

func syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
