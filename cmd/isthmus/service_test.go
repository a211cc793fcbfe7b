package main

import (
	"net"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"isthmus/internal/systemd"
)

// A service manager that a serve tells how it fares.
func manager(t *testing.T) *net.UnixConn {
	t.Helper()
	path := filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	t.Setenv("NOTIFY_SOCKET", path)
	return conn
}

func hears(t *testing.T, conn *net.UnixConn) string {
	t.Helper()
	b := make([]byte, 1024)
	if err := conn.SetReadDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	n, err := conn.Read(b)
	if err != nil {
		t.Fatalf("the service manager hears nothing: %v", err)
	}
	return string(b[:n])
}

func TestTheServiceManagerHearsWhenTheNodeServesAndWhenItDrains(t *testing.T) {
	conn := manager(t)
	m := newMachine(t)
	s := m.serve(m.url, "127.61.0.21")
	if got := hears(t, conn); got != "READY=1\nSTATUS=serving: ready" {
		t.Errorf("first it hears %q", got)
	}
	if status, r := s.readiness(); status != 200 || r.State != "ready" {
		t.Errorf("it was told while /readyz says %d %s", status, r.State)
	}
	s.stop()
	if got := hears(t, conn); got != "STOPPING=1\nSTATUS=draining" {
		t.Errorf("at the end it hears %q", got)
	}
	s.end(t)
}

// A node that cannot serve yet is not ended by a manager that waits for it: it goes on trying.
func TestTheServiceManagerHearsHowTheNodeFares(t *testing.T) {
	for state, want := range map[string]struct {
		heard string
		after time.Duration
	}{
		"degraded": {"serving: degraded", announceLook},
		"stopped":  {"started; the SIP proxy does not run on this node", announceLook},
		"starting": {"started, but not serving yet; the log says why", announceAfter},
	} {
		t.Run(state, func(t *testing.T) {
			conn := manager(t)
			synctest.Test(t, func(t *testing.T) {
				s := server{manager: systemd.Open()}
				began := time.Now()
				s.announce(t.Context(), func() string { return state })
				if took := time.Since(began); took != want.after {
					t.Errorf("it is told after %s, not %s", took, want.after)
				}
			})
			if got := hears(t, conn); got != "READY=1\nSTATUS="+want.heard {
				t.Errorf("it hears %q", got)
			}
		})
	}
}

// The socket of the process before is asked for by its address, however the flag says it.
func TestTheConsolesSocketIsKnownHoweverItsAddressIsWritten(t *testing.T) {
	for address, want := range map[string]string{
		"127.0.0.1:8080": "127.0.0.1:8080", "localhost:8080": "127.0.0.1:8080", ":8443": "[::]:8443", "0.0.0.0:8443": "0.0.0.0:8443", "[::1]:8443": "[::1]:8443", "127.0.0.1:http": "127.0.0.1:80",
	} {
		if at, err := listensAt(address); err != nil || at.String() != want {
			t.Errorf("%q: %v, %v, want %s", address, at, err, want)
		}
	}
	if at, err := listensAt("8080"); err == nil {
		t.Errorf("an address without a port is %v", at)
	}
}

// A unit is edited by hand, far from the program whose flags it sets.
func TestTheUnitNamesOnlyWhatTheProgramKnows(t *testing.T) {
	text, err := os.ReadFile("../../docs/isthmus.service")
	if err != nil {
		t.Fatal(err)
	}
	var known []string
	for f := range reflect.TypeFor[flags]().Fields() {
		known = append(known, f.Tag.Get("env"))
	}
	named := regexp.MustCompile(`ISTHMUS_[A-Z_]+`).FindAllString(string(text), -1)
	if len(named) < 4 {
		t.Errorf("it names only %v", named)
	}
	for _, name := range named {
		if !slices.Contains(known, name) {
			t.Errorf("%s sets no flag", name)
		}
	}
	for _, line := range []string{"Type=notify", "ExecStart=/usr/local/bin/isthmus serve", "KillMode=mixed", "TimeoutStopSec=40", "FileDescriptorStoreMax=64"} {
		if !strings.Contains(string(text), "\n"+line+"\n") {
			t.Errorf("the unit lacks %s", line)
		}
	}
}
