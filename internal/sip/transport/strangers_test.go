package transport

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"isthmus/internal/sip"
	"isthmus/internal/siptest"
)

// onlyKnown is a recorder that knows one address.
func onlyKnown(addr string) *recorder {
	r := newRecorder()
	r.known = func(p *Peer) bool { return p.Remote.Addr() == netip.MustParseAddr(addr) }
	return r
}

func connectFrom(t *testing.T, local string, to netip.AddrPort) *peer {
	t.Helper()
	d := net.Dialer{LocalAddr: net.TCPAddrFromAddrPort(netip.MustParseAddrPort(local + ":0"))}
	c, err := d.Dial("tcp", to.String())
	if err != nil {
		t.Fatal(err)
	}
	return newPeer(t, c)
}

func TestAStrangerThatAsksNothingIsClosedAndAKnownPeerIsNot(t *testing.T) {
	unreadable := strings.Replace(message("MESSAGE", "a", 0), "Max-Forwards: 70", "Max-Forwards: x", 1)
	answers := strings.Replace(message("MESSAGE", "a", 0), "MESSAGE sip:bob@contoso.com SIP/2.0", "SIP/2.0 200 OK", 1)
	for promise, stranger := range map[string]struct {
		first, says string
		warm        time.Duration
	}{
		"nothing":                           {warm: 10 * time.Millisecond},
		"empty lines":                       {says: "\r\n\r\n", warm: 10 * time.Millisecond},
		"empty lines without a pause":       {says: "\r\n\r\n", warm: time.Hour},
		"nothing that could be read":        {says: unreadable, warm: time.Hour},
		"answers to nothing":                {says: answers, warm: 10 * time.Millisecond},
		"always the beginning of a message": {first: unreadable[:1], says: unreadable[1:] + unreadable[:1], warm: time.Hour},
	} {
		t.Run(promise, func(t *testing.T) {
			r := onlyKnown("127.0.0.2")
			l := newLayer(t, r, Limits{Stranger: 100 * time.Millisecond, Warm: stranger.warm})
			addr := listenTCP(t, l)
			began := time.Now()
			known, p := connectFrom(t, "127.0.0.2", addr), connectFrom(t, "127.0.0.3", addr)
			go keepSaying(p, stranger.first, stranger.says)
			got := next(t, r.closed)
			if took := time.Since(began); !errors.Is(got.err, ErrStranger) || got.conn.Peer().Remote.String() != p.LocalAddr().String() || took < 90*time.Millisecond {
				t.Errorf("%v closed for %v after %v", got.conn.Peer().Remote, got.err, took)
			}
			known.write(t, message("MESSAGE", "a", 0))
			if got := known.status(t); got != "200" {
				t.Errorf("the known peer was answered %s", got)
			}
		})
	}
}

// keepSaying says something again and again until the connection has ended.
func keepSaying(p *peer, first, says string) {
	go func() { _, _ = io.Copy(io.Discard, p) }()
	_, err := io.WriteString(p, first)
	pace := time.NewTicker(20 * time.Millisecond)
	defer pace.Stop()
	for says != "" && err == nil {
		_, err = io.WriteString(p, says)
		<-pace.C
	}
}

// What a stranger has begun to say when its time is over is heard to its end, if it is known by then.
func TestAStrangerThatGetsKnownInTheMiddleOfAMessageStays(t *testing.T) {
	r := newRecorder()
	asked := make(chan bool, 10)
	r.known = func(*Peer) bool {
		asked <- true
		return len(asked) > 1 // not yet at accept
	}
	l := newLayer(t, r, Limits{Stranger: 20 * time.Millisecond})
	p := connect(t, listenTCP(t, l))
	whole := message("MESSAGE", "a", 0)
	p.write(t, whole[:50])
	until(t, "asked again", func() bool { return len(asked) == 2 })
	p.write(t, whole[50:])
	if got := p.status(t); got != "200" {
		t.Errorf("answered %s", got)
	}
}

func TestAStrangerWhoseRequestWasTakenIsNoneAnyMore(t *testing.T) {
	r := onlyKnown("127.0.0.2")
	l := newLayer(t, r, Limits{Stranger: 50 * time.Millisecond, Warm: 10 * time.Millisecond})
	p := connectFrom(t, "127.0.0.3", listenTCP(t, l))
	for range 2 {
		p.write(t, message("MESSAGE", "a", 0))
		if got := p.status(t); got != "200" {
			t.Fatalf("answered %s", got)
		}
		pause := time.NewTimer(120 * time.Millisecond)
		<-pause.C
	}
	if len(l.strangers.list) != 0 || len(r.closed) != 0 {
		t.Error("it still is a stranger")
	}
}

