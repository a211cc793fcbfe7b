package transport

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"isthmus/internal/sip"
)

// accepted opens a connection to the layer and returns both ends.
func accepted(t *testing.T, l *Layer, r *recorder) (*Conn, *peer) {
	t.Helper()
	p := connect(t, listenTCP(t, l))
	until(t, "accepted", func() bool { return len(l.Connections()) == 1 })
	return l.Connections()[0], p
}

func TestASlowReaderHurtsItselfAlone(t *testing.T) {
	r := newRecorder()
	l := newLayer(t, r, Limits{Write: time.Minute, UserTimeout: time.Minute, Enqueue: 100 * time.Millisecond})
	c, _ := accepted(t, l, r)
	other := connect(t, fitted(l))
	block := bytes.Repeat([]byte("x"), 16<<10)
	var err error
	var slowest time.Duration
	sent := 0
	for begin := time.Now(); err == nil && time.Since(begin) < 5*time.Second; sent += len(block) {
		one := time.Now()
		err = c.Send(block)
		slowest = max(slowest, time.Since(one))
		other.write(t, message("MESSAGE", "a", 0))
		if got := other.status(t); got != "200" {
			t.Fatalf("the other connection was answered %s", got)
		}
	}
	if err == nil || slowest > time.Second {
		t.Errorf("sending ended with %v, the slowest took %v", err, slowest)
	}
	if sent > 4<<20 {
		t.Errorf("%d bytes were taken for a peer that reads nothing", sent)
	}
	if got := next(t, r.closed); got.conn != c || !errors.Is(got.err, ErrSlowReader) {
		t.Errorf("closed for %v, want ErrSlowReader", got.err)
	}
	if err := c.Send(block); err == nil {
		t.Error("a closed connection took something")
	}
}

func fitted(l *Layer) netip.AddrPort { return l.current()[0].addr() }

func TestAPeerThatStopsReadingIsClosedWithoutAnotherSend(t *testing.T) {
	r := newRecorder()
	l := newLayer(t, r, Limits{Write: 100 * time.Millisecond, Queue: 8 << 20})
	c, _ := accepted(t, l, r)
	if err := c.Send(bytes.Repeat([]byte("x"), 7<<20)); err != nil {
		t.Fatal(err)
	}
	if got := next(t, r.closed); !errors.Is(got.err, ErrSlowReader) {
		t.Errorf("closed for %v, want ErrSlowReader", got.err)
	}
}

func TestAQueueThatDrainsLosesNothing(t *testing.T) {
	for _, secure := range []bool{false, true} {
		r := newRecorder()
		l := newLayer(t, r, Limits{Enqueue: 10 * time.Second, Write: 10 * time.Second})
		var p *peer
		if secure {
			ca := newAuthority(t)
			addr := fitOne(t, l, Listener{Name: "tls", Transport: sip.TLS, Addr: loopback, TLS: ca.server(t, "node", 0)})
			p = dialTLS(t, addr, ca.client("node"))
		} else {
			p = connect(t, listenTCP(t, l))
		}
		until(t, "accepted", func() bool { return len(l.Connections()) == 1 })
		c := l.Connections()[0]
		var want []byte
		for i := range 200 {
			want = append(want, bytes.Repeat([]byte{byte('a' + i%26)}, 20_000)...)
		}
		go func() {
			for part := range slices.Chunk(want, 20_000) {
				_ = c.Send(part)
			}
			c.Close(nil)
		}()
		got, err := io.ReadAll(p)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("TLS %v: %d bytes arrived of %d, or in another order, or %v", secure, len(got), len(want), err)
		}
	}
}

