// Package transaction owns the transactions of RFC 3261 section 17, as changed by RFC 4320 (non-INVITE) and RFC 6026 (INVITE
// answered by a 2xx): what is a retransmission and what answers it, which response belongs to which request, the ACK of
// a refused INVITE, CANCEL, and the end of it all. Every transaction has a hard end on the clock, whatever its user or
// its peer does.
//
// The package knows no sockets (it is given functions that send), no routing and no configuration.
package transaction

import (
	"sync/atomic"
	"time"

	"isthmus/internal/sip"
)

// Table holds the live transactions of a node. Its methods, and those of Server and Client, may be called from any goroutine;
// functions given to it are never called with a lock held, but Inviter.Cancel.
type Table struct {
	// Recovered receives what a function of the table's user panicked with on a goroutine of a timer, so that a fault in
	// the handling of one message does not end the process. Set it before the first use; nil lets the panic go on.
	Recovered func(panicked any)

	alarms  *Alarms
	times   Times
	servers shards[Server, *Server]
	clients shards[Client, *Client]

	calls     atomic.Int64 // server transactions of INVITEs that were taken
	mostCalls int64
}

// mostCalls is how many calls that were taken are remembered, about: some 75 MB.
const mostCalls = 100_000

// New returns an empty table with the times of RFC 3261.
func New(clock Clock) *Table { return NewTimed(clock, Defaults()) }

// NewTimed returns an empty table with times of the caller's choice.
func NewTimed(clock Clock, times Times) *Table {
	t := &Table{alarms: NewAlarms(clock), times: times, mostCalls: mostCalls}
	t.servers.init()
	t.clients.init()
	return t
}

// lingering is for how long a call that was taken is remembered, to pass its 2xx on if that comes again (timers L and M of RFC
// 6026). That is for 64*T1, but for less the more calls there are beyond half of mostCalls, and for T1 at least: who takes
// thousands of calls a second can be served only if their ends do not wait for half a minute, and has had their ACKs by then.
func (t *Table) lingering() time.Duration {
	whole := t.times.Whole()
	free := 1 - float64(t.calls.Load())/float64(t.mostCalls)
	return min(whole, max(t.times.T1, time.Duration(2*free*float64(whole))))
}

// Verdict says what a received request is to the transactions there are.
type Verdict uint8

const (
	// Fresh is a request without a transaction; it has one now, and its user has to respond.
	Fresh Verdict = iota
	// Retransmission is a request that was seen before; the last response, if any, has been sent again.
	Retransmission
	// AckAbsorbed is the ACK of a final response other than 2xx; nothing remains to be done.
	AckAbsorbed
	// Stray is an ACK without such a transaction: the ACK of a 2xx, which is routed like a request, or nothing.
	Stray
)

// String returns the verdict as the log names it.
func (v Verdict) String() string {
	return [...]string{"fresh", "retransmission", "ack absorbed", "stray ack"}[v]
}

// Receive takes a valid request off the wire and finds or makes its server transaction, of fresh, which is a zero Server
// of the caller's. reliable tells whether it came over a stream; back sends a response to where this request came from,
// and is used for all of its responses. The server is nil for a stray ACK.
func (t *Table) Receive(fresh *Server, m *sip.Message, reliable bool, back Sender) (*Server, Verdict) {
	if m.Method() == "ACK" {
		return t.receiveACK(m)
	}
	var space [256]byte
	key, legacy := appendServerKey(space[:0], m, m.Method())
	fresh.table, fresh.legacy, fresh.reliable, fresh.back = t, legacy, reliable, back
	s, added := t.servers.getOrAdd(key, fresh, func() { fresh.begin(m) })
	if added {
		return s, Fresh
	}
	s.repeat(m)
	return s, Retransmission
}

func (t *Table) receiveACK(m *sip.Message) (*Server, Verdict) {
	s := t.invite(m)
	if s == nil || !s.acknowledge(m) {
		return nil, Stray
	}
	return s, AckAbsorbed
}

// Invite returns the INVITE transaction that a CANCEL means (RFC 3261 section 9.2), nil when there is none.
func (t *Table) Invite(cancel *sip.Message) *Server { return t.invite(cancel) }

func (t *Table) invite(m *sip.Message) *Server {
	var space [256]byte
	key, _ := appendServerKey(space[:0], m, "INVITE")
	return t.servers.get(key)
}

// Response hands a response to the client transaction that its topmost branch and its CSeq method name, on the caller's
// goroutine. It returns false when there is none: such a response is dropped (RFC 6026 section 8.9).
func (t *Table) Response(m *sip.Message) bool {
	var space [256]byte
	c := t.clients.get(appendClientKey(space[:0], m.Via(0).Branch, m.Method()))
	if c == nil {
		return false
	}
	c.receive(m)
	return true
}

// Alarms are those of the transactions, for the use of whoever has his own.
func (t *Table) Alarms() *Alarms { return t.alarms }

// Len returns the numbers of live transactions.
func (t *Table) Len() (server, client int) { return t.servers.len(), t.clients.len() }

// guard calls a function of the table's user on a goroutine that has no other protection.
func (t *Table) guard(f func()) {
	if t.Recovered != nil {
		defer func() {
			if panicked := recover(); panicked != nil {
				t.Recovered(panicked)
			}
		}()
	}
	f()
}
