package soak

import (
	"bytes"
	"errors"
	"fmt"

	"isthmus/internal/sip"
	"isthmus/internal/siptest"
)

// A visit is a connection for one request, made while the configuration changes.
type visit struct {
	name    string
	request siptest.Request
	expect  expectation
	port    func(s *state) int // 0: there is no such listener
	options siptest.Options
	shows   bool // the certificate that the node shows is looked at
}

// pay makes a visit, in the background. A port that was closed before the connection was made ends it without a request.
func (l *load) pay(v visit) {
	l.visits.Go(func() {
		w := l.world
		from := w.inForce.Load()
		s := w.at(from)
		port := v.port(&s)
		if port <= 0 { // it is gone, or turned into another
			return
		}
		l.book.asked(v.name, v.request, v.expect)
		key := keyOf(v.request.Method, v.request.CallID, v.request.CSeq)
		c, err := siptest.Dial(fmt.Sprintf("%s:%d", w.address(imp1Host), port), v.options)
		if err != nil {
			l.missed(v, key, from, port, err)
			return
		}
		defer c.Close()
		if v.shows {
			l.looked(c, from)
		}
		if err = c.Send(v.request); err == nil {
			err = l.hearFinal(c)
		}
		if err != nil {
			l.missed(v, key, from, port, err)
		}
	})
}

// hearFinal waits for a visitor's final answer.
func (l *load) hearFinal(c *siptest.Conn) error {
	for {
		m, err := c.ReceiveWithin(siptest.AnswerLimit)
		if err != nil {
			return err
		}
		if turnedAway(m) {
			return errTurnedAway
		}
		if l.book.answered(m); m.Status() >= 200 {
			return nil
		}
	}
}

var errTurnedAway = errors.New("the node says that it closes the connection")

// turnedAway reports what a visitor hears whose request came as a change ended its connection: as good as its end.
func turnedAway(m *sip.Message) bool {
	warning, _ := m.HeaderValue("Warning")
	return m.Status() == 503 && bytes.Contains(warning, []byte("this node closes the connection"))
}

// missed: the visitor was not heard. That its listener moved meanwhile explains it, or that it is refused.
func (l *load) missed(v visit, key string, from int64, port int, err error) {
	w := l.world
	for revision := from; revision <= w.told.Load(); revision++ {
		if s := w.at(revision); v.port(&s) != port {
			l.book.forget(key)
			return
		}
	}
	l.book.ended(key, refused, err.Error())
}

// looked holds that the certificate shown is that of a configuration in force.
func (l *load) looked(c *siptest.Conn, from int64) {
	w := l.world
	serial := c.Certificate().SerialNumber.String()
	for revision := from; revision <= w.told.Load(); revision++ {
		if w.serials[w.at(revision).certificate] == serial {
			return
		}
	}
	w.t.Errorf("a certificate was shown that none of the revisions %d to %d has", from, w.told.Load())
}

func tcpPort(s *state) int { return s.tcpPort }
func tlsPort(s *state) int { return s.tlsPort }

// newcomer is a front end that connects anew.
func (l *load) newcomer() {
	w := l.world
	l.pay(visit{"MESSAGE over a new connection", siptest.Message(carl, ann, "hello"), answeredBy("connector"), tlsPort,
		siptest.Options{Local: w.address(fe2Host), TLS: w.ca.Client(w.newcomer, imp1)}, true})
}

func (l *load) visit() {
	w := l.world
	config := w.ca.Client(w.visitor, imp1) // it trusts the node; the node may trust it
	l.pay(visit{"visitor's MESSAGE", siptest.Message(carl, ann, "hello"), fromVisitor, tlsPort,
		siptest.Options{Local: w.address(visitorHost), TLS: config}, false})
}

func (l *load) visitPlainly() {
	l.pay(visit{"plain visitor's MESSAGE", siptest.Message(carl, ann, "hello"), fromPlain, tcpPort,
		siptest.Options{Local: l.world.address(plainHost)}, false})
}

// visitExtra asks the extra listener for a sign of life, over what it speaks.
func (l *load) visitExtra() {
	w := l.world
	s := w.at(w.inForce.Load())
	o := siptest.Options{Local: w.address(extraPeerHost)}
	if s.extraTLS {
		o.TLS = w.ca.Anonymous(imp1)
	}
	l.pay(visit{"OPTIONS to the extra listener", siptest.Probe(imp1), askingExtra,
		func(now *state) int {
			if now.extraTLS != s.extraTLS {
				return -now.extraPort // another listener, as far as this visitor goes
			}
			return now.extraPort
		}, o, false})
}

// askingExtra is what somebody without a certificate meets who asks the node itself.
func askingExtra(_ *world, s *state) outcome {
	if s.demand {
		return outcome{status: refused, cut: true}
	}
	return outcome{status: 200}
}

// forget takes a request back that was never sent.
func (l *ledger) forget(key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if t := l.all[key]; t != nil && len(t.finals) == 0 {
		delete(l.all, key)
		l.open--
	}
}
