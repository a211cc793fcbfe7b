package soak

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"isthmus/internal/siptest"
)

// A measure is what the process holds in a quiet moment.
type measure struct {
	heap        int64
	goroutines  int
	files       int // 0 where the system does not tell
	connections int // of the node
}

func (w *world) measure() measure {
	m := measure{connections: w.metric("isthmus_sip_connections")}
	for range 2 { // what finalizers and pools held goes the second time
		runtime.GC()
	}
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	m.heap, m.goroutines = int64(stats.HeapAlloc), runtime.NumGoroutine()
	if list, err := os.ReadDir("/proc/self/fd"); err == nil {
		m.files = len(list)
	}
	return m
}

// metricLines are those that begin so, as monitoring reads them.
func (w *world) metricLines(name string) (found []string) {
	page := httptest.NewRecorder()
	w.metrics.Handler().ServeHTTP(page, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	for line := range strings.Lines(page.Body.String()) {
		if strings.HasPrefix(line, name) {
			found = append(found, strings.TrimSpace(line))
		}
	}
	return found
}

// metric reads a number.
func (w *world) metric(name string) int {
	w.t.Helper()
	for _, line := range w.metricLines(name + " ") {
		n, err := strconv.ParseFloat(strings.TrimPrefix(line, name+" "), 64)
		w.check(err)
		return int(n)
	}
	w.t.Fatalf("there is no metric %s", name)
	return 0
}

func (w *world) transactions() int {
	return w.metric(`isthmus_sip_transactions{side="server"}`) + w.metric(`isthmus_sip_transactions{side="client"}`)
}

// awaitNoTransactions waits until the last INVITE's transactions have ended (RFC 6026: 32 s after the answer).
func (w *world) awaitNoTransactions() {
	w.t.Helper()
	w.awaitSlowly("every transaction has ended", siptest.AnswerLimit+5*time.Second, func() bool { return w.transactions() == 0 })
}

// awaitConnections waits until the node has left the hops that it needs no more.
func (w *world) awaitConnections(most int) {
	w.t.Helper()
	w.awaitSlowly(fmt.Sprintf("the node has no more than %d connections", most), 2*time.Minute, func() bool {
		return w.metric("isthmus_sip_connections") <= most
	})
}

// forgetThePast drops what the test itself has gathered.
func (w *world) forgetThePast() {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.states = slices.Clone(w.states[len(w.states)-1:])
	w.told.Store(1)
	w.inForce.Store(1)
	for _, l := range w.roams[:len(w.roams)-1] {
		w.check(l.Close())
	}
}

// What may be more at the end than at the beginning, whatever the number of changes. Pools and maps keep what they have
// grown to.
const (
	moreHeap       = 4 << 20
	moreGoroutines = 10
	moreFiles      = 10
	heapPerChange  = 1 << 10

	heapPerTransaction = 8 << 10 // of those that are left
)

// judge compares what the process holds with what it held before the changes. An INVITE's two transactions outlive their
// answer, and without -settle they are still there.
func (w *world) judge(before, after measure, invites int) {
	w.t.Helper()
	transactions := 0
	if !*settle {
		transactions = 2 * invites
	}
	if n := w.transactions(); n > transactions {
		w.t.Errorf("%d transactions are left, and not %d", n, transactions)
	}
	if more := after.heap - before.heap - heapPerTransaction*int64(transactions); more > moreHeap && more > heapPerChange*int64(*changes) {
		w.t.Errorf("the heap grew by %d bytes in %d changes", more, *changes)
	}
	if !*settle {
		return
	}
	if more := after.goroutines - before.goroutines; more > moreGoroutines {
		w.t.Errorf("%d goroutines more than before %d changes", more, *changes)
	}
	if more := after.files - before.files; more > moreFiles {
		w.t.Errorf("%d files more than before %d changes", more, *changes)
	}
}

func (w *world) awaitSlowly(promise string, limit time.Duration, yes func() bool) {
	w.t.Helper()
	look := time.NewTicker(250 * time.Millisecond)
	defer look.Stop()
	for end := time.Now().Add(limit); !yes(); {
		if time.Now().After(end) {
			w.t.Errorf("not within %v: %s", limit, promise)
			return
		}
		<-look.C
	}
}
