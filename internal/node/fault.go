package node

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"isthmus/internal/federation"
)

const (
	faultPause = time.Second      // before a goroutine that met a fault begins anew
	crashEvery = 10 * time.Second // between two files: a fault that anybody can bring about must not fill the disk
	crashKept  = 5                // files
	crashTime  = "20060102T150405.000Z"
)

// errFault is why a revision is not in force that a fault of ours met.
var errFault = federation.Refuse("This revision met a fault inside Isthmus. Take back what was changed last, and send the newest crash file of the data directory to whoever maintains Isthmus.")

// guarded runs one of the node's own goroutines to its end. A fault of ours in it must neither end the process, and every
// call with it, nor leave the node without what the goroutine does: it begins anew.
func (n *Node) guarded(ctx context.Context, what string, run func(context.Context)) {
	for n.faulted(what, func() { run(ctx) }) {
		select {
		case <-ctx.Done():
			return
		case <-time.After(faultPause):
		}
	}
}

// faulted reports whether a function panicked.
func (n *Node) faulted(what string, f func()) (faulted bool) {
	defer func() {
		panicked := recover()
		if panicked == nil {
			return
		}
		faulted = true
		n.config.Metrics.Fault()
		n.log.Error("a fault inside Isthmus", "in", what, "reason", fmt.Sprint(panicked), "stack", string(debug.Stack()))
		n.keepFault(what, panicked)
	}()
	f()
	return false
}

// keepFault writes a file about a fault that was just recovered from, as a log may be gone when somebody asks.
func (n *Node) keepFault(what string, panicked any) {
	path, err := n.crashes.keep(time.Now(), fmt.Sprintf("Isthmus %s on %s\nin %s\n%v\n\n%s", n.config.Version, n.config.Name, what, panicked, debug.Stack()))
	switch {
	case err != nil:
		n.log.Error("a crash file could not be written", "reason", err)
	case path != "":
		n.log.Error("a fault inside Isthmus is described in a crash file; send it to whoever maintains Isthmus", "file", path)
	}
}

// crashes are the files about faults in the data directory.
type crashes struct {
	dir  string
	mu   sync.Mutex
	last time.Time
}

// keep writes a file that only the owner reads, and removes the oldest. It returns "" soon after another, or while another
// is being written.
func (c *crashes) keep(now time.Time, text string) (path string, err error) {
	if !c.mu.TryLock() {
		return "", nil
	}
	defer c.mu.Unlock()
	if !c.last.IsZero() && now.Sub(c.last) < crashEvery {
		return "", nil
	}
	c.last = now
	return c.write(now, text)
}

func (c *crashes) write(now time.Time, text string) (path string, err error) {
	path = filepath.Join(c.dir, "crash-"+now.UTC().Format(crashTime)+".txt")
	err = os.WriteFile(path, []byte(text), 0o600)
	return path, errors.Join(err, c.sweep())
}

func (c *crashes) sweep() error {
	list, err := filepath.Glob(filepath.Join(c.dir, "crash-*Z.txt"))
	slices.Sort(list) // by time
	for _, old := range list[:max(0, len(list)-crashKept)] {
		err = errors.Join(err, os.Remove(old))
	}
	return err
}
