package load

import (
	"cmp"
	"crypto/tls"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Options say what one run does.
type Options struct {
	Scenario Scenario
	Proxy    string      // host and port of its listener
	Locals   []string    // addresses that callers connect from, one connection each
	TLS      *tls.Config // nil: TCP
	Call     Call        // without Local and Protocol
	Relay    bool        // the proxy changes nothing

	Rate        int // transactions a second in an open loop; 0: saturated
	Outstanding int // saturated: transactions under way over all connections
	Warm        time.Duration
	Duration    time.Duration
	Drain       time.Duration // how long the last answers may take; 0: 5 s
	Begin, End  func()        // called at both ends of Duration; may be nil
}

// A Result is what a run measured between Begin and End.
type Result struct {
	Completed int             // transactions
	Failed    int             // not answered with 200, over the whole run
	Elapsed   time.Duration   // between Begin and End
	Samples   []time.Duration // from when a request was to be sent until its final answer; of a dialog its INVITE's
	Findings  *Findings
}

// drainLimit is how long the last answers may take: more than a transaction does that was lost on its way (RFC 3261 timer F).
const drainLimit = 5 * time.Second

var runs atomic.Int64

// A run is one under way.
type run struct {
	number   int
	scenario Scenario
	options  *Options
	expects  *expectation
	callers  []*caller
	epoch    time.Time
	records  atomic.Bool

	listening sync.WaitGroup
}

func (r *run) since() time.Duration { return time.Since(r.epoch) }

// Run puts load on a proxy in front of the upstream.
func (u *Upstream) Run(o Options) (Result, error) {
	r := &run{number: int(runs.Add(1)), scenario: o.Scenario, options: &o, epoch: time.Now()}
	defer r.close()
	defer u.expects.Store(nil)
	if err := r.dial(u); err != nil {
		return Result{}, err
	}
	if err := r.greet(); err != nil {
		return Result{}, err
	}
	return r.measure(), nil
}

// dial connects the callers and tells the upstream what to expect of them.
func (r *run) dial(u *Upstream) error {
	for i, local := range r.options.Locals {
		c, err := r.connect(i, local)
		if err != nil {
			return fmt.Errorf("connect to %s: %w", r.options.Proxy, err)
		}
		r.callers = append(r.callers, c)
	}
	r.expect()
	for i := range u.sequence {
		u.sequence[i].Store(0)
	}
	u.expects.Store(r.expects)
	for _, c := range r.callers {
		r.listening.Go(func() { _ = c.listen() }) // a connection that breaks leaves failed transactions
	}
	return nil
}

// greet sends one request over each connection and waits for the answers, so that the proxy has its connection to the upstream
// when the load comes: opening it is not what is measured.
func (r *run) greet() error {
	for _, c := range r.callers {
		c.over.Store(true) // it begins no other
		c.begin(r.since())
		_ = c.writer.Flush() // a lost connection shows as no answer
	}
	if failed := r.drain(); failed > 0 {
		return fmt.Errorf("%d of the first %d requests through %s were not answered with 200\n%v", failed, len(r.callers), r.options.Proxy, r.expects.findings)
	}
	for _, c := range r.callers {
		c.over.Store(false)
	}
	return nil
}

func (r *run) connect(index int, local string) (*caller, error) {
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(local)}, Timeout: 5 * time.Second}
	conn, err := d.Dial("tcp", r.options.Proxy)
	if err != nil {
		return nil, err
	}
	call := r.options.Call
	call.Local, call.Protocol = conn.LocalAddr().String(), "TCP"
	if r.options.TLS != nil {
		call.Protocol = "TLS"
		secure := tls.Client(conn, r.options.TLS)
		if err := secure.Handshake(); err != nil {
			return nil, err
		}
		conn = secure
	}
	return newCaller(r, index, conn, call), nil
}

// expect says what the upstream will get.
func (r *run) expect() {
	c := r.callers[0]
	var h head
	h.read(c.first.text)
	r.expects = &expectation{
		run: r.number, relay: r.options.Relay, first: string(h.start), contact: c.call.Contact, body: h.body,
		from: "<sip:" + c.call.From + ">;tag=f", findings: new(Findings), order: new(order),
	}
	for _, c := range r.callers {
		r.expects.vias = append(r.expects.vias, c.via)
	}
}

// measure runs the load and returns what came of it.
func (r *run) measure() Result {
	stopped := r.start()
	time.Sleep(r.options.Warm)
	r.mark(r.options.Begin)
	r.records.Store(true)
	before, began := r.completed(), time.Now()
	time.Sleep(r.options.Duration)
	completed, elapsed := r.completed()-before, time.Since(began)
	r.records.Store(false)
	r.mark(r.options.End)
	for _, c := range r.callers {
		c.over.Store(true)
	}
	<-stopped
	result := Result{Completed: completed, Elapsed: elapsed, Failed: r.drain(), Findings: r.expects.findings}
	r.close()
	for _, c := range r.callers {
		result.Samples = append(result.Samples, c.samples...)
	}
	return result
}

func (r *run) mark(f func()) {
	if f != nil {
		f()
	}
}

func (r *run) completed() (n int) {
	for _, c := range r.callers {
		n += int(c.completed.Load())
	}
	return n
}

// drain waits for the last answers and returns how many transactions failed.
func (r *run) drain() int {
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	for end := time.Now().Add(cmp.Or(r.options.Drain, drainLimit)); r.open() > 0 && time.Now().Before(end); {
		<-look.C
	}
	failed := r.open()
	for _, c := range r.callers {
		failed += int(c.failed.Load())
	}
	return failed
}

func (r *run) open() (n int) {
	for _, c := range r.callers {
		c.mu.Lock()
		n += c.open
		c.mu.Unlock()
	}
	return n
}

func (r *run) close() {
	for _, c := range r.callers {
		c.conn.Close()
	}
	r.listening.Wait()
}
