package soak

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"isthmus/internal/sip"
	"isthmus/internal/siptest"
)

// A load is the traffic, over connections that stay open all the time.
type load struct {
	world           *world
	book            *ledger
	inside, outside []*lane
	turn            int
	held            int // requests that came later than they should, because the machine was behind
	visits          sync.WaitGroup
	plan            []stream // one entry a request, in the order in which they take turns
}

// A lane is one connection that must not break. It takes what answers bring, and goes on with what has to follow.
type lane struct {
	load *load
	conn *siptest.Conn
	over atomic.Bool // the test closes it
}

const lanesEach = 3

func (w *world) newLoad() *load {
	l := &load{world: w}
	l.begin()
	s := w.now()
	for range lanesEach {
		l.inside = append(l.inside, l.newLane(s.tcpPort, siptest.Options{Local: w.address(imp1Host)}))
		l.outside = append(l.outside, l.newLane(s.tlsPort, siptest.Options{Local: w.address(fe1Host), TLS: w.ca.Client(w.ca.Leaf("fe1.synergy.com"), imp1)}))
	}
	w.notifier.Store(l.inside[0])
	most := 0
	for _, s := range streams {
		most = max(most, s.share)
	}
	for i := range most { // spread evenly
		for _, s := range streams {
			if (i+1)*s.share/most > i*s.share/most {
				l.plan = append(l.plan, s)
			}
		}
	}
	return l
}

// begin opens a new ledger.
func (l *load) begin() {
	l.book = newLedger(l.world)
	l.world.book.Store(l.book)
}

func (l *load) newLane(port int, o siptest.Options) *lane {
	w := l.world
	w.t.Helper()
	c, err := siptest.Dial(fmt.Sprintf("%s:%d", w.address(imp1Host), port), o)
	w.check(err)
	n := &lane{load: l, conn: c}
	done := make(chan struct{})
	go func() {
		defer close(done)
		n.hear()
	}()
	w.t.Cleanup(func() {
		n.over.Store(true)
		c.Close()
		<-done
	})
	return n
}

func (l *load) fromInside() *lane  { return l.inside[l.turn%len(l.inside)] }
func (l *load) fromOutside() *lane { return l.outside[l.turn%len(l.outside)] }

// ask sends a request and has the ledger follow it.
func (n *lane) ask(name string, r siptest.Request, expect expectation) {
	n.load.world.book.Load().asked(name, r, expect)
	if err := n.conn.Send(r); err != nil {
		n.load.world.t.Errorf("a connection that no change forbids broke: %v", err)
	}
}

// hear takes what comes until the connection ends, which only the test may do.
func (n *lane) hear() {
	w := n.load.world
	for {
		m, err := n.conn.Receive()
		switch {
		case siptest.Quiet(err):
			continue
		case err != nil:
			if !n.over.Load() {
				w.t.Errorf("a connection that no change forbids was closed: %v", err)
			}
			return
		}
		w.book.Load().answered(m)
		if m.Method() == "INVITE" && m.Status() == 200 {
			n.talk(m)
		}
	}
}

// talk acknowledges an INVITE's answer and ends the dialog. Both reach whom the answer names, whatever the routes say now.
func (n *lane) talk(m *sip.Message) {
	d := siptest.Caller(m)
	hop := n.load.world.hopOf(d.Target)
	n.ask("ACK to "+hop, d.Request("ACK"), func(*world, *state) outcome { return outcome{status: unanswered, hops: []string{hop}} })
	n.ask("BYE to "+hop, d.Request("BYE"), answeredBy(hop))
}

// mostOpen is how many requests are under way before no more are sent: it is far beyond what the rate makes, and keeps a
// machine that has other work from being taken for a node that does not answer.
const mostOpen = 100

// runUntil sends at the rate that is wanted, whatever comes back.
func (l *load) runUntil(stop <-chan struct{}) {
	began, pulse := time.Now(), time.NewTicker(2*time.Millisecond)
	defer pulse.Stop()
	for sent := 0; ; {
		select {
		case <-stop:
			return
		case <-pulse.C:
		}
		for due := int(time.Since(began).Seconds() * float64(*rate)); sent < due; sent++ {
			if l.book.unfinished() >= mostOpen {
				l.held += due - sent
				sent = due
				break
			}
			s := l.plan[l.turn%len(l.plan)]
			s.send(l)
			l.turn++
			if s.double {
				sent++
			}
		}
	}
}

func (l *load) run(d time.Duration) {
	stop := make(chan struct{})
	timer := time.AfterFunc(d, func() { close(stop) })
	defer timer.Stop()
	l.runUntil(stop)
}

// end waits for what is on its way, for no longer than whoever asked would.
func (l *load) end() {
	l.visits.Wait()
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	for end := time.Now().Add(siptest.AnswerLimit); l.book.unfinished() > 0 && time.Now().Before(end); {
		<-look.C
	}
}
