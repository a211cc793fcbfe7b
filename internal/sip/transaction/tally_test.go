package transaction

import (
	"strings"
	"testing"
	"time"
)

func TestATransactionIsCountedUntilItsEnd(t *testing.T) {
	message := request{method: "MESSAGE", via: viaA}
	enter := func(t *testing.T, table *Table, w *wire, of *Tally, r request, reliable bool) *Server {
		of.Enter()
		s := receive(t, table, w, r, reliable, Fresh)
		s.CountIn(of)
		return s
	}
	for promise, end := range map[string]func(*Server){
		"answered on a stream":  func(s *Server) { answer(s, 200, 200) },
		"ended":                 func(s *Server) { s.End(); s.End() },
		"never answered":        func(*Server) { after(32 * time.Second) },
		"answered and ended":    func(s *Server) { answer(s, 200); s.End() },
		"ended, then its timer": func(s *Server) { s.End(); after(time.Minute) },
	} {
		bubble(t, promise, func(t *testing.T, table *Table, w *wire) {
			all := NewTally(nil)
			of := NewTally(all)
			s := enter(t, table, w, of, message, true)
			if of.Open() != 1 || all.Open() != 1 {
				t.Fatalf("%d and %d open, want 1 and 1", of.Open(), all.Open())
			}
			end(s)
			if of.Open() != 0 || all.Open() != 0 {
				t.Errorf("%d and %d open after the end", of.Open(), all.Open())
			}
		})
	}
	for promise, c := range map[string]struct {
		r         request
		reliable  bool
		status    int
		of, among int64 // after the answer
	}{
		"an INVITE that was taken counts no longer": {request{method: "INVITE", via: viaA}, true, 200, 0, 0},
		"one that was refused counts for its ACK":   {request{method: "INVITE", via: viaA}, true, 486, 1, 1},
		"what may come again over UDP counts":       {message, false, 200, 1, 1},
	} {
		bubble(t, promise, func(t *testing.T, table *Table, w *wire) {
			all := NewTally(nil)
			of := NewTally(all)
			alone := enter(t, table, w, all, request{method: c.r.method, via: strings.Replace(c.r.via, "branch=", "branch=z9hG4bKalone", 1)}, c.reliable)
			s := enter(t, table, w, of, c.r, c.reliable)
			answer(s, c.status, c.status)
			answer(alone, c.status)
			if of.Open() != c.of || all.Open() != 2*c.among {
				t.Errorf("%d and %d open, want %d and %d", of.Open(), all.Open(), c.of, 2*c.among)
			}
			if after(32 * time.Second); of.Open() != 0 || all.Open() != 0 {
				t.Errorf("%d and %d open at the end", of.Open(), all.Open())
			}
		})
	}
	bubble(t, "what had ended before it could be counted", func(t *testing.T, table *Table, w *wire) {
		of := NewTally(nil)
		of.Enter()
		s := receive(t, table, w, message, true, Fresh)
		s.End()
		s.CountIn(of)
		if of.Open() != 0 {
			t.Errorf("%d open", of.Open())
		}
	})
	bubble(t, "a request is known while its transaction lives", func(t *testing.T, table *Table, w *wire) {
		m := message.message(t)
		if table.Has(m) {
			t.Error("known before it came")
		}
		s := receive(t, table, w, message, true, Fresh)
		if !table.Has(m) {
			t.Error("not known")
		}
		answer(s, 200)
		if table.Has(m) {
			t.Error("known after its end")
		}
	})
}

func TestARequestThatIsSentIsCountedUntilItsTransactionsEnd(t *testing.T) {
	for promise, c := range map[string]struct {
		method   string
		reliable bool
		step     func(t *testing.T, table *Table, c *Client)
		open     int64 // after the step
		late     time.Duration
	}{
		"answered on a stream": {"MESSAGE", true, func(t *testing.T, table *Table, _ *Client) { arrive(t, table, "MESSAGE", 200) }, 0, 0},
		"answered over UDP":    {"MESSAGE", false, func(t *testing.T, table *Table, _ *Client) { arrive(t, table, "MESSAGE", 200) }, 1, 5 * time.Second},
		"an INVITE taken":      {"INVITE", true, func(t *testing.T, table *Table, _ *Client) { arrive(t, table, "INVITE", 200) }, 1, 32 * time.Second},
		"an INVITE refused":    {"INVITE", true, func(t *testing.T, table *Table, _ *Client) { arrive(t, table, "INVITE", 486) }, 0, 0},
		"never answered":       {"MESSAGE", true, func(*testing.T, *Table, *Client) { after(31 * time.Second) }, 1, time.Second},
		"given up":             {"MESSAGE", true, func(_ *testing.T, _ *Table, c *Client) { c.End() }, 1, 32 * time.Second},
		"with its CANCEL": {"INVITE", true, func(t *testing.T, table *Table, c *Client) {
			arrive(t, table, "INVITE", 180)
			c.Cancel()
			arrive(t, table, "INVITE", 487)
		}, 1, 32 * time.Second},
	} {
		bubble(t, promise, func(t *testing.T, table *Table, w *wire) {
			of := NewTally(nil)
			client := send(table, call{Branch: "z9hG4bKours", Method: c.method, Reliable: c.reliable, Send: w.try, Tally: of,
				Bytes: request{method: c.method, via: ourVia}.bytes()})
			if of.Open() != 1 {
				t.Fatalf("%d open at first, want 1", of.Open())
			}
			if c.step(t, table, client); of.Open() != c.open {
				t.Errorf("%d open, want %d", of.Open(), c.open)
			}
			if after(c.late); of.Open() != 0 {
				t.Errorf("%d open at the end", of.Open())
			}
		})
	}
}
