package main

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"time"

	"isthmus/internal/sip"
	"isthmus/internal/siptest"
)

// station is the one server that is pretended: its users, the connections it has, and what it waits for.
type station struct {
	log           *slog.Logger
	dialect       dialect
	users         map[string]bool // addresses, lower case
	returnUnknown bool            // send a request for somebody else back to the node, as a pool's static route does
	greet         func(*link)     // what is said first on a connection that the station opened; nil: nothing

	mu      sync.Mutex
	trunk   *link // the connection to the node, nil while there is none
	waiting map[string]exchange
	dialogs map[string]*dialog
}

// exchange is a request of the station that an answer may still come for.
type exchange struct {
	sent   *sip.Message
	answer func(*sip.Message) // takes every answer
}

func newStation(log *slog.Logger, d dialect, users []string) *station {
	s := &station{log: log, dialect: d, users: map[string]bool{}, waiting: map[string]exchange{}, dialogs: map[string]*dialog{}}
	for _, u := range users {
		s.users[strings.ToLower(u)] = true
	}
	return s
}

// serve handles a connection until it ends.
func (s *station) serve(ctx context.Context, l *link) {
	defer context.AfterFunc(ctx, func() { l.Close() })()
	s.log.Info("connected", "local", l.LocalAddr(), "remote", l.RemoteAddr())
	err := l.read(s.receive)
	s.log.Info("disconnected", "local", l.LocalAddr(), "remote", l.RemoteAddr(), "reason", err)
}

// serveTrunk handles the connection that the station's own requests go over.
func (s *station) serveTrunk(ctx context.Context, l *link) {
	s.setTrunk(l)
	if s.greet != nil {
		s.greet(l)
	}
	s.serve(ctx, l)
	s.setTrunk(nil)
}

func (s *station) setTrunk(l *link) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.trunk = l
}

func (s *station) currentTrunk() *link {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.trunk
}

func (s *station) receive(l *link, m *sip.Message) {
	if m.IsRequest() {
		s.serveRequest(l, m)
		return
	}
	s.response(l, m)
}

// response hands an answer to who waits for it, and acknowledges an INVITE's refusal (RFC 3261 section 17.1.1.3).
func (s *station) response(l *link, m *sip.Message) {
	branch := string(m.Via(0).Branch)
	s.mu.Lock()
	e, ok := s.waiting[branch]
	if m.Status() >= 200 {
		delete(s.waiting, branch)
	}
	s.mu.Unlock()
	if !ok {
		s.log.Info("stray response", "method", m.Method(), "status", m.Status(), "remote", l.RemoteAddr())
		return
	}
	if m.Method() == "INVITE" && m.Status() >= 300 {
		s.write(l, string(e.sent.AppendACK(nil, m)))
	}
	e.answer(m)
}

// send writes a request whose answers go to answer, and returns its branch.
func (s *station) send(l *link, raw string, answer func(*sip.Message)) (branch string, err error) {
	sent := new(sip.Message)
	if err := sent.Parse([]byte(raw)); err != nil {
		return "", err
	}
	branch = string(sent.Via(0).Branch)
	s.mu.Lock()
	s.waiting[branch] = exchange{sent, answer}
	s.mu.Unlock()
	if err := l.Write(raw); err != nil {
		s.giveUp(branch)
		return "", err
	}
	return branch, nil
}

func (s *station) giveUp(branch string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.waiting, branch)
}

// write sends what nobody waits for; a connection that breaks shows at its reader.
func (s *station) write(l *link, raw string) {
	if err := l.Write(raw); err != nil {
		s.log.Warn("not sent", "remote", l.RemoteAddr(), "reason", err)
	}
}

// answerLimit is how long a request may stay unanswered: RFC 3261's 64*T1 and a little more.
const answerLimit = 35 * time.Second

var (
	errSilent = errors.New("no answer within 35 s")
	errBroken = errors.New("the connection ended before the answer")
)

// ask sends a request and waits for its final answer.
func (s *station) ask(ctx context.Context, l *link, r siptest.Request) (*sip.Message, error) {
	final := make(chan *sip.Message, 1)
	log := s.log.With("method", r.Method, "from", addressOfValue(r.From), "to", addressOfValue(r.To), "call_id", r.CallID)
	began := time.Now()
	branch, err := s.send(l, s.raw(l, r), func(m *sip.Message) {
		if m.Status() < 200 {
			log.Info("progress", "status", m.Status())
			return
		}
		final <- m
	})
	if err != nil {
		log.Warn("not sent", "reason", err)
		return nil, err
	}
	m, err := wait(ctx, l, final)
	if err != nil {
		s.giveUp(branch)
		log.Warn("unanswered", "reason", err)
		return nil, err
	}
	warning, _ := m.HeaderValue("Warning")
	log.Info("answered", "status", m.Status(), "reason", string(m.Reason()), "warning", string(warning), "took", time.Since(began).Round(time.Millisecond))
	return m, nil
}

// raw is a request as it goes over a connection.
func (s *station) raw(l *link, r siptest.Request) string {
	r = s.dialect.dress(r)
	r.SentBy, r.Transport = l.LocalAddr().String(), l.Transport()
	return r.String()
}

func wait(ctx context.Context, l *link, final <-chan *sip.Message) (*sip.Message, error) {
	timer := time.NewTimer(answerLimit)
	defer timer.Stop()
	select {
	case m := <-final:
		return m, nil
	case <-l.closed:
		return nil, errBroken
	case <-timer.C:
		return nil, errSilent
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
