package proxy

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"isthmus/internal/federation"
	"isthmus/internal/routing"
	"isthmus/internal/sip"
	"isthmus/internal/sip/transaction"
	"isthmus/internal/sip/transport"
	"isthmus/internal/siptest"
)

// hasty is a clock that runs eight times as fast: a hop has half a second to answer, and a MESSAGE two seconds.
type hasty struct{ began time.Time }

const haste = 8

func (c hasty) Now() time.Time { return c.began.Add(haste * time.Since(c.began)) }

func (c hasty) AfterFunc(d time.Duration, f func()) transaction.Timer {
	return hastyTimer{time.AfterFunc(d/haste, f)}
}

type hastyTimer struct{ *time.Timer }

func (t hastyTimer) Reset(d time.Duration) bool { return t.Timer.Reset(d / haste) }

// A lab is a node on real sockets and a hasty clock, with a first front end that fails, a second that works, and a client
// inside. A ledger follows what the client asks.
type lab struct {
	t      *testing.T
	proxy  *Proxy
	log    *logBook
	ledger *siptest.Ledger
	client *siptest.Peer
	second *siptest.Listener
	backup atomic.Int32 // requests that the second front end got
}

var labs atomic.Int32 // each has addresses of its own

// labAddresses are those of a node and of two front ends.
func labAddresses() (node, first, second string) {
	n := labs.Add(1)
	return fmt.Sprintf("127.0.84.%d", n), fmt.Sprintf("127.0.85.%d", n), fmt.Sprintf("127.0.86.%d", n)
}

// labLimits are the transport's, as hasty as the clock.
var labLimits = transport.Limits{
	Connect: 200 * time.Millisecond, HandshakeOut: 300 * time.Millisecond, Message: 300 * time.Millisecond, UserTimeout: 300 * time.Millisecond,
	Write: 300 * time.Millisecond, Linger: 50 * time.Millisecond,
}

// newLab is a lab whose first front end is at an address, over TLS when there are settings for that.
func newLab(t *testing.T, node, second string, first netip.AddrPort, out *tls.Config) *lab {
	t.Helper()
	clock := hasty{time.Now()}
	b := &lab{t: t, log: &logBook{}, ledger: siptest.NewLedger(clock.Now)}
	var err error
	if b.second, err = siptest.Listen(second+":0", nil); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.second.Close() })
	b.second.Serve(b.works)
	s := snapshot(node, node+":5080", first.String())
	r := s.StaticRoutes[0]
	r.NextHop, r.Port, r.Priority = second, b.second.Port(), 2
	if out != nil {
		s.StaticRoutes[0].Transport = federation.TLS
	}
	s.StaticRoutes = append(s.StaticRoutes, r)
	b.start(s, clock, out)
	b.client = siptest.Connect(t, node+":5060", siptest.Options{Local: node, Timeout: 20 * time.Second})
	go b.hear()
	return b
}

func (b *lab) start(s federation.Snapshot, clock transaction.Clock, out *tls.Config) {
	b.t.Helper()
	local := netip.MustParseAddr(s.Nodes[0].Address)
	b.proxy = New(Config{Directory: people, Key: []byte("secret"), Clock: clock, Log: slog.New(slog.NewJSONHandler(b.log, nil)),
		TLS: func(*routing.Hop) (TLS, error) { return TLS{Config: out, Key: "1"}, nil }})
	layer := transport.New(transport.Config{Handler: b.proxy.Handler(), Local: func() netip.Addr { return local }, Limits: labLimits})
	b.proxy.Start(Over(layer))
	states := layer.Fit([]transport.Listener{{Name: "tcp", Transport: sip.TCP, Addr: netip.AddrPortFrom(local, 5060)}})
	policy, err := routing.Compile(s, "imp1.synergy.com")
	if err != nil || !states[0].Open {
		b.t.Fatal(err, states)
	}
	b.proxy.SetPolicy(policy)
	b.t.Cleanup(func() { b.proxy.Stop(); shut(layer) })
}

// works is the second front end.
func (b *lab) works(c *siptest.Conn, m *sip.Message) {
	if m.IsRequest() && m.Method() != "ACK" {
		if m.Method() != "OPTIONS" {
			b.backup.Add(1)
			b.ledger.Processed("second", m)
		}
		_ = c.Answer(m, 200) // a connection that broke shows in the ledger
	}
}

func (b *lab) hear() {
	for {
		m, err := b.client.Receive()
		if err != nil {
			return
		}
		b.ledger.Answered(m)
	}
}

// ask sends a request of each method with a body of so many bytes.
func (b *lab) ask(methods []string, body int, allowed ...int) {
	b.t.Helper()
	for _, method := range methods {
		r := request(method)
		if body > 0 {
			r = r.WithBody("text/plain", string(make([]byte, body)))
		}
		b.ledger.Asked(r, allowed...)
		b.client.Sends(r)
	}
}

// settles waits until everybody has an answer.
func (b *lab) settles() {
	b.t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(siptest.AnswerLimit / haste); b.ledger.Open() > 0 && time.Now().Before(end); <-tick.C {
	}
}

// ends audits, and holds that the second front end got so many requests.
func (b *lab) ends(backup int) {
	b.t.Helper()
	b.settles()
	if err := b.ledger.Audit(); err != nil {
		b.t.Errorf("%v\n%s", err, b.log)
	}
	if got := int(b.backup.Load()); got != backup {
		b.t.Errorf("the second front end got %d requests, not %d\n%s", got, backup, b.log)
	}
}

// A front is a first front end: a listener that does with each connection what it is told.
type front struct {
	ln   *net.TCPListener
	addr netip.AddrPort
	open sync.WaitGroup
}

func newFront(t *testing.T, address string, serve func(*net.TCPConn)) *front {
	t.Helper()
	var config net.ListenConfig
	config.SetMultipathTCP(false) // its sockets take no filters
	open, err := config.Listen(t.Context(), "tcp", address+":0")
	if err != nil {
		t.Fatal(err)
	}
	ln := open.(*net.TCPListener)
	f := &front{ln: ln, addr: ln.Addr().(*net.TCPAddr).AddrPort()}
	ending := make(chan struct{})
	f.open.Go(func() {
		for {
			c, err := ln.AcceptTCP()
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if err != nil {
				continue
			}
			f.open.Go(func() {
				defer c.Close()
				stop := make(chan struct{})
				defer close(stop)
				go func() { // a front end that waits for something ends with the test
					select {
					case <-ending:
						c.Close()
					case <-stop:
					}
				}()
				serve(c)
			})
		}
	})
	t.Cleanup(func() {
		ln.Close()
		close(ending)
		f.open.Wait()
	})
	return f
}