func TestManyWritersKeepTheirMessagesWhole(t *testing.T) {
	r := newRecorder()
	l := newLayer(t, r, Limits{Enqueue: 10 * time.Second})
	c, p := accepted(t, l, r)
	var group sync.WaitGroup
	for w := range 8 {
		group.Go(func() {
			line := strings.Repeat(string(rune('a'+w)), 700) + "\n"
			for range 500 {
				if err := c.Send([]byte(line)); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for range 8 * 500 {
		line, err := p.lines.ReadString('\n')
		if err != nil || len(line) != 701 || strings.Count(line, line[:1]) != 700 {
			t.Fatalf("line %q, %v", line, err)
		}
	}
	group.Wait()
}

// counted counts the writes that reach the network.
type counted struct {
	io.Writer
	mu sync.Mutex
	n  int
}

func (c *counted) Write(p []byte) (int, error) {
	c.mu.Lock()
	c.n++
	c.mu.Unlock()
	return c.Writer.Write(p)
}

func (c *counted) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n
}

func TestAnswersOfOneReadGoOutTogether(t *testing.T) {
	r := newRecorder()
	l := newLayer(t, r, Limits{})
	c, p := accepted(t, l, r)
	writes := &counted{Writer: c.socket}
	c.out = writes
	p.write(t, strings.Repeat(message("MESSAGE", "a", 0), 20))
	for range 20 {
		if got := p.status(t); got != "200" {
			t.Fatal(got)
		}
	}
	if n := writes.count(); n > 3 {
		t.Errorf("20 answers took %d writes", n)
	}
}

// corked holds back what is written while it is.
type corked struct {
	net.Conn
	on   bool
	held []byte
}

func (c *corked) Write(p []byte) (int, error) {
	if c.on {
		c.held = append(c.held, p...)
		return len(p), nil
	}
	return c.Conn.Write(p)
}

func (c *corked) release(t *testing.T) {
	t.Helper()
	_ = c.Conn.SetWriteDeadline(time.Time{}) // a close_notify sets one
	if _, err := c.Conn.Write(c.held); err != nil {
		t.Fatal(err)
	}
	c.on = false
}

// tlsPeer is a peer whose records can be held back, and who counts what is written to it.
func tlsPeer(t *testing.T, limits Limits, up ...func(*Conn)) (p *peer, cork *corked, writes *counted, r *recorder) {
	t.Helper()
	ca, r := newAuthority(t), newRecorder()
	writes = &counted{}
	r.up = func(c *Conn) {
		writes.Writer, c.out = c.out, writes
		for _, f := range up {
			f(c)
		}
	}
	l := newLayer(t, r, limits)
	at := fitOne(t, l, Listener{Name: "tls", Transport: sip.TLS, Addr: loopback, TLS: ca.server(t, "imp1.synergy.com", tls.NoClientCert)})
	cork = &corked{Conn: connect(t, at).Conn}
	p = newPeer(t, tls.Client(cork, ca.client("imp1.synergy.com")))
	p.write(t, message("MESSAGE", "first", 0))
	if got := p.status(t); got != "200" {
		t.Fatalf("answered %s", got)
	}
	return p, cork, writes, r
}

func TestMessagesInRecordsOfTheirOwnAreHandledTogether(t *testing.T) {
	p, cork, writes, r := tlsPeer(t, Limits{})
	next(t, r.got)
	before := writes.count()
	cork.on = true
	for i := range 20 {
		p.write(t, message("MESSAGE", fmt.Sprint(i), 20))
	}
	cork.release(t)
	for i := range 20 {
		if got, status := next(t, r.got), p.status(t); got != fmt.Sprint(i) || status != "200" {
			t.Fatalf("message %d: %s is answered %s", i, got, status)
		}
	}
	if n := writes.count() - before; n > 8 {
		t.Errorf("20 answers took %d writes", n)
	}
}

func TestNothingMoreIsWaitedForBeforeAMessageOfTLSIsHandled(t *testing.T) {
	p, _, _, _ := tlsPeer(t, Limits{Warm: time.Hour}) // what waits does so for as long
	p.write(t, message("MESSAGE", "a", 0))
	if got := p.status(t); got != "200" {
		t.Errorf("answered %s", got)
	}
}

func TestWhatCameBeforeACloseNotifyIsAnswered(t *testing.T) {
	p, cork, _, r := tlsPeer(t, Limits{})
	next(t, r.got)
	cork.on = true
	p.write(t, message("MESSAGE", "a", 0))
	p.write(t, message("MESSAGE", "b", 0))
	if err := p.Conn.(*tls.Conn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	cork.release(t)
	for _, want := range []string{"a", "b"} {
		if got, status := next(t, r.got), p.status(t); got != want || status != "200" {
			t.Errorf("%s is answered %s, want %s and 200", got, status, want)
		}
	}
	if got := next(t, r.closed).err; !errors.Is(got, io.EOF) {
		t.Errorf("closed for %v", got)
	}
}

// faulty fails once where there is nothing to read.
type faulty struct {
	io.Reader
	err error
}

func (f *faulty) Read(b []byte) (int, error) {
	n, err := f.Reader.Read(b)
	if n == 0 && f.err != nil {
		err, f.err = f.err, nil
	}
	return n, err
}

// crypto/tls forgets some of its errors once it has told them.
func TestAnErrorAfterAMessageOfTLSEndsTheConnection(t *testing.T) {
	want := errors.New("a handshake message of type 99")
	p, _, _, r := tlsPeer(t, Limits{}, func(c *Conn) { c.in = &faulty{c.in, want} })
	next(t, r.got)
	p.write(t, message("MESSAGE", "a", 0))
	if got, err := next(t, r.got), next(t, r.closed).err; got != "a" || !errors.Is(err, want) {
		t.Errorf("closed for %v after %s", err, got)
	}
}

func TestForwardedMessagesOfOneReadGoOutTogether(t *testing.T) {
	r := newRecorder()
	var to *Conn
	done := make(chan struct{})
	r.receive = func(c *Conn, m *sip.Message) {
		_ = to.Queue(c, m.Bytes())
		if string(m.CallID()) == "last" {
			close(done)
		}
	}
	l := newLayer(t, r, Limits{})
	from, sender := accepted(t, l, r)
	target := stub(t, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })
	var err error
	to, err = l.Dial(context.Background(), Target{Addr: target, Transport: sip.TCP})
	if err != nil {
		t.Fatal(err)
	}
	writes := &counted{Writer: to.socket}
	to.out = writes
	sender.write(t, strings.Repeat(message("MESSAGE", "a", 0), 19)+message("MESSAGE", "last", 0))
	next(t, done)
	until(t, "handled", func() bool {
		from.batch.mu.Lock()
		defer from.batch.mu.Unlock()
		return !from.batch.active && len(from.batch.touched) == 0
	})
	written := func() bool {
		to.mu.Lock()
		defer to.mu.Unlock()
		return to.pending == nil && !to.writing
	}
	until(t, "written", written)
	if n := writes.count(); n > 3 {
		t.Errorf("20 forwarded messages took %d writes", n)
	}
	if err := to.Queue(from, []byte("x")); err != nil {
		t.Error(err)
	}
	until(t, "what is queued outside of a batch is not held", written)
}

func TestAHandlerThatWaitsHoldsNobodyBack(t *testing.T) {
	r := newRecorder()
	waits, held := make(chan struct{}), make(chan bool, 1)
	r.receive = func(c *Conn, m *sip.Message) {
		_ = c.Send(answer(m, 200))
		c.Wait(func() { <-waits })
		_ = c.Send(answer(m, 202))
		c.mu.Lock()
		held <- c.pending != nil
		c.mu.Unlock()
	}
	c, p := accepted(t, newLayer(t, r, Limits{}), r)
	p.write(t, message("MESSAGE", "a", 0))
	if got := p.status(t); got != "200" {
		t.Errorf("answered %s while the handler waits", got)
	}
	if err := c.Send([]byte("SIP/2.0 100 Trying\r\n\r\n")); err != nil {
		t.Error(err)
	}
	if got := p.status(t); got != "100" {
		t.Errorf("another goroutine's message: %s", got)
	}
	close(waits)
	if got := p.status(t); got != "202" || !next(t, held) {
		t.Errorf("after it has waited, %s is not held to the handler's end", got)
	}
}

func TestAHandlerThatWaitsForRoomHoldsNobodyBack(t *testing.T) {
	r := newRecorder()
	var full *Conn
	returned, handling := make(chan error, 1), make(chan *Conn, 1)
	r.receive = func(c *Conn, m *sip.Message) {
		handling <- c
		_ = c.Send(answer(m, 200))
		returned <- full.Queue(c, bytes.Repeat([]byte("x"), 8<<20))
	}
	l := newLayer(t, r, Limits{Enqueue: time.Minute, Write: time.Minute, UserTimeout: time.Minute})
	full, _ = accepted(t, l, r)
	p := connect(t, fitted(l))
	p.write(t, message("MESSAGE", "a", 0))
	if got := p.status(t); got != "200" {
		t.Errorf("answered %s while the handler waits", got)
	}
	select {
	case err := <-returned:
		t.Errorf("it did not wait: %v", err)
	default:
	}
	if err := next(t, handling).Send([]byte("SIP/2.0 100 Trying\r\n\r\n")); err != nil {
		t.Error(err)
	}
	if got := p.status(t); got != "100" {
		t.Errorf("another goroutine's message: %s", got)
	}
	full.Close(nil)
	if err := next(t, returned); err == nil {
		t.Error("a closed connection took it")
	}
}

func TestCloseSendsWhatIsQueued(t *testing.T) {
	r := newRecorder()
	r.receive = func(c *Conn, m *sip.Message) {
		_ = c.Send(answer(m, 403))
		c.Close(errors.New("not trusted"))
		if err := c.Send(answer(m, 200)); err == nil {
			t.Error("something was taken after Close")
		}
	}
	l := newLayer(t, r, Limits{})
	p := connect(t, listenTCP(t, l))
	p.write(t, strings.Repeat(message("MESSAGE", "a", 0), 50))
	if a, b := p.status(t), p.status(t); a != "403" || b != "closed" {
		t.Errorf("got %s and %s, want 403 and closed", a, b)
	}
	if got := next(t, r.closed); got.err == nil || got.err.Error() != "not trusted" || len(r.got) != 1 {
		t.Errorf("closed for %v after %d messages, want the reason given after one", got.err, len(r.got))
	}
}

// slow is a connection whose writes take until they are released.
type slow struct {
	io.Writer
	entered, release chan struct{}
}

func (s *slow) Write(p []byte) (int, error) {
	s.entered <- struct{}{}
	<-s.release
	return s.Writer.Write(p)
}

func TestCloseLeavesNothingBehindAWriteThatIsUnderWay(t *testing.T) {
	r := newRecorder()
	l := newLayer(t, r, Limits{})
	c, p := accepted(t, l, r)
	under := &slow{c.socket, make(chan struct{}, 2), make(chan struct{})}
	c.out = under
	go func() { _ = c.Send([]byte("SIP/2.0 100 Trying\r\n\r\n")) }()
	next(t, under.entered)
	if err := c.Send([]byte("SIP/2.0 200 OK\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	c.Close(nil)
	until(t, "it is closing", func() bool { return len(l.Connections()) == 0 })
	close(under.release)
	if a, b, end := p.status(t), p.status(t), p.status(t); a != "100" || b != "200" || end != "closed" {
		t.Errorf("the peer heard %s, %s, %s", a, b, end)
	}
}

func TestCloseWakesAnIdleConnection(t *testing.T) {
	for i := range 10 { // with its buffer and without, and on the way from one to the other
		warm := []time.Duration{time.Millisecond, time.Hour}[i%2]
		r := newRecorder()
		l := newLayer(t, r, Limits{Warm: warm})
		c, p := accepted(t, l, r)
		p.write(t, message("MESSAGE", "a", 0))
		if got := p.status(t); got != "200" {
			t.Fatal(got)
		}
		c.Close(nil)
		if got := next(t, r.closed); !errors.Is(got.err, ErrClosed) {
			t.Errorf("closed for %v", got.err)
		}
		if got := p.end(t); got != "closed" {
			t.Errorf("the peer saw it %s", got)
		}
	}
}

func TestAPeerThatHalfClosesHearsItsAnswer(t *testing.T) {
	r := newRecorder()
	pending := make(chan []byte, 1)
	r.receive = func(c *Conn, m *sip.Message) { pending <- answer(m, 200) }
	l := newLayer(t, r, Limits{})
	c, p := accepted(t, l, r)
	p.write(t, message("MESSAGE", "a", 0))
	_ = p.Conn.(*net.TCPConn).CloseWrite()
	late := next(t, pending)
	until(t, "the end of its requests was seen", func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.settled != nil
	})
	if err := c.Send([]byte("SIP/2.0 100 Trying\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	if err := c.Send(late); err != nil {
		t.Fatal(err)
	}
	if a, b, end := p.status(t), p.status(t), p.status(t); a != "100" || b != "200" || end != "closed" {
		t.Errorf("the peer heard %s, %s, %s", a, b, end)
	}
	if got := next(t, r.closed); !errors.Is(got.err, io.EOF) {
		t.Errorf("closed for %v, want io.EOF", got.err)
	}
}

func TestAnUnansweredHalfClosedPeerIsNotKept(t *testing.T) {
	r := newRecorder()
	r.receive = func(*Conn, *sip.Message) {}
	l := newLayer(t, r, Limits{HalfClosed: 50 * time.Millisecond})
	p := connect(t, listenTCP(t, l))
	p.write(t, message("MESSAGE", "a", 0))
	_ = p.Conn.(*net.TCPConn).CloseWrite()
	next(t, r.closed)
}

func TestAHalfClosedPeerIsNotKeptForWhatIsNeverAnswered(t *testing.T) {
	for promise, sent := range map[string]string{
		"an ACK": message("ACK", "a", 0), "a BENOTIFY": message("BENOTIFY", "a", 0), "a response": response, "a request that is answered twice": message("MESSAGE", "a", 0),
	} {
		t.Run(promise, func(t *testing.T) {
			r := newRecorder()
			r.receive = func(c *Conn, m *sip.Message) {
				if m.IsRequest() && m.Method() == "MESSAGE" {
					_ = c.Send(answer(m, 200))
					_ = c.Send(answer(m, 200))
				}
			}
			l := newLayer(t, r, Limits{HalfClosed: time.Hour})
			p := connect(t, listenTCP(t, l))
			p.write(t, sent)
			next(t, r.got)
			_ = p.Conn.(*net.TCPConn).CloseWrite()
			next(t, r.closed)
		})
	}
}

const response = "SIP/2.0 200 OK\r\nVia: SIP/2.0/TCP a.contoso.com;branch=z9hG4bKa\r\nFrom: <sip:alice@contoso.com>;tag=1\r\n" +
	"To: <sip:bob@contoso.com>;tag=2\r\nCall-ID: a\r\nCSeq: 1 MESSAGE\r\nContent-Length: 0\r\n\r\n"

// A server that closes a connection which it accepted is leaving, and reads no answer any more.
func TestAnOwnConnectionThatIsClosedThereIsNotKeptForAnAnswer(t *testing.T) {
	target := stub(t, func(c net.Conn) { _, _ = io.WriteString(c, message("MESSAGE", "a", 0)) })
	r := newRecorder()
	r.receive = func(*Conn, *sip.Message) {}
	l := newLayer(t, r, Limits{HalfClosed: time.Hour})
	if _, err := l.Dial(context.Background(), Target{Addr: target, Transport: sip.TCP}); err != nil {
		t.Fatal(err)
	}
	if got := next(t, r.closed); !errors.Is(got.err, io.EOF) {
		t.Errorf("closed for %v, want io.EOF", got.err)
	}
}

func TestAWriteBufferGrowsInTwoStepsToWhatIsKept(t *testing.T) {
	b, sizes := make([]byte, 0, 4<<10), []int{}
	for len(b) < keepUpTo {
		b = append(grown(b, 1<<10), make([]byte, 1<<10)...)
		if len(sizes) == 0 || sizes[len(sizes)-1] != cap(b) {
			sizes = append(sizes, cap(b))
		}
	}
	if want := []int{4 << 10, roomy, keepUpTo}; !slices.Equal(sizes, want) {
		t.Errorf("its sizes were %d, want %d", sizes, want)
	}
}
