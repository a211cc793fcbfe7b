package direct

import (
	"io"
	"net"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"
)

// caller names, in the environment of a process of this test, where to connect to.
const caller = "ISTHMUS_DIRECT_CALLER"

func TestMain(m *testing.M) {
	if address := os.Getenv(caller); address != "" {
		ask(address)
		return
	}
	os.Exit(m.Run())
}

// ask sends a byte every 2 ms and reads it again, until the other end closes.
func ask(address string) {
	c, err := net.Dial("tcp", address)
	if err != nil {
		panic(err)
	}
	for p := make([]byte, 1); ; time.Sleep(2 * time.Millisecond) {
		if _, err := c.Write(p); err != nil {
			return
		}
		if _, err := c.Read(p); err != nil {
			return
		}
	}
}

// BenchmarkRareRequest answers another process, that asks every 2 ms. CPU-us/op is what this process ran meanwhile, which the pauses
// are no part of.
func BenchmarkRareRequest(b *testing.B) {
	b.Run("net", func(b *testing.B) { answer(b, func(c *net.TCPConn) io.ReadWriter { return c }) })
	b.Run("direct", func(b *testing.B) {
		answer(b, func(tcp *net.TCPConn) io.ReadWriter {
			c, err := New(tcp)
			if err != nil {
				b.Fatal(err)
			}
			return c
		})
	})
}

func answer(b *testing.B, how func(*net.TCPConn) io.ReadWriter) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	other := exec.Command(os.Args[0])
	other.Env = append(os.Environ(), caller+"="+l.Addr().String())
	if err := other.Start(); err != nil {
		b.Fatal(err)
	}
	defer func() { _ = other.Wait() }()
	tcp, err := l.Accept()
	if err != nil {
		b.Fatal(err)
	}
	defer tcp.Close()
	c := how(tcp.(*net.TCPConn))
	began := used(b)
	for p := make([]byte, 1); b.Loop(); {
		if _, err := c.Read(p); err != nil {
			b.Fatal(err)
		}
		if _, err := c.Write(p); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64((used(b)-began).Microseconds())/float64(b.N), "CPU-us/op")
}

// used is the processor time of this process.
func used(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
