package proxy

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"isthmus/internal/metrics"
	"isthmus/internal/names"
	"isthmus/internal/routing"
	"isthmus/internal/sip"
	"isthmus/internal/sip/transaction"
	"isthmus/internal/sip/transport"
)

// Directory is who the users are; it answers from memory.
type Directory = routing.Directory

// TLS is how a next hop is connected to over TLS.
type TLS struct {
	Config  *tls.Config
	Key     string                           // changes when Config means something else
	Subject func(tls.ConnectionState) string // as transport.Target has it
}

// Config is what a Proxy is made of.
type Config struct {
	Directory Directory
	Key       []byte // a secret that the cluster's nodes share, by which one believes another what side a request has
	// TLS says how to connect to a hop whose transport is TLS. The error is a whole sentence.
	TLS func(*routing.Hop) (TLS, error)
	// Recheck judges a TLS connection when it comes up, again after a change, and when it is good no longer by what was
	// said before: after until, unless that is zero. nil: they stay good.
	Recheck func(*transport.Peer) (until time.Time, err error)
	Names   *names.Book // what DNS says of peers and next hops; nil: it is not asked
	// HandshakeReason names why a handshake failed as one of a few texts, for metrics. nil: they are all alike.
	HandshakeReason func(error) string
	// HandshakeCause says in a sentence why a handshake failed, for the log and Warning headers. nil: its error says it.
	HandshakeCause func(FailedHandshake) error
	// HandshakeFailed hears of TLS handshakes that failed, of many strangers' not each time. It must not wait. nil: nobody does.
	HandshakeFailed func(FailedHandshake)
	// Recovered hears of a fault inside that cost a request, in the deferred call that caught it. nil: nobody does.
	Recovered func(panicked any)

	// Transactions open at once, beyond which requests are refused with 503. 0: 25,000 and 200,000.
	OpenPerPeer int // of one address outside
	OpenInAll   int // of everybody

	Clock   transaction.Clock // nil: the wall's
	Log     *slog.Logger      // nil: nothing is logged
	Metrics *metrics.Metrics  // nil: nobody reads them
	Random  func(n int) int   // draws from 0 to n-1 among hops of one priority; nil: a random number
}

// Proxy is the SIP proxy of one node. Its methods may be called from any goroutine.
type Proxy struct {
	config  Config
	clock   transaction.Clock
	log     *slog.Logger
	metrics *metrics.Metrics
	key     routing.BranchKey
	table   *transaction.Table
	policy  atomic.Pointer[routing.Policy]
	network Network
	stopped atomic.Bool

	serial   atomic.Uint64 // of branches and tags, from a random start
	busyTag  string        // To tag of refusals without a transaction
	load     *load
	ending   lameduck
	bans     bans
	forged   bans     // of datagrams
	flooded  gate     // likewise
	turned   gate     // of messages of strangers who connect, for the log
	shaking  gate     // of handshakes of strangers
	failing  seldom   // of handshakes of known peers, for the log
	unbegun  seldom   // of handshakes of strangers that this node refused or cut off, for the log
	refusing gate     // of all that it refused or cut off, for the page
	places   sync.Map // key of a hop -> *place
	wires    wires
	dated    dated
	returns  returns
}

