package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"isthmus/internal/siptest"
)

// A screen is what a running serve printed so far.
type screen struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// A serving is isthmus serve at work in the test's process.
type serving struct {
	out, log *screen
	url      string
	stop     context.CancelFunc
	ended    chan int
}

// freeAddress is one of loopback on which nobody listens.
func freeAddress(t *testing.T) string {
	t.Helper()
	return fmt.Sprintf("127.0.0.1:%d", siptest.FreePorts(t, 1)[0])
}

// serve runs the program with a database URL, bound to a SIP address of its own.
func (m machine) serve(databaseURL, sipAddress string) serving {
	m.t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	s := serving{out: &screen{}, log: &screen{}, stop: stop, ended: make(chan int, 1)}
	address := freeAddress(m.t)
	s.url = "http://" + address
	args := []string{"serve", "--database-url", databaseURL, "--data-dir", m.dir, "--node", "imp1.synergy.com", "--sip-address", sipAddress, "--http", address}
	go func() { s.ended <- run(ctx, args, watched(m.t, console{strings.NewReader(""), s.out, s.log}, args)) }()
	m.t.Cleanup(func() { s.end(m.t) })
	return s
}

func (s *serving) end(t *testing.T) int {
	t.Helper()
	s.stop()
	select {
	case code := <-s.ended:
		s.ended <- code // for a second call
		return code
	case <-time.After(40 * time.Second):
		t.Fatalf("serve did not end; it said\n%s", s.log)
	}
	return -1
}

// awaitThat asks again until ask is content, for at most ten seconds.
func awaitThat(t *testing.T, what string, ask func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); <-tick.C {
		if ask() {
			return
		}
	}
	t.Fatalf("%s did not happen in 10 s", what)
}

type readiness struct {
	State           string `json:"state"`
	Revision        *int64 `json:"revision"`
	AppliedRevision int64  `json:"applied_revision"`
}

func (s *serving) readiness() (status int, r readiness) {
	response, err := http.Get(s.url + "/readyz")
	if err != nil {
		return 0, r
	}
	defer response.Body.Close()
	body, _ := io.ReadAll(response.Body)
	_ = json.Unmarshal(body, &r) // a body that is none leaves r empty, which no test wants
	return response.StatusCode, r
}

func TestServeIsReadyInvitesAndEndsWithZero(t *testing.T) {
	m := newMachine(t)
	s := m.serve(m.url, "127.61.0.1")
	awaitThat(t, "ready", func() bool { status, r := s.readiness(); return status == 200 && r.State == "ready" })
	awaitThat(t, "the link", func() bool { return strings.Contains(s.out.String(), s.url+"/setup?token=") })
	// What the console logs is JSON too.
	if _, err := http.PostForm(s.url+"/login", url.Values{"name": {"nobody"}, "password": {"wrong"}}); err != nil {
		t.Error(err)
	}
	for _, line := range strings.Split(strings.TrimSpace(s.log.String()), "\n") {
		if !json.Valid([]byte(line)) {
			t.Errorf("no JSON: %s", line)
		}
	}
	if !strings.Contains(s.log.String(), "login refused") {
		t.Errorf("the refused login is not in the log: %s", s.log)
	}
	if lines := strings.Count(s.out.String(), "\n"); lines != 1 {
		t.Errorf("standard output holds %d lines: %s", lines, s.out)
	}
	if code := s.end(t); code != 0 {
		t.Errorf("exit %d", code)
	}
	if _, err := net.Dial("tcp", "127.61.0.1:5060"); err == nil {
		t.Error("a listener is open after the end")
	}
}

func TestANodeStartsWithoutTheDatabaseFromWhatIsOnDisk(t *testing.T) {
	m := newMachine(t)
	const away = "postgres://isthmus@127.0.0.1:1/isthmus"
	first := m.serve(m.url, "127.61.0.2")
	awaitThat(t, "ready", func() bool { _, r := first.readiness(); return r.State == "ready" })
	first.end(t)
	second := m.serve(away, "127.61.0.2")
	awaitThat(t, "degraded", func() bool {
		status, r := second.readiness()
		return status == 200 && r.State == "degraded" && r.Revision == nil && r.AppliedRevision > 0
	})
}

