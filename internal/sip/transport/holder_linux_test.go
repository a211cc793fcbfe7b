package transport

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"isthmus/internal/sip"
)

// pretend writes a system of sockets and processes: files by their path, and links, whose content begins with "socket:".
func pretend(t *testing.T, files map[string]string) system {
	t.Helper()
	root := t.TempDir()
	for name, content := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		write := func() error { return os.WriteFile(path, []byte(content), 0o600) }
		if strings.HasPrefix(content, "socket:") {
			write = func() error { return os.Symlink(content, path) }
		}
		if err := write(); err != nil {
			t.Fatal(err)
		}
	}
	return system{root, filepath.Join(root, "passwd"), time.Now().Add(time.Minute)}
}

// Lines as Linux has them: 10.1.10.11 is 0B0A010A where the lowest byte comes first.
const (
	head         = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
	listens      = "   0: 0B0A010A:13C5 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0 100 0 0 10 0\n"
	listensToAll = "   0: 00000000:13C5 00000000:0000 0A 00000000:00000000 00:00000000 00000000   107        0 4711 1 0 100 0 0 10 0\n"
	listensIP6   = "   0: 00000000000000000000000000000000:13C5 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000   107        0 4711 1 0\n"
	talks        = "   1: 0B0A010A:13C5 150A010A:01BB 01 00000000:00000000 00:00000000 00000000  1000        0 4712 1 0\n"
	ended        = "   2: 0B0A010A:13C5 150A010A:01BC 06 00000000:00000000 00:00000000 00000000     0        0 0 1 0\n"
	elsewhere    = "   3: 0C0A010A:13C5 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4713 1 0\n"
	otherPort    = "   4: 0B0A010A:13C4 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4714 1 0\n"
	datagrams5   = "  10: 0B0A010A:13C5 00000000:0000 07 00000000:00000000 00:00000000 00000000   107        0 4711 2 0 0\n"
	passwd       = "root:x:0:0:root:/root:/bin/sh\nhaproxy:x:107:112::/var/lib/haproxy:/usr/sbin/nologin\n"
)

func TestWhoHasAPortIsReadFromTheSystem(t *testing.T) {
	on := func(s string) seat { return seat{addr: netip.MustParseAddrPort(s)} }
	balancer := map[string]string{"passwd": passwd, "812/fd/0": "no socket", "812/fd/5": "socket:[4711]", "812/comm": "haproxy\n",
		"812/status": "Name:\thaproxy\nUid:\t107\t107\t107\t107\nGid:\t112\t112\t112\t112\n"}
	known := holding{found: true, program: "haproxy", pid: 812, user: "haproxy"}
	for _, test := range []struct {
		promise string
		at      seat
		files   map[string]string
		want    holding
	}{
		{"the address itself", on("10.1.10.11:5061"), map[string]string{"self/net/tcp": head + elsewhere + otherPort + listens}, known},
		{"the wildcard", on("10.1.10.11:5061"), map[string]string{"self/net/tcp": head + listensToAll}, known},
		{"the wildcard of IPv6", on("10.1.10.11:5061"), map[string]string{"self/net/tcp": head, "self/net/tcp6": head + listensIP6}, known},
		{"the wildcard of IPv4 is not in the way of IPv6", on("[fd00::11]:5061"), map[string]string{"self/net/tcp": head + listensToAll}, holding{}},
		{"who listens on IPv6 comes before who talks on IPv4", on("10.1.10.11:5061"), map[string]string{"self/net/tcp": head + talks, "self/net/tcp6": head + listensIP6}, known},
		{"for the wildcard", on("0.0.0.0:5061"), map[string]string{"self/net/tcp": head + listens}, known},
		{"UDP", seat{netip.MustParseAddrPort("10.1.10.11:5061"), true}, map[string]string{"self/net/tcp": head + talks, "self/net/udp": head + datagrams5}, known},
		{"TCP is not in the way of UDP", seat{netip.MustParseAddrPort("10.1.10.11:5061"), true}, map[string]string{"self/net/tcp": head + listens}, holding{}},
		{"who listens comes before who talks", on("10.1.10.11:5061"), map[string]string{"self/net/tcp": head + talks + ended + listens}, known},
		{"a connection, of a process that may not be looked at", on("10.1.10.11:5061"), map[string]string{"self/net/tcp": head + talks}, holding{found: true, user: "1000", connection: true}},
		{"what has ended is in nobody's way", on("10.1.10.11:5061"), map[string]string{"self/net/tcp": head + ended}, holding{}},
		{"a line that is cut", on("10.1.10.11:5061"), map[string]string{"self/net/tcp": head + listens[:60]}, holding{}},
		{"another address and another port", on("10.1.10.11:5061"), map[string]string{"self/net/tcp": head + elsewhere + otherPort, "self/net/udp": head + datagrams5}, holding{}},
		{"no such files", on("10.1.10.11:5061"), nil, holding{}},
	} {
		t.Run(test.promise, func(t *testing.T) {
			files := map[string]string{}
			for _, part := range []map[string]string{balancer, test.files} {
				for name, content := range part {
					files[name] = content
				}
			}
			if got := pretend(t, files).holder(test.at); got != test.want {
				t.Errorf("%+v, want %+v", got, test.want)
			}
		})
	}
}

