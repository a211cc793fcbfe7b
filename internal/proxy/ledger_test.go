package proxy

import (
	"testing"
	"time"

	"isthmus/internal/sip"
	"isthmus/internal/siptest"
)

// A trial is a fault with traffic through it: hosts serve by themselves, and a ledger holds that no transaction is lost,
// answered wrongly or processed twice.
type trial struct {
	*world
	ledger *siptest.Ledger
	client *end
	asked  map[string]int // requests by host, without probes
}

func (w *world) trial() *trial {
	tr := &trial{world: w, ledger: siptest.NewLedger(time.Now), client: w.connector(), asked: map[string]int{}}
	tr.client.serve = func(_ *end, m *sip.Message) { tr.ledger.Answered(m) }
	return tr
}

// host lets a host do something with every request but probes, ACK and CANCEL, and answer a probe with a status, 0: not
// at all.
func (tr *trial) host(address string, probe int, do func(*end, *sip.Message)) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.hosts[address].serve = func(e *end, m *sip.Message) {
		switch {
		case m.Method() == "OPTIONS" && probe != 0:
			e.gives(siptest.Response(m, probe))
		case m.Method() != "OPTIONS" && m.Method() != "ACK" && m.Method() != "CANCEL":
			tr.mu.Lock()
			tr.asked[address]++
			tr.mu.Unlock()
			do(e, m)
		}
	}
}

// works is a host that is well.
func (tr *trial) works(addresses ...string) {
	for _, address := range addresses {
		tr.host(address, 200, func(e *end, m *sip.Message) { tr.takes(address, e, m) })
	}
}

// takes is a host processing a request.
func (tr *trial) takes(address string, e *end, m *sip.Message) {
	tr.ledger.Processed(address, m)
	e.gives(siptest.Response(m, 200))
}

// ask sends a request of each method, and names the answers that are right.
func (tr *trial) ask(methods []string, allowed ...int) {
	tr.t.Helper()
	for _, method := range methods {
		r := request(method)
		tr.ledger.Asked(r, allowed...)
		tr.client.asks(r)
	}
}

// count returns how many requests a host got since the last count.
func (tr *trial) count(address string) (n int) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	n = tr.asked[address]
	tr.asked[address] = 0
	return n
}

// ends waits as long as whoever asked does, and audits.
func (tr *trial) ends() {
	tr.t.Helper()
	tr.after(siptest.AnswerLimit)
	if err := tr.ledger.Audit(); err != nil {
		tr.t.Errorf("%v\n%s", err, tr.log)
	}
}

// inTrial is a test in a world whose second front end works, with a trial.
func inTrial(t *testing.T, test func(*testing.T, *trial)) {
	t.Helper()
	inWorld(t, func(t *testing.T, w *world) {
		tr := w.trial()
		tr.works(fe2At)
		test(t, tr)
	})
}

// every method that a fault is tried with: what may be delivered once, what may move on, and what begins a session.
var every = []string{"MESSAGE", "INFO", "SUBSCRIBE", "NOTIFY", "INVITE"}
