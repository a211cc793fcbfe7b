package systemd

import (
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A pretend manager hears what a service tells.
type manager struct {
	t    *testing.T
	conn *net.UnixConn
}

// manage makes the environment that of a service.
func manage(t *testing.T) manager {
	t.Helper()
	path := filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	t.Setenv("NOTIFY_SOCKET", path)
	return manager{t, conn}
}

// hears the next message and the descriptors that came with it.
func (m manager) hears() (message string, fds []int) {
	m.t.Helper()
	b, rights := make([]byte, 1024), make([]byte, 1024)
	if err := m.conn.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
		m.t.Fatal(err)
	}
	n, r, _, _, err := m.conn.ReadMsgUnix(b, rights)
	if err != nil {
		m.t.Fatal(err)
	}
	controls, err := syscall.ParseSocketControlMessage(rights[:r])
	if err != nil {
		m.t.Fatal(err)
	}
	for _, c := range controls {
		if fds, err = syscall.ParseUnixRights(&c); err != nil {
			m.t.Fatal(err)
		}
	}
	return string(b[:n]), fds
}

func (m manager) wants(want string) {
	m.t.Helper()
	if got, _ := m.hears(); got != want {
		m.t.Errorf("the manager heard %q, want %q", got, want)
	}
}

func TestAProcessWithoutAManagerTellsNobody(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", "")
	m := Open()
	if m != nil || m.Keeps() || m.Take("tcp", netip.MustParseAddrPort("127.0.0.1:5060")) != nil {
		t.Errorf("it has a manager: %+v", m)
	}
	for _, err := range []error{m.Ready("serving"), m.Stopping("draining"), m.Keep(0)} {
		if err != nil {
			t.Error(err)
		}
	}
	m.LetGo()
}

func TestTheManagerHearsWhenTheServiceServesAndEnds(t *testing.T) {
	heard := manage(t)
	m := Open()
	if m == nil || !m.Keeps() {
		t.Fatal("the manager is not seen")
	}
	if err := m.Ready("revision 7\nis in force"); err != nil {
		t.Error(err)
	}
	heard.wants("READY=1\nSTATUS=revision 7 is in force")
	if err := m.Stopping("draining"); err != nil {
		t.Error(err)
	}
	heard.wants("STOPPING=1\nSTATUS=draining")
}

func TestAManagerThatIsGoneIsSaidSo(t *testing.T) {
	heard := manage(t)
	m := Open()
	heard.conn.Close()
	if err := m.Ready("serving"); err == nil || !strings.Contains(err.Error(), "service manager") {
		t.Errorf("told nobody with %v", err)
	}
}

func TestWhatTheManagerSaidIsNotForOtherPrograms(t *testing.T) {
	manage(t)
	t.Setenv("LISTEN_PID", "1")
	t.Setenv("LISTEN_FDS", "1")
	t.Setenv("LISTEN_FDNAMES", "isthmus")
	m := Open()
	for _, name := range []string{"NOTIFY_SOCKET", "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"} {
		if v, there := os.LookupEnv(name); there {
			t.Errorf("%s is %q still", name, v)
		}
	}
	if len(m.passed) != 0 {
		t.Error("it took a socket that was meant for another process")
	}
}

func TestAConnectionInTheQueueSurvivesTheHandOver(t *testing.T) {
	heard := manage(t)
	m := Open()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := netip.MustParseAddrPort(ln.Addr().String())
	waiting, err := net.Dial("tcp", addr.String())
	if err != nil {
		t.Fatal(err)
	}
	defer waiting.Close()
	keep(t, m, ln.(*net.TCPListener))
	ln.Close()
	message, fds := heard.hears()
	if message != "FDSTORE=1\nFDPOLL=0\nFDNAME=isthmus" || len(fds) != 1 {
		t.Fatalf("the manager heard %q with %d sockets", message, len(fds))
	}

	next := &Manager{}
	next.receive(fds[0])
	if next.Take("udp", addr) != nil || next.Take("tcp", netip.AddrPortFrom(addr.Addr(), addr.Port()+1)) != nil {
		t.Error("another socket passes for this one")
	}
	file := next.Take("tcp", addr)
	if file == nil {
		t.Fatal("the socket is not found by its address")
	}
	defer file.Close()
	if next.Take("tcp", addr) != nil {
		t.Error("it can be taken twice")
	}
	taken, err := net.FileListener(file)
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	accepted, err := taken.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer accepted.Close()
	if accepted.RemoteAddr().String() != waiting.LocalAddr().String() {
		t.Error("somebody else was accepted")
	}
}

func keep(t *testing.T, m *Manager, c syscall.Conn) {
	t.Helper()
	raw, err := c.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if failed := raw.Control(func(fd uintptr) { err = m.Keep(fd) }); failed != nil || err != nil {
		t.Fatal(failed, err)
	}
}

func TestASocketThatNobodyTakesIsClosed(t *testing.T) {
	heard := manage(t)
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	keep(t, Open(), pc.(*net.UDPConn))
	pc.Close()
	_, fds := heard.hears()
	next := &Manager{}
	next.receive(fds[0])
	if again, err := net.ListenPacket("udp", pc.LocalAddr().String()); err == nil {
		again.Close()
		t.Fatal("nothing was handed over")
	}
	next.LetGo()
	again, err := net.ListenPacket("udp", pc.LocalAddr().String())
	if err != nil {
		t.Fatalf("it listens on: %v", err)
	}
	again.Close()
}

// The system opens 0.0.0.0 as [::] for whoever asks for both families.
func TestAWildcardIsFoundAndNoneIsInTheWay(t *testing.T) {
	for _, c := range []struct {
		promise, listens, wanted string
		found                    bool
	}{
		{"one wildcard is the other", "[::]:0", "0.0.0.0", true},
		{"a wildcard is in the way of an address", "0.0.0.0:0", "127.0.0.1", false},
		{"an address is in the way of a wildcard", "127.0.0.1:0", "0.0.0.0", false},
	} {
		heard := manage(t)
		ln, err := net.Listen("tcp", c.listens)
		if err != nil {
			t.Fatal(err)
		}
		keep(t, Open(), ln.(*net.TCPListener))
		wanted := netip.AddrPortFrom(netip.MustParseAddr(c.wanted), netip.MustParseAddrPort(ln.Addr().String()).Port())
		ln.Close()
		_, fds := heard.hears()
		next := &Manager{}
		next.receive(fds[0])
		file := next.Take("tcp", wanted)
		if (file != nil) != c.found {
			t.Errorf("%s: found: %t", c.promise, file != nil)
		}
		if file != nil {
			file.Close()
		}
		if conn, err := net.Dial("tcp", netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), wanted.Port()).String()); err == nil {
			conn.Close()
			t.Errorf("%s: it listens on", c.promise)
		}
	}
}

func TestWhatTheManagerKeepsCanBeForgotten(t *testing.T) {
	heard := manage(t)
	Open().Forget()
	heard.wants("FDSTOREREMOVE=1\nFDNAME=isthmus")
}

func TestWhatIsNoSocketIsNotTaken(t *testing.T) {
	file, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	fd, err := syscall.Dup(int(file.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	file.Close()
	var m Manager
	m.receive(fd)
	if len(m.passed) != 0 {
		t.Error("a file passes for a socket")
	}
}
