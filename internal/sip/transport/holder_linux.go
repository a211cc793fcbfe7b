package transport

import (
	"bufio"
	"cmp"
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// A socketRow is a line of /proc/net/tcp and its like (proc_net_tcp in the kernel's documentation).
type socketRow struct {
	local netip.AddrPort
	state string // "0A" listens; of UDP "07", and "01" once it is connected
	uid   string // of whoever made the socket
	inode string
}

const (
	stateListening = "0A"
	stateTimeWait  = "06" // nobody's any more, and in nobody's way
)

// system is where the kernel tells of sockets and processes, and until when it is read: a machine may have many.
type system struct {
	proc, users string // directory and file
	end         time.Time
}

// holder looks up which socket has an address, and in which process it is.
func holder(s seat, end time.Time) holding {
	return system{"/proc", "/etc/passwd", end}.holder(s)
}

func (m system) holder(s seat) holding {
	row, found := m.socketAt(s)
	if !found {
		return holding{}
	}
	h := holding{found: true, user: m.userName(row.uid), connection: !s.udp && row.state != stateListening}
	pid := m.processWith(row.inode)
	if pid == 0 {
		return h
	}
	h.pid, h.own = pid, pid == os.Getpid()
	h.program = m.programOf(pid)
	if uid := m.userOf(pid); uid != "" {
		h.user = m.userName(uid) // a server may have changed it since it made the socket
	}
	return h
}

// socketAt finds the socket that keeps another one from an address. One that listens explains it better than a connection.
func (m system) socketAt(s seat) (best socketRow, found bool) {
	name := "tcp"
	if s.udp {
		name = "udp"
	}
	for _, file := range []string{name, name + "6"} { // an IPv6 wildcard takes IPv4's port too
		file, err := os.Open(filepath.Join(m.proc, "self/net", file))
		if err != nil {
			continue
		}
		row, ok := m.findSocket(bufio.NewScanner(file), s)
		file.Close()
		if ok && (!found || row.state == stateListening && best.state != stateListening) {
			best, found = row, true
		}
	}
	return best, found
}

func (m system) findSocket(lines *bufio.Scanner, s seat) (best socketRow, found bool) {
	for n := 0; lines.Scan(); n++ {
		if n%1024 == 1023 && time.Now().After(m.end) {
			break
		}
		row, ok := parseSocketRow(lines.Text())
		if !ok || !collides(row.local, s.addr) || !s.udp && row.state == stateTimeWait {
			continue
		}
		if s.udp || row.state == stateListening {
			return row, true
		}
		best, found = row, true
	}
	return best, found
}

// parseSocketRow reads "0: 0100007F:13C4 00000000:0000 0A 00000000:00000000 00:00000000 00000000 107 0 31337 ...".
func parseSocketRow(line string) (r socketRow, ok bool) {
	fields := strings.Fields(line)
	if len(fields) < 10 {
		return r, false
	}
	address, port, _ := strings.Cut(fields[1], ":")
	b, err := hex.DecodeString(address)
	if err != nil || len(b) != 4 && len(b) != 16 {
		return r, false
	}
	for i := 0; i < len(b); i += 4 { // words in the machine's own order
		binary.BigEndian.PutUint32(b[i:], binary.NativeEndian.Uint32(b[i:]))
	}
	addr, _ := netip.AddrFromSlice(b)
	number, err := strconv.ParseUint(port, 16, 16)
	return socketRow{netip.AddrPortFrom(addr, uint16(number)), fields[3], fields[7], fields[9]}, err == nil
}

// processWith is the first process that has a socket open, this one before all others, 0 when none is seen.
func (m system) processWith(inode string) int {
	link := "socket:[" + inode + "]"
	if own := os.Getpid(); m.hasOpen(own, link) {
		return own
	}
	proc, err := os.Open(m.proc)
	if err != nil {
		return 0
	}
	defer proc.Close()
	names, _ := proc.Readdirnames(-1) // what could be read
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err == nil && m.hasOpen(pid, link) {
			return pid
		}
		if time.Now().After(m.end) {
			break
		}
	}
	return 0
}

func (m system) of(pid int, file string) string {
	return filepath.Join(m.proc, strconv.Itoa(pid), file)
}

func (m system) hasOpen(pid int, link string) bool {
	dir, err := os.Open(m.of(pid, "fd"))
	if err != nil {
		return false // has ended, or is not this process's to look at
	}
	defer dir.Close()
	names, _ := dir.Readdirnames(-1)
	for _, name := range names {
		if to, err := os.Readlink(filepath.Join(dir.Name(), name)); err == nil && to == link {
			return true
		}
	}
	return false
}

// programOf is the name of a process, which anybody may set to anything.
func (m system) programOf(pid int) string {
	name, _ := os.ReadFile(m.of(pid, "comm"))
	text := strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return -1
	}, strings.TrimSpace(string(name)))
	return cmp.Or(text, "a program without a name")
}

// userOf is the number of the user whose rights a process has.
func (m system) userOf(pid int) string {
	status, _ := os.ReadFile(m.of(pid, "status"))
	for line := range strings.Lines(string(status)) {
		if ids, ok := strings.CutPrefix(line, "Uid:"); ok && len(strings.Fields(ids)) > 1 {
			return strings.Fields(ids)[1] // the effective one
		}
	}
	return ""
}

// overflowUser stands for every user whom this process's user namespace does not have.
const overflowUser = "65534"

// userName is a user's name in the file of users, else the number; "" when the system does not tell. No directory service is
// asked: it may not answer soon.
func (m system) userName(uid string) string {
	if uid == overflowUser && !m.seesAllUsers() {
		return ""
	}
	users, _ := os.ReadFile(m.users)
	for line := range strings.Lines(string(users)) {
		if fields := strings.Split(line, ":"); len(fields) > 2 && fields[2] == uid {
			return fields[0]
		}
	}
	return uid
}

// seesAllUsers is false in a user namespace, as a service with PrivateUsers has it.
func (m system) seesAllUsers() bool {
	all, _ := os.ReadFile(filepath.Join(m.proc, "self/uid_map"))
	return strings.Join(strings.Fields(string(all)), " ") == "0 0 4294967295"
}
