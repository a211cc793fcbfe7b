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
	table *Table
	link  link[Server]
	back  Sender

	invite, reliable, legacy bool

	mu    sync.Mutex
	state state
	tried bool // a 100 was the last response
	final uint16
	raw   []byte // the request, until it has its final answer
	last  string // response to send again, "": none; a slice would take more room
	alarm alarm
	tally *Tally // nil: it counts in none
}

// A Sender takes the responses of a server transaction. It may use b, or the message, no longer than the call.
type Sender interface {
	Send(b []byte)
	// Trying answers a retransmitted request with a 100 once more. A transaction keeps none to send again, as it says nothing
	// that the request does not, and may be all that a hundred thousand slow requests are answered with.
	Trying(request *sip.Message)
}

// begin starts the transaction of a request.
func (s *Server) begin(m *sip.Message) {
	s.raw = bytes.Clone(m.Bytes())
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

// Request returns the request's bytes, which do not change. They are kept to be answered, and to be sent to another hop: with the
// final answer both are over, and it returns nil.
func (s *Server) Request() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.raw
}

// Read reads the Request into m; false when it is there no more.
func (s *Server) Read(m *sip.Message) bool {
	raw := s.Request()
	if raw == nil {
		return false
	}
	_ = m.Parse(raw) // these bytes were parsed before
	return true
}

// Invite reports whether the request is an INVITE.
func (s *Server) Invite() bool { return s.invite }

// Back returns what Table.Receive was given to send responses.
func (s *Server) Back() Sender { return s.back }

// Final returns the status of the final response, 0 while there is none.
func (s *Server) Final() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return int(s.final)
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
	if s.state == accepted {
		s.table.calls.Add(-1)
	}
	s.state, s.raw, s.last = terminated, nil, ""
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
	s.final, s.raw, s.tried = uint16(status), nil, false
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
	if s.tried = status == 100; s.tried {
		s.last = ""
	} else {
		s.last = string(b)
	}
	if s.invite {
		s.alarm.endIn(s.table.times.Proceeding)
	}
	return true
}

// finishInvite: after a 2xx only retransmitted INVITEs are absorbed, as that response is sent again by the far end (Timer
// L); any other response is sent until its ACK comes (Timers G and H).
func (s *Server) finishInvite(b []byte, status int) {
	if status < 300 {
		s.take()
		return
	}
	times := &s.table.times
	s.state, s.last = completed, string(b)
	s.alarm.endIn(times.Whole())
	if !s.reliable {
		s.alarm.repeat(times.T1)
	}
}

// take lets the INVITE live on as one of the calls, of which it alone knows how many there may be.
func (s *Server) take() {
	s.table.calls.Add(1)
	s.state, s.last = accepted, ""
	s.alarm.endIn(s.table.lingering())
	s.tally.Leave()
	s.tally = nil
}

// finishOther: on a stream nothing is retransmitted, so the transaction is over (Timer J is 0).
func (s *Server) finishOther(b []byte, status int) (sends bool) {
	if s.reliable || status == 408 {
		s.terminate()
		return status != 408
	}
	s.state, s.last = completed, string(b)
	s.alarm.endIn(s.table.times.Whole())
	return true
}

// repeat answers a retransmitted request with the last response.
func (s *Server) repeat(m *sip.Message) {
	s.mu.Lock()
	var last string
	if s.state == proceeding || s.state == completed {
		last = s.last
	}
	tried := s.tried && s.state == proceeding
	s.mu.Unlock()
	switch {
	case last != "":
		s.back.Send([]byte(last))
	case tried:
		s.back.Trying(m)
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
	if s.state == accepted || s.legacy && s.state == completed && !s.tagged(ack.To().Tag()) {
		return false
	}
	if s.state == completed {
		s.confirm()
	}
	return true
}

// tagged reports whether the final response, whose To tag its ACK repeats, has this one.
func (s *Server) tagged(tag []byte) bool {
	var final sip.Message
	_ = final.Parse([]byte(s.last))
	return bytes.Equal(final.To().Tag(), tag)
}

// confirm absorbs further ACKs for the length of Timer I: none on a stream.
func (s *Server) confirm() {
	if s.reliable {
		s.terminate()
		return
	}
	s.state, s.last = confirmed, ""
	s.alarm.endIn(s.table.times.T4)
}

func (s *Server) ring() {
	s.mu.Lock()
	if s.state == terminated { // while the ring was on its way
		s.mu.Unlock()
		return
	}
	end, again := s.alarm.due(s.table.times.T2)
	last := s.last
	if end {
		s.terminate()
	}
	s.mu.Unlock()
	switch {
	case end:
		s.table.servers.drop(s)
	case again && last != "":
		s.table.guard(func() { s.back.Send([]byte(last)) })
	}
}
