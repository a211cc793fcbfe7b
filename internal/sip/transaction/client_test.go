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
)

// told notes what a client's user was told.
type told struct {
	mu    sync.Mutex
	heard []string
}

func (u *told) note(what string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.heard = append(u.heard, what)
}

func (u *told) want(t *testing.T, want string) {
	t.Helper()
	u.mu.Lock()
	defer u.mu.Unlock()
	if got := strings.Join(u.heard, " "); got != want {
		t.Errorf("told %q, want %q", got, want)
	}
	u.heard = nil
}

func start(t *testing.T, table *Table, w *wire, method string, reliable bool) (*Client, *told) {
	t.Helper()
	u := new(told)
	return send(table, call{
		Branch: "z9hG4bKours", Method: method, Bytes: request{method: method, via: ourVia}.bytes(), Reliable: reliable, Send: w.try,
		Response:       func(m *sip.Message) { u.note(fmt.Sprint(m.Status())) },
		Timeout:        func() { u.note("timeout") },
		TransportError: func(err error) { u.note(err.Error()) },
	}), u
}

func arrive(t *testing.T, table *Table, method string, statuses ...int) {
	t.Helper()
	for _, status := range statuses {
		if !table.Response(response(t, status, method)) {
			t.Errorf("no transaction waits for the %d to %s", status, method)
		}
	}
}

func stray(t *testing.T, table *Table, method string, status int) {
	t.Helper()
	if table.Response(response(t, status, method)) {
		t.Errorf("the %d to %s found a transaction", status, method)
	}
}

func TestClientOfANonInvite(t *testing.T) {
	bubble(t, "on a stream the final response ends it, and the next is stray", func(t *testing.T, table *Table, w *wire) {
		_, u := start(t, table, w, "MESSAGE", true)
		arrive(t, table, "MESSAGE", 100, 200)
		u.want(t, "100 200")
		wantLen(t, table, 0, 0)
		stray(t, table, "MESSAGE", 200)
		w.want(t, "MESSAGE")
	})
	bubble(t, "on datagrams it is sent again, with T2 after a 100, and a repeated final response is absorbed", func(t *testing.T, table *Table, w *wire) {
		_, u := start(t, table, w, "OPTIONS", false)
		after(500*time.Millisecond + time.Second)
		w.want(t, "OPTIONS OPTIONS OPTIONS")
		arrive(t, table, "OPTIONS", 100)
		after(4*time.Second - 1)
		w.want(t, "")
		after(1)
		w.want(t, "OPTIONS")
		arrive(t, table, "OPTIONS", 200, 200)
		u.want(t, "100 200")
		after(5 * time.Second)
		wantLen(t, table, 0, 0)
		w.want(t, "")
	})
	for _, reliable := range []bool{true, false} {
		bubble(t, "Timer F ends it, a 100 or not", func(t *testing.T, table *Table, w *wire) {
			_, u := start(t, table, w, "MESSAGE", reliable)
			after(20 * time.Second)
			arrive(t, table, "MESSAGE", 100)
			after(12*time.Second - 1)
			u.want(t, "100")
			after(1)
			u.want(t, "timeout")
			wantLen(t, table, 0, 0)
		})
	}
	bubble(t, "datagrams: eleven go out until Timer F, by RFC 3261's schedule", func(t *testing.T, table *Table, w *wire) {
		_, u := start(t, table, w, "OPTIONS", false)
		after(32 * time.Second)
		w.want(t, strings.TrimSpace(strings.Repeat("OPTIONS ", 11)))
		u.want(t, "timeout")
	})
	bubble(t, "given up: a late final response is known but not delivered", func(t *testing.T, table *Table, w *wire) {
		c, u := start(t, table, w, "OPTIONS", true)
		c.End()
		c.Cancel()
		arrive(t, table, "OPTIONS", 100, 200)
		u.want(t, "")
		w.want(t, "OPTIONS")
		wantLen(t, table, 0, 0)
	})
	bubble(t, "given up and unanswered: it ends without a word", func(t *testing.T, table *Table, w *wire) {
		c, u := start(t, table, w, "OPTIONS", false)
		c.End()
		after(32 * time.Second)
		u.want(t, "")
		w.want(t, "OPTIONS")
		wantLen(t, table, 0, 0)
	})
}

