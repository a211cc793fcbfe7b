package e2e

import (
	"sync"
	"testing"
	"time"

	"isthmus/internal/siptest"
)

// A steady is a load on nodes that goes on whatever happens to them. Every request is followed to its end.
type steady struct {
	t         *testing.T
	ledger    *siptest.Ledger
	stop      chan struct{}
	conns     []*siptest.Conn
	senders   sync.WaitGroup
	receivers sync.WaitGroup

	mu      sync.Mutex
	answers map[int]int // by status
}

func newSteady(t *testing.T) *steady {
	return &steady{t: t, ledger: siptest.NewLedger(time.Now), stop: make(chan struct{}), answers: map[int]int{}}
}

// unhurried is for connections on which nothing may come for as long as an answer may take.
func unhurried(o siptest.Options) siptest.Options {
	o.Timeout = 2 * siptest.AnswerLimit
	return o
}

// lane sends a MESSAGE every so often over a connection, until the load ends. Its final answers may be those that are allowed.
func (s *steady) lane(c *siptest.Conn, every time.Duration, from, to string, allowed ...int) {
	s.conns = append(s.conns, c)
	s.senders.Go(func() {
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			select {
			case <-s.stop:
				return
			case <-tick.C:
			}
			r := hello(from, to)
			s.ledger.Asked(r, allowed...)
			if err := c.Send(r); err != nil {
				s.t.Errorf("from %s to %s: %v", from, to, err)
				return
			}
		}
	})
	s.receivers.Go(func() {
		for m, err := c.Receive(); err == nil; m, err = c.Receive() {
			s.ledger.Answered(m)
			s.mu.Lock()
			s.answers[m.Status()]++
			s.mu.Unlock()
		}
	})
}

// arrivesAt has a server take all that arrives, and answer it.
func (s *steady) arrivesAt(name string, i *inbox) {
	go func() {
		for {
			select {
			case a := <-i.arrived:
				s.ledger.Processed(name, a.Message)
				_ = a.conn.Answer(a.Message, 200) // the node that asked may be gone
			case <-s.t.Context().Done():
				return
			}
		}
	}()
}

// answered is how many requests had that final answer so far.
func (s *steady) answered(status int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.answers[status]
}

// goesOn waits for so many more answers of that status.
func (s *steady) goesOn(status, more int) {
	s.t.Helper()
	now := s.answered(status)
	eventually(s.t, 2*patience, "the load goes on", func() bool { return s.answered(status) >= now+more })
}

// ends sends no more, and holds that every request has one of the answers that are allowed, and was acted on once.
func (s *steady) ends() {
	s.t.Helper()
	close(s.stop)
	s.senders.Wait()
	for end := time.Now().Add(siptest.AnswerLimit); s.ledger.Open() > 0 && time.Now().Before(end); {
		<-time.After(10 * time.Millisecond)
	}
	for _, c := range s.conns {
		c.Close()
	}
	s.receivers.Wait()
	if err := s.ledger.Audit(); err != nil {
		s.t.Errorf("%.4000s", err)
	}
	s.t.Logf("final answers by status: %v; the slowest took %s", s.answers, s.ledger.Slowest())
}
