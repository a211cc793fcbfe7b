package direct

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"reflect"
	"syscall"
	"testing"
	"time"
)

// pair returns both ends of a connection, the first of them direct.
func pair(t testing.TB) (*Conn, *net.TCPConn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	dialled, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	accepted, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { dialled.Close(); accepted.Close() })
	c, err := New(accepted.(*net.TCPConn))
	if err != nil {
		t.Fatal(err)
	}
	return c, dialled.(*net.TCPConn)
}

// isA fails unless err has the form of package net's, for op, and says what want does.
func isA(t *testing.T, err error, op string, want error) {
	t.Helper()
	if is, ok := errors.AsType[*net.OpError](err); !ok || is.Op != op || !errors.Is(err, want) {
		t.Errorf("%#v, want %s: %v", err, op, want)
	}
}

func TestReadWaitsForWhatComes(t *testing.T) {
	c, peer := pair(t)
	time.AfterFunc(20*time.Millisecond, func() { _, _ = peer.Write([]byte("late")) })
	p := make([]byte, 10)
	if n, err := c.Read(p); err != nil || string(p[:n]) != "late" {
		t.Errorf("%q, %v", p[:n], err)
	}
}

func TestReadEnds(t *testing.T) {
	p := make([]byte, 10)
	t.Run("when the peer closes", func(t *testing.T) {
		c, peer := pair(t)
		_ = peer.Close()
		if n, err := c.Read(p); n != 0 || err != io.EOF {
			t.Errorf("%d, %v", n, err)
		}
	})
	t.Run("when the peer resets", func(t *testing.T) {
		c, peer := pair(t)
		_ = peer.SetLinger(0)
		_ = peer.Close()
		_, err := c.Read(p)
		isA(t, err, "read", syscall.ECONNRESET)
	})
	t.Run("when it is closed here", func(t *testing.T) {
		c, _ := pair(t)
		time.AfterFunc(20*time.Millisecond, func() { _ = c.Close() })
		_, err := c.Read(p)
		isA(t, err, "read", net.ErrClosed)
	})
	t.Run("at the deadline, and goes on after it", func(t *testing.T) {
		c, peer := pair(t)
		_ = c.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
		_, err := c.Read(p)
		isA(t, err, "read", os.ErrDeadlineExceeded)
		if timeout, ok := errors.AsType[net.Error](err); !ok || !timeout.Timeout() {
			t.Errorf("crypto/tls would take %v for an end", err)
		}
		_ = c.SetReadDeadline(time.Time{})
		_, _ = peer.Write([]byte("more"))
		if n, err := c.Read(p); err != nil || string(p[:n]) != "more" {
			t.Errorf("%q, %v", p[:n], err)
		}
	})
}

func TestReadNowDoesNotWait(t *testing.T) {
	c, peer := pair(t)
	p := make([]byte, 10)
	if _, err := c.ReadNow(p); err == nil {
		t.Error("something was read")
	} else {
		isA(t, err, "read", os.ErrDeadlineExceeded)
	}
	_, _ = peer.Write([]byte("there"))
	if n, err := c.Read(p[:2]); err != nil || string(p[:n]) != "th" {
		t.Errorf("%q, %v", p[:n], err)
	}
	if n, err := c.ReadNow(p); err != nil || string(p[:n]) != "ere" {
		t.Errorf("%q, %v", p[:n], err)
	}
}

// fill writes until the kernel takes nothing more, and returns how much it took.
func fill(t *testing.T, c *Conn) (total int) {
	t.Helper()
	for range 10_000 {
		n, err := c.WriteNow(make([]byte, 64<<10))
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			return total
		}
		total += n
	}
	t.Fatal("the kernel takes everything")
	return 0
}

func TestWriteNowWritesWhatTheKernelTakes(t *testing.T) {
	c, peer := pair(t)
	total := fill(t, c)
	_ = c.CloseWrite()
	if n, err := io.Copy(io.Discard, peer); err != nil || n != int64(total) {
		t.Errorf("%d bytes of %d came, %v", n, total, err)
	}
}

func TestWriteWaitsUntilAllIsTaken(t *testing.T) {
	c, peer := pair(t)
	total := fill(t, c)
	sent := bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
	got := make(chan []byte)
	time.AfterFunc(20*time.Millisecond, func() {
		_, _ = io.CopyN(io.Discard, peer, int64(total))
		all, _ := io.ReadAll(peer)
		got <- all
	})
	if n, err := c.Write(sent); n != len(sent) || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	_ = c.CloseWrite()
	if !bytes.Equal(<-got, sent) {
		t.Error("something else came")
	}
}

func TestWriteEnds(t *testing.T) {
	t.Run("at the deadline, and says how much was taken", func(t *testing.T) {
		c, _ := pair(t)
		_ = c.SetWriteDeadline(time.Now().Add(50 * time.Millisecond))
		n, err := c.Write(make([]byte, 64<<20))
		isA(t, err, "write", os.ErrDeadlineExceeded)
		if n == 0 {
			t.Error("nothing was taken")
		}
	})
	t.Run("when it is closed", func(t *testing.T) {
		c, _ := pair(t)
		_ = c.Close()
		_, err := c.Write([]byte("x"))
		isA(t, err, "write", net.ErrClosed)
		_, err = c.WriteNow([]byte("x"))
		isA(t, err, "write", net.ErrClosed)
	})
	t.Run("when the peer reset it", func(t *testing.T) {
		c, peer := pair(t)
		_ = peer.SetLinger(0)
		_ = peer.Close()
		_, err := c.Read(make([]byte, 1))
		isA(t, err, "read", syscall.ECONNRESET)
		_, err = c.WriteNow([]byte("x"))
		isA(t, err, "write", syscall.EPIPE)
	})
}

func TestTheSchedulerIsToldOfOneReadInARow(t *testing.T) {
	c, peer := pair(t)
	told := func() bool { return reflect.ValueOf(c.reader()).Pointer() == reflect.ValueOf(syscall.Read).Pointer() }
	_, _ = peer.Write(make([]byte, 3*wakeAfter))
	count := 0
	for range 3 * wakeAfter {
		if told() {
			count++
		}
		if _, err := c.Read(make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
	}
	if count != 3 {
		t.Errorf("told of %d of %d reads", count, 3*wakeAfter)
	}
	c.in.row = wakeAfter - 1
	if _, err := c.ReadNow(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatal(err)
	}
	if told() {
		t.Error("told of a read after a rest")
	}
}