func TestAStrangerThatGetsKnownWhileItIsQuietStays(t *testing.T) {
	r := newRecorder()
	asked := make(chan bool, 10)
	r.known = func(*Peer) bool {
		asked <- true
		return len(asked) > 1 // not yet at accept
	}
	l := newLayer(t, r, Limits{Stranger: 20 * time.Millisecond})
	p := connect(t, listenTCP(t, l))
	until(t, "asked again", func() bool { return len(asked) == 2 })
	p.write(t, message("MESSAGE", "a", 0))
	if got := p.status(t); got != "200" {
		t.Errorf("answered %s", got)
	}
}

// A certificate may tell who a stranger is.
func TestAStrangerIsJudgedAgainAfterItsHandshake(t *testing.T) {
	ca := newAuthority(t)
	r := newRecorder()
	r.known = func(p *Peer) bool { return len(p.Certificates) > 0 }
	l := newLayer(t, r, Limits{Stranger: 50 * time.Millisecond})
	addr := fitOne(t, l, Listener{Name: "tls", Transport: sip.TLS, Addr: loopback, TLS: ca.server(t, "node", 4)})
	p := dialTLS(t, addr, ca.client("node", ca.issue(t, "fe1")))
	until(t, "up", func() bool { return len(l.Connections()) == 1 })
	pause := time.NewTimer(150 * time.Millisecond)
	<-pause.C
	p.write(t, message("MESSAGE", "a", 0))
	if got := p.status(t); got != "200" || len(l.strangers.list) != 0 {
		t.Errorf("answered %s", got)
	}
}

// A flood of connections costs a fixed number of descriptors, and none of a peer that is known.
func TestAFloodOfStrangersHasRoomForAFewOfThem(t *testing.T) {
	const room, flood = 8, 200
	r := onlyKnown("127.0.0.2")
	l := newLayer(t, r, Limits{Strangers: room})
	addr := listenTCP(t, l)
	known := connectFrom(t, "127.0.0.2", addr)
	last := connectFrom(t, "127.0.0.3", addr)
	for range flood {
		last = connectFrom(t, "127.0.0.3", addr)
		known.write(t, message("MESSAGE", "a", 0))
		if got := known.status(t); got != "200" {
			t.Fatalf("the known peer was answered %s", got)
		}
	}
	until(t, "the flood is closed but for the latest", func() bool { return len(l.all()) == room+1 })
	for range flood + 1 - room {
		if got := next(t, r.closed); !errors.Is(got.err, ErrStranger) {
			t.Fatalf("closed for %v", got.err)
		}
	}
	last.write(t, message("MESSAGE", "a", 0))
	if got := last.status(t); got != "200" {
		t.Errorf("the latest is not heard: %s", got)
	}
}

func TestDescriptorsThatRunOutAreTakenFromStrangers(t *testing.T) {
	r := onlyKnown("127.0.0.2")
	var taken atomic.Int64
	r.accept = func(netip.Addr) bool { return taken.Add(1) > 0 }
	l := newLayer(t, r, Limits{})
	addr := listenTCP(t, l)
	known := connectFrom(t, "127.0.0.2", addr)
	for range 3 {
		connectFrom(t, "127.0.0.3", addr)
	}
	until(t, "accepted", func() bool { return len(l.Connections()) == 4 })
	late := descriptor(t)
	restore := siptest.LimitDescriptors(t, 0)
	defer restore()
	if err := syscall.Connect(late, &syscall.SockaddrInet4{Addr: addr.Addr().As4(), Port: int(addr.Port())}); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if got := next(t, r.closed); !errors.Is(got.err, ErrStranger) {
			t.Errorf("%v closed for %v", got.conn.Peer().Remote, got.err)
		}
	}
	until(t, "who waited is accepted", func() bool { return taken.Load() == 5 }) // and may be the next to go
	known.write(t, message("MESSAGE", "a", 0))
	if got := known.status(t); got != "200" {
		t.Errorf("the known peer was answered %s", got)
	}
}

func TestAnAnswerToAPeerThatHasLeftIsHandedBack(t *testing.T) {
	for promise, want := range map[string]struct {
		leave           func(*peer)
		asked, returned int
	}{
		"closed altogether":           {func(p *peer) { p.Close() }, 1, 1},
		"closed altogether, two asks": {func(p *peer) { p.Close() }, 2, 2},
		"closed half":                 {func(p *peer) { _ = p.Conn.(*net.TCPConn).CloseWrite() }, 2, 0},
	} {
		t.Run(promise, func(t *testing.T) {
			r := newRecorder()
			pending := make(chan []byte, 2)
			r.receive = func(c *Conn, m *sip.Message) { pending <- answer(m, 200) }
			l := newLayer(t, r, Limits{})
			c, p := accepted(t, l, r)
			p.write(t, strings.Repeat(message("MESSAGE", "a", 0), want.asked))
			var answers [][]byte
			for range want.asked {
				answers = append(answers, next(t, pending))
			}
			want.leave(p)
			until(t, "the end of its requests was seen", func() bool {
				c.mu.Lock()
				defer c.mu.Unlock()
				return c.settled != nil
			})
			lost := 0
			for _, b := range answers {
				if c.Send(b) != nil {
					lost++ // the sender knows by itself
				}
			}
			next(t, r.closed)
			for range len(r.returned) {
				lost++
				<-r.returned
			}
			if lost != want.returned {
				t.Errorf("%d answers were handed back, not %d", lost, want.returned)
			}
		})
	}
}

