//go:build outages

package e2e

import (
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"isthmus/internal/siptest"
)

var (
	connections = flag.Int("connections", 5000, "TLS connections that come at once and stay")
	routes      = flag.Int("routes", 100_000, "static routes that come in one change")
)

// Figures of docs/reliability.md are measured on a quiet machine; these are refused on any.
const (
	stormLimit = 3 * time.Minute
	asked      = 2000 // messages of one measurement
)

// TestAStormOfConnectionsIsServedAndIdleOnesCostLittle is M14, then M13 with what came.
func TestAStormOfConnectionsIsServedAndIdleOnesCostLittle(t *testing.T) {
	w, p := running(t)
	w.connector.takesAll(t)
	empty, before := w.latency(t), memoryOf(t, p, "VmRSS")
	w.node.apply("acl:\n  - pattern: " + w.net + "0/24\n")
	options := w.from(fe1Host, "fe1.synergy.com")
	options.Timeout = stormLimit
	var group sync.WaitGroup
	var mu sync.Mutex
	var took []time.Duration
	again := 0
	began := time.Now()
	for i := range *connections {
		group.Go(func() {
			options := options
			options.Local = fmt.Sprint(w.net, 20+i%200) // as many servers, each with its share
			c, tries := comesBack(w.net+nodeHost+":5061", options, began.Add(stormLimit))
			mu.Lock()
			defer mu.Unlock()
			again += tries - 1
			if c == nil {
				t.Error("a peer was not served")
				return
			}
			t.Cleanup(func() { c.Close() })
			took = append(took, time.Since(began))
		})
	}
	group.Wait()
	each := (memoryOf(t, p, "VmRSS") - before) / *connections
	full := w.latency(t)
	t.Logf("%d TLS connections at once, each asked and answered: %s, after %d further tries; %d bytes of memory each", *connections, spread(took), again, each)
	t.Logf("a MESSAGE and its answer with no other connection: %s; with these: %s", spread(empty), spread(full))
	if each > 64<<10 {
		t.Errorf("an idle connection takes %d bytes", each)
	}
}

// comesBack connects and asks, and tries again in a second as peers do, until it is answered; nil if it never is.
func comesBack(address string, options siptest.Options, until time.Time) (c *siptest.Conn, tries int) {
	for time.Now().Before(until) {
		tries++
		c, err := siptest.Dial(address, options)
		if err == nil {
			if err = c.Send(siptest.Probe("imp1.synergy.com")); err == nil {
				if _, err = c.Receive(); err == nil {
					return c, tries
				}
			}
			c.Close()
		}
		<-time.After(time.Second)
	}
	return nil, tries
}

// latency is that of one MESSAGE after the other, from outside to the connector and back.
func (w *world) latency(t *testing.T) (took []time.Duration) {
	t.Helper()
	fe := w.outside(t, fe1Host, "fe1.synergy.com")
	for range asked {
		began := time.Now()
		isServed(t, fe)
		took = append(took, time.Since(began))
	}
	return took
}

// memoryOf is a line of a process's status in bytes (proc(5)): VmRSS for now, VmHWM for the most ever.
func memoryOf(t *testing.T, p *process, line string) int {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), line+":")
	number, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
	kilobytes, err := strconv.Atoi(number)
	if err != nil {
		t.Fatal(err)
	}
	return kilobytes << 10
}

// TestAHundredThousandRoutesInOneChangeHoldUpNoRequest is C12. The routes come by SQL, as a document of them would take
// minutes to be held against every rule.
func TestAHundredThousandRoutesInOneChangeHoldUpNoRequest(t *testing.T) {
	database := newDatabase(t)
	w := newWorld(t, database)
	w.setUp()
	p := w.node.serve()
	load := w.isLoaded(t, laneEvery)
	before := w.node.ready().Applied
	conn, err := pgx.Connect(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	began := time.Now()
	if _, err := conn.Exec(t.Context(), `INSERT INTO static_routes (destination, type, next_hop, port, transport, priority, weight, allow_less_specific, in_service, blocked, description)
		SELECT '.com.example.r' || i, 'domain', '127.200.' || i / 250 % 250 || '.' || i % 250, 5061, 'tls', 1, 1, true, true, false, '' FROM generate_series(1, $1) i`, *routes); err != nil {
		t.Fatal(err)
	}
	written := time.Since(began)
	eventually(t, 8*patience, "in force", func() bool { return w.node.ready().Applied > before })
	took := time.Since(began)
	load.goesOn(200)
	peak, after := memoryOf(t, p, "VmHWM"), memoryOf(t, p, "VmRSS")
	load.ends()
	t.Logf("%d routes: written after %s, in force after %s; most memory %d MiB, then %d MiB", *routes, written, took, peak>>20, after>>20)
	// Requests that wait for what is being made ready wait for half of that time and more, however fast the machine is.
	if slowest := load.ledger.Slowest(); slowest > (took-written)/3 {
		t.Errorf("a request took %s, while the change was made ready in %s", slowest, took-written)
	}
}
