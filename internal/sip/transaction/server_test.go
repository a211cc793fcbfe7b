package transaction

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"isthmus/internal/sip"
)

func receive(t *testing.T, table *Table, w *wire, r request, reliable bool, want Verdict) *Server {
	t.Helper()
	s, v := receiveWith(table, r.message(t), reliable, w.send)
	if v != want {
		t.Fatalf("%s is %v, want %v", r.method, v, want)
	}
	return s
}

func answer(s *Server, statuses ...int) {
	for _, status := range statuses {
		s.Respond(fmt.Appendf(nil, "SIP/2.0 %d Any\r\n\r\n", status), status)
	}
}

func TestServerOfANonInvite(t *testing.T) {
	message := request{method: "MESSAGE", via: viaA}

	bubble(t, "a retransmission before any response is absorbed", func(t *testing.T, table *Table, w *wire) {
		s := receive(t, table, w, message, false, Fresh)
		if again := receive(t, table, w, message, false, Retransmission); again != s {
			t.Error("another transaction was returned")
		}
		w.want(t, "")
	})
	bubble(t, "a retransmission is answered by the last response", func(t *testing.T, table *Table, w *wire) {
		s := receive(t, table, w, message, false, Fresh)
		answer(s, 100)
		receive(t, table, w, message, false, Retransmission)
		answer(s, 200)
		receive(t, table, w, message, false, Retransmission)
		w.want(t, "100 100 200 200")
	})
	bubble(t, "it ends after Timer J, on a stream with its final response", func(t *testing.T, table *Table, w *wire) {
		answer(receive(t, table, w, message, false, Fresh), 200)
		other := message
		other.via += "b"
		answer(receive(t, table, w, other, true, Fresh), 200)
		wantLen(t, table, 1, 0)
		after(32*time.Second - 1)
		wantLen(t, table, 1, 0)
		after(1)
		wantLen(t, table, 0, 0)
		receive(t, table, w, message, false, Fresh)
	})
	bubble(t, "a second final response is not sent", func(t *testing.T, table *Table, w *wire) {
		s := receive(t, table, w, message, false, Fresh)
		answer(s, 200, 503)
		w.want(t, "200")
		if s.Final() != 200 {
			t.Errorf("final is %d, want 200", s.Final())
		}
	})
	for _, reliable := range []bool{true, false} {
		bubble(t, "408 is never sent and ends it", func(t *testing.T, table *Table, w *wire) {
			s := receive(t, table, w, message, reliable, Fresh)
			answer(s, 408, 200)
			w.want(t, "")
			wantLen(t, table, 0, 0)
		})
	}
	bubble(t, "of the provisional responses only 100 is sent", func(t *testing.T, table *Table, w *wire) {
		answer(receive(t, table, w, message, true, Fresh), 180, 100, 183)
		w.want(t, "100")
	})
	bubble(t, "unanswered it ends at 64*T1, and no late response is sent", func(t *testing.T, table *Table, w *wire) {
		s := receive(t, table, w, message, true, Fresh)
		answer(s, 100)
		after(32 * time.Second)
		wantLen(t, table, 0, 0)
		answer(s, 200)
		w.want(t, "100")
	})
	bubble(t, "End ends it in silence", func(t *testing.T, table *Table, w *wire) {
		s := receive(t, table, w, request{method: "BENOTIFY", via: viaA}, true, Fresh)
		s.End()
		answer(s, 200)
		w.want(t, "")
		wantLen(t, table, 0, 0)
	})
}