func TestANodeWithAnotherKeyRefusesToStart(t *testing.T) {
	m := newMachine(t)
	s := m.serve(m.url, "127.61.0.3")
	awaitThat(t, "ready", func() bool { _, r := s.readiness(); return r.State == "ready" })
	s.end(t)
	other := machine{t, m.url, t.TempDir()}
	r := other.serve(m.url, "127.61.0.3")
	select {
	case code := <-r.ended:
		r.ended <- code
		if code != exitFailure || !strings.Contains(r.log.String(), "key") {
			t.Errorf("exit %d: %s", code, r.log)
		}
	case <-time.After(10 * time.Second):
		t.Error("it started")
	}
}

func TestAStartThatIsCalledOffEndsWithZero(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	stop()
	var out, log screen
	code := run(ctx, []string{"serve", "--data-dir", t.TempDir(), "--node", "imp1.synergy.com"}, console{strings.NewReader(""), &out, &log})
	if code != 0 || out.String() != "" || !strings.Contains(log.String(), "stopped before the start was complete") {
		t.Errorf("exit %d, out %q, log %s", code, &out, &log)
	}
}

// held is an address that another program listens on, and that program's process.
func held(t *testing.T) (address string, pid int) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	file, err := l.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	other := exec.Command("cat")
	other.ExtraFiles = []*os.File{file}
	in, err := other.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		if err := other.Wait(); err != nil {
			t.Error(err)
		}
	})
	return l.Addr().String(), other.Process.Pid
}

func TestAStartWithATakenConsolePortNamesItsHolderAndWritesNothing(t *testing.T) {
	m := newMachine(t)
	address, pid := held(t)
	for flag, others := range map[string][]string{"--http": nil, "--https": {"--http", freeAddress(t)}} {
		r := m.isthmus("", append([]string{"serve", flag, address, "--sip-address", "127.61.0.4"}, others...)...)
		r.want(t, exitFailure, fmt.Sprintf("The console cannot open %s: the port is in use by cat (process %d, user ", address, pid),
			"). Stop that, or start with another "+flag+".\n")
		if nodes := m.nodes(); len(nodes) > 0 {
			t.Fatalf("%s: the start that failed added %v", flag, nodes)
		}
	}
}

// nodes are the names of those in the database.
func (m machine) nodes() (names []string) {
	m.t.Helper()
	snapshot, err := m.open().Snapshot(m.t.Context())
	if err != nil {
		m.t.Fatal(err)
	}
	for _, n := range snapshot.Nodes {
		names = append(names, n.Name)
	}
	return names
}

func TestAConsoleAddressThatDoesNotOpenIsToldInASentence(t *testing.T) {
	m := newMachine(t)
	for address, want := range map[string]string{
		"192.0.2.1:8443":       "The console cannot open 192.0.2.1:8443: this machine has no such address. Start with another --https.\n",
		"nobody.invalid.:8443": "The console cannot open nobody.invalid.:8443: ",
	} {
		m.isthmus("", "serve", "--http", freeAddress(t), "--https", address, "--sip-address", "127.61.0.4").want(t, exitFailure, want, "tart with another --https.\n")
	}
	why := whyClosed("127.0.0.1:80", &net.OpError{Op: "listen", Err: os.NewSyscallError("bind", syscall.EACCES)})
	if why != "the system does not let this program have that port. Choose one above 1023 with" {
		t.Error(why)
	}
}

func TestANodeThatCannotBeAddedIsToldInSentences(t *testing.T) {
	m := newMachine(t)
	first := m.serve(m.url, "127.61.0.4")
	awaitThat(t, "ready", func() bool { _, r := first.readiness(); return r.State == "ready" })
	first.end(t)
	r := call(t, "", "serve", "--database-url", m.url, "--data-dir", m.dir, "--node", "imp5.synergy.com", "--http", freeAddress(t), "--sip-address", "127.61.0.4")
	r.want(t, exitFailure, "This node could not be added as imp5.synergy.com. --sip-address: imp1.synergy.com has this address already")
}
