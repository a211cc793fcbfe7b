// Package soak proves what an administrator relies on in the one maintenance window: a node under load takes any change of
// its configuration without losing, misrouting or doubling a transaction, and without growing. The node runs in this
// process, so that the race detector sees it; its sockets, its traffic and its certificates are real, and its
// configuration comes from the test.
//
// The tests of every day run a short form. make soak runs the long one and prints its figures.
package soak

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"
)

var (
	changes  = flag.Int("changes", 30, "how many changes are put in force")
	duration = flag.Duration("duration", 3*time.Second, "over what time")
	rate     = flag.Int("rate", 500, "transactions a second, whether the node keeps up or not")
	seed     = flag.Uint64("seed", 1, "of the changes")
	settle   = flag.Bool("settle", false, "wait until every transaction has ended, and measure what is left")
)

// A node that ended leaves nothing running.
func TestMain(m *testing.M) {
	if !floods() {
		goleak.VerifyTestMain(m)
	}
}

// inForce is how long a change may take at most. Two cores that also play everybody else are no fair judge of the second
// that the product promises; the figures show what it took.
const inForce = 5 * time.Second

func TestChangesUnderLoadLoseNothingAndLeaveNothing(t *testing.T) {
	w := newWorld(t)
	w.change("the first configuration", func(*state) {})
	l := w.newLoad()
	l.run(max(*duration/20, time.Second))
	l.end()
	if *settle {
		w.awaitNoTransactions()
	}
	calm := l.book.audit()
	before := percentiles(l.book.latencies())
	l.begin()
	l.held = 0
	quiet := w.measure()
	took := l.whileRunning(w.changeAll)
	l.end()
	if *settle {
		w.awaitNoTransactions()
		w.awaitConnections(quiet.connections)
	}
	stormy := l.book.audit()
	during := percentiles(l.book.latencies())
	l.begin()
	w.forgetThePast()
	now := w.measure()
	w.judge(quiet, now, calm.invites+stormy.invites)
	slices.Sort(w.took)
	fmt.Printf("soak: %d transactions, %d more held back, %d lost, %d wrong, %d double; %d changes in %v, each in force within %s (50 %%, 99 %%, all); "+
		"MESSAGE answered within %s before, %s during (50 %%, 99 %%, all); heap %+d bytes a change\n",
		stormy.transactions, l.held, stormy.lost, stormy.wrong, stormy.double, *changes, took.Round(time.Second/10), percentiles(w.took),
		before, during, (now.heap-quiet.heap)/int64(*changes))
}

// whileRunning does something under load and returns how long that took.
func (l *load) whileRunning(do func()) time.Duration {
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		l.runUntil(stop)
	}()
	began := time.Now()
	do()
	took := time.Since(began)
	close(stop)
	<-stopped
	return took
}

// changeAll puts one change after the other in force, evenly over the time there is.
func (w *world) changeAll() {
	random := rand.New(rand.NewPCG(*seed, 0))
	pause := time.NewTicker(max(*duration/time.Duration(*changes), time.Millisecond))
	defer pause.Stop()
	for range *changes {
		<-pause.C
		w.changeSomething(random)
	}
	w.putRight()
}

// percentiles are the times within which half, 99 in a hundred, and all were done. The list is sorted.
func percentiles(list []time.Duration) string {
	if len(list) == 0 {
		return "none"
	}
	at := func(share int) time.Duration { return list[(len(list)-1)*share/100].Round(time.Microsecond) }
	return fmt.Sprintf("%v/%v/%v", at(50), at(99), at(100))
}