func TestServerOfAnInvite(t *testing.T) {
	invite := request{method: "INVITE", via: viaA}
	ack := request{method: "ACK", via: viaA, toTag: "t"}

	bubble(t, "refused on a datagram transport: again at T1, 2*T1 .. T2 until the ACK", func(t *testing.T, table *Table, w *wire) {
		answer(receive(t, table, w, invite, false, Fresh), 100, 486)
		w.want(t, "100 486")
		after(500 * time.Millisecond)
		w.want(t, "486")
		after(time.Second)
		w.want(t, "486")
		after(2*time.Second + 4*time.Second + 4*time.Second)
		w.want(t, "486 486 486")
		receive(t, table, w, ack, false, AckAbsorbed)
		after(4 * time.Second)
		receive(t, table, w, ack, false, AckAbsorbed)
		receive(t, table, w, invite, false, Retransmission)
		w.want(t, "")
		after(time.Second)
		wantLen(t, table, 0, 0)
		receive(t, table, w, ack, false, Stray)
	})
	bubble(t, "refused and never acknowledged: ends at Timer H", func(t *testing.T, table *Table, w *wire) {
		answer(receive(t, table, w, invite, true, Fresh), 486)
		after(32*time.Second - 1)
		wantLen(t, table, 1, 0)
		after(1)
		wantLen(t, table, 0, 0)
		w.want(t, "486")
	})
	bubble(t, "on a stream the ACK ends it", func(t *testing.T, table *Table, w *wire) {
		answer(receive(t, table, w, invite, true, Fresh), 486)
		receive(t, table, w, ack, true, AckAbsorbed)
		wantLen(t, table, 0, 0)
	})
	bubble(t, "accepted: INVITEs absorbed, every 2xx sent, its ACK is stray, all for Timer L", func(t *testing.T, table *Table, w *wire) {
		s := receive(t, table, w, invite, false, Fresh)
		answer(s, 180, 200)
		receive(t, table, w, invite, false, Retransmission)
		answer(s, 200, 486, 180)
		w.want(t, "180 200 200")
		receive(t, table, w, ack, false, Stray)
		after(32*time.Second - 1)
		wantLen(t, table, 1, 0)
		after(1)
		answer(s, 200)
		wantLen(t, table, 0, 0)
		w.want(t, "")
	})
	bubble(t, "an ACK before any final response is absorbed", func(t *testing.T, table *Table, w *wire) {
		s := receive(t, table, w, invite, true, Fresh)
		receive(t, table, w, ack, true, AckAbsorbed)
		answer(s, 200)
		w.want(t, "200")
	})
	bubble(t, "408 is sent", func(t *testing.T, table *Table, w *wire) {
		answer(receive(t, table, w, invite, true, Fresh), 408)
		w.want(t, "408")
	})
	bubble(t, "ringing for hours lives as long as provisional responses come, then ends", func(t *testing.T, table *Table, w *wire) {
		s := receive(t, table, w, invite, true, Fresh)
		for range 60 {
			after(4 * time.Minute)
			answer(s, 180)
		}
		wantLen(t, table, 1, 0)
		after(5 * time.Minute)
		wantLen(t, table, 0, 0)
	})
}

func TestMatchingOfRequests(t *testing.T) {
	for _, c := range []struct {
		promise       string
		first, second request
		want          Verdict
	}{
		{"branch, sent-by and method decide, not the Call-ID", request{method: "INFO", via: viaA}, request{method: "INFO", via: viaA, callID: "x"}, Retransmission},
		{"sent-by is compared without case and with the default port", request{method: "INFO", via: viaA},
			request{method: "INFO", via: "SIP/2.0/TLS FE1.Contoso.com;branch=z9hG4bKa1"}, Retransmission},
		{"another sender's equal branch is another transaction", request{method: "INFO", via: viaA},
			request{method: "INFO", via: "SIP/2.0/TLS fe2.contoso.com:5061;branch=z9hG4bKa1"}, Fresh},
		{"another method of the same branch is another transaction", request{method: "INVITE", via: viaA}, request{method: "CANCEL", via: viaA}, Fresh},
		{"no branch: equal in all fields", request{method: "INFO", via: legacy}, request{method: "INFO", via: legacy}, Retransmission},
		{"bare cookie: equal in all fields", request{method: "INFO", via: cookies}, request{method: "INFO", via: cookies}, Retransmission},
		{"no branch: another CSeq", request{method: "INFO", via: legacy}, request{method: "INFO", via: legacy, number: 1}, Fresh},
		{"no branch: another Call-ID", request{method: "INFO", via: legacy}, request{method: "INFO", via: legacy, callID: "x"}, Fresh},
		{"no branch: another Request-URI", request{method: "INFO", via: legacy}, request{method: "INFO", via: legacy, uri: "sip:eve@contoso.com"}, Fresh},
		{"no branch: another To tag", request{method: "INFO", via: legacy}, request{method: "INFO", via: legacy, toTag: "x"}, Fresh},
		{"no branch: another top Via", request{method: "INFO", via: legacy}, request{method: "INFO", via: legacy + "1"}, Fresh},
		{"bare cookie: another CSeq", request{method: "INFO", via: cookies}, request{method: "INFO", via: cookies, number: 1}, Fresh},
	} {
		bubble(t, c.promise, func(t *testing.T, table *Table, w *wire) {
			receive(t, table, w, c.first, true, Fresh)
			receive(t, table, w, c.second, true, c.want)
		})
	}
}

func TestLegacyACKRepeatsTheResponsesTag(t *testing.T) {
	bubble(t, "no branch", func(t *testing.T, table *Table, w *wire) {
		invite := request{method: "INVITE", via: legacy}
		s := receive(t, table, w, invite, true, Fresh)
		refusal := request{method: "INVITE", via: legacy, toTag: "ours"}.message(t)
		s.Respond(append([]byte("SIP/2.0 486 Busy Here\r\n"), refusal.Bytes()[len("INVITE sip:bob@contoso.com SIP/2.0\r\n"):]...), 486)
		receive(t, table, w, request{method: "ACK", via: legacy, toTag: "another"}, true, Stray)
		wantLen(t, table, 1, 0)
		receive(t, table, w, request{method: "ACK", via: legacy, toTag: "ours"}, true, AckAbsorbed)
		wantLen(t, table, 0, 0)
	})
}

