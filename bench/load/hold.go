package load

import (
	"fmt"
	"time"
)

// holdLimits are how long it may take until all transactions are open: less than a proxy waits for a MESSAGE's answer, and than
// an INVITE rings.
var holdLimits = map[Scenario]time.Duration{Message: 14 * time.Second, Notify: 14 * time.Second, Invite: 2 * time.Minute}

// ahead is how many requests are sent before the upstream has them: a hop that does not keep up is given up.
const ahead = 256

// A Held is transactions that the upstream does not answer finally.
type Held struct{ run *run }

// Release closes the callers' connections.
func (h *Held) Release() { h.run.close() }

// Hold opens n transactions of the options' scenario, and returns once the upstream has them all. It lets INVITEs ring and answers no others.
func (u *Upstream) Hold(o Options, n int) (*Held, error) {
	o.Rate = 1 // an answer begins nothing
	r := &run{number: int(runs.Add(1)), scenario: o.Scenario, options: &o, epoch: time.Now()}
	if err := r.dial(u); err != nil {
		r.close()
		return nil, err
	}
	if err := r.greet(); err != nil {
		r.close()
		return nil, err
	}
	u.silent.Store(true)
	defer u.silent.Store(false)
	before := u.requests.Load()
	for sent := 0; sent < n; {
		for range min(ahead, n-sent) {
			r.callers[sent%len(r.callers)].begin(r.since())
			sent++
		}
		for _, c := range r.callers {
			_ = c.writer.Flush() // a lost connection shows as transactions that are missing
		}
		if err := u.await(before+int64(sent), r.epoch.Add(holdLimits[o.Scenario])); err != nil {
			r.close()
			return nil, fmt.Errorf("%w\n%v", err, r.expects.findings)
		}
	}
	return &Held{r}, nil
}

// await waits until so many requests came.
func (u *Upstream) await(requests int64, end time.Time) error {
	look := time.NewTicker(time.Millisecond)
	defer look.Stop()
	for ; u.requests.Load() < requests; <-look.C {
		if time.Now().After(end) {
			return fmt.Errorf("%d transactions are missing when it is too late", requests-u.requests.Load())
		}
	}
	return nil
}
