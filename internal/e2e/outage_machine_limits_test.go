//go:build outages

package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"isthmus/internal/pgtest"
	"isthmus/internal/siptest"
)

// What needs the rights of root (file systems, control groups) or minutes is tested here; make outages runs it.

// diskOf puts the machine's data directory, which nothing is in yet, on a file system of a few bytes of its own.
func (m *machine) diskOf(size string) (dir string) {
	m.t.Helper()
	dir = filepath.Join(m.dir, "data")
	if err := os.Mkdir(dir, 0o700); err != nil {
		m.t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "mode=700,size="+size); err != nil {
		m.t.Fatalf("mount a file system for the test, which needs the rights of root: %v", err)
	}
	m.t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			m.t.Errorf("unmount %s: %v", dir, err)
		}
	})
	return dir
}

// fill leaves no room on a file system. It returns the file that takes it.
func fill(t *testing.T, dir string) (path string) {
	t.Helper()
	path = filepath.Join(dir, "filler")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for block := make([]byte, 4096); err == nil; {
		_, err = f.Write(block)
	}
	return path
}

func (w *world) takesAll(t *testing.T) {
	w.connector.takesAll(t)
	w.fe1.takesAll(t)
	w.fe2.takesAll(t)
}

// crossing is a request through the node in each direction, to servers that take all.
func (w *world) crossing(t *testing.T) {
	t.Helper()
	fe, own := w.outside(t, fe1Host, "fe1.synergy.com"), w.inside(t)
	isServed(t, fe)
	own.Sends(hello(ann, carl))
	own.Expect("200")
}

// withoutDatabase starts the node from what it kept.
func (m *machine) withoutDatabase() (*process, readiness) {
	m.t.Helper()
	p := launch(m.t, append(m.env, "ISTHMUS_DATABASE_URL=postgres://isthmus@127.0.0.1:1/isthmus"), programs.isthmus, "serve")
	eventually(m.t, patience, "it serves from disk", func() bool { return m.ready().State == "degraded" })
	return p, m.ready()
}

// TestADiskThatIsFullCostsNothingButWhatCannotBeKept is M6 with a real file system, on which the log lies, too.
func TestADiskThatIsFullCostsNothingButWhatCannotBeKept(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newDatabase(t))
	dir := w.node.diskOf("512k")
	w.setUp()
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	p := prepare(t, w.node.env, programs.isthmus, "serve", "--log-level", "debug")
	p.cmd.Stderr = log
	p.start()
	eventually(t, patience, "ready", func() bool { return w.node.ready().State == "ready" })
	before := w.node.ready().Applied
	w.takesAll(t)
	fill(t, dir)
	w.node.apply(manyEntries(w, 500))
	eventually(t, patience, "in force, and said not to be kept", func() bool {
		r := w.node.ready()
		return r.Applied > before && r.State == "degraded" && r.Status == http.StatusOK
	})
	for range 20 {
		w.crossing(t)
	}
	for i := 0; i < 100 && w.node.metric("isthmus_log_lines_dropped_total") == 0; i++ { // the log's last page had some room
		w.node.apply(manyEntries(w, 501+i%2))
	}
	if w.node.metric("isthmus_log_lines_dropped_total") == 0 {
		t.Error("no line of the log was lost, though there is no room for one")
	}
	w.crossing(t)
	p.kill()
	_, r := w.node.withoutDatabase()
	if r.Applied != before {
		t.Errorf("the old file was revision %d, and a start from disk has %d", before, r.Applied)
	}
	w.crossing(t)
}

