package transport

import (
	"errors"
	"sync"
	"testing"
	"time"

	"isthmus/internal/sip"
)

var errNotAllowed = errors.New("may send no more")

// retiring is a connection with a request that waits for its answer, retired.
func retiring(t *testing.T, limits Limits) (c *Conn, p *peer, r *recorder, late []byte) {
	t.Helper()
	r = newRecorder()
	pending := make(chan []byte, 1)
	r.receive = func(c *Conn, m *sip.Message) { pending <- answer(m, 200) }
	c, p = accepted(t, newLayer(t, r, limits), r)
	p.write(t, message("MESSAGE", "a", 0))
	late = next(t, pending)
	next(t, r.got)
	c.Retire(errNotAllowed)
	return c, p, r, late
}

func TestAPeerThatMaySendNoMoreHearsItsAnswerAndIsClosed(t *testing.T) {
	c, p, r, late := retiring(t, Limits{Retire: time.Hour})
	c.Retire(errors.New("a second change"))
	p.write(t, message("MESSAGE", "b", 0)+message("ACK", "b", 0)+"\r\n\r\n")
	if a := p.status(t); a != "503" {
		t.Errorf("what came too late was answered %s", a)
	}
	if pong, err := p.lines.ReadString('\n'); pong != "\r\n" { // all of it was read
		t.Fatalf("%q %v", pong, err)
	}
	if err := c.Send(late); err != nil {
		t.Fatal(err)
	}
	if a, end := p.status(t), p.end(t); a != "200" || end != "closed" {
		t.Errorf("the peer heard %s, %s", a, end)
	}
	if got := next(t, r.closed); got.err != errNotAllowed {
		t.Errorf("closed for %v", got.err)
	}
	if len(r.got) > 0 {
		t.Error("it was heard again")
	}
}

func TestAPeerThatMaySendNoMoreIsNotKeptForALateAnswer(t *testing.T) {
	const limit = 100 * time.Millisecond
	began := time.Now()
	_, p, r, _ := retiring(t, Limits{Retire: limit})
	if end := p.end(t); end != "closed" || time.Since(began) < limit {
		t.Errorf("%s after %v", end, time.Since(began))
	}
	next(t, r.closed)
}

func TestAPeerThatMaySendNoMoreAndIsOwedNothingIsClosedAtOnce(t *testing.T) {
	r := newRecorder()
	c, p := accepted(t, newLayer(t, r, Limits{Retire: time.Hour}), r)
	p.write(t, message("MESSAGE", "a", 0))
	p.status(t)
	c.Retire(errNotAllowed)
	if end := p.end(t); end != "closed" {
		t.Errorf("the peer was %s", end)
	}
	next(t, r.closed)
}

// What a peer sent before its connection was closed is answered, wherever it was then.
func TestWhatCameOfARetiredPeerBeforeItsConnectionClosedIsAnswered(t *testing.T) {
	const n = 300
	for promise, secure := range map[string]bool{"over TCP": false, "over TLS": true} {
		t.Run(promise, func(t *testing.T) {
			r := newRecorder()
			var sent sync.WaitGroup
			sent.Add(1)
			r.receive = func(c *Conn, m *sip.Message) {
				sent.Wait() // all of it is with the system now, or was read
				c.Retire(errNotAllowed)
				_ = c.Send(answer(m, 200))
				until(t, "it closes", func() bool { return c.Err() != nil })
			}
			p := onlyPeer(t, newLayer(t, r, Limits{}), secure)
			p.write(t, requests(n))
			sent.Done()
			if a := p.status(t); a != "200" {
				t.Fatalf("the first is answered %s", a)
			}
			for i := 1; i < n; i++ {
				if a := p.status(t); a != "503" {
					t.Fatalf("request %d is answered %s", i, a)
				}
			}
			if end := p.end(t); end != "closed" {
				t.Errorf("then %s", end)
			}
			got := next(t, r.closed)
			if got.err != errNotAllowed || len(r.got) != 1 {
				t.Errorf("closed for %v, and %d were handled", got.err, len(r.got))
			}
			if err := got.conn.Send(carriageReturn); err != errNotAllowed {
				t.Errorf("after its goodbye it says %v to who sends", err)
			}
		})
	}
}
