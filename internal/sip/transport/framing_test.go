package transport

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"isthmus/internal/sip"
)

// unreadable are ends of a stream's framing, by what they are.
var unreadable = map[string]struct{ text, status string }{
	"no SIP":                    {"GARBAGE LINE\r\nfoo\r\n\r\n", ""},
	"binary":                    {strings.Repeat("\x00\x01\x02\xff", 50) + "\r\n\r\n", ""},
	"a length that is none":     {strings.Replace(message("MESSAGE", "bad", 0), "Content-Length: 0", "Content-Length: abc", 1), "400"},
	"a length beyond the limit": {message("MESSAGE", "bad", sip.MaxBody+1), "513"},
	"an ACK with no length":     {strings.Replace(message("ACK", "bad", 0), "Content-Length: 0\r\n", "", 1), ""},
}

// asking is a layer whose Handler keeps the answers to requests back, and refuses what cannot be read as a proxy does.
func asking(t *testing.T, limits Limits) (*Layer, *recorder, chan []byte) {
	t.Helper()
	r := newRecorder()
	pending := make(chan []byte, 1000)
	r.receive = func(c *Conn, m *sip.Message) { pending <- answer(m, 200) }
	r.malformed = func(c *Conn, m *sip.Message, err *sip.Error) {
		if m.Answerable() && m.Method() != "ACK" {
			_ = c.Send(answer(m, err.Status))
		}
	}
	return newLayer(t, r, limits), r, pending
}

func requests(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(message("MESSAGE", fmt.Sprint(i), 0))
	}
	return b.String()
}

func (c *Conn) settles() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.settled != nil
}

// What comes meanwhile is neither read nor a reason to reset the connection before the answers were read.
func TestWhatWasAskedBeforeFramingWasLostIsAnswered(t *testing.T) {
	const asked = 20
	for what, end := range unreadable {
		for _, secure := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, TLS %v", what, secure), func(t *testing.T) {
				l, r, pending := asking(t, Limits{})
				p := onlyPeer(t, l, secure)
				p.write(t, requests(asked)+end.text)
				until(t, "it waits for its answers", func() bool { return len(l.Connections()) == 1 && l.Connections()[0].settles() })
				if end.status != "" {
					if a := p.status(t); a != end.status {
						t.Fatalf("answered %s at once, want %s", a, end.status)
					}
				}
				p.write(t, requests(100))
				for range asked {
					if err := l.Connections()[0].Send(next(t, pending)); err != nil {
						t.Fatal(err)
					}
				}
				for i := range asked {
					if a := p.status(t); a != "200" {
						t.Fatalf("request %d: %s", i, a)
					}
				}
				if a := p.status(t); a != "closed" {
					t.Errorf("then %s", a)
				}
				got := next(t, r.closed)
				if _, ok := errors.AsType[*sip.Error](got.err); !ok || len(r.got) != asked || len(r.returned) != 0 {
					t.Errorf("closed for %v after %d requests, %d answers handed back", got.err, len(r.got), len(r.returned))
				}
			})
		}
	}
}

// onlyPeer opens a listener and connects to it.
func onlyPeer(t *testing.T, l *Layer, secure bool) *peer {
	t.Helper()
	if !secure {
		return connect(t, listenTCP(t, l))
	}
	ca := newAuthority(t)
	addr := fitOne(t, l, Listener{Name: "tls", Transport: sip.TLS, Addr: loopback, TLS: ca.server(t, "node", 0)})
	return dialTLS(t, addr, ca.client("node"))
}

// lostFraming is a connection whose framing is lost, with a request that waits for its answer.
func lostFraming(t *testing.T, limits Limits) (l *Layer, c *Conn, p *peer, r *recorder, late []byte) {
	t.Helper()
	l, r, pending := asking(t, limits)
	c, p = accepted(t, l, r)
	p.write(t, requests(1)+unreadable["no SIP"].text)
	late = next(t, pending)
	until(t, "it waits for its answer", c.settles)
	return l, c, p, r, late
}