// TestADiskThatHasRoomAgainTakesWhatWasNotKept is M6's way back, and M7: a file system that can only be read.
func TestADiskThatHasRoomAgainTakesWhatWasNotKept(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newDatabase(t))
	dir := w.node.diskOf("512k")
	w.setUp()
	p := w.node.serve()
	readOnly := func(flag uintptr) {
		t.Helper()
		if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT|flag, ""); err != nil {
			t.Fatal(err)
		}
	}
	w.takesAll(t)
	filler := ""
	for _, disk := range []struct {
		promise   string
		ill, well func()
		reason    string
	}{
		{"full", func() { filler = fill(t, dir) }, func() { os.Remove(filler) }, "no space left on device"},
		{"read-only", func() { readOnly(syscall.MS_RDONLY) }, func() { readOnly(0) }, "read-only file system"},
	} {
		before := w.node.ready().Applied
		disk.ill()
		w.node.apply(manyEntries(w, 400+int(before)))
		eventually(t, patience, disk.promise+": in force, and said not to be kept", func() bool {
			r := w.node.ready()
			return r.Applied > before && r.State == "degraded" && says(p, "would use what is older", disk.reason)
		})
		w.crossing(t)
		disk.well()
		eventually(t, patience, disk.promise+": kept after all", func() bool { return w.node.ready().State == "ready" })
	}
	last := w.node.ready().Applied
	readOnly(syscall.MS_RDONLY)
	p.kill()
	p, r := w.node.withoutDatabase()
	if r.Applied != last {
		t.Errorf("kept is revision %d, and not %d", r.Applied, last)
	}
	w.crossing(t)
	p.stop()
	launch(t, w.node.env, programs.isthmus, "serve")
	eventually(t, patience, "it starts with the database and a disk that can only be read", func() bool {
		r := w.node.ready()
		return r.Revision != nil && r.Status == http.StatusOK
	})
	w.crossing(t)
}

// manyEntries is an ACL that takes room in the snapshot.
func manyEntries(w *world, n int) string {
	text := w.acl(fe1Host, fe2Host)
	for i := range n {
		text += fmt.Sprintf("  - {pattern: 10.%d.%d.0/24, description: %q}\n", 1+i/250, i%250, strings.Repeat("room ", 40))
	}
	return text
}

// metric is a number of the node's, 0 when it is not there.
func (m *machine) metric(name string) (value float64) {
	response, err := http.Get("http://" + m.console + "/metrics")
	if err != nil {
		return 0
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(response.Body) // what is cut off has no such number
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, name+" "); ok {
			value, _ = strconv.ParseFloat(strings.TrimSpace(rest), 64)
		}
	}
	return value
}

const (
	descriptors = 64
	crowd       = 200 // three times as many come at each door
)