// New makes a proxy without a policy, a network and connections: SetPolicy and Start give it these.
func New(c Config) *Proxy {
	if c.Clock == nil {
		c.Clock = transaction.Wall()
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Metrics == nil {
		c.Metrics = metrics.New("")
	}
	if c.Random == nil {
		c.Random = rand.IntN
	}
	if c.HandshakeReason == nil {
		c.HandshakeReason = func(error) string { return "TLS handshake failed" }
	}
	if c.HandshakeCause == nil {
		c.HandshakeCause = func(f FailedHandshake) error { return f.Err }
	}
	if c.HandshakeFailed == nil {
		c.HandshakeFailed = func(FailedHandshake) {}
	}
	if c.Recovered == nil {
		c.Recovered = func(any) {}
	}
	p := &Proxy{config: c, clock: c.Clock, log: c.Log, metrics: c.Metrics, key: routing.NewBranchKey(c.Key), table: transaction.New(c.Clock)}
	p.table.Recovered = p.recovered
	if c.Names != nil {
		c.Names.OnChange(p.namesChanged)
	}
	p.serial.Store(rand.Uint64() >> 1)
	p.busyTag, p.load = p.tag(), newLoad(c.OpenPerPeer, c.OpenInAll)
	return p
}

// Start gives the proxy its network. It comes before the first connection.
func (p *Proxy) Start(n Network) { p.network = n }

// Stop ends the probes. What is on its way goes on.
func (p *Proxy) Stop() {
	p.stopped.Store(true)
	for _, pl := range p.allPlaces() {
		pl.forget()
	}
}

// Transactions returns the numbers of live transactions, as server and as client.
func (p *Proxy) Transactions() (server, client int) { return p.table.Len() }

// receive handles one message of a connection, in the order in which they came.
func (p *Proxy) receive(l Link, m *sip.Message) {
	policy := p.policy.Load()
	switch {
	case policy == nil:
		l.Close(errNoPolicy)
	case !l.Peer().Opened && !policy.Serves():
		p.late(l, m)
		l.Retire(errServiceOff) // accepted while the listeners were being closed
	case m.IsRequest():
		if l.Peer().Opened {
			p.wires.asksHere(l.ID(), p.clock.Now())
		}
		p.request(policy, l, m)
	default:
		p.response(policy, l, m)
	}
}

// request admits, finds the transaction, decides and acts.
func (p *Proxy) request(policy *routing.Policy, l Link, m *sip.Message) {
	policy, verdict, ok := p.admitted(policy, l, m)
	if !ok {
		return
	}
	in := incoming{policy: policy, link: l, message: m}
	if m.Method() != "BENOTIFY" && !p.transact(&in, verdict.Internal) {
		return
	}
	var err error
	if in.request, err = policy.Read(m, verdict, p.key); err != nil {
		p.refuseMalformed(&in, err)
		return
	}
	p.act(&in, policy.Decide(&in.request, p.config.Directory))
}

// An incoming is a request in the hand: it lives during the call that received it. Its relay, which is nil for ACK and BENOTIFY,
// as they have no answer, is what the request needs from now to its end, as one piece of memory.
type incoming struct {
	policy  *routing.Policy
	link    Link
	message *sip.Message
	request routing.Request
	relay   *relay
}

func (p *Proxy) act(in *incoming, d routing.Decision) {
	switch d.Action {
	case routing.Answer:
		p.answer(in, d)
	case routing.Drop:
		p.drop(in, d)
	case routing.Cancel:
		p.cancel(in)
	case routing.Forward:
		p.metrics.Request(in.message.Method(), metrics.Forwarded)
		if in.relay == nil {
			p.pass(in, d)
		} else {
			p.relay(in, d)
		}
	}
}

// response takes a response on the connection that carried the request, or on another of an admitted peer.
func (p *Proxy) response(policy *routing.Policy, l Link, m *sip.Message) {
	if !carried(m.Via(0).Branch, l.ID()) && !p.admits(policy, l) {
		return
	}
	p.table.Response(m)
}

// peerOf is the far end of a connection as routing judges it.
func peerOf(t *transport.Peer) routing.Peer {
	peer := routing.Peer{
		Addr: t.Remote.Addr(), UDP: t.Transport == sip.UDP, TLS: t.Transport == sip.TLS,
		Listener: t.Listener, VerifyClient: t.VerifyClient, Subject: t.Subject,
	}
	if t.Opened {
		peer.OpenedTo = t.Target.Name
	}
	return peer
}

// guard runs a function on a goroutine of our own, where a panic must not end the process.
func (p *Proxy) guard(f func()) {
	defer func() {
		if panicked := recover(); panicked != nil {
			p.recovered(panicked)
		}
	}()
	f()
}

func (p *Proxy) recovered(panicked any) {
	p.metrics.Panic()
	p.log.Error("a fault inside Isthmus; this request is lost, the others go on", "reason", fmt.Sprint(panicked), "stack", string(debug.Stack()))
	p.config.Recovered(panicked)
}
