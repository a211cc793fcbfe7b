package node

import (
	"sync"
	"testing"
	"time"

	"isthmus/internal/federation"
	"isthmus/internal/siptest"
)

// A knocker asks the node again and again.
type knocker struct {
	mu       sync.Mutex
	answered int
	last     time.Time // of a 200
	ended    error     // why it got no answer
	done     chan struct{}
}

// knocks begins to ask from an address, until stop is closed or the connection ends.
func (r *rig) knocks(from string, stop <-chan struct{}) *knocker {
	r.t.Helper()
	c, err := siptest.Dial(r.at(5060), siptest.Options{Local: from})
	if err != nil {
		r.t.Fatal(err)
	}
	k := &knocker{done: make(chan struct{})}
	go func() {
		defer close(k.done)
		defer c.Close()
		for {
			select {
			case <-stop:
				return
			default:
			}
			if k.ended = k.knock(c); k.ended != nil {
				return
			}
		}
	}()
	return k
}

func (k *knocker) knock(c *siptest.Conn) error {
	if err := c.Send(siptest.Probe(self)); err != nil {
		return err
	}
	m, err := c.Receive()
	if err == nil && m.Status() == 200 {
		k.mu.Lock()
		k.answered, k.last = k.answered+1, time.Now()
		k.mu.Unlock()
	}
	return err
}

func (k *knocker) count() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.answered
}

func TestAPeerThatIsRemovedUnderLoadIsCutOffWithinASecondAndNobodyElse(t *testing.T) {
	lists := func(addresses ...string) func(*federation.Snapshot) {
		return func(s *federation.Snapshot) {
			s.ACL = nil
			for _, a := range addresses {
				s.ACL = append(s.ACL, federation.ACLEntry{Pattern: a})
			}
		}
	}
	r := start(t)
	r.commits(r.snapshot(1, lists("127.0.0.1", "127.0.0.2")))
	stop := make(chan struct{})
	gone, other := r.knocks("127.0.0.1", stop), r.knocks("127.0.0.2", stop)
	await(t, "both are answered", func() bool { return gone.count() > 20 && other.count() > 20 })
	changed := time.Now()
	r.commits(r.snapshot(2, lists("127.0.0.2")))
	<-gone.done
	if gone.ended == nil || gone.last.Sub(changed) > time.Second {
		t.Errorf("answered for %v, then %v", gone.last.Sub(changed), gone.ended)
	}
	before := other.count()
	await(t, "the other is answered on", func() bool { return other.count() > before+20 })
	close(stop)
	if <-other.done; other.ended != nil {
		t.Errorf("the other lost its connection: %v", other.ended)
	}
}
