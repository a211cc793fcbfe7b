//go:build outages

package e2e

import (
	"errors"
	"flag"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

var requests = flag.Int("requests", 20_000, "requests that go through while the database is killed again and again")

const (
	longPace = 20 * time.Millisecond // between two requests of one side
	away     = 5 * time.Second       // how long the database is killed for, and stays afterwards
)

// The promise of D3, at a thousand requests a second: none is lost, and each node knocks at the killed database's door once a
// second at most.
func TestNoneOfManyRequestsIsLostWhileTheDatabaseIsKilledAgainAndAgain(t *testing.T) {
	f := newServing(t, 2)
	var flows []*load
	for range 5 {
		flows = append(flows, f.flows(longPace, f.nodes...))
	}
	sum := func() (n int) {
		for _, l := range flows {
			n += l.answered(http.StatusOK)
		}
		return n
	}
	began := time.Now()
	var kills int
	for ; sum() < *requests; kills++ {
		f.server.Kill()
		for _, m := range f.nodes {
			m.becomes("degraded")
		}
		passes(t, quickTime)
		tries := [2]int{f.nodes[0].link.Tries(), f.nodes[1].link.Tries()}
		passes(t, away)
		for i, m := range f.nodes {
			n := m.link.Tries() - tries[i]
			t.Logf("%s tried %d times to connect in %s", m.address, n, away)
			if n > 1+int(away/time.Second) {
				t.Errorf("%s tried %d times to connect in %s", m.address, n, away)
			}
		}
		f.server.Start()
		back := time.Now()
		f.follows()
		t.Logf("every node follows %s after the database came back", time.Since(back).Round(time.Millisecond))
		passes(t, away)
	}
	took := time.Since(began)
	for _, l := range flows {
		l.ends()
	}
	t.Logf("%d requests while the database was killed %d times, %.0f a second", sum(), kills, float64(sum())/took.Seconds())
}

// passes waits while the traffic goes on.
func passes(t *testing.T, d time.Duration) {
	t.Helper()
	select {
	case <-time.After(d):
	case <-t.Context().Done():
	}
}

// D6: each answer of the database takes five seconds.
func TestADatabaseThatIsSlowKeepsNobodyWaitingForLong(t *testing.T) {
	const late = 5 * time.Second
	f := newServing(t, 2)
	anna := f.node.signsIn("anna")
	anna.http.Timeout = time.Minute
	flow := f.flows(pace, f.nodes...)
	f.nodes[0].link.Delay(late)
	f.nodes[0].becomes("degraded")
	var group sync.WaitGroup
	for range 6 {
		group.Go(func() {
			began := time.Now()
			status, page := anna.does("/acl", "pattern", "10.8.8.8")
			took := time.Since(began)
			if status != http.StatusServiceUnavailable || took > 15*time.Second {
				t.Errorf("what is saved then is answered %d after %s:\n%s", status, took, page)
			}
			t.Logf("answered %d after %s", status, took.Round(time.Millisecond))
		})
	}
	group.Wait()
	began := time.Now()
	if status, page := anna.does("/acl", "pattern", "10.8.8.8"); status != http.StatusServiceUnavailable || time.Since(began) > 3*time.Second {
		t.Errorf("after so many that waited in vain, the next is answered %d after %s:\n%s", status, time.Since(began), page)
	}
	if r := f.nodes[1].ready(); r.State != "ready" {
		t.Errorf("the other node is %s", r.State)
	}
	f.nodes[0].link.Mend()
	f.follows()
	f.admits("10.9.9.9")
	flow.ends()
}

// D10: the tables lie on a disk of their own, which is full. Needs root, for the disk.
func TestADatabaseWhoseDiskIsFullSavesNothingInPartAndIsToldSo(t *testing.T) {
	disk := smallDisk(t, "32m")
	f := newFleet(t, 2)
	u, err := url.Parse(f.server.URL())
	if err != nil {
		t.Fatal(err)
	}
	sockets, err := os.Stat(u.Query().Get("host"))
	if err != nil {
		t.Fatal(err)
	}
	owner := sockets.Sys().(*syscall.Stat_t)
	if err := os.Chown(disk, int(owner.Uid), int(owner.Gid)); err != nil {
		t.Fatal(err)
	}
	f.server.Maintain(`CREATE TABLESPACE small LOCATION '`+disk+`'`, `ALTER DATABASE isthmus SET TABLESPACE small`)
	f.serves()
	before := f.follows()
	document, many := f.node.isthmus("config", "export"), f.acl(fe1Host, fe2Host)
	for i := range 10_000 {
		many += fmt.Sprintf("  - pattern: 10.0.%d.%d\n", i/250, i%250)
	}
	flow := f.flows(pace, f.nodes...)
	filler := fill(t, disk)
	r := f.node.try("config", "apply", f.node.write("many.yaml", "version: 1\n"+many))
	if r.code == 0 || !strings.Contains(r.err, "disk is full") {
		t.Errorf("a change for which there is no room: %s", r)
	}
	if now := f.node.isthmus("config", "export"); now != document {
		t.Errorf("a part of the change was saved:\n%s", now)
	}
	if now := f.follows(); now != before {
		t.Errorf("revision %d is in force, and was %d before", now, before)
	}
	flow.goesOn(some)
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	f.node.apply(many)
	if now := f.follows(); now <= before {
		t.Errorf("with room again, revision %d is in force", now)
	}
	flow.ends()
}

// smallDisk is a file system in memory of that size, until the test ends.
func smallDisk(t *testing.T, size string) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "isthmus-disk-")
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size+",mode=0700"); err != nil {
		t.Fatalf("mount a small disk (this test needs root): %v", err)
	}
	t.Cleanup(func() {
		if err := errors.Join(syscall.Unmount(dir, syscall.MNT_DETACH), os.Remove(dir)); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// I1: a node that has an old state in force for more than ten seconds says so, and why.
func TestANodeThatIsBehindForLongSaysSo(t *testing.T) {
	f := newServing(t, 1)
	f.server.Execute(`INSERT INTO acl_entries (pattern) VALUES ('*.*.nowhere')`)
	eventually(t, time.Minute, "the log says so", func() bool { return says(f.nodes[0].process, "this node is behind the configuration", "*.*.nowhere") })
}
