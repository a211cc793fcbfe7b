package transaction

import (
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
