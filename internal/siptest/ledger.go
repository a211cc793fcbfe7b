package siptest

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"isthmus/internal/sip"
)

// AnswerLimit is how long whoever asked waits for a final answer: 64*T1, timers B and F of RFC 3261.
const AnswerLimit = 32 * time.Second

// Ledger follows transactions, by their Call-ID, through a fault. One is lost when it got no final answer within
// AnswerLimit, wrong when it was answered otherwise than the fault allows or twice, and double when two hops processed it.
// Its methods may be called from any goroutine.
type Ledger struct {
	now     func() time.Time
	mu      sync.Mutex
	entries map[string]*entry
	strays  []string // answers that nobody asked for
}

type entry struct {
	method  string
	asked   time.Time
	took    time.Duration // until the first final answer
	allowed []int
	finals  []int
	hops    []string // that processed it
}

// NewLedger begins an empty ledger on a clock of the caller's choice.
func NewLedger(now func() time.Time) *Ledger {
	return &Ledger{now: now, entries: map[string]*entry{}}
}

// Asked notes a request that is about to be sent, and the final answers that are right for it.
func (l *Ledger) Asked(r Request, allowed ...int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.entries[r.CallID] = &entry{method: r.Method, asked: l.now(), allowed: allowed}
}

// Answered notes a response that whoever asked has got.
func (l *Ledger) Answered(m *sip.Message) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.entries[string(m.CallID())]
	switch {
	case e == nil:
		l.strays = append(l.strays, fmt.Sprintf("%s was answered %d and never asked", m.CallID(), m.Status()))
	case m.Status() >= 200:
		if len(e.finals) == 0 {
			e.took = l.now().Sub(e.asked)
		}
		e.finals = append(e.finals, m.Status())
	}
}

// Processed notes that a hop has acted on a request. One that it refused with 503 it has not.
func (l *Ledger) Processed(hop string, request *sip.Message) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if e := l.entries[string(request.CallID())]; e != nil {
		e.hops = append(e.hops, hop)
	}
}

// Open returns how many transactions have no final answer yet.
func (l *Ledger) Open() (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range l.entries {
		if len(e.finals) == 0 {
			n++
		}
	}
	return n
}

// Slowest returns the longest time that a final answer took.
func (l *Ledger) Slowest() (slowest time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range l.entries {
		slowest = max(slowest, e.took)
	}
	return slowest
}

// Audit returns what was lost, wrong or double, nil for nothing.
func (l *Ledger) Audit() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	found := slices.Clone(l.strays)
	for id, e := range l.entries {
		for _, fault := range e.faults() {
			found = append(found, fmt.Sprintf("%s %s: %s", e.method, id, fault))
		}
	}
	if found == nil {
		return nil
	}
	slices.Sort(found)
	return fmt.Errorf("of %d transactions:\n%s", len(l.entries), strings.Join(found, "\n"))
}

func (e *entry) faults() (found []string) {
	switch {
	case len(e.finals) == 0:
		return []string{"lost: it got no final answer"}
	case e.took > AnswerLimit:
		found = append(found, fmt.Sprintf("lost: its answer came after %v", e.took))
	}
	for i, status := range e.finals {
		another := i > 0 && !(e.method == "INVITE" && status/100 == 2) // each 2xx is a call that somebody took
		if another || !slices.Contains(e.allowed, status) {
			found = append(found, fmt.Sprintf("wrong: answered %v, allowed is one of %v", e.finals, e.allowed))
			break
		}
	}
	if hops := slices.Compact(slices.Sorted(slices.Values(e.hops))); len(e.hops) > 1 {
		found = append(found, fmt.Sprintf("double: processed %d times, by %v", len(e.hops), hops))
	}
	return found
}