func TestClientOfAnInvite(t *testing.T) {
	bubble(t, "refused on a stream: acknowledged by itself and over", func(t *testing.T, table *Table, w *wire) {
		_, u := start(t, table, w, "INVITE", true)
		arrive(t, table, "INVITE", 100, 180, 486)
		w.want(t, "INVITE ACK")
		u.want(t, "100 180 486")
		wantLen(t, table, 0, 0)
	})
	bubble(t, "refused on datagrams: each repeated refusal is acknowledged, delivered once, until Timer D", func(t *testing.T, table *Table, w *wire) {
		_, u := start(t, table, w, "INVITE", false)
		arrive(t, table, "INVITE", 486, 486, 180, 200, 486)
		w.want(t, "INVITE ACK ACK ACK")
		u.want(t, "486")
		after(32 * time.Second)
		wantLen(t, table, 0, 0)
	})
	bubble(t, "accepted: every 2xx for the length of Timer M, no ACK from here, nothing else", func(t *testing.T, table *Table, w *wire) {
		_, u := start(t, table, w, "INVITE", true)
		arrive(t, table, "INVITE", 180, 200, 200, 486, 180)
		after(32*time.Second - 1)
		arrive(t, table, "INVITE", 200)
		after(1)
		stray(t, table, "INVITE", 200)
		u.want(t, "180 200 200 200")
		w.want(t, "INVITE")
		wantLen(t, table, 0, 0)
	})
	bubble(t, "datagrams: sent again with doubling pauses until Timer B", func(t *testing.T, table *Table, w *wire) {
		_, u := start(t, table, w, "INVITE", false)
		after(32 * time.Second)
		w.want(t, "INVITE INVITE INVITE INVITE INVITE INVITE INVITE")
		u.want(t, "timeout")
		wantLen(t, table, 0, 0)
	})
	bubble(t, "datagrams: not sent again after a provisional response", func(t *testing.T, table *Table, w *wire) {
		_, u := start(t, table, w, "INVITE", false)
		arrive(t, table, "INVITE", 100)
		after(4 * time.Minute)
		w.want(t, "INVITE")
		u.want(t, "100")
		after(time.Minute)
		u.want(t, "timeout")
		wantLen(t, table, 0, 0)
	})
	bubble(t, "the ACK names the response's To tag and our branch", func(t *testing.T, table *Table, w *wire) {
		var ack []byte
		send(table, call{Branch: "z9hG4bKours", Method: "INVITE", Bytes: request{method: "INVITE", via: ourVia}.bytes(), Reliable: true,
			Send: func(b []byte) error { ack = append([]byte(nil), b...); return nil }})
		arrive(t, table, "INVITE", 486)
		m := parsed(t, ack)
		if m.Method() != "ACK" || string(m.To().Tag()) != "t486" || string(m.Via(0).Branch) != "z9hG4bKours" || m.ViaCount() != 1 {
			t.Errorf("ACK is %q", ack)
		}
	})
}

func TestCancelOfAnInvite(t *testing.T) {
	bubble(t, "waits for a provisional response and is sent once", func(t *testing.T, table *Table, w *wire) {
		c, u := start(t, table, w, "INVITE", true)
		c.Cancel()
		w.want(t, "INVITE")
		arrive(t, table, "INVITE", 100, 180)
		c.Cancel()
		w.want(t, "CANCEL")
		arrive(t, table, "CANCEL", 200)
		arrive(t, table, "INVITE", 487)
		w.want(t, "ACK")
		u.want(t, "100 180 487")
		wantLen(t, table, 0, 0)
	})
	bubble(t, "a 2xx that crosses it is delivered", func(t *testing.T, table *Table, w *wire) {
		c, u := start(t, table, w, "INVITE", true)
		arrive(t, table, "INVITE", 180)
		c.Cancel()
		arrive(t, table, "INVITE", 200)
		u.want(t, "180 200")
		w.want(t, "INVITE CANCEL")
	})
	bubble(t, "unanswered it ends 64*T1 later, whatever rings", func(t *testing.T, table *Table, w *wire) {
		c, u := start(t, table, w, "INVITE", true)
		arrive(t, table, "INVITE", 180)
		c.Cancel()
		after(31 * time.Second)
		arrive(t, table, "INVITE", 180)
		after(time.Second)
		u.want(t, "180 180 timeout")
		wantLen(t, table, 0, 0)
	})
	bubble(t, "after a final response it does nothing", func(t *testing.T, table *Table, w *wire) {
		c, _ := start(t, table, w, "INVITE", true)
		arrive(t, table, "INVITE", 200)
		c.Cancel()
		w.want(t, "INVITE")
	})
	bubble(t, "a response to the CANCEL is not one to the INVITE", func(t *testing.T, table *Table, w *wire) {
		_, u := start(t, table, w, "INVITE", true)
		stray(t, table, "CANCEL", 200)
		stray(t, table, "MESSAGE", 200)
		u.want(t, "")
	})
}

