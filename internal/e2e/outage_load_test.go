package e2e

import (
	"sync"
	"testing"
	"time"

	"isthmus/internal/sip"
	"isthmus/internal/siptest"
)

// A load is requests that go through nodes while something happens to them or to their database. Each is followed to its
// end.
type load struct {
	t       *testing.T
	ledger  *siptest.Ledger
	every   time.Duration // between two requests of a lane
	ahead   int           // how many of a lane may wait for their answer
	stop    chan struct{} // nobody asks any more
	settled chan struct{} // whoever asked has an answer
	asking  sync.WaitGroup
	hearing sync.WaitGroup

	mu      sync.Mutex
	answers map[int]int // final ones, by status
}

const (
	oneByOne   = 1       // a lane asks when it has its answer
	regardless = 1 << 16 // a lane goes on asking
)

// newLoad has servers take all that arrives until the load has ended, which is with the test at the latest.
func newLoad(t *testing.T, every time.Duration, ahead int, servers ...*inbox) *load {
	l := &load{t: t, ledger: siptest.NewLedger(time.Now), every: every, ahead: ahead, answers: map[int]int{},
		stop: make(chan struct{}), settled: make(chan struct{})}
	for _, i := range servers {
		l.arrivesAt(i)
	}
	t.Cleanup(l.ends)
	return l
}

func (l *load) arrivesAt(i *inbox) {
	go func() {
		for {
			select {
			case a := <-i.arrived:
				if a.IsRequest() {
					l.ledger.Processed(i.Addr(), a.Message)
					_ = a.conn.Answer(a.Message, 200) // the node that asked may be gone; what gets lost is the ledger's
				}
			case <-l.settled:
				return
			}
		}
	}()
}

// lane sends a MESSAGE every so often over a connection of its own. The final answers may be those that are allowed.
func (l *load) lane(remote string, o siptest.Options, from, to string, allowed ...int) {
	l.t.Helper()
	o.Timeout = 2 * siptest.AnswerLimit // nothing may come for as long as an answer may take
	c, err := siptest.Dial(remote, o)
	if err != nil {
		l.t.Fatal(err)
	}
	waiting := make(chan struct{}, l.ahead)
	l.asking.Go(func() {
		if err := l.asks(c, waiting, from, to, allowed); err != nil {
			l.t.Errorf("from %s to %s: %v", from, to, err)
		}
	})
	l.hearing.Go(func() {
		if err := l.hears(c, waiting); !over(l.settled) {
			l.t.Errorf("from %s to %s: %v", from, to, err)
		}
	})
	l.hearing.Go(func() {
		<-l.settled
		c.Close()
	})
}

// over reports whether a channel is closed.
func over(what <-chan struct{}) bool {
	select {
	case <-what:
		return true
	default:
		return false
	}
}

// asks puts one into waiting for each request that it sends.
func (l *load) asks(c *siptest.Conn, waiting chan<- struct{}, from, to string, allowed []int) error {
	tick := time.NewTicker(l.every)
	defer tick.Stop()
	for {
		select {
		case <-l.stop:
			return nil
		case <-tick.C:
		}
		select {
		case <-l.stop:
			return nil
		case waiting <- struct{}{}:
		}
		r := hello(from, to)
		l.ledger.Asked(r, allowed...)
		if err := c.Send(r); err != nil {
			return err
		}
	}
}

// hears takes one out of waiting for each request that is answered, and returns why no more can be heard.
func (l *load) hears(c *siptest.Conn, waiting <-chan struct{}) error {
	for {
		m, err := c.Receive()
		if err != nil {
			return err
		}
		if l.notes(m); m.Status() < 200 {
			continue
		}
		select {
		case <-waiting:
		default: // answered twice, which the ledger tells
		}
	}
}

// notes is told of an answer.
func (l *load) notes(answer *sip.Message) {
	l.ledger.Answered(answer)
	if answer.Status() >= 200 {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.answers[answer.Status()]++
	}
}

// answered is how many requests had that final answer so far.
func (l *load) answered(status int) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.answers[status]
}

// goesOn waits until so many requests more have been answered with 200.
func (l *load) goesOn(more int) {
	l.t.Helper()
	now := l.answered(200)
	eventually(l.t, 4*patience, "the load goes on", func() bool { return l.answered(200) >= now+more })
}

// ends sends no more, and holds that every request has one of the answers that are allowed, and was acted on once. Done
// again it does nothing.
func (l *load) ends() {
	l.t.Helper()
	if over(l.stop) {
		return
	}
	close(l.stop)
	l.asking.Wait()
	for end := time.Now().Add(siptest.AnswerLimit); l.ledger.Open() > 0 && time.Now().Before(end); {
		<-time.After(10 * time.Millisecond)
	}
	close(l.settled)
	l.hearing.Wait()
	if err := l.ledger.Audit(); err != nil {
		l.t.Errorf("%.4000s", err)
	}
	l.t.Logf("final answers by status: %v; the slowest took %s", l.answers, l.ledger.Slowest().Round(time.Millisecond))
}
