package main

import (
	"crypto/tls"
	"fmt"
	"net"
	"time"

	"isthmus/bench/load"
	"isthmus/bench/proxies"
	"isthmus/bench/report"
)

// What is held open while memory is read.
const (
	openTransactions = 100_000
	idleConnections  = 10_000
	settle           = 3 * time.Second // until buffers of what has gone quiet are given back
)

// memory reads what the real process holds more while a great many transactions, and connections, are open.
func memory() error {
	s, err := newStage([]string{report.Isthmus})
	if err != nil {
		return err
	}
	defer s.close()
	p := s.proxies[0]
	t := &report.Table{Head: []string{"held open", "number", "bytes each", "MiB before", "MiB with them"}}
	for _, x := range []struct {
		what string
		n    int
		hold func(p *proxies.Proxy, n int) (release func(), err error)
	}{{"MESSAGE transactions over TCP", openTransactions, s.transactions}, {"TLS connections", idleConnections, s.connections}} {
		before, err := p.Memory()
		if err != nil {
			return err
		}
		release, err := x.hold(p, x.n)
		if err != nil {
			return fmt.Errorf("%s: %w", x.what, err)
		}
		with, err := p.Memory()
		release()
		if err != nil {
			return err
		}
		t.Rows = append(t.Rows, []string{x.what, fmt.Sprint(x.n), fmt.Sprint((with - before) / int64(x.n)), fmt.Sprint(before >> 20), fmt.Sprint(with >> 20)})
	}
	return publish("memory", t.String(), t.Markdown())
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
	time.Sleep(settle)
	return release, nil
}

// transactions sends requests that the upstream does not answer yet.
func (s *stage) transactions(p *proxies.Proxy, n int) (release func(), err error) {
	h, err := s.upstream.Hold(load.Options{Scenario: load.Message, Proxy: p.TCP.Address, Call: p.TCP.Call, Locals: s.Callers()}, n)
	if err != nil {
		return nil, err
	}
	return h.Release, nil
}
