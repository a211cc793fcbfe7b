package transport

import (
	"errors"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// A HandshakeRefusal is why this node did not begin a TLS handshake, or did not go on with it.
type HandshakeRefusal struct {
	Reason string // short and one of a few, for logs, counters and status rows
	Detail string // whole sentence with the way out
}

func (r *HandshakeRefusal) Error() string { return r.Reason + ": " + r.Detail }

// Refusal tells its parts to who does not know this package.
func (r *HandshakeRefusal) Refusal() (reason, detail string) { return r.Reason, r.Detail }

// refused reports a handshake that this node did not go on with.
func refused(err error) bool {
	_, ok := errors.AsType[*HandshakeRefusal](err)
	return ok
}

// Why a handshake was refused.
var (
	ErrHandshakesWaiting = &HandshakeRefusal{"too many TLS handshakes of unlisted peers",
		"this node keeps its processors for listed peers whose handshakes succeed; list the address in the incoming ACL if it is a server of yours, or correct what its earlier handshakes failed for."}
	ErrHandshakesOpen = &HandshakeRefusal{"too many TLS handshakes of one address at once",
		"the address is not listed, or fails often; list it in the incoming ACL if it is a server of yours, and see why its handshakes take so long."}
	ErrHandshakesFailed = &HandshakeRefusal{"too many failed TLS handshakes of one address",
		"the address is not listed, and its handshakes failed or no request followed; correct what the earlier ones failed for."}
)

const (
	provedFor       = time.Hour // how long an address is remembered by a certificate that made it known
	mostHandshakers = 10_000    // addresses remembered; beyond it the quiet ones are forgotten
	restsFor        = 4         // times as long as it was used, a turn is nobody's: strangers get a fifth of its processor
	restsInFlood    = 40        // times when the queue is full, growing from half of it on, so that listed peers hardly notice a flood
	longestRest     = time.Second
)

// handshakes share the processor out among the TLS handshakes of strangers. A signature costs a millisecond and can be
// had for a few bytes, so a flood of them would leave peers nothing. A handshake takes a turn only while it is worked on,
// and none while it waits for its peer: those who stall keep nobody waiting. After its use a turn rests, the longer the
// more the machine has to do, and still longer when strangers wait for half of the places in the queue or more. Of one
// address only one is worked on at a time. An address fails so often and no oftener before it is refused at accept.
//
// Favoured peers take no turn and never wait: those that the Handler knows by their address, and those that their
// certificate made known lately, unless they fail often. Nothing here blocks but wait, which has its own connection's
// goroutine and deadline.
type handshakes struct {
	limits *Limits
	mu     sync.Mutex
	free   int          // turns that nobody has
	queue  []*handshake // who waits for one; those that had one before come first
	peers  map[netip.Addr]*handshaker
}

// A handshaker is an address that shakes hands.
type handshaker struct {
	open   int     // handshakes that are not favoured
	busy   bool    // one of them has a turn
	failed float64 // at counted; it gets less by one each second
	at     time.Time
	proved time.Time // when a certificate last made the peer known
}

func (p *handshaker) failures(now time.Time) float64 {
	return max(0, p.failed-now.Sub(p.at).Seconds())
}

// begin is asked at accept, before anything is paid for. Each handshake that it returns has its end.
func (s *handshakes) begin(addr netip.Addr, known bool) (*handshake, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	p := s.peer(addr, now)
	often := p.failures(now) > float64(s.limits.HandshakeFailures-1)
	switch {
	case !often && (known || now.Sub(p.proved) < provedFor):
		return &handshake{all: s, addr: addr, favoured: true}, nil
	case often && !known:
		return nil, ErrHandshakesFailed
	case p.open >= s.limits.HandshakesEach:
		return nil, ErrHandshakesOpen
	case len(s.queue) >= s.limits.HandshakeQueue:
		return nil, ErrHandshakesWaiting
	}
	p.open++
	return &handshake{all: s, addr: addr, peer: p, until: now.Add(s.limits.HandshakeIn)}, nil
}

// peer finds an address, or makes room for it. Who has handshakes open is kept.
func (s *handshakes) peer(addr netip.Addr, now time.Time) *handshaker {
	if p := s.peers[addr]; p != nil {
		return p
	}
	if len(s.peers) >= mostHandshakers {
		s.forget(func(p *handshaker) bool { return p.failures(now) == 0 && now.Sub(p.proved) >= provedFor })
		if len(s.peers) > mostHandshakers/2 {
			s.forget(func(*handshaker) bool { return true }) // a flood from everywhere: counting it spares nothing
		}
	}
	p := &handshaker{}
	s.peers[addr] = p
	return p
}

func (s *handshakes) forget(which func(*handshaker) bool) {
	for addr, p := range s.peers {
		if p.open == 0 && which(p) {
			delete(s.peers, addr)
		}
	}
}

// waiting is how many have something to work on and no turn.
func (s *handshakes) waiting() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.queue)
}