func TestAPeerWhoseFramingIsLostIsNotKeptForALateAnswer(t *testing.T) {
	const limit = 100 * time.Millisecond
	began := time.Now()
	_, _, p, r, _ := lostFraming(t, Limits{HalfClosed: limit})
	if end := p.end(t); end != "closed" || time.Since(began) < limit {
		t.Errorf("%s after %v", end, time.Since(began))
	}
	next(t, r.closed)
}

func TestWhoIsOwedNothingIsClosedAtOnceWhenFramingIsLost(t *testing.T) {
	for what, end := range unreadable {
		l, r, _ := asking(t, Limits{HalfClosed: time.Hour})
		p := connect(t, listenTCP(t, l))
		p.write(t, message("ACK", "a", 0)+message("BENOTIFY", "a", 0)+end.text)
		if end.status != "" {
			if a := p.status(t); a != end.status {
				t.Errorf("%s: answered %s", what, a)
			}
		}
		if end := p.end(t); end != "closed" {
			t.Errorf("%s: %s", what, end)
		}
		next(t, r.closed)
	}
}

func TestWhatEndsAConnectionEndsOneWhoseFramingIsLost(t *testing.T) {
	for promise, ends := range map[string]func(*testing.T, *Layer, *Conn){
		"its close":             func(_ *testing.T, _ *Layer, c *Conn) { c.Close(errNotAllowed) },
		"its peer's retirement": func(_ *testing.T, _ *Layer, c *Conn) { c.Retire(errNotAllowed) },
		"the layer's end": func(t *testing.T, l *Layer, _ *Conn) {
			ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
			defer cancel()
			if err := l.Shutdown(ctx); err != nil {
				t.Error(err)
			}
		},
	} {
		t.Run(promise, func(t *testing.T) {
			l, c, p, r, _ := lostFraming(t, Limits{HalfClosed: time.Hour, Retire: 10 * time.Millisecond})
			ends(t, l, c)
			if end := p.end(t); end != "closed" {
				t.Error(end)
			}
			next(t, r.closed)
		})
	}
}

func TestAnAnswerToAPeerThatResetAfterItsFramingWasLostIsHandedBack(t *testing.T) {
	_, c, p, r, late := lostFraming(t, Limits{HalfClosed: time.Hour})
	_ = p.Conn.(*net.TCPConn).SetLinger(0)
	p.Close()
	lost := 0
	until(t, "the reset was heard", func() bool { // the system tells of it by itself
		left, err := unacknowledged(c.socket.Raw())
		return left == 0 && err != nil
	})
	if c.Send(late) != nil {
		lost++ // the sender knows by itself
	}
	next(t, r.closed)
	if lost += len(r.returned); lost != 1 {
		t.Errorf("the answer was handed back %d times", lost)
	}
}

func TestWhatAFailedWriteHadIsNotTaken(t *testing.T) {
	_, c, p, _, late := lostFraming(t, Limits{HalfClosed: time.Hour})
	_ = p.Conn.(*net.TCPConn).SetLinger(0)
	p.Close()
	until(t, "the reset was heard", func() bool {
		_, err := unacknowledged(c.socket.Raw())
		return err != nil
	})
	if _, err := c.socket.Write(late); err == nil || c.socket.taken(time.Second) {
		t.Errorf("a write ended with %v, and what it had is said to be taken", err)
	}
}

// The refusal of a message that was not taken is not the answer to another one.
func TestARefusalPaysForNothingElse(t *testing.T) {
	l, r, pending := asking(t, Limits{HalfClosed: time.Hour})
	c, p := accepted(t, l, r)
	p.write(t, requests(1)+strings.Replace(message("MESSAGE", "bad", 0), "Max-Forwards: 70", "Max-Forwards: x", 1))
	if a := p.status(t); a != "400" {
		t.Fatalf("answered %s", a)
	}
	_ = p.Conn.(*net.TCPConn).CloseWrite()
	late := next(t, pending)
	until(t, "it waits for its answer", c.settles)
	if err := c.Send(late); err != nil {
		t.Fatal(err)
	}
	if a, end := p.status(t), p.end(t); a != "200" || end != "closed" {
		t.Errorf("then %s and %s", a, end)
	}
	next(t, r.closed)
}
