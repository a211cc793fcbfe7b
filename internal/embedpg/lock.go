package embedpg

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// ErrLocked means that another holder has the lock.
var ErrLocked = errors.New("locked by another process")

// Lock is an exclusive lock on a file that ends with its holder: with the process that took it and those
// that inherited it, however they end.
type Lock struct{ file *os.File }

// TryLock takes the lock on the file at path, which it makes when missing (0600), or gives ErrLocked.
func TryLock(path string) (*Lock, error) { return tryLock(path, syscall.LOCK_EX) }

func tryLock(path string, kind int) (*Lock, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(f.Fd()), kind|syscall.LOCK_NB)
	if err == nil {
		return &Lock{f}, nil
	}
	f.Close()
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, ErrLocked
	}
	return nil, err
}

// WaitLock takes the lock as soon as it is free, or gives the context's error.
func WaitLock(ctx context.Context, path string) (*Lock, error) {
	for {
		lock, err := TryLock(path)
		if !errors.Is(err, ErrLocked) {
			return lock, err
		}
		if err := pause(ctx, 10*time.Millisecond); err != nil {
			return nil, err
		}
	}
}

// Release gives the lock free unless a process that inherited it still runs. What was written into the
// file is gone then.
func (l *Lock) Release() {
	l.file.Truncate(0) // a note left behind does no harm
	l.file.Close()
}

// role is how long the holder means to run the cluster.
type role string

const (
	owner    role = "serve"   // for its life: others may attach
	borrower role = "command" // soon gone: others wait, since their connections would end with it
)

// hold is what the process that runs a cluster has: the lock, which its server inherits, and the holder
// file, locked by the process alone, which names it. A server whose process was killed so is known by a
// holder file that nobody locks (the process number alone could be a zombie's, or another's by now).
type hold struct{ lock, holder *Lock }

func (h *hold) release() {
	h.holder.Release()
	h.lock.Release()
}

// take signs the holder file; the caller holds the lock, so at most a reader's glance is in the way.
func take(ctx context.Context, p place, lock *Lock, r role) (*hold, error) {
	holder, err := WaitLock(ctx, p.holderFile())
	if err != nil {
		lock.Release()
		return nil, fmt.Errorf("sign the embedded database's lock: %w", err)
	}
	fmt.Fprintf(holder.file, "%s %d\n", r, os.Getpid()) // without it others wait instead of attaching
	return &hold{lock: lock, holder: holder}, nil
}

// holder reads who runs the cluster; empty while nobody has signed, or when the one who did is dead. It
// looks with a shared lock, so that two readers do not take each other for a holder.
func holder(p place) (r role, pid int) {
	if lock, err := tryLock(p.holderFile(), syscall.LOCK_SH); !errors.Is(err, ErrLocked) {
		if err == nil {
			lock.Release()
		}
		return "", 0
	}
	text, _ := os.ReadFile(p.holderFile())
	word, number, _ := strings.Cut(strings.TrimSpace(string(text)), " ")
	pid, _ = strconv.Atoi(number)
	return role(word), pid
}

// patience is how long a start waits for another process to end its work with the cluster.
const patience = 30 * time.Second

// dying is how long a serving process may be seen after somebody has killed it: the kernel gives its memory
// back before it closes its files.
const dying = time.Second

// claim gives either the lock, so that the caller runs the server, or the URL of the running one. The lock
// of a process that was killed stays held until its server has ended, which takes moments.
func claim(ctx context.Context, p place, r role) (*hold, string, error) {
	waiting, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for began := time.Now(); ; {
		lock, err := TryLock(p.lockFile())
		if err == nil {
			held, err := take(ctx, p, lock, r)
			return held, "", err
		}
		if errors.Is(err, fs.ErrPermission) {
			return nil, "", foreign(p)
		}
		if !errors.Is(err, ErrLocked) {
			return nil, "", fmt.Errorf("lock the embedded database: %w", err)
		}
		url, err := beside(waiting, p, r, time.Since(began))
		if url != "" || err != nil {
			return nil, url, err
		}
		if pause(waiting, 20*time.Millisecond) != nil {
			return nil, "", stillBusy(ctx, p)
		}
	}
}

// beside decides what to do while another process holds the lock: attach (a URL), give up (an error), or
// wait (neither). It has been asked for that long.
func beside(ctx context.Context, p place, r role, waited time.Duration) (string, error) {
	other, pid := holder(p)
	if other != owner || r == owner && waited < dying {
		return "", nil
	}
	if r == owner {
		return "", fmt.Errorf("isthmus (process %d) already serves with the embedded database in %s; stop it first, or give this node its own --data-dir", pid, p.dir)
	}
	password, err := readPassword(p)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil // it is just being made
	}
	if err != nil {
		return "", err
	}
	url := p.url(password, database)
	if err := ping(ctx, url); err != nil {
		return "", nil
	}
	return url, nil
}

func stillBusy(ctx context.Context, p place) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return fmt.Errorf("another isthmus process has been starting, ending or using the embedded database in %s for over %d seconds; "+
		"wait until it has ended, then try again", p.dir, int(patience.Seconds()))
}

// pause waits, or gives the context's error.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