// Under the sandbox of a service everybody else is nobody.
func TestAUserOfAnotherNamespaceIsNotCalledNobody(t *testing.T) {
	const whole, private = "         0          0 4294967295\n", "         0          0          1\n       998        998          1\n"
	files := map[string]string{"passwd": "nobody:x:65534:65534::/:/bin/false\n", "self/net/tcp": head + strings.Replace(listens, " 0        0 4711", " 65534   0 4711", 1)}
	for users, want := range map[string]string{whole: "nobody", private: ""} {
		files["self/uid_map"] = users
		if got := pretend(t, files).holder(seat{addr: netip.MustParseAddrPort("10.1.10.11:5061")}); !got.found || got.user != want {
			t.Errorf("with the users %q the holder is %+v", users, got)
		}
	}
}

func TestAProgramsNameIsShownWithoutWhatCannotBeShown(t *testing.T) {
	m := pretend(t, map[string]string{"self/net/tcp": head + listens, "9/fd/3": "socket:[4711]", "9/comm": "a\x1b[31m\nb\n", "10/fd/3": "socket:[4711]"})
	if got := m.holder(seat{addr: netip.MustParseAddrPort("10.1.10.11:5061")}); got.program != "a[31mb" || got.pid != 9 || got.user != "0" {
		t.Errorf("%+v", got)
	}
	if got := m.programOf(10); got != "a program without a name" {
		t.Errorf("called %q", got)
	}
}

// A machine with a million open files is not read through while a change waits.
func TestTheLookForAHolderEndsInTime(t *testing.T) {
	m := pretend(t, map[string]string{"self/net/tcp": head + strings.Repeat(otherPort, 2000) + listens, "1/comm": "init", "9/fd/3": "socket:[4711]"})
	m.end = time.Now().Add(-time.Second)
	if got := m.holder(seat{addr: netip.MustParseAddrPort("10.1.10.11:5061")}); got.found {
		t.Errorf("after its time it found %+v", got)
	}
}