// crowds opens connections from an address that stay, each with words to begin with.
func crowds(t *testing.T, from, to, words string) (held []net.Conn) {
	t.Helper()
	dialer := net.Dialer{Timeout: time.Second, LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	for range crowd {
		if c, err := dialer.Dial("tcp", to); err == nil {
			t.Cleanup(func() { c.Close() })
			held = append(held, c)
			_, _ = io.WriteString(c, words) // one that was closed is as good as the others
		}
	}
	return held
}

// TestANodeOutOfDescriptorsServesWhomItHasAndKeepsItsConsoleAndDatabase is M8: listed peers, then browsers take all that the
// node gives them while it is without its database. The console has to let somebody in after the peers, and the database to be
// followed again after both, with connections that are opened only then.
func TestANodeOutOfDescriptorsServesWhomItHasAndKeepsItsConsoleAndDatabase(t *testing.T) {
	t.Parallel()
	database := newDatabase(t)
	w, link := newWorld(t, database), pgtest.NewLink(t, database)
	w.setUp()
	p := launch(t, append(w.node.env, "ISTHMUS_DATABASE_URL="+link.URL()), "sh", "-c", fmt.Sprintf(`ulimit -n %d; exec "$0" serve`, descriptors), programs.isthmus)
	eventually(t, patience, "ready", func() bool { return w.node.ready().State == "ready" })
	w.connector.takesAll(t)
	fe := w.outside(t, fe1Host, "fe1.synergy.com")
	isServed(t, fe)
	before := w.node.ready().Applied
	link.Cut()
	eventually(t, patience, "without its database", func() bool { return w.node.ready().State == "degraded" })

	held := crowds(t, w.net+fe2Host, w.net+nodeHost+":5060", "")
	isServed(t, fe)
	last := &reader{t: t, http: http.Client{Timeout: patience, Transport: guard.Transport(new(http.Transport))}, site: "http://" + w.node.console}
	if status, page := last.sees("/readyz"); status != http.StatusOK {
		t.Errorf("a browser that comes after all peers is answered %d:\n%s", status, page)
	}
	held = append(held, crowds(t, w.net+stranger, w.node.console, "GET /readyz HTTP/1.1\r\nHost: "+w.node.console+"\r\n\r\n")...)
	link.Mend()
	w.node.apply(w.acl(fe1Host, fe2Host, "77"))
	eventually(t, patience, "the database is followed again", func() bool {
		var r readiness
		_, page := last.sees("/readyz")
		return json.Unmarshal([]byte(page), &r) == nil && r.State == "ready" && r.Applied > before
	})
	isServed(t, fe)
	for _, c := range held {
		c.Close()
	}
	eventually(t, patience, "new connections are served", func() bool { return w.knock(fe2Host).status == 200 && answersOptions(w.net+nodeHost) })
	select {
	case <-p.ended:
		t.Errorf("it ended: %s", tailOf(p.err.String()))
	default:
	}
}

// group is a control group for memory (cgroups(7), version 1) that a process starts in.
func group(t *testing.T, limit int) (path string) {
	t.Helper()
	path = fmt.Sprintf("/sys/fs/cgroup/memory/isthmus-test-%d", os.Getpid())
	if err := os.Mkdir(path, 0o755); err != nil {
		t.Fatalf("make a control group for the test, which needs the rights of root and version 1: %v", err)
	}
	t.Cleanup(func() {
		eventually(t, patience, "the control group is empty", func() bool { return os.Remove(path) == nil })
	})
	if err := os.WriteFile(filepath.Join(path, "memory.limit_in_bytes"), []byte(strconv.Itoa(limit)), 0); err != nil {
		t.Fatal(err)
	}
	return path
}

const (
	memoryLimit = 64 << 20
	hoarders    = 3000
	hoarded     = 60 << 10 // of a message that does not end, and is held until its 4 s are over
	hoardEvery  = 100 * time.Microsecond
)

// TestANodeShortOfMemoryTurnsPeersAwayBeforeTheKernelEndsIt is M9: a peer that the node trusts fills the memory of a small
// control group with messages that do not end. The node has to live, to turn peers away, and to serve everybody soon after.
func TestANodeShortOfMemoryTurnsPeersAwayBeforeTheKernelEndsIt(t *testing.T) {
	w := newWorld(t, newDatabase(t))
	w.setUp()
	in := group(t, memoryLimit)
	p := launch(t, w.node.env, "sh", "-c", `echo $$ > "$1/tasks" && exec "$0" serve`, programs.isthmus, in)
	eventually(t, patience, "ready", func() bool { return w.node.ready().State == "ready" })
	w.connector.takesAll(t)
	half := strings.Replace(hello(ann, carl).String(), "Content-Length: 5", "Content-Length: "+strconv.Itoa(64<<10), 1) + strings.Repeat("x", hoarded)
	var held []*siptest.Conn
	tick := time.NewTicker(hoardEvery)
	defer tick.Stop()
	for range hoarders {
		<-tick.C
		c, err := siptest.Dial(w.net+nodeHost+":5060", siptest.Options{Local: w.net + nodeHost, Timeout: time.Second})
		if err == nil && c.Write(half) == nil {
			held = append(held, c)
		}
	}
	shed := says(p, `"msg":"memory"`, "closed")
	if !shed {
		t.Error("nobody was turned away")
	}
	select {
	case <-p.ended:
		t.Fatalf("it ended with %v: %s", p.cmd.ProcessState, tailOf(p.err.String()))
	default:
	}
	for _, c := range held {
		c.Close()
	}
	relieved := time.Now()
	eventually(t, patience, "everybody is served", func() bool { return w.node.metric("isthmus_memory_pressure") == 0 })
	took := time.Since(relieved)
	fe := w.outside(t, fe1Host, "fe1.synergy.com")
	isServed(t, fe)
	peak, err := os.ReadFile(filepath.Join(in, "memory.max_usage_in_bytes"))
	t.Logf("most used %s of %d bytes, %v; served again after %s", strings.TrimSpace(string(peak)), memoryLimit, err, took)
	if took > 5*time.Second {
		t.Errorf("it took %s", took)
	}
}
