package e2e

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"isthmus/internal/siptest"
)

// A supervisor does for a program what systemd does for a unit with a store of file descriptors.
type supervisor struct {
	t      *testing.T
	notify *net.UnixConn
	env    []string

	mu    sync.Mutex
	store []*os.File
	ready chan struct{} // a process serves; one word of it is enough
}

func newSupervisor(t *testing.T, env []string) *supervisor {
	t.Helper()
	path := filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	s := &supervisor{t: t, notify: conn, env: append(env, "NOTIFY_SOCKET="+path), ready: make(chan struct{}, 1)}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.listen()
	}()
	t.Cleanup(func() {
		conn.Close()
		<-ended
		s.forget()
	})
	return s
}

func (s *supervisor) listen() {
	b, rights := make([]byte, 1024), make([]byte, 1024)
	for {
		n, r, _, _, err := s.notify.ReadMsgUnix(b, rights)
		if err != nil {
			return
		}
		s.take(string(b[:n]), rights[:r])
	}
}

func (s *supervisor) take(message string, rights []byte) {
	switch {
	case strings.HasPrefix(message, "FDSTORE=1\n"):
		controls, _ := syscall.ParseSocketControlMessage(rights) // none: nothing is kept, and the test sees refusals
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, c := range controls {
			fds, _ := syscall.ParseUnixRights(&c)
			for _, fd := range fds {
				syscall.CloseOnExec(fd)
				s.store = append(s.store, os.NewFile(uintptr(fd), "kept"))
			}
		}
	case strings.HasPrefix(message, "FDSTOREREMOVE=1\n"):
		s.forget()
	case strings.HasPrefix(message, "READY=1\n"):
		select {
		case s.ready <- struct{}{}:
		default:
		}
	}
}

func (s *supervisor) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.store {
		f.Close()
	}
	s.store = nil
}

// start passes the kept sockets on, from descriptor 3. The shell is there for the process's own number.
func (s *supervisor) start() *process {
	s.t.Helper()
	select {
	case <-s.ready: // what the last process said
	default:
	}
	p := prepare(s.t, s.env, "sh", "-c", `LISTEN_PID=$$ exec "$0" serve`, programs.isthmus)
	s.mu.Lock()
	p.cmd.ExtraFiles = append([]*os.File(nil), s.store...)
	p.cmd.Env = append(p.cmd.Env, "LISTEN_FDS="+string(rune('0'+len(p.cmd.ExtraFiles))))
	p.start() // with the lock, as the process may have the files closed as soon as it runs
	s.mu.Unlock()
	select {
	case <-s.ready:
	case <-time.After(patience):
		s.t.Fatalf("it does not say that it serves: %s", p.err)
	}
	return p
}

const (
	restarts = 5
	connects = 10_000
	clients  = 8
)

// Each connect is answered, too: one that is only taken by the system's queue could still be lost.
func TestNoneOfTenThousandConnectsIsRefusedOverFiveRestarts(t *testing.T) {
	w := newWorld(t, newDatabase(t))
	w.setUp()
	s := newSupervisor(t, w.node.env)
	p := s.start()
	var begun, refused, unanswered atomic.Int64
	var group sync.WaitGroup
	for range clients {
		group.Go(func() {
			for begun.Add(1) <= connects {
				c, err := siptest.Dial(w.net+nodeHost+":5060", siptest.Options{Local: w.net + nodeHost, Timeout: patience})
				if err != nil {
					refused.Add(1)
					continue
				}
				if err := c.Send(siptest.Probe("imp1.synergy.com")); err != nil {
					unanswered.Add(1)
				} else if _, err := c.Receive(); err != nil {
					unanswered.Add(1)
				}
				c.Close()
			}
		})
	}
	for i := range restarts {
		eventually(t, 4*patience, "the next part of the connects", func() bool { return begun.Load() >= int64(i+1)*connects/(restarts+1) })
		if code := p.stop(); code != 0 {
			t.Errorf("exit %d: %s", code, tailOf(p.err.String()))
		}
		if s.kept() == 0 {
			t.Error("no socket was handed over")
		}
		if host, port, _ := net.SplitHostPort(w.node.console); !opens(host, port) {
			t.Error("who opens the console between two processes is refused")
		}
		p = s.start()
	}
	group.Wait()
	if refused.Load() > 0 || unanswered.Load() > 0 {
		t.Errorf("%d of %d connects were refused, %d had no answer", refused.Load(), connects, unanswered.Load())
	}
	if r := w.node.ready(); r.Status != 200 {
		t.Errorf("the console, whose socket was handed over too, answers %d", r.Status)
	}

	// Whoever connects to a port that is no listener's any more would wait in its queue for ever.
	p.stop()
	w.node.apply("listeners:\n  - {name: Default SIP Proxy TCP Listener, transport: tcp, port: 5060}\n")
	s.start()
	eventually(t, patience, "the port of a listener that is gone is closed", func() bool { return !opens(w.net+nodeHost, "5061") })
}

func (s *supervisor) kept() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.store)
}