// give hands out turns. The lock is held.
func (s *handshakes) give() {
	for s.free > 0 {
		i := slices.IndexFunc(s.queue, func(h *handshake) bool { return !h.peer.busy })
		if i < 0 {
			return
		}
		h := s.queue[i]
		s.queue = slices.Delete(s.queue, i, i+1)
		s.free--
		h.peer.busy, h.turn, h.begun, h.since = true, true, true, time.Now()
		close(h.ready)
	}
}

// rest keeps a turn back after it was used. The lock is held.
func (s *handshakes) rest(used time.Duration) {
	if used <= 0 {
		s.free++
		s.give()
		return
	}
	times := restsFor
	if limit := s.limits.HandshakeQueue; len(s.queue) > limit/2 {
		times += (restsInFlood - restsFor) * (2*min(len(s.queue), limit) - limit) / limit
	}
	time.AfterFunc(min(time.Duration(times)*used, longestRest), func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.free++
		s.give()
	})
}

// A handshake is one connection's, and the net.Conn under its TLS: while the handshake lasts, what was read is worked on
// in turn. Its methods are for the connection's goroutine.
type handshake struct {
	net.Conn
	all      *handshakes
	addr     netip.Addr
	favoured bool
	peer     *handshaker // nil when favoured
	until    time.Time
	done     <-chan struct{} // closed when the connection ends
	ended    bool
	ready    chan struct{} // closed when it gets a turn

	alert clearAlert

	begun, turn bool      // it had a turn, and has one; guarded by all.mu
	since       time.Time // when it got the last
}

// Read gives the turn back while the peer thinks.
func (h *handshake) Read(b []byte) (int, error) {
	if h.ended {
		return h.Conn.Read(b)
	}
	if h.favoured {
		return h.hear(b)
	}
	h.pause()
	n, err := h.hear(b)
	if n == 0 || err != nil {
		return n, err
	}
	if err := h.wait(); err != nil {
		return 0, err
	}
	return n, nil
}

func (h *handshake) hear(b []byte) (int, error) {
	n, err := h.Conn.Read(b)
	h.alert.follow(b[:min(n, len(b))])
	return n, err
}

func (h *handshake) pause() {
	h.all.mu.Lock()
	defer h.all.mu.Unlock()
	h.leave()
}

// leave gives the turn back, or the place in the queue. The lock is held.
func (h *handshake) leave() {
	s := h.all
	if h.turn {
		h.turn, h.peer.busy = false, false
		s.rest(time.Since(h.since))
	} else if i := slices.Index(s.queue, h); i >= 0 {
		s.queue = slices.Delete(s.queue, i, i+1)
	}
}

// wait takes a turn.
func (h *handshake) wait() error {
	if err := h.enqueue(); err != nil {
		return err
	}
	select {
	case <-h.ready:
		return nil
	default:
	}
	left := time.Until(h.until)
	if left <= 0 {
		return ErrHandshakesWaiting
	}
	timer := time.NewTimer(left)
	defer timer.Stop()
	select {
	case <-h.ready:
		return nil
	case <-h.done:
		return &net.OpError{Op: "read", Net: "tcp", Err: net.ErrClosed}
	case <-timer.C:
		return ErrHandshakesWaiting
	}
}

// enqueue puts what was begun before what was not, as work that is never finished is lost.
func (h *handshake) enqueue() error {
	s := h.all
	s.mu.Lock()
	defer s.mu.Unlock()
	at := len(s.queue)
	switch {
	case h.begun:
		if i := slices.IndexFunc(s.queue, func(o *handshake) bool { return !o.begun }); i >= 0 {
			at = i
		}
	case at >= s.limits.HandshakeQueue:
		return ErrHandshakesWaiting
	}
	h.ready = make(chan struct{})
	s.queue = slices.Insert(s.queue, at, h)
	s.give()
	return nil
}

// end is the handshake's, however it went.
func (h *handshake) end() {
	h.all.mu.Lock()
	defer h.all.mu.Unlock()
	if h.ended {
		return
	}
	h.ended = true
	if !h.favoured {
		h.leave()
		h.peer.open--
	}
}

// failed counts a handshake that came to nothing.
func (h *handshake) failed() {
	h.all.mu.Lock()
	defer h.all.mu.Unlock()
	now := time.Now()
	p := h.all.peer(h.addr, now)
	p.failed, p.at = min(p.failures(now)+1, float64(h.all.limits.HandshakeFailures)), now
}

// proved notes that a certificate has made the peer known, so that it needs no turn the next time.
func (h *handshake) proved() {
	h.all.mu.Lock()
	defer h.all.mu.Unlock()
	now := time.Now()
	h.all.peer(h.addr, now).proved = now
}