func TestEachHolderOfAPortIsToldInItsOwnWords(t *testing.T) {
	want := Listener{Name: "Peer Auth", Transport: sip.TLS, Addr: netip.MustParseAddrPort("10.1.10.11:5061")}
	for _, test := range []struct {
		by   string
		h    holding
		want string
	}{
		{"", holding{found: true, program: "haproxy", pid: 812, user: "haproxy"}, "Port 5061 is in use on 10.1.10.11 by haproxy (process 812, user haproxy); stop that program or choose another port."},
		{"", holding{found: true, user: "haproxy"}, "Port 5061 is in use on 10.1.10.11 by a program of the user haproxy, which this node may not look at; stop that program or choose another port."},
		{"", holding{}, "Port 5061 is in use by another program on 10.1.10.11, which ss -lntup names to root; stop that program or choose another port."},
		{"", holding{found: true, program: "haproxy", pid: 812}, "Port 5061 is in use on 10.1.10.11 by haproxy (process 812, user not known); stop that program or choose another port."},
		{"", holding{found: true, own: true, program: "isthmus", pid: 7, user: "isthmus"}, "Port 5061 is in use on 10.1.10.11 by this node itself, as its console's; choose another port here, or for the console (--http, --https)."},
		{"", holding{found: true, program: "chromium", pid: 8, user: "ann", connection: true}, "Port 5061 is in use on 10.1.10.11 by a connection of chromium (process 8, user ann); it opens when that ends, or choose another port."},
		{"Lab", holding{}, "Port 5061 is in use by this node's listener Lab, which cannot leave it yet; choose another port, or see to that one first."},
	} {
		if got := taken(want, test.h, test.by); got != test.want {
			t.Errorf("%s\nwant %s", got, test.want)
		}
	}
}

// The processes are not read through again and again while a port stays taken.
func TestTheHolderOfAPortIsLookedForOnceInAWhile(t *testing.T) {
	l := newLayer(t, newRecorder(), Limits{})
	other, err := net.Listen("tcp", loopback.String())
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	want := Listener{Name: "taken", Transport: sip.TCP, Addr: addrPort(other.Addr())}
	if s := l.Fit([]Listener{want})[0]; !strings.Contains(s.Error, "by this node itself") {
		t.Fatalf("told as %q", s.Error)
	}
	first := l.holders[seatOf(want)]
	l.Fit([]Listener{want})
	if again := l.holders[seatOf(want)]; again.at != first.at {
		t.Error("it was looked for twice")
	}
	first.at = first.at.Add(-holderAgain)
	l.holders[seatOf(want)] = first
	l.Fit([]Listener{want})
	if again := l.holders[seatOf(want)]; again.at == first.at {
		t.Error("it is not looked for any more")
	}
	l.Fit(nil)
	if len(l.holders) > 0 {
		t.Errorf("of a port that nobody wants %v is remembered", l.holders)
	}
}

// Two listeners change places while the way of one is barred: it is its neighbour that is in the way of the other.
func TestAListenerInTheWayOfAnotherIsNamed(t *testing.T) {
	l := newLayer(t, newRecorder(), Limits{})
	other, err := net.Listen("tcp", loopback.String())
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	free := freePort(t)
	fitOne(t, l, Listener{Name: "stays", Transport: sip.TCP, Addr: free})
	states := l.Fit([]Listener{{Name: "stays", Transport: sip.TCP, Addr: addrPort(other.Addr())}, {Name: "comes", Transport: sip.TLS, TLS: newAuthority(t).server(t, "node", 0), Addr: netip.AddrPortFrom(netip.IPv4Unspecified(), free.Port())}})
	if want := fmt.Sprintf("Port %d is in use by this node's listener stays,", free.Port()); !strings.HasPrefix(states[1].Error, want) {
		t.Errorf("told as %q, want %q", states[1].Error, want)
	}
}

func TestALookThatDidNotComeToTheProcessTakesNothingBack(t *testing.T) {
	seen := holding{found: true, program: "haproxy", pid: 812, user: "haproxy"}
	for _, c := range []struct{ later, want holding }{
		{holding{found: true, user: "root"}, seen},
		{holding{}, holding{}},
		{holding{found: true, program: "nginx", pid: 9, user: "root"}, holding{found: true, program: "nginx", pid: 9, user: "root"}},
	} {
		if got := seen.confirmed(c.later); got != c.want {
			t.Errorf("after %+v: %+v, want %+v", c.later, got, c.want)
		}
	}
	if later := (holding{found: true, user: "root"}); (holding{}).confirmed(later) != later {
		t.Error("what is seen first is not told")
	}
}
