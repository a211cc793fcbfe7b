package transport

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/netip"
	"testing"
	"time"

	"isthmus/internal/sip"
)

const knownAddress, strangerAddress = "127.0.0.2", "127.0.0.3"

// A crowd is a TLS listener that has one turn for strangers. They are all but one address.
type crowd struct {
	t *testing.T
	*recorder
	layer  *Layer
	addr   netip.AddrPort
	config *tls.Config // of clients
}

func newCrowd(t *testing.T, limits Limits, change func(*tls.Config)) *crowd {
	t.Helper()
	return newCrowdOf(t, onlyKnown(knownAddress), limits, change)
}

func newCrowdOf(t *testing.T, r *recorder, limits Limits, change func(*tls.Config)) *crowd {
	t.Helper()
	ca := newAuthority(t)
	limits.Handshakes = 1
	l, server := newLayer(t, r, limits), ca.server(t, "node", tls.RequireAndVerifyClientCert)
	change(server)
	addr := fitOne(t, l, Listener{Name: "tls", Transport: sip.TLS, Addr: loopback, TLS: server})
	return &crowd{t, r, l, addr, ca.client("node", ca.issue(t, "fe1"))}
}

func asItIs(*tls.Config) {}

// shakes makes a whole handshake and asks something.
func (c *crowd) shakes(from string) *peer {
	c.t.Helper()
	p := c.greets(from)
	p.write(c.t, message("MESSAGE", "a", 0))
	if got := p.status(c.t); got != "200" {
		c.t.Fatalf("%s was answered %s", from, got)
	}
	return p
}

// greets makes a whole handshake and says nothing.
func (c *crowd) greets(from string) *peer {
	c.t.Helper()
	p := tls.Client(connectFrom(c.t, from, c.addr), c.config)
	if err := p.Handshake(); err != nil {
		c.t.Fatalf("%s: %v", from, err)
	}
	return newPeer(c.t, p)
}

// hello is a ClientHello as it stands on the wire.
func (c *crowd) hello() []byte {
	c.t.Helper()
	client, server := net.Pipe()
	go func() { _ = tls.Client(client, c.config).Handshake() }()
	defer client.Close()
	b := make([]byte, 16<<10)
	n, err := server.Read(b)
	if err != nil {
		c.t.Fatal(err)
	}
	return b[:n]
}

// Stalling costs a stranger's own connection. Nobody else waits for it, be he listed or not.
func TestWhoStallsInAHandshakeKeepsNobodyWaiting(t *testing.T) {
	for promise, stall := range map[string]func(c *crowd, from string) *peer{
		"says nothing":          func(c *crowd, from string) *peer { return connectFrom(c.t, from, c.addr) },
		"says half of a hello":  func(c *crowd, from string) *peer { return c.says(from, c.hello()[:100]) },
		"does not answer ours":  func(c *crowd, from string) *peer { return c.says(from, c.hello()) },
		"asks nothing after it": (*crowd).greets,
	} {
		t.Run(promise, func(t *testing.T) {
			c := newCrowd(t, Limits{HandshakeIn: time.Minute, Stranger: time.Minute}, asItIs)
			from := netip.MustParseAddr(strangerAddress)
			for range 5 {
				for range c.layer.limits.HandshakesEach {
					stall(c, from.String())
				}
				from = from.Next()
			}
			c.shakes(knownAddress)
			c.shakes(from.String())
			if len(c.recorder.shakes) > 0 {
				t.Errorf("those who stall were cut off: %v", <-c.recorder.shakes)
			}
		})
	}
}

func (c *crowd) says(from string, b []byte) *peer {
	p := connectFrom(c.t, from, c.addr)
	p.write(c.t, string(b))
	return p
}

// What is worked on is the whole of a stranger's share; it is held here until the test lets it go.
func TestAKnownPeerShakesHandsWhileStrangersHaveAllTurnsAndTheQueue(t *testing.T) {
	working, goOn := make(chan struct{}, 100), make(chan struct{})
	c := newCrowd(t, Limits{HandshakeQueue: 3}, func(config *tls.Config) {
		config.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
			if addrPort(hello.Conn.RemoteAddr()).Addr() != netip.MustParseAddr(knownAddress) {
				working <- struct{}{}
				<-goOn
			}
			return nil, nil
		}
	})
	ended := make(chan error, 100)
	from := netip.MustParseAddr(strangerAddress)
	begin := func() {
		from = from.Next()
		p := tls.Client(connectFrom(t, from.String(), c.addr), c.config)
		go func() { ended <- p.Handshake() }()
	}
	begin()
	next(t, working)
	for range 3 {
		begin()
	}
	until(t, "three wait", func() bool { return c.layer.HandshakesWaiting() == 3 })
	late := connectFrom(t, "127.0.0.100", c.addr)
	if err := next(t, c.recorder.shakes); !errors.Is(err, ErrHandshakesWaiting) {
		t.Errorf("one too many is told as %v", err)
	}
	if got := next(t, c.peers); got.Remote.String() != late.LocalAddr().String() || got.Listener != "tls" {
		t.Errorf("it is told of %+v", got)
	}
	late.end(t)
	for range 10 {
		c.shakes(knownAddress)
	}
	if len(working) > 0 || c.layer.HandshakesWaiting() != 3 {
		t.Error("more than one stranger is worked on")
	}
	close(goOn)
	for range 4 {
		if err := next(t, ended); err != nil {
			t.Errorf("one that waited: %v", err)
		}
	}
}

