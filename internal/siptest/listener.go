package siptest

import (
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"isthmus/internal/sip"
)

// Listener accepts signalling connections. Handshakes run in the background, so that one test goroutine can dial and
// accept; a connection whose handshake failed is closed and never seen.
type Listener struct {
	tcp     net.Listener
	tls     *tls.Config
	ready   chan *Conn
	closing chan struct{}
	running sync.WaitGroup

	mu    sync.Mutex
	conns map[*Conn]bool // open ones, nil once closed
}

// Listen listens on host:port, port 0 being the system's choice; config is nil for plain TCP.
func Listen(address string, config *tls.Config) (*Listener, error) {
	tcp, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", address, err)
	}
	l := &Listener{tcp: tcp, tls: config, ready: make(chan *Conn), closing: make(chan struct{}), conns: map[*Conn]bool{}}
	l.running.Go(l.run)
	return l, nil
}

// Addr returns host:port as a peer dials it.
func (l *Listener) Addr() string { return l.tcp.Addr().String() }

// Port returns the port.
func (l *Listener) Port() int { return l.tcp.Addr().(*net.TCPAddr).Port }

func (l *Listener) run() {
	for {
		n, err := l.tcp.Accept()
		if err != nil {
			return
		}
		if l.tls != nil {
			n = tls.Server(n, l.tls)
		}
		c := NewConn(n, Timeout)
		if !l.track(c) {
			return
		}
		l.running.Go(func() { l.offer(c) })
	}
}

// track remembers a connection for Close, and closes it when that was called already.
func (l *Listener) track(c *Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.conns == nil {
		c.Close()
		return false
	}
	l.conns[c] = true
	return true
}

func (l *Listener) forget(c *Conn) {
	c.Close()
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.conns, c)
}

func (l *Listener) offer(c *Conn) {
	if c.handshake() != nil {
		l.forget(c)
		return
	}
	select {
	case l.ready <- c:
	case <-l.closing:
	}
}

// Accept returns the next connection, or os.ErrDeadlineExceeded when none came within Timeout.
func (l *Listener) Accept() (*Conn, error) {
	timeout := time.NewTimer(Timeout)
	defer timeout.Stop()
	select {
	case c := <-l.ready:
		return c, nil
	case <-l.closing:
		return nil, net.ErrClosed
	case <-timeout.C:
		return nil, os.ErrDeadlineExceeded
	}
}

// Serve calls handle with each message of every connection, in order, one goroutine a connection, until Close.
func (l *Listener) Serve(handle func(c *Conn, m *sip.Message)) {
	l.running.Go(func() {
		for {
			select {
			case c := <-l.ready:
				l.running.Go(func() { l.serve(c, handle) })
			case <-l.closing:
				return
			}
		}
	})
}

func (l *Listener) serve(c *Conn, handle func(c *Conn, m *sip.Message)) {
	defer l.forget(c)
	for {
		m, err := c.Receive()
		if Quiet(err) {
			continue
		}
		if err != nil {
			return
		}
		handle(c, m)
	}
}

// Close stops listening, closes every accepted connection and waits for the goroutines. A second call does nothing.
func (l *Listener) Close() error {
	l.mu.Lock()
	conns := l.conns
	l.conns = nil
	l.mu.Unlock()
	if conns == nil {
		return nil
	}
	err := l.tcp.Close()
	close(l.closing)
	for c := range conns {
		c.Close()
	}
	l.running.Wait()
	return err
}