// Two peers behind one address: what one does wrong costs its own connection.
func TestPeersBehindOneAddressDoNotPayForEachOther(t *testing.T) {
	good := message("MESSAGE", "a", 0)
	for promise, wrong := range map[string]func(*peer){
		"garbage":        func(p *peer) { _, _ = io.WriteString(p, "\x16\x03\x01 this is no SIP\r\n\r\n") },
		"a half message": func(p *peer) { _, _ = io.WriteString(p, good[:50]) },
		"a lost framing": func(p *peer) {
			_, _ = io.WriteString(p, strings.Replace(good, "Content-Length: 0", "Content-Length: x", 1))
		},
		"too much":        func(p *peer) { _, _ = io.WriteString(p, message("MESSAGE", "a", sip.MaxBody+1)) },
		"answers unread":  func(p *peer) { go func() { _, _ = io.Copy(p, strings.NewReader(strings.Repeat(good, 100_000))) }() },
		"a sudden reset":  func(p *peer) { _ = p.Conn.(*net.TCPConn).SetLinger(0); p.Close() },
		"an early goodby": func(p *peer) { p.Close() },
	} {
		t.Run(promise, func(t *testing.T) {
			r := newRecorder()
			l := newLayer(t, r, Limits{Message: 50 * time.Millisecond, Write: 50 * time.Millisecond, Enqueue: 20 * time.Millisecond, Queue: 64 << 10})
			go func() {
				for range r.got {
				}
			}()
			t.Cleanup(func() { close(r.got) })
			addr := listenTCP(t, l)
			bad, other := connect(t, addr), connect(t, addr)
			wrong(bad)
			for ended := false; !ended; {
				other.write(t, good)
				if got := other.status(t); got != "200" {
					t.Fatalf("the other connection was answered %s", got)
				}
				select {
				case got := <-r.closed:
					ended = got.conn.Peer().Remote.String() == bad.LocalAddr().String()
					if !ended {
						t.Fatalf("the other connection was closed for %v", got.err)
					}
				default:
				}
			}
		})
	}
}

// 10,000 messages in one go come to an answer each, and another peer's are answered between them.
func TestABlastOfOnePeerLetsAnotherBeServed(t *testing.T) {
	const blast = 10_000
	r := newRecorder()
	l := newLayer(t, r, Limits{})
	addr := listenTCP(t, l)
	loud, other := connect(t, addr), connect(t, addr)
	go func() { _, _ = io.WriteString(loud, strings.Repeat(message("MESSAGE", "blast", 0), blast)) }()
	answered := make(chan int, 1)
	go func() {
		n := 0
		for ; n < blast && loud.status(t) == "200"; n++ {
		}
		answered <- n
	}()
	between := 0
	for done := false; !done; {
		other.write(t, message("MESSAGE", "other", 0))
		if got := other.status(t); got != "200" {
			t.Fatalf("the other peer was answered %s", got)
		}
		select {
		case n := <-answered:
			done = true
			if n != blast {
				t.Errorf("%d of the blast were answered", n)
			}
		default:
			between++
		}
	}
	if between < 10 {
		t.Errorf("the other peer got %d answers during the blast", between)
	}
}

// An answer that could not be written is either its sender's to give back or the Handler's, and never both.
func TestAnAnswerIsHandedBackOnce(t *testing.T) {
	r := newRecorder()
	l := newLayer(t, r, Limits{})
	c, _ := accepted(t, l, r)
	a, b := []byte("a"), []byte("b")
	c.mu.Lock()
	c.unsure = [][]byte{a, b}
	c.mu.Unlock()
	if !c.withdraw(a) || !c.withdraw([]byte("sent before the peer closed anything")) {
		t.Error("the sender is not told")
	}
	_ = c.socket.Close()
	next(t, r.closed)
	if len(r.returned) != 1 || next(t, r.returned) != "b" {
		t.Error("what was not withdrawn is not handed back")
	}
	if c.withdraw(b) {
		t.Error("the sender is told too")
	}
	if c.undelivered(); len(r.returned) != 0 {
		t.Error("handed back again")
	}
}
