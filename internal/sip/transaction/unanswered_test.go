package transaction

import "testing"

func TestUnansweredCountsWhatStillOwesAFinalResponse(t *testing.T) {
	bubble(t, "an INVITE until its 2xx, and not while it absorbs", func(t *testing.T, table *Table, w *wire) {
		invite := receive(t, table, w, request{method: "INVITE", via: viaA}, true, Fresh)
		other := receive(t, table, w, request{method: "MESSAGE", via: viaA + "b"}, false, Fresh)
		answer(invite, 180)
		if n := table.Unanswered(); n != 2 {
			t.Errorf("%d owe a response, want 2", n)
		}
		answer(invite, 200)
		answer(other, 200)
		if n := table.Unanswered(); n != 0 {
			t.Errorf("%d owe a response, want none", n)
		}
		wantLen(t, table, 2, 0)
	})
}