// A fault in one handshake takes no turn along.
func TestAFaultInAHandshakeGivesItsTurnBack(t *testing.T) {
	c := newCrowd(t, Limits{}, func(config *tls.Config) {
		config.VerifyConnection = func(s tls.ConnectionState) error {
			if s.NegotiatedProtocol == "fault" {
				panic("as the test says")
			}
			return nil
		}
		config.NextProtos = []string{"fault", "good"}
	})
	faulty := c.config.Clone()
	faulty.NextProtos = []string{"fault"}
	for range 3 {
		p := tls.Client(connectFrom(t, strangerAddress, c.addr), faulty)
		_ = p.Handshake()
		if err := next(t, c.recorder.shakes); !errors.Is(err, ErrPanic) {
			t.Errorf("ended by %v", err)
		}
	}
	c.shakes(strangerAddress)
}

func TestAStrangersFailuresAreCountedAndAKnownPeersNeverShutItOut(t *testing.T) {
	for promise, fail := range map[string]func(c *crowd, from string){
		"goes away":     func(c *crowd, from string) { connectFrom(c.t, from, c.addr).Close() },
		"speaks no TLS": func(c *crowd, from string) { c.says(from, []byte(message("MESSAGE", "a", 0))) },
	} {
		t.Run(promise, func(t *testing.T) {
			c := newCrowd(t, Limits{HandshakeFailures: 4}, asItIs)
			for _, from := range []string{strangerAddress, knownAddress} {
				for range 4 {
					fail(c, from)
					if err := next(t, c.recorder.shakes); refused(err) {
						t.Fatalf("%s is refused for %v", from, err)
					}
				}
			}
			connectFrom(t, strangerAddress, c.addr).end(t)
			if err := next(t, c.recorder.shakes); !errors.Is(err, ErrHandshakesFailed) {
				t.Errorf("the fifth is told as %v", err)
			}
			c.shakes(knownAddress)
			c.shakes("127.0.0.4")
		})
	}
}

// A handshake after which no request comes costs as much as one that fails.
func TestAStrangerThatAsksNothingAfterItsHandshakeFailed(t *testing.T) {
	c := newCrowd(t, Limits{HandshakeFailures: 4}, asItIs)
	for range 20 {
		c.shakes(strangerAddress).Close()
		next(t, c.closed)
		c.greets(knownAddress).Close()
		next(t, c.closed)
	}
	for range 4 {
		c.greets(strangerAddress).Close()
		next(t, c.closed)
	}
	until(t, "the address has failed too often", func() bool {
		p, err := c.layer.handshakes.begin(netip.MustParseAddr(strangerAddress), false)
		if err == nil {
			p.end()
		}
		return err == ErrHandshakesFailed
	})
}

// After its certificate has made it known, a peer goes before strangers for a while.
func TestAPeerThatItsCertificateMakesKnownTakesNoTurnTheNextTime(t *testing.T) {
	r := newRecorder()
	r.known = func(p *Peer) bool { return len(p.Certificates) > 0 }
	c := newCrowdOf(t, r, Limits{}, asItIs)
	c.shakes(strangerAddress)
	busy, err := c.layer.handshakes.begin(netip.MustParseAddr("10.0.0.1"), false)
	if err != nil || busy.enqueue() != nil {
		t.Fatal(err)
	}
	defer busy.end()
	c.shakes(strangerAddress)
}

// Nothing of the flood is left: no turn, no place, no descriptor.
func TestAFloodOfHandshakesLeavesNothing(t *testing.T) {
	c := newCrowd(t, Limits{HandshakeIn: 300 * time.Millisecond, Stranger: 300 * time.Millisecond, HandshakeFailures: 10_000}, asItIs)
	hello := c.hello()
	from := netip.MustParseAddr(strangerAddress)
	for i := range 300 {
		from = from.Next()
		p, err := (&net.Dialer{LocalAddr: &net.TCPAddr{IP: from.AsSlice()}}).Dial("tcp", c.addr.String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { p.Close() })
		_, _ = io.Copy(p, bytes.NewReader(hello[:[]int{0, 100, len(hello)}[i%3]]))
	}
	c.shakes(knownAddress)
	until(t, "the strangers are gone", func() bool { return len(c.layer.all()) == 1 })
	s := &c.layer.handshakes
	until(t, "the turn is free", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.free == 1 && len(s.queue) == 0
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	for addr, p := range s.peers {
		if p.open != 0 || p.busy {
			t.Errorf("of %v is left %+v", addr, p)
		}
	}
}
