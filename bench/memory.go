package main

import (
	"crypto/tls"
	"fmt"
	"net"
	"regexp"
	"time"

	"isthmus/bench/load"
	"isthmus/bench/proxies"
	"isthmus/bench/report"
)

// What is held open while memory is read.
const (
	openTransactions = 100_000
	idleConnections  = 10_000
)

// Memory has settled when it has hardly changed for a while: start-up leaves garbage, and so do handshakes.
const (
	settled      = 10 * time.Second
	settleLimit  = 90 * time.Second
	settleWithin = 1 << 20 // bytes
)

// A held is what is kept open many times, and what is read then.
type held struct {
	what string
	n    int
	hold func(s *stage, p *proxies.Proxy, n int) (release func(), err error)
	// quiet has memory settle before it is read. Unanswered requests end too soon for that: theirs is read while it still has the
	// garbage of their coming.
	quiet bool
}

func heldOpen() []held {
	return []held{
		{"MESSAGE transactions over TCP", openTransactions, transactionsOf(load.Message), false},
		{"ringing INVITE transactions over TCP", openTransactions, transactionsOf(load.Invite), true},
		{"TLS connections", idleConnections, (*stage).connections, true},
	}
}

// memory reads what the real process holds more while a great many transactions, or connections, are open. Each is held by a
// process that has just started, as a used one has room left of what it held before.
func memory() error {
	wanted, err := regexp.Compile(*filter)
	if err != nil {
		return err
	}
	t := &report.Table{Head: []string{"held open", "number", "bytes each", "MiB before", "MiB with them"}}
	for _, h := range heldOpen() {
		if !wanted.MatchString(h.what) {
			continue
		}
		row, err := h.measure()
		if err != nil {
			return fmt.Errorf("%s: %w", h.what, err)
		}
		t.Rows = append(t.Rows, row)
	}
	return publish("memory", t.String(), t.Markdown())
}

func (h held) measure() (row []string, err error) {
	s, err := newStage([]string{report.Isthmus})
	if err != nil {
		return nil, err
	}
	defer s.close()
	p := s.proxies[0]
	before, err := quietMemory(p)
	if err != nil {
		return nil, err
	}
	release, err := h.hold(s, p, h.n)
	if err != nil {
		return nil, err
	}
	defer release()
	read := p.Memory
	if h.quiet {
		read = func() (int64, error) { return quietMemory(p) }
	}
	with, err := read()
	return []string{h.what, fmt.Sprint(h.n), fmt.Sprint((with - before) / int64(h.n)), fmt.Sprint(before >> 20), fmt.Sprint(with >> 20)}, err
}

// quietMemory waits until memory has settled and returns what it is.
func quietMemory(p *proxies.Proxy) (int64, error) {
	look := time.NewTicker(time.Second)
	defer look.Stop()
	last, since := int64(0), time.Now()
	for end := since.Add(settleLimit); ; <-look.C {
		now, err := p.Memory()
		if err != nil || time.Since(since) >= settled || time.Now().After(end) {
			return now, err
		}
		if max(now-last, last-now) > settleWithin {
			last, since = now, time.Now()
		}
	}
}

// connections opens mutual TLS connections from the front ends and leaves them idle.
func (s *stage) connections(p *proxies.Proxy, n int) (release func(), err error) {
	var open []net.Conn
	release = func() {
		for _, c := range open {
			c.Close()
		}
	}
	locals := s.Callers()
	for i := range n {
		d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(locals[i%len(locals)])}, Timeout: 10 * time.Second}
		c, err := tls.DialWithDialer(&d, "tcp", p.TLS.Address, s.client)
		if err != nil {
			release()
			return nil, err
		}
		open = append(open, c)
	}
	return release, nil
}

// transactionsOf sends requests that the upstream does not answer finally.
func transactionsOf(scenario load.Scenario) func(s *stage, p *proxies.Proxy, n int) (release func(), err error) {
	return func(s *stage, p *proxies.Proxy, n int) (release func(), err error) {
		h, err := s.upstream.Hold(load.Options{Scenario: scenario, Proxy: p.TCP.Address, Call: p.TCP.Call, Locals: s.Callers()}, n)
		if err != nil {
			return nil, err
		}
		return h.Release, nil
	}
}
