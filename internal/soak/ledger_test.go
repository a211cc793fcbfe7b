package soak

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"isthmus/internal/sip"
	"isthmus/internal/siptest"
)

// An outcome is what may become of a request under one configuration: its final answer, and who processes it.
type outcome struct {
	status int
	hops   []string // any one of them; none: nobody
	cut    bool     // to get there connections were cut off, so that a request may be processed and its answer lost
}

// expectation says what one state allows.
type expectation func(w *world, s *state) outcome

// refused is the status of a visitor who was turned away in any way: 403, a failed handshake, a closed connection.
const refused = 403

// unanswered is the "status" of an ACK that arrived.
const unanswered = 0

// A transaction is one request, from when it was sent.
type transaction struct {
	name     string
	expect   expectation
	from, to int64 // revisions that may have been in force while it lived
	asked    time.Time
	took     time.Duration
	finals   []int
	hops     []string
	why      string // what a refused visitor saw
}

// A ledger follows every transaction of the load by method, Call-ID and CSeq number.
type ledger struct {
	world *world
	mu    sync.Mutex
	open  int
	all   map[string]*transaction
	stray []string
}

func newLedger(w *world) *ledger { return &ledger{world: w, all: map[string]*transaction{}} }

func keyOf(method, callID string, number int) string {
	return fmt.Sprintf("%s %s %d", method, callID, number)
}

func messageKey(m *sip.Message) string {
	number, _ := m.CSeq()
	return keyOf(m.Method(), string(m.CallID()), int(number))
}

// asked notes a request that is about to be sent.
func (l *ledger) asked(name string, r siptest.Request, expect expectation) {
	t := &transaction{name: name, expect: expect, from: l.world.inForce.Load(), asked: time.Now()}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all[keyOf(r.Method, r.CallID, r.CSeq)] = t
	l.open++
}

// answered notes a final answer.
func (l *ledger) answered(m *sip.Message) {
	if m.Status() >= 200 {
		l.ended(messageKey(m), m.Status(), "")
	}
}

// ended notes how a request ended; a visitor's may end without an answer.
func (l *ledger) ended(key string, status int, why string) {
	to := l.world.told.Load()
	l.mu.Lock()
	defer l.mu.Unlock()
	t := l.all[key]
	if t == nil {
		l.stray = append(l.stray, fmt.Sprintf("%s was answered %d and never asked", key, status))
		return
	}
	if len(t.finals) == 0 {
		t.took, t.to, t.why = time.Since(t.asked), to, why
		l.open--
	}
	t.finals = append(t.finals, status)
}

// processed notes that a hop acts on a request.
func (l *ledger) processed(hop string, m *sip.Message) {
	key := messageKey(m)
	l.mu.Lock()
	t := l.all[key]
	if t != nil {
		t.hops = append(t.hops, hop)
	}
	l.mu.Unlock()
	if t != nil && m.Method() == "ACK" {
		l.ended(key, unanswered, "")
	}
}

func (l *ledger) unfinished() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.open
}

// latencies are those of the MESSAGEs that were delivered.
func (l *ledger) latencies() []time.Duration {
	return l.latenciesOf(func(string) bool { return true })
}

func (l *ledger) latenciesOf(which func(name string) bool) []time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	var list []time.Duration
	for key, t := range l.all {
		if strings.HasPrefix(key, "MESSAGE ") && slices.Equal(t.finals, []int{200}) && which(t.name) {
			list = append(list, t.took)
		}
	}
	slices.Sort(list)
	return list
}

// A sum is what the audit found.
type sum struct{ transactions, invites, lost, wrong, double int }

// audit judges every transaction, and fails the test by each that is not as it should be.
func (l *ledger) audit() (s sum) {
	w := l.world
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, stray := range l.stray {
		w.t.Error(stray)
		s.wrong++
	}
	seen := map[string]int{}
	for key, t := range l.all {
		s.transactions++
		if strings.HasPrefix(key, "INVITE ") {
			s.invites++
		}
		fault, count := t.fault(w), 0
		switch fault {
		case "":
			seen[fmt.Sprintf("%s %v", t.name, t.finals)]++
			continue
		case "lost":
			s.lost++
			count = s.lost
		case "double":
			s.double++
			count = s.double
		default:
			s.wrong++
			count = s.wrong
		}
		if count <= 20 {
			w.t.Errorf("%s: %s (%s): answered %v after %v %s, processed by %v, revisions %d to %d",
				fault, t.name, key, t.finals, t.took, t.why, t.hops, t.from, t.to)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(seen)) {
		w.t.Logf("%6d %s", seen[name], name)
	}
	return s
}

// fault names what is wrong with a transaction, "" for nothing.
func (t *transaction) fault(w *world) string {
	if len(t.finals) == 0 || t.took > siptest.AnswerLimit {
		return "lost"
	}
	switch {
	case len(t.hops) > 1:
		return "double"
	case len(t.finals) > 1:
		return "answered twice"
	}
	var all []outcome
	for revision := max(t.from, 1); revision <= t.to; revision++ {
		s := w.at(revision)
		o := t.expect(w, &s)
		if o.fits(t.finals[0], t.hops) {
			return ""
		}
		all = append(all, o)
	}
	if t.cutOff(all) {
		return ""
	}
	return "wrong"
}

// cutOff reports whether a change that came meanwhile explains what happened: it forbade the connection over which the
// request or its answer was on its way.
func (t *transaction) cutOff(all []outcome) bool {
	var cut, status, hop bool
	for _, o := range all {
		cut = cut || o.cut
		status = status || o.status == t.finals[0]
		hop = hop || len(t.hops) == 0 || slices.Contains(o.hops, t.hops[0])
	}
	return cut && status && hop
}

func (o outcome) fits(status int, hops []string) bool {
	if status != o.status || len(hops) > 0 != (len(o.hops) > 0) {
		return false
	}
	return len(hops) == 0 || slices.Contains(o.hops, hops[0])
}
