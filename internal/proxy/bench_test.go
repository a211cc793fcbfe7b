package proxy

import (
	"context"
	"net/netip"
	"sync"
	"testing"

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

// BenchmarkMessage is a MESSAGE there and its 200 back, without sockets.
func BenchmarkMessage(b *testing.B) {
	p := New(Config{Directory: everybody, Key: []byte("secret")})
	hop, client := &sink{id: 1, got: make(chan struct{})}, &sink{id: 2, got: make(chan struct{}), peer: transport.Peer{Remote: netip.MustParseAddrPort("127.0.0.11:4000"), Transport: sip.TCP, ListenerPort: 5060}}
	p.Start(sinks{hop})
	policy, err := routing.Compile(configuration(), "imp1.synergy.com")
	if err != nil {
		b.Fatal(err)
	}
	p.SetPolicy(policy)
	m := new(sip.Message)
	give := func(l Link, text []byte) {
		if err := m.Parse(text); err != nil {
			b.Fatal(err)
		}
		p.receive(l, m)
	}
	r := siptest.Message("carla@synergy.com", "bob@synergy.com", "hi")
	r.SentBy = "127.0.0.11:4000"
	first := []byte(r.String())
	give(client, first)
	<-hop.got // the first waits for its connection
	give(hop, []byte(siptest.Response(parsed(b, hop.last), 200)))
	b.ReportAllocs()
	var sent sip.Message
	var answer []byte
	for b.Loop() {
		give(client, first)
		if err := sent.Parse(hop.last); err != nil {
			b.Fatal(err)
		}
		answer = sent.AppendAnswer(answer[:0], sip.Answer{Status: 200, ToTag: "t"})
		give(hop, answer)
	}
}

func parsed(b *testing.B, text []byte) *sip.Message {
	m := new(sip.Message)
	if err := m.Parse(text); err != nil {
		b.Fatal(err)
	}
	return m
}
