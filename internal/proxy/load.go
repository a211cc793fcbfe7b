package proxy

import (
	"cmp"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"isthmus/internal/metrics"
	"isthmus/internal/routing"
	"isthmus/internal/sip"
	"isthmus/internal/sip/transaction"
)

// Beyond so many open transactions a request is refused with 503. What ends something, or has no answer, always passes.
const (
	openPerPeer  = 25_000  // of one address outside
	openInAll    = 200_000 // of everybody
	retryAfter   = 5       // seconds, told to whoever is refused
	overloadWait = 5 * time.Second
	overload     = "overload" // the literal reason in logs and metrics
)

var passesOverload = map[string]bool{"BYE": true, "CANCEL": true}

// load counts the open transactions, and has them by address, in pieces with a lock each.
type load struct {
	perPeer, inAll int64
	short          atomic.Bool // of memory
	all            sender
	pieces         [16]senders
}

type senders struct {
	sync.RWMutex
	known map[source]*sender
	most  int // senders, before those without transactions are swept
}

// A source is who sends. What comes over UDP counts for itself, as its address may be forged.
type source struct {
	addr      netip.Addr
	datagrams bool
}

// A sender is an address with transactions open.
type sender struct {
	*transaction.Tally
	logged atomic.Int64 // when a refusal was, in nanoseconds
}

func newLoad(perPeer, inAll int) *load {
	l := &load{perPeer: int64(cmp.Or(perPeer, openPerPeer)), inAll: int64(cmp.Or(inAll, openInAll))}
	l.all.Tally = transaction.NewTally(nil)
	for i := range l.pieces {
		l.pieces[i].known, l.pieces[i].most = map[source]*sender{}, 256
	}
	return l
}

// enter counts a request of a source; what comes from inside counts among all only.
func (l *load) enter(from source, inside bool) *sender {
	if inside {
		l.all.Enter()
		return &l.all
	}
	bytes := from.addr.As16()
	p := &l.pieces[(bytes[15]^bytes[7])%16]
	p.RLock()
	s := p.known[from]
	if s != nil {
		s.Enter() // under the lock, so that it is not swept
	}
	p.RUnlock()
	if s == nil {
		s = p.add(from, l.all.Tally)
	}
	return s
}

func (p *senders) add(from source, all *transaction.Tally) *sender {
	p.Lock()
	defer p.Unlock()
	s := p.known[from]
	if s == nil {
		p.sweep()
		s = &sender{Tally: transaction.NewTally(all)}
		p.known[from] = s
	}
	s.Enter()
	return s
}

// sweep forgets who has nothing open, once there are many: what is kept is in proportion to the open transactions.
func (p *senders) sweep() {
	if len(p.known) < p.most {
		return
	}
	for from, s := range p.known {
		if s.Open() == 0 {
			delete(p.known, from)
		}
	}
	p.most = max(256, 2*len(p.known))
}

// Shed says whether new requests are refused as beyond a limit, because the node is short of memory.
func (p *Proxy) Shed(short bool) { p.load.short.Store(short) }

// exceeded says whose limit a sender's latest request is beyond, "" for nobody's.
func (l *load) exceeded(s *sender, addr netip.Addr) string {
	switch {
	case l.short.Load():
		return "this node is short of memory"
	case s != &l.all && s.Open() > l.perPeer:
		return fmt.Sprintf("%v has %d requests open", addr, l.perPeer)
	case l.all.Open() > l.inAll:
		return fmt.Sprintf("this node has %d requests open", l.inAll)
	}
	return ""
}

// transact finds or makes the transaction of a request, and reports whether it is to be decided.
func (p *Proxy) transact(in *incoming, inside bool) bool {
	m, peer := in.message, in.link.Peer()
	if m.Method() == "ACK" {
		_, kind := p.table.Receive(nil, m, peer.Transport.Reliable(), nil) // an ACK has no transaction of its own, and no answer
		return kind == transaction.Stray && string(m.To().Tag()) != p.busyTag
	}
	addr := peer.Remote.Addr().Unmap()
	from := p.load.enter(source{addr, !peer.Transport.Reliable()}, inside)
	if p.stopped.Load() {
		p.ending.came.Add(1)
	}
	if reason, text := p.closedTo(m, from, addr); reason != "" {
		from.Leave()
		p.refuseUnheard(in, from, reason, text)
		return false
	}
	r := &relay{rewrite: rewrite{proxy: p, link: in.link}}
	server, kind := p.table.Receive(&r.server, m, peer.Transport.Reliable(), r)
	if kind != transaction.Fresh {
		from.Leave()
		return false
	}
	server.CountIn(from.Tally)
	in.relay = r
	return true
}

// refuseUnheard refuses without a transaction, and logs that now and then.
func (p *Proxy) refuseUnheard(in *incoming, from *sender, reason, text string) {
	p.sendAway(in.policy, in.link, in.message, reason, text)
	now := p.clock.Now().UnixNano()
	if last := from.logged.Load(); now-last >= int64(overloadWait) && from.logged.CompareAndSwap(last, now) {
		p.logRequest(slog.LevelWarn, "requests refused", in, reason+": "+text+"; those that come meanwhile are answered 503")
	}
}

// sendAway answers 503 without a transaction (RFC 3261 section 8.2.7): always with one To tag, by which the ACK of such
// an answer is known.
func (p *Proxy) sendAway(policy *routing.Policy, l Link, m *sip.Message, reason, text string) {
	headers := []string{fmt.Sprintf("Retry-After: %d", retryAfter), warning(policy.Node(), text)}
	a := p.reply(l, 503, headers)
	a.ToTag = p.busyTag
	_ = l.Send(m.AppendAnswer(nil, a)) // who is gone needs no refusal
	p.metrics.Response(503, 0)
	p.metrics.Request(m.Method(), metrics.Refused)
	p.metrics.Refusal(reason)
}
