package node

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"isthmus/internal/siptest"
)

// queues connects to the TLS listener while this process has no descriptor left to accept it with, so that it stays in
// the listener's queue until end is called.
func (r *rig) queues(t *testing.T) (connected func() net.Conn, end func()) {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	r.node.applying.Lock() // a file that is closed after the look would leave the listener its descriptor
	r.node.syncing.Lock()
	end = siptest.LimitDescriptors(t, 0)
	r.node.syncing.Unlock()
	r.node.applying.Unlock()
	to := &syscall.SockaddrInet4{Port: 5061, Addr: [4]byte(net.ParseIP(r.address).To4())}
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Connect(fd, to); err != nil {
		t.Fatal(err)
	}
	return func() net.Conn {
		file := os.NewFile(uintptr(fd), "queued")
		defer file.Close()
		c, err := net.FileConn(file)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		_ = c.SetDeadline(time.Now().Add(patience))
		return c
	}, end
}

// A socketTable is what the kernel tells of TCP sockets. It stays open, as there may be no descriptor left to open it with.
type socketTable struct {
	t    *testing.T
	file *os.File
}

func listenTable(t *testing.T) socketTable {
	t.Helper()
	file, err := os.Open("/proc/self/net/tcp")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	return socketTable{t, file}
}

// at is the inode of a listening socket, and how many connections wait in its queue.
func (s socketTable) at(address string, port int) (inode string, waiting int64) {
	s.t.Helper()
	b := net.ParseIP(address).To4()
	local := fmt.Sprintf("%02X%02X%02X%02X:%04X", b[3], b[2], b[1], b[0], port)
	text := make([]byte, 1<<20)
	n, _ := s.file.ReadAt(text, 0)
	for line := range strings.Lines(string(text[:n])) {
		// sl local_address rem_address st tx_queue:rx_queue tr:when retrnsmt uid timeout inode
		f := strings.Fields(line)
		if len(f) > 9 && f[1] == local && f[3] == "0A" {
			_, queue, _ := strings.Cut(f[4], ":")
			waiting, _ = strconv.ParseInt(queue, 16, 64)
			return f[9], waiting
		}
	}
	s.t.Fatalf("nothing listens at %s:%d", address, port)
	return "", 0
}