func TestCancelFindsItsInvite(t *testing.T) {
	for _, via := range []string{viaA, legacy, cookies} {
		bubble(t, via, func(t *testing.T, table *Table, w *wire) {
			cancel := request{method: "CANCEL", via: via}
			if table.Invite(cancel.message(t)) != nil {
				t.Error("an INVITE was found before there was one")
			}
			receive(t, table, w, request{method: "MESSAGE", via: via}, true, Fresh)
			invite := receive(t, table, w, request{method: "INVITE", via: via}, true, Fresh)
			receive(t, table, w, cancel, true, Fresh)
			if table.Invite(cancel.message(t)) != invite {
				t.Error("the CANCEL did not find its INVITE")
			}
			if other := (request{method: "CANCEL", via: via + "x", number: 1}); table.Invite(other.message(t)) != nil {
				t.Error("another CANCEL found the INVITE")
			}
		})
	}
}

func TestTheRequestOutlivesTheReadBuffer(t *testing.T) {
	bubble(t, "buffer overwritten", func(t *testing.T, table *Table, w *wire) {
		m := request{method: "MESSAGE", via: viaA}.message(t)
		s, _ := receiveWith(table, m, true, w.send)
		clear(m.Bytes())
		again := new(sip.Message)
		if !s.Read(again) || string(again.Via(0).Raw) != viaA {
			t.Errorf("Via is %q, want %q", again.Via(0).Raw, viaA)
		}
	})
}

func TestWithTheFinalAnswerTheRequestIsForgotten(t *testing.T) {
	for _, method := range []string{"INVITE", "MESSAGE"} {
		bubble(t, method, func(t *testing.T, table *Table, w *wire) {
			m := request{method: method, via: viaA}.message(t)
			s, _ := receiveWith(table, m, false, w.send)
			s.Respond(m.AppendAnswer(nil, sip.Answer{Status: 486, ToTag: "t"}), 486)
			if s.Read(new(sip.Message)) {
				t.Error("its bytes are still held")
			}
			receive(t, table, w, request{method: method, via: viaA}, false, Retransmission)
		})
	}
}

func TestTheMoreCallsAreTakenTheSoonerTheyAreForgotten(t *testing.T) {
	invite := func(n int) request { return request{method: "INVITE", via: fmt.Sprintf("%s%d", viaA, n)} }
	take := func(t *testing.T, table *Table, w *wire, first, last int) (calls []*Server) {
		for n := first; n <= last; n++ {
			s := receive(t, table, w, invite(n), true, Fresh)
			branch := fmt.Sprint("z9hG4bKours", n)
			send(table, call{Branch: branch, Method: "INVITE", Reliable: true, Send: w.try, Bytes: invite(n).bytes()})
			taken := bytes.Replace(response(t, 200, "INVITE").Bytes(), []byte("z9hG4bKours"), []byte(branch), 1)
			var m sip.Message
			if err := m.Parse(taken); err != nil {
				t.Fatal(err)
			}
			if !table.Response(&m) {
				t.Fatalf("no transaction waits for the 200 to call %d", n)
			}
			answer(s, 200)
			calls = append(calls, s)
		}
		return calls
	}
	bubble(t, "half of what there is room for live for 64*T1", func(t *testing.T, table *Table, w *wire) {
		table.mostCalls = 8
		take(t, table, w, 1, 4)
		after(32*time.Second - time.Millisecond)
		wantLen(t, table, 4, 4)
		after(time.Millisecond)
		wantLen(t, table, 0, 0)
	})
	bubble(t, "then less, and at last T1", func(t *testing.T, table *Table, w *wire) {
		table.mostCalls = 8
		take(t, table, w, 1, 10) // the server's end of the sixth lives for a half of it, and of the eighth for T1
		after(500 * time.Millisecond)
		wantLen(t, table, 7, 8)
		after(32*time.Second - 500*time.Millisecond)
		wantLen(t, table, 0, 0)
	})
	bubble(t, "who was forgotten makes room", func(t *testing.T, table *Table, w *wire) {
		table.mostCalls = 4
		calls := take(t, table, w, 1, 2)
		for _, s := range calls {
			s.End()
			s.End()
		}
		take(t, table, w, 3, 4)
		after(32*time.Second - time.Millisecond)
		wantLen(t, table, 2, 4)
	})
	bubble(t, "a second 2xx is no second call", func(t *testing.T, table *Table, w *wire) {
		s := receive(t, table, w, invite(1), true, Fresh)
		answer(s, 200, 200)
		if calls := table.calls.Load(); calls != 1 {
			t.Errorf("%d calls, want 1", calls)
		}
	})
}
