package transaction

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"isthmus/internal/sip"
	"isthmus/internal/siptest"
)

const (
	viaA    = "SIP/2.0/TLS fe1.contoso.com:5061;branch=z9hG4bKa1"
	ourVia  = "SIP/2.0/TLS node1.contoso.com:5061;branch=z9hG4bKours"
	legacy  = "SIP/2.0/TCP 10.0.0.9:4711;ms-received-port=4711"
	cookies = "SIP/2.0/TCP 10.0.0.9:4711;branch=z9hG4bK"
)

// request writes a request; toTag and CSeq number may be left out.
type request struct {
	method, via, toTag, uri, callID string
	number                          int
}

func (r request) bytes() []byte {
	to := "<sip:bob@contoso.com>"
	if r.toTag != "" {
		to += ";tag=" + r.toTag
	}
	if r.uri == "" {
		r.uri = "sip:bob@contoso.com"
	}
	if r.callID == "" {
		r.callID = "call-1"
	}
	return fmt.Appendf(nil, "%s %s SIP/2.0\r\nVia: %s\r\nMax-Forwards: 70\r\nFrom: <sip:alice@contoso.com>;tag=f1\r\nTo: %s\r\n"+
		"Call-ID: %s\r\nCSeq: %d %s\r\nContent-Length: 0\r\n\r\n", r.method, r.uri, r.via, to, r.callID, r.number+1, r.method)
}

func parsed(t testing.TB, b []byte) *sip.Message {
	t.Helper()
	m := new(sip.Message)
	if err := m.Parse(b); err != nil {
		t.Fatalf("parse %q: %v", b, err)
	}
	return m
}

func (r request) message(t testing.TB) *sip.Message { t.Helper(); return parsed(t, r.bytes()) }

// response writes a response to one of our requests.
func response(t testing.TB, status int, method string) *sip.Message {
	t.Helper()
	return parsed(t, fmt.Appendf(nil, "SIP/2.0 %d Any\r\nVia: %s\r\nFrom: <sip:alice@contoso.com>;tag=f1\r\nTo: <sip:bob@contoso.com>;tag=t%d\r\n"+
		"Call-ID: call-1\r\nCSeq: 1 %s\r\nContent-Length: 0\r\n\r\n", status, ourVia, status, method))
}

// wire notes what was sent, by first words: "INVITE", "200".
type wire struct {
	mu   sync.Mutex
	sent []string
	fail error
}

func (w *wire) send(b []byte) { _ = w.try(b) }

func (w *wire) try(b []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	word, rest, _ := strings.Cut(string(b), " ")
	if word == "SIP/2.0" {
		word, _, _ = strings.Cut(rest, " ")
	}
	w.sent = append(w.sent, word)
	return w.fail
}

// call is a request to send with a user that is made of functions, each of which but Send may be missing.
type call struct {
	Branch, Method string
	Bytes          []byte
	Reliable       bool
	Tally          *Tally

	Send           func([]byte) error
	Response       func(*sip.Message)
	Timeout        func()
	TransportError func(error)
}

func send(t *Table, c call) *Client {
	client := new(Client)
	t.Send(client, ClientRequest{Branch: []byte(c.Branch), Method: c.Method, Bytes: c.Bytes, Origin: c.Bytes, Reliable: c.Reliable, Tally: c.Tally, User: caller{c}})
	return client
}

type caller struct{ call }

func (c caller) Write(b []byte) error { return c.Send(b) }

func (c caller) Cancel(origin []byte) []byte {
	var m sip.Message
	_ = m.Parse(origin) // as sent
	return m.AppendCancel(nil)
}

func (c caller) Response(m *sip.Message) {
	if c.call.Response != nil {
		c.call.Response(m)
	}
}

func (c caller) Timeout() {
	if c.call.Timeout != nil {
		c.call.Timeout()
	}
}

func (c caller) TransportError(err error) {
	if c.call.TransportError != nil {
		c.call.TransportError(err)
	}
}

type sender func([]byte)

func (s sender) Send(b []byte) { s(b) }

func (s sender) Trying(m *sip.Message) { s(m.AppendAnswer(nil, sip.Answer{Status: 100})) }

func receiveWith(t *Table, m *sip.Message, reliable bool, back func([]byte)) (*Server, Verdict) {
	return t.Receive(new(Server), m, reliable, sender(back))
}

// breakDown lets sending fail from now on.
func (w *wire) breakDown(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fail = err
}

// want compares what was sent since the last call.
func (w *wire) want(t *testing.T, want string) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if got := strings.Join(w.sent, " "); got != want {
		t.Errorf("sent %q, want %q", got, want)
	}
	w.sent = nil
}

func wantLen(t *testing.T, table *Table, server, client int) {
	t.Helper()
	if s, c := table.Len(); s != server || c != client {
		t.Errorf("%d server and %d client transactions live, want %d and %d", s, c, server, client)
	}
}

// after lets the bubble's clock run and then everything that became due.
func after(d time.Duration) {
	<-siptest.Passed(d)
	synctest.Wait()
}

func bubble(t *testing.T, name string, f func(t *testing.T, table *Table, w *wire)) {
	t.Run(name, func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) { f(t, New(Wall()), new(wire)) })
	})
}

func TestAConnectionResetLeavesNothingBehind(t *testing.T) {
	bubble(t, "100,000 requests", func(t *testing.T, table *Table, w *wire) {
		reset := errors.New("connection reset by peer")
		for i := range 100_000 {
			method := []string{"BYE", "INVITE", "MESSAGE"}[i%3]
			m := request{method: method, via: fmt.Sprintf("%s%d", viaA, i)}.message(t)
			receiveWith(table, m, true, func([]byte) {})
			c := send(table, call{Branch: fmt.Sprint("z9hG4bK", i), Method: method, Bytes: m.Bytes(), Reliable: true,
				Send: func([]byte) error {
					if i%2 == 0 {
						return reset
					}
					return nil
				}})
			if i%5 == 0 {
				c.End()
			}
		}
		wantLen(t, table, 100_000, 50_000)
		after(32 * time.Second)
		if s, c := table.Len(); c != 0 || s != 33_333 {
			t.Errorf("after 64*T1 %d server and %d client transactions live, want the 33333 INVITEs alone", s, c)
		}
		after(5 * time.Minute)
		wantLen(t, table, 0, 0)
	})
}

func TestABackgroundFaultIsReported(t *testing.T) {
	bubble(t, "timeout that panics", func(t *testing.T, table *Table, w *wire) {
		var got any
		table.Recovered = func(panicked any) { got = panicked }
		send(table, call{Branch: "z9hG4bKours", Method: "OPTIONS", Reliable: true, Send: w.try, Timeout: func() { panic("boom") }})
		after(32 * time.Second)
		if got != "boom" {
			t.Errorf("recovered %v, want boom", got)
		}
		wantLen(t, table, 0, 0)
	})
}

func TestARingThatComesAfterTheEndSetsNoAlarm(t *testing.T) {
	bubble(t, "of either kind", func(t *testing.T, table *Table, w *wire) {
		client, _ := start(t, table, w, "MESSAGE", true)
		arrive(t, table, "MESSAGE", 200)
		server := receive(t, table, w, request{method: "MESSAGE", via: viaA}, true, Fresh)
		answer(server, 200)
		wantLen(t, table, 0, 0)
		client.ring()
		server.ring()
		if client.alarm.place != 0 || server.alarm.place != 0 {
			t.Errorf("alarms are set at places %d and %d of their heaps, want none", client.alarm.place, server.alarm.place)
		}
	})
}
