package e2e

import (
	"errors"
	"net"
	"os"
	"strings"
	"time"

	"isthmus/internal/siptest"
)

// party is who takes part in a conversation: one connection, or a server that others connect to.
type party struct {
	name, transport string
	node            string        // that it connected to
	conn            *siptest.Conn // connected; of a server the connection that it last heard something over
	box             *inbox        // of a server
	heard           map[string]arrival
	closed          bool
	start, stop     func() // of a party that a conversation may stop
}

// receive returns the next message. A server hears it over any connection.
func (p *party) receive(within time.Duration) (arrival, error) {
	if p.box == nil {
		m, err := p.conn.ReceiveWithin(within)
		return arrival{m, p.conn}, err
	}
	select {
	case a := <-p.box.arrived:
		p.conn = a.conn
		return a, nil
	case <-time.After(within):
		return arrival{}, os.ErrDeadlineExceeded
	}
}

// listens names a server: one of the world's, which stays when the conversation ends, or a new one.
func (c *conversation) listens(s step) {
	host, port, err := net.SplitHostPort(s.words[1])
	if err != nil {
		c.fatal(s, "%v", err)
	}
	p := &party{name: s.who, transport: s.words[0], heard: map[string]arrival{}}
	c.parties[s.who] = p
	address := net.JoinHostPort(c.address(s, host), port)
	if box, ok := c.boxes[address]; ok {
		p.box = box
		return
	}
	p.start = func() { c.open(s, p, address) }
	p.start()
}

func (c *conversation) open(s step, p *party, address string) {
	if p.transport == "udp" {
		p.box = newDatagramInbox(c.t, address)
		return
	}
	var l *siptest.Listener
	// A program that a parallel test is just starting may still hold an address that was closed.
	eventually(c.t, patience, s.at+": the address is free", func() (free bool) {
		var err error
		if name := s.word("as"); name != "" {
			l, err = siptest.Listen(address, c.ca.Server(c.ca.Leaf(name)))
		} else {
			l, err = siptest.Listen(address, nil)
		}
		return err == nil
	})
	p.box = newInbox(c.t, l, nil)
	p.stop = func() { l.Close() }
}

// connects opens a connection to a node's listener of that transport.
func (c *conversation) connects(s step) {
	p := &party{name: s.who, transport: s.words[0], node: s.word("to") + ".synergy.com", heard: map[string]arrival{}}
	node, local := c.address(s, s.word("to")), c.address(s, s.word("from"))
	var err error
	switch p.transport {
	case "tls":
		p.conn, err = siptest.Dial(node+":5061", siptest.Options{Local: local, TLS: c.ca.Client(c.ca.Leaf(s.word("as")), p.node)})
	case "tcp":
		p.conn, err = siptest.Dial(node+":5060", siptest.Options{Local: local})
	case "udp":
		p.conn, err = siptest.Dial(node+":5060", siptest.Options{Local: local, UDP: true})
	default:
		c.fatal(s, "unknown transport %q", p.transport)
	}
	if err != nil {
		c.fatal(s, "%v", err)
	}
	c.t.Cleanup(func() { p.conn.Close() })
	c.parties[s.who] = p
	c.values[s.who] = p.conn.LocalAddr().String()
}

// address is that of a host of the world by its name.
func (c *conversation) address(s step, name string) string {
	a, ok := c.values[name]
	if !ok || strings.Contains(a, ":") {
		c.fatal(s, "there is no host %q", name)
	}
	return a
}

func (c *conversation) stops(s step) {
	if m := c.machines[s.who]; m != nil {
		if code := m.process.stop(); code != 0 {
			c.fatal(s, "the node ended with %d: %s", code, m.process.err)
		}
		return
	}
	p := c.party(s)
	if p.start == nil {
		c.fatal(s, "%s belongs to the world and stays", s.who)
	}
	p.stop()
}

func (c *conversation) starts(s step) {
	if m := c.machines[s.who]; m != nil {
		m.process = m.machine.serve()
		return
	}
	c.party(s).start()
}

func (c *conversation) closes(s step) {
	p := c.party(s)
	p.closed = true
	p.conn.Close()
}

// isClosed waits for the other side to close.
func (c *conversation) isClosed(s step) {
	p := c.party(s)
	p.closed = true
	if err := p.conn.WaitClosed(); err != nil {
		c.fatal(s, "%v", err)
	}
}

func (c *conversation) hears(s step) {
	d, err := time.ParseDuration(s.word("for"))
	if err != nil {
		c.fatal(s, "%v", err)
	}
	a, err := c.party(s).receive(d)
	if err == nil {
		c.fatal(s, "%s heard:\n%s", s.who, a.Bytes())
	}
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		c.fatal(s, "%v", err)
	}
}