func TestAnInviteGivenUp(t *testing.T) {
	bubble(t, "a late provisional response is followed by one CANCEL", func(t *testing.T, table *Table, w *wire) {
		c, u := start(t, table, w, "INVITE", true)
		c.End()
		arrive(t, table, "INVITE", 180, 183)
		w.want(t, "INVITE CANCEL")
		arrive(t, table, "INVITE", 487)
		w.want(t, "ACK")
		u.want(t, "")
	})
	bubble(t, "a ringing one is cancelled at once", func(t *testing.T, table *Table, w *wire) {
		c, _ := start(t, table, w, "INVITE", true)
		arrive(t, table, "INVITE", 180)
		c.End()
		w.want(t, "INVITE CANCEL")
	})
	bubble(t, "a late 2xx is delivered, each time", func(t *testing.T, table *Table, w *wire) {
		c, u := start(t, table, w, "INVITE", true)
		c.End()
		arrive(t, table, "INVITE", 180, 200, 200)
		u.want(t, "200 200")
	})
	bubble(t, "it is sent no more and ends at Timer B without a word", func(t *testing.T, table *Table, w *wire) {
		c, u := start(t, table, w, "INVITE", false)
		c.End()
		after(32 * time.Second)
		w.want(t, "INVITE")
		u.want(t, "")
		wantLen(t, table, 0, 0)
	})
}

func TestARequestThatCannotBeSent(t *testing.T) {
	for _, method := range []string{"INVITE", "MESSAGE"} {
		bubble(t, method, func(t *testing.T, table *Table, w *wire) {
			w.breakDown(errors.New("reset"))
			_, u := start(t, table, w, method, true)
			synctest.Wait()
			u.want(t, "reset")
			wantLen(t, table, 0, 0)
			after(time.Minute)
			u.want(t, "")
		})
	}
	bubble(t, "the user may hold his lock while he sends", func(t *testing.T, table *Table, w *wire) {
		var mu sync.Mutex
		told := make(chan struct{})
		w.breakDown(errors.New("reset"))
		mu.Lock()
		send(table, call{Branch: "z9hG4bKours", Method: "INVITE", Reliable: true, Send: w.try, TransportError: func(error) {
			mu.Lock()
			defer mu.Unlock()
			close(told)
		}})
		mu.Unlock()
		<-told
	})
	bubble(t, "a retransmission that fails is told too", func(t *testing.T, table *Table, w *wire) {
		_, u := start(t, table, w, "OPTIONS", false)
		w.breakDown(errors.New("unreachable"))
		after(500 * time.Millisecond)
		u.want(t, "unreachable")
		wantLen(t, table, 0, 0)
	})
}

// Responses, giving up and cancelling come from different goroutines.
func TestEverythingAtOnce(t *testing.T) {
	bubble(t, "many transactions", func(t *testing.T, table *Table, w *wire) {
		var group sync.WaitGroup
		for i := range 200 {
			via := fmt.Sprintf("SIP/2.0/TCP n;branch=z9hG4bK%d", i)
			invite := request{method: "INVITE", via: via}.bytes()
			s, _ := receiveWith(table, parsed(t, invite), false, w.send)
			c := send(table, call{Branch: fmt.Sprint("z9hG4bK", i), Method: "INVITE", Bytes: invite, Send: w.try,
				Response: func(m *sip.Message) { s.Respond(m.Bytes(), m.Status()) }})
			ringing := fmt.Appendf(nil, "SIP/2.0 180 Ringing\r\nVia: %s\r\nFrom: <sip:a@x>;tag=1\r\nTo: <sip:b@x>;tag=2\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n", via)
			busy := []byte(strings.Replace(string(ringing), "180 Ringing", "486 Busy", 1))
			for _, f := range []func(){
				func() { table.Response(parsed(t, ringing)) }, func() { table.Response(parsed(t, busy)) }, c.Cancel, c.End,
				func() { receiveWith(table, parsed(t, invite), false, w.send) }, func() { s.Read(new(sip.Message)) },
			} {
				group.Go(f)
			}
		}
		group.Wait()
		after(10 * time.Minute)
		wantLen(t, table, 0, 0)
	})
}
