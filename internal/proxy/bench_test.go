package proxy

import (
	"context"
	"fmt"
	"net/netip"
	"sync"
	"testing"

	"isthmus/internal/federation"
	"isthmus/internal/routing"
	"isthmus/internal/sip"
	"isthmus/internal/sip/transport"
	"isthmus/internal/siptest"
)

// sink is a network whose connections take everything and remember the last of it.
type sink struct {
	peer transport.Peer
	id   uint64
	last []byte
	once sync.Once
	got  chan struct{} // closed at the first message
}

func (s *sink) Peer() *transport.Peer        { return &s.peer }
func (s *sink) ID() uint64                   { return s.id }
func (s *sink) Err() error                   { return nil }
func (s *sink) Close(error)                  {}
func (s *sink) Retire(error)                 {}
func (s *sink) Wait(f func())                { f() }
func (s *sink) Queue(_ Link, b []byte) error { return s.Send(b) }
func (s *sink) Send(b []byte) error {
	s.last = append(s.last[:0], b...)
	s.once.Do(func() { close(s.got) })
	return nil
}

type sinks struct{ hop *sink }

func (s sinks) Links() []Link { return nil }
func (s sinks) Dial(_ context.Context, t transport.Target) (Link, error) {
	s.hop.peer = transport.Peer{Remote: t.Addr, Transport: t.Transport, Opened: true, Target: t}
	return s.hop, nil
}

// A bench is a proxy without sockets, whose hop is the own connector.
type bench struct {
	*testing.B
	proxy   *Proxy
	hop     *sink
	message sip.Message
	answer  []byte
}

func newBench(b *testing.B, s federation.Snapshot) *bench {
	b.Helper()
	w := &bench{B: b, proxy: New(Config{Directory: everybody, Key: []byte("secret")}), hop: &sink{id: 1, got: make(chan struct{})}}
	w.proxy.Start(sinks{w.hop})
	policy, err := routing.Compile(s, "imp1.synergy.com")
	if err != nil {
		b.Fatal(err)
	}
	w.proxy.SetPolicy(policy)
	return w
}

// client is a connection from an address, with a MESSAGE that comes over it.
func (w *bench) client(id uint64, address, from, to string) (l *sink, request []byte) {
	l = &sink{id: id, got: make(chan struct{}), peer: transport.Peer{Remote: netip.MustParseAddrPort(address), Transport: sip.TCP, ListenerPort: 5060}}
	r := siptest.Message(from, to, "hi")
	r.SentBy = address
	return l, []byte(r.String())
}

func (w *bench) give(l Link, text []byte) {
	if err := w.message.Parse(text); err != nil {
		w.Fatal(err)
	}
	w.proxy.receive(l, &w.message)
}

// passes is one request there and its 200 back. The first one waits for its connection.
func (w *bench) passes(l Link, request []byte) {
	w.give(l, request)
	<-w.hop.got
	if err := w.message.Parse(w.hop.last); err != nil {
		w.Fatal(err)
	}
	w.answer = w.message.AppendAnswer(w.answer[:0], sip.Answer{Status: 200, ToTag: "t"})
	w.give(w.hop, w.answer)
}

// BenchmarkMessage is a MESSAGE there and its 200 back, without sockets.
func BenchmarkMessage(b *testing.B) {
	w := newBench(b, configuration())
	l, request := w.client(2, "127.0.0.11:4000", "carla@synergy.com", "bob@synergy.com")
	w.passes(l, request)
	b.ReportAllocs()
	for b.Loop() {
		w.passes(l, request)
	}
}

// BenchmarkMessageFrom is the same from outside, by the number of peers that take turns.
func BenchmarkMessageFrom(b *testing.B) {
	for _, n := range []int{1, 10, 100, 1_000} {
		b.Run(fmt.Sprintf("peers=%d", n), func(b *testing.B) { messageFrom(b, n) })
	}
}

func messageFrom(b *testing.B, n int) {
	s := configuration()
	links, requests := make([]*sink, n), make([][]byte, n)
	for i := range n {
		address := fmt.Sprintf("10.3.%d.%d", i/250, 1+i%250)
		s.ACL = append(s.ACL, federation.ACLEntry{Pattern: address})
	}
	s.Configuration.Normalize()
	w := newBench(b, s)
	for i := range n {
		links[i], requests[i] = w.client(uint64(2+i), fmt.Sprintf("10.3.%d.%d:5061", i/250, 1+i%250), "bob@synergy.com", "carla@synergy.com")
		w.passes(links[i], requests[i])
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i = (i + 1) % n {
		w.passes(links[i], requests[i])
	}
}
