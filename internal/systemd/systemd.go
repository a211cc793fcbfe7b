// Package systemd speaks with the service manager that started this process: it says when the service serves and when it
// ends, and hands listening sockets over to the process that comes after this one, so that a restart refuses nobody. It
// knows the manager's protocol (sd_notify(3), sd_listen_fds(3)) and nothing of what is served.
package systemd

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// firstSocket is the descriptor of the first socket that is passed (SD_LISTEN_FDS_START).
const firstSocket = 3

const tellLimit = time.Second

// storeName is that of every socket in the manager's store. One name is enough: a socket is known by its own address.
const storeName = "isthmus"

// A Manager is who started this process. The methods of one that is nil, as when the process runs by itself, do nothing.
type Manager struct {
	notify string // path of its socket

	mu     sync.Mutex
	passed []socket // not taken yet
}

// A socket listens, since before this process.
type socket struct {
	network string // tcp or udp
	addr    netip.AddrPort
	file    *os.File
}

// Open reads what the manager said in the environment, and takes it out of there: it is not for the programs that this
// one starts. It returns nil when there is no manager. Sockets that were passed stay open until they are taken or let go,
// and are no longer in the manager's store.
func Open() *Manager {
	notify, pid, count := os.Getenv("NOTIFY_SOCKET"), os.Getenv("LISTEN_PID"), os.Getenv("LISTEN_FDS")
	for _, name := range []string{"NOTIFY_SOCKET", "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"} {
		os.Unsetenv(name)
	}
	m := &Manager{notify: notify}
	if n, err := strconv.Atoi(count); err == nil && pid == strconv.Itoa(os.Getpid()) {
		for fd := firstSocket; fd < firstSocket+n; fd++ {
			m.receive(fd)
		}
	}
	if notify == "" && len(m.passed) == 0 {
		return nil
	}
	if len(m.passed) > 0 {
		// A socket that stayed in the store would listen on when this process has closed it, and nobody would accept.
		m.Forget()
	}
	return m
}

// receive keeps a descriptor if it is a socket of the internet that listens.
func (m *Manager) receive(fd int) {
	syscall.CloseOnExec(fd)
	_ = syscall.SetNonblock(fd, true) // the runtime waits for it
	file := os.NewFile(uintptr(fd), "passed socket")
	s, err := identify(fd, file)
	if err != nil {
		file.Close()
		return
	}
	m.passed = append(m.passed, s)
}

func identify(fd int, file *os.File) (socket, error) {
	kind, err := syscall.GetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_TYPE)
	if err != nil {
		return socket{}, err
	}
	own, err := syscall.Getsockname(fd)
	if err != nil {
		return socket{}, err
	}
	s := socket{network: "tcp", file: file}
	if kind == syscall.SOCK_DGRAM {
		s.network = "udp"
	}
	switch a := own.(type) {
	case *syscall.SockaddrInet4:
		s.addr = netip.AddrPortFrom(netip.AddrFrom4(a.Addr), uint16(a.Port))
	case *syscall.SockaddrInet6:
		s.addr = netip.AddrPortFrom(netip.AddrFrom16(a.Addr), uint16(a.Port))
	default:
		return socket{}, errors.New("no socket of the internet")
	}
	return s, nil
}

// Take is the socket that listens at an address, network being tcp or udp; nil when none was passed, and then none is in the way of
// another. The caller closes it.
func (m *Manager) Take(network string, addr netip.AddrPort) *os.File {
	if m == nil {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for i, s := range m.passed {
		if s.network == network && same(s.addr, addr) {
			m.passed = append(m.passed[:i], m.passed[i+1:]...)
			return s.file
		}
	}
	m.passed = slices.DeleteFunc(m.passed, func(s socket) bool {
		inTheWay := s.network == network && s.addr.Port() == addr.Port() && (s.addr.Addr().IsUnspecified() || addr.Addr().IsUnspecified())
		if inTheWay {
			s.file.Close()
		}
		return inTheWay
	})
	return nil
}

// same takes the wildcard addresses for one, as the system opens one for the other.
func same(a, b netip.AddrPort) bool {
	return a.Port() == b.Port() && (a.Addr().Unmap() == b.Addr().Unmap() || a.Addr().IsUnspecified() && b.Addr().IsUnspecified())
}

// LetGo closes the sockets that nobody took: nothing listens there any more.
func (m *Manager) LetGo() {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range m.passed {
		s.file.Close()
	}
	m.passed = nil
}

// Keeps reports whether there is a manager to which sockets can be handed.
func (m *Manager) Keeps() bool { return m != nil && m.notify != "" }

// Keep hands a listening socket to the manager, who passes it to the process that it starts next, and closes it when it
// starts none. The caller still has its own.
func (m *Manager) Keep(fd uintptr) error {
	return m.tell("FDSTORE=1\nFDPOLL=0\nFDNAME="+storeName, int(fd))
}

// Forget has the manager close what it keeps. A manager that is gone keeps nothing.
func (m *Manager) Forget() { _ = m.tell("FDSTOREREMOVE=1\nFDNAME=" + storeName) }

// Ready says that the service serves, in words for people.
func (m *Manager) Ready(status string) error { return m.tell("READY=1\nSTATUS=" + line(status)) }

// Stopping says that the service ends.
func (m *Manager) Stopping(status string) error { return m.tell("STOPPING=1\nSTATUS=" + line(status)) }

func line(s string) string { return strings.Join(strings.Fields(s), " ") }

// tell sends one message, for at most a moment; there is no answer.
func (m *Manager) tell(message string, fds ...int) error {
	if m == nil || m.notify == "" {
		return nil
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: m.notify, Net: "unixgram"})
	if err != nil {
		return fmt.Errorf("reach the service manager: %w", err)
	}
	defer conn.Close()
	_ = conn.SetWriteDeadline(time.Now().Add(tellLimit)) // a manager that does not read holds up nobody
	if err := send(conn, message, fds); err != nil {
		return fmt.Errorf("tell the service manager: %w", err)
	}
	return nil
}

// send is one sendmsg(2): net.UnixConn sends no descriptors over a connected datagram socket.
func send(conn *net.UnixConn, message string, fds []int) error {
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	var rights []byte
	if len(fds) > 0 {
		rights = syscall.UnixRights(fds...)
	}
	failed := raw.Write(func(fd uintptr) bool {
		err = syscall.Sendmsg(int(fd), []byte(message), rights, nil, 0)
		return err != syscall.EAGAIN
	})
	return cmp.Or(failed, err)
}
