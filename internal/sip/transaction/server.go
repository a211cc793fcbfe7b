package transaction

import (
	"bytes"
	"sync"

	"isthmus/internal/sip"
)

// state is where a transaction stands; the RFC's Trying is Calling at a client, and Proceeding without a response at a server.
type state uint8

const (
	calling state = iota
	proceeding
	accepted // INVITE only, RFC 6026
	completed
	confirmed // INVITE server only
	terminated
)

// Server is the server transaction of one request (RFC 3261 section 17.2). The 100 that an INVITE is owed within 200 ms is
// its user's to send.
//
// The zero value is what Table.Receive makes one of; it must not be copied.
type Server struct {
	table            *Table
	link             link[Server]
	invite, reliable bool
	legacy           bool
	raw              []byte
	back             Sender

	mu     sync.Mutex
	parsed *sip.Message
	state  state
	last   []byte // response to send again
	tag    []byte // legacy INVITE: To tag of the final response, which its ACK repeats
	final  int
	alarm  alarm
	tally  *Tally // nil: it counts in none
}

// A Sender takes the responses of a server transaction. It may reuse b no longer than the call.
type Sender interface{ Send(b []byte) }

// begin starts the transaction of a request.
func (s *Server) begin(m *sip.Message, key []byte) {
	n := len(m.Bytes())
	own := append(append(make([]byte, 0, n+len(key)), m.Bytes()...), key...) // one piece of memory for both
	s.raw, s.link.key = own[:n:n], own[n:]
	s.invite, s.state = m.Method() == "INVITE", proceeding
	life := s.table.times.Whole()
	if s.invite {
		life = s.table.times.Proceeding
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.alarm.start(s.table.alarms, life, (*serverAlarm)(s))
}

func (s *Server) linkage() *link[Server] { return &s.link }

// serverAlarm is a Server to its alarm.
type serverAlarm Server

func (s *serverAlarm) Ring() { (*Server)(s).ring() }

// Request returns the request, on bytes that the transaction owns. It is parsed at the first call, so that the
// thousands of transactions that never need it again stay small.
func (s *Server) Request() *sip.Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.parsed == nil {
		s.parsed = new(sip.Message)
		_ = s.parsed.Parse(s.raw) // these bytes were parsed before
	}
	return s.parsed
}

// Final returns the status of the final response, 0 while there is none.
func (s *Server) Final() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.final
}

// Respond sends a response with that status and remembers what must be sent again. What the RFCs forbid is not sent: anything
// after the final response but a further 2xx to an INVITE, anything after the transaction's end, and to a
// non-INVITE a provisional response other than 100 and a 408, which ends the transaction in silence (RFC 4320 section 4).
// The caller may reuse b.
func (s *Server) Respond(b []byte, status int) {
	s.mu.Lock()
	sends := s.accepts(b, status)
	over := s.state == terminated
	s.mu.Unlock()
	if sends {
		s.back.Send(b)
	}
	if over {
		s.table.servers.drop(s)
	}
}

// End ends the transaction without a response, for a request that is never answered.
func (s *Server) End() {
	s.mu.Lock()
	s.terminate()
	s.mu.Unlock()
	s.table.servers.drop(s)
}

func (s *Server) terminate() {
	s.state, s.last = terminated, nil
	s.alarm.Stop()
	s.tally.Leave()
	s.tally = nil
}

// accepts makes the transition and reports whether the response goes out.
func (s *Server) accepts(b []byte, status int) bool {
	switch {
	case s.state == accepted:
		return status/100 == 2
	case s.state != proceeding:
		return false
	case status < 200:
		return s.provisional(b, status)
	}
	s.final = status
	if s.invite {
		s.finishInvite(b, status)
		return true
	}
	return s.finishOther(b, status)
}

func (s *Server) provisional(b []byte, status int) bool {
	if !s.invite && status != 100 {
		return false
	}
	s.last = bytes.Clone(b)
	if s.invite {
		s.alarm.endIn(s.table.times.Proceeding)
	}
	return true
}

// finishInvite: after a 2xx only retransmitted INVITEs are absorbed, as that response is sent again by the far end (Timer
// L); any other response is sent until its ACK comes (Timers G and H).
func (s *Server) finishInvite(b []byte, status int) {
	times := &s.table.times
	s.alarm.endIn(times.Whole())
	if status < 300 {
		s.state, s.last = accepted, nil
		return
	}
	s.state, s.last = completed, bytes.Clone(b)
	if s.legacy {
		var response sip.Message
		_ = response.Parse(s.last)
		s.tag = response.To().Tag()
	}
	if !s.reliable {
		s.alarm.repeat(times.T1, times.T2)
	}
}

// finishOther: on a stream nothing is retransmitted, so the transaction is over (Timer J is 0).
func (s *Server) finishOther(b []byte, status int) (sends bool) {
	if s.reliable || status == 408 {
		s.terminate()
		return status != 408
	}
	s.state, s.last = completed, bytes.Clone(b)
	s.alarm.endIn(s.table.times.Whole())
	return true
}

// repeat answers a retransmitted request with the last response.
func (s *Server) repeat() {
	s.mu.Lock()
	var last []byte
	if s.state == proceeding || s.state == completed {
		last = s.last
	}
	s.mu.Unlock()
	if last != nil {
		s.back.Send(last)
	}
}

// acknowledge takes an ACK and reports whether it ends here. After a 2xx it does not: that ACK is its user's to route (RFC 6026
// section 7.1), though by rights it has a branch of its own.
func (s *Server) acknowledge(ack *sip.Message) bool {
	s.mu.Lock()
	absorbed := s.absorbs(ack)
	over := s.state == terminated
	s.mu.Unlock()
	if over {
		s.table.servers.drop(s)
	}
	return absorbed
}

func (s *Server) absorbs(ack *sip.Message) bool {
	if s.state == accepted || s.legacy && s.state == completed && !bytes.Equal(s.tag, ack.To().Tag()) {
		return false
	}
	if s.state == completed {
		s.confirm()
	}
	return true
}

// confirm absorbs further ACKs for the length of Timer I: none on a stream.
func (s *Server) confirm() {
	if s.reliable {
		s.terminate()
		return
	}
	s.state, s.last = confirmed, nil
	s.alarm.endIn(s.table.times.T4)
}

func (s *Server) ring() {
	s.mu.Lock()
	if s.state == terminated { // while the ring was on its way
		s.mu.Unlock()
		return
	}
	end, again := s.alarm.due()
	last := s.last
	if end {
		s.terminate()
	}
	s.mu.Unlock()
	switch {
	case end:
		s.table.servers.drop(s)
	case again && last != nil:
		s.table.guard(func() { s.back.Send(last) })
	}
}
