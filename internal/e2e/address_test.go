//go:build e2e

package e2e

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// An island is a thread with a network of its own, in which addresses come and go. It takes the rights of root, and ends
// with the test.
type island struct {
	t    *testing.T
	work chan func()
}

func newIsland(t *testing.T) island {
	t.Helper()
	i, made := island{t, make(chan func())}, make(chan error)
	go func() {
		runtime.LockOSThread() // for good: the thread ends with the goroutine, and the network with what runs in it
		err := unix.Unshare(unix.CLONE_NEWNET)
		made <- err
		for work := range i.work {
			work()
		}
	}()
	if err := <-made; err != nil {
		t.Fatalf("make a network for the test, which needs the rights of root: %v", err)
	}
	t.Cleanup(func() { close(i.work) })
	i.sets("lo", func(r *unix.Ifreq) int { r.SetUint16(unix.IFF_UP | unix.IFF_RUNNING); return unix.SIOCSIFFLAGS })
	return i
}

// on runs work on the island's thread. What it makes there, sockets and processes, is the island's.
func (i island) on(work func()) {
	done := make(chan struct{})
	i.work <- func() {
		defer close(done)
		work()
	}
	<-done
}

func (i island) sets(device string, to func(*unix.Ifreq) int) {
	i.t.Helper()
	var err error
	i.on(func() { err = set(device, to) })
	if err != nil {
		i.t.Fatalf("set %s: %v", device, err)
	}
}

func set(device string, to func(*unix.Ifreq) int) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	request, err := unix.NewIfreq(device)
	if err != nil {
		return err
	}
	return unix.IoctlIfreq(fd, uint(to(request)), request)
}

// has gives the island one more address, or takes it away with 0.0.0.0.
func (i island) has(address string) {
	i.t.Helper()
	i.sets("lo:1", func(r *unix.Ifreq) int {
		_ = r.SetInet4Addr(net.ParseIP(address).To4()) // four bytes
		return unix.SIOCSIFADDR
	})
}

// ready asks for /readyz, without a client of another thread.
func (i island) ready(listener string) (status int, shut string) {
	i.on(func() {
		c, err := net.Dial("tcp", "127.0.0.1:8080")
		if err != nil {
			return
		}
		defer c.Close()
		if _, err := io.WriteString(c, "GET /readyz HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nConnection: close\r\n\r\n"); err != nil {
			return
		}
		if r, err := http.ReadResponse(bufio.NewReader(c), nil); err == nil {
			defer r.Body.Close()
			status, shut = r.StatusCode, whyShut(r, listener)
		}
	})
	return status, shut
}

const roaming = "10.99.0.11"

// TestAnAddressThatGoesIsToldAndServesWhenItIsBack is M17, from a start without the address on.
func TestAnAddressThatGoesIsToldAndServesWhenItIsBack(t *testing.T) {
	t.Parallel()
	away := newIsland(t)
	m := newMachine(t, "imp1.synergy.com", roaming, newDatabase(t))
	m.env = append(m.env, "ISTHMUS_HTTP=127.0.0.1:8080")
	m.apply("nodes:\n  - {name: imp1.synergy.com, address: " + roaming + "}\n")
	p := prepare(t, m.env, programs.isthmus, "serve")
	away.on(p.start)

	const listener = "Default SIP Proxy TCP Listener"
	says := func(promise string, status int, begin string) {
		t.Helper()
		eventually(t, patience, promise, func() bool {
			got, shut := away.ready(listener)
			return got == status && strings.HasPrefix(shut, begin) && (shut == "") == (begin == "")
		})
	}
	answers := func() (yes bool) {
		away.on(func() { yes = answersOptions(roaming) })
		return yes
	}
	says("without its address it does not open", 503, roaming+" is not an address of this machine; correct the node's address.")
	for range 2 {
		away.has(roaming)
		says("with it it does", 200, "")
		if !answers() {
			t.Error("OPTIONS is not answered")
		}
		away.has("0.0.0.0")
		says("the loss is told", 503, roaming+" is not an address of this machine at present; port 5060 answers again as soon as the address is back.")
		if answers() {
			t.Fatal("OPTIONS is answered at an address that is gone")
		}
	}
	if code := p.stop(); code != 0 {
		t.Errorf("it ends with %d: %s", code, tailOf(p.err.String()))
	}
}
