package load

import (
	"fmt"
	"math/rand/v2"
	"net"
	"syscall"
	"time"

	"isthmus/bench/wire"
)

func newCaller(r *run, index int, conn net.Conn, call Call) *caller {
	return &caller{
		run: r, index: index, conn: conn, writer: wire.NewWriter(conn), call: call,
		first:   newTemplate(r.scenario.request(call)),
		via:     fmt.Sprintf("SIP/2.0/%s %s;branch=z9hG4bK", call.Protocol, call.Local),
		flights: make([]flight, window), again: r.options.Rate == 0,
	}
}

// start begins the load. The channel is closed once nothing more is begun.
func (r *run) start() (stopped chan struct{}) {
	stopped = make(chan struct{})
	if r.options.Rate > 0 {
		go func() {
			defer close(stopped)
			r.pace()
		}()
		return stopped
	}
	for i := range r.options.Outstanding {
		r.callers[i%len(r.callers)].begin(r.since())
	}
	for _, c := range r.callers {
		_ = c.writer.Flush() // a lost connection shows as failed transactions
	}
	close(stopped)
	return stopped
}

// pace begins transactions at random times (a Poisson process, the same one in every run), whether earlier ones were answered or
// not. Each counts from when it was to begin: what the proxy held up is in its figures.
func (r *run) pace() {
	random := rand.New(rand.NewPCG(7, 7))
	due := float64(r.since())
	for i := 0; !r.callers[0].over.Load(); i++ {
		due += random.ExpFloat64() * float64(time.Second) / float64(r.options.Rate)
		r.await(time.Duration(due))
		c := r.callers[i%len(r.callers)]
		if !c.begin(time.Duration(due)) {
			c.failed.Add(1)
			continue
		}
		_ = c.writer.Flush() // a lost connection shows as failed transactions
	}
}

// await sleeps in the kernel: the runtime's own timers come late while the processors are busy.
func (r *run) await(due time.Duration) {
	if left := due - r.since(); left > 0 {
		wait := syscall.NsecToTimespec(int64(left))
		_ = syscall.Nanosleep(&wait, nil) // cut short, a request is early by little
	}
}
