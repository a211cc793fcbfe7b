package proxy

import (
	"net"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"isthmus/internal/siptest"
)

// vanish makes a socket a black hole: the kernel drops every packet that arrives for it, unseen and unanswered. It needs no
// rights.
func vanish(t *testing.T, socket syscall.Conn) {
	t.Helper()
	raw, err := socket.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	drop := unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K}
	attach := func(fd uintptr) {
		err = unix.SetsockoptSockFprog(int(fd), unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: 1, Filter: &drop})
	}
	if failed := raw.Control(attach); failed != nil || err != nil {
		t.Fatal(failed, err)
	}
}

func TestOverSocketsABlackHoleDelaysTheFirstRequestsOnly(t *testing.T) {
	t.Parallel()
	node, first, second := labAddresses()
	f := newFront(t, first, func(*net.TCPConn) { t.Error("a connection got through") })
	vanish(t, f.ln)
	b := newLab(t, node, second, f.addr, nil)
	began := time.Now()
	for range 20 {
		b.ask(every, 0, 200)
	}
	b.settles()
	if took := time.Since(began); took < labLimits.Connect {
		t.Errorf("answered after %v, before the connect could time out", took)
	}
	b.ask(every, 0, 200)
	b.ends(21 * len(every))
	if took := b.ledger.Slowest(); took > 16*time.Second {
		t.Errorf("the slowest took %v of the hasty clock", took)
	}
}

// The path ends while requests are on their way: TCP_USER_TIMEOUT closes the connection, or the hop's time is over first.
func TestOverSocketsAPathThatEndsLosesNothing(t *testing.T) {
	t.Parallel()
	node, first, second := labAddresses()
	var b *lab
	ready := make(chan struct{})
	f := newFront(t, first, func(c *net.TCPConn) {
		<-ready
		conn := siptest.NewConn(c, time.Minute)
		m, err := conn.Receive()
		if err != nil || m.Method() == "OPTIONS" {
			return
		}
		b.ledger.Processed("first", m)
		_ = conn.Answer(m, 200)
		vanish(t, c)
		<-t.Context().Done()
	})
	b = newLab(t, node, second, f.addr, nil)
	close(ready)
	b.ask([]string{"SUBSCRIBE"}, 0, 200)
	b.settles()
	vanish(t, f.ln)
	b.ask(moving, 0, 200)
	b.ask([]string{"MESSAGE", "INFO"}, 0, 504)
	b.settles()
	b.ask(every, 0, 200) // nobody waits for it any more
	b.ends(len(moving) + len(every))
}
