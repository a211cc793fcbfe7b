package transport

import (
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"isthmus/internal/sip/transport/direct"
)

// socket is a TCP connection whose Write never blocks: what the kernel does not take at once is queued and written by a
// goroutine that lives as long as there is a queue. So whoever writes, be it the goroutine of another connection or
// crypto/tls under its lock, is never held up by a peer that does not read. The queue's bound is its user's business.
type socket struct {
	*direct.Conn
	limit time.Duration // a blocked write without progress
	mode  readMode      // for the connection's goroutine

	mu       sync.Mutex
	queue    []byte
	inFlight int          // bytes taken from the queue and not written yet
	backlog  atomic.Int64 // both together, readable while a write holds the lock
	draining bool
	err      error
	progress chan struct{} // closed at the next progress, nil when nobody waits for it
}

func newSocket(tcp *net.TCPConn, limits *Limits) (*socket, error) {
	conn, err := direct.New(tcp)
	if err != nil {
		return nil, err
	}
	s := &socket{Conn: conn, limit: limits.Write}
	_ = tcp.SetWriteBuffer(limits.SendBuffer)
	_ = tcp.SetKeepAliveConfig(net.KeepAliveConfig{Enable: true, Idle: limits.KeepAlive, Interval: limits.KeepAlive, Count: 3})
	setUserTimeout(conn.Raw(), limits.UserTimeout)
	return s, nil
}

// readMode is how reads of a socket wait. Those that do not end as one does whose deadline has passed.
type readMode uint8

const (
	patient readMode = iota // until something comes, or the deadline
	eager                   // what the system has is read, and nothing waited for
	dry                     // nothing is read
)

func (s *socket) Read(p []byte) (int, error) {
	switch s.mode {
	case eager:
		return s.ReadNow(p)
	case dry:
		return 0, os.ErrDeadlineExceeded
	}
	return s.Conn.Read(p)
}

// Write takes all of p or fails.
func (s *socket) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return 0, s.err
	}
	rest := p
	if !s.draining {
		rest = s.try(p)
	}
	if s.err != nil {
		return 0, s.err
	}
	if len(rest) > 0 {
		s.queue = append(s.queue, rest...)
		s.count()
		s.drainLater()
	}
	return len(p), nil
}

// try writes what the kernel takes and returns the rest.
func (s *socket) try(p []byte) (rest []byte) {
	for len(p) > 0 {
		n, err := s.WriteNow(p)
		s.err = err
		if n == 0 {
			return p
		}
		p = p[n:]
	}
	return nil
}

func (s *socket) drainLater() {
	if !s.draining {
		s.draining = true
		go s.drain()
	}
}

const drainPiece = 16 << 10

// drain writes piece by piece, so that the limit is one of progress, not of the whole queue.
func (s *socket) drain() {
	for {
		piece := s.take()
		if piece == nil {
			return
		}
		_ = s.Conn.SetWriteDeadline(time.Now().Add(s.limit))
		_, err := s.Conn.Write(piece)
		if timesOut(err) {
			err = ErrSlowReader
		}
		s.wrote(err)
	}
}

// take returns the next piece; nil ends the drain. The deadline goes with it, as the next attempt is not the drain's.
func (s *socket) take() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inFlight = min(len(s.queue), drainPiece)
	if s.inFlight == 0 || s.err != nil {
		s.queue, s.inFlight, s.draining = nil, 0, false
		s.count()
		_ = s.Conn.SetWriteDeadline(time.Time{})
		s.signal()
		return nil
	}
	piece := s.queue[:s.inFlight]
	s.queue = s.queue[s.inFlight:]
	return piece
}

// wrote notes a piece's end. After an error the connection is reset: its reader wakes up and sees to the rest.
func (s *socket) wrote(err error) {
	s.mu.Lock()
	s.inFlight = 0
	s.count()
	if err != nil && s.err == nil {
		s.err = err
	}
	s.signal()
	s.mu.Unlock()
	if err != nil {
		s.reset()
	}
}

func (s *socket) count() { s.backlog.Store(int64(len(s.queue) + s.inFlight)) }

func (s *socket) signal() {
	if s.progress != nil {
		close(s.progress)
		s.progress = nil
	}
}

// queued returns the bytes that the kernel has not taken yet, a channel that is closed when that changes, and the error that
// ended writing.
func (s *socket) queued() (n int, changed <-chan struct{}, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.progress == nil {
		s.progress = make(chan struct{})
	}
	return len(s.queue) + s.inFlight, s.progress, s.err
}

func (s *socket) failure() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// flush waits until the kernel has taken everything, at most for limit.
func (s *socket) flush(limit time.Duration) {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	for {
		n, changed, err := s.queued()
		if n == 0 || err != nil {
			return
		}
		select {
		case <-changed:
		case <-timer.C:
			return
		}
	}
}

// reset cuts the connection off; the kernel forgets what it still holds.
func (s *socket) reset() {
	_ = s.SetLinger(0)
	_ = s.Close()
}

// SetWriteDeadline does nothing, as Write never blocks. crypto/tls sets one when it says goodbye, and that must not hit the drain.
func (s *socket) SetWriteDeadline(time.Time) error { return nil }

// SetDeadline sets the deadline of reads, for the same reason.
func (s *socket) SetDeadline(t time.Time) error { return s.SetReadDeadline(t) }
