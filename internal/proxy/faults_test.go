package proxy

import (
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"isthmus/internal/sip"
	"isthmus/internal/sip/transport"
	"isthmus/internal/siptest"
)

// Faults of a next hop, each under traffic that a ledger follows. Faults of which the kernel is part are tried on sockets
// too; docs/faults.md lists both.

// swallows is a host that reads and says nothing. What must not be delivered twice it has.
func (tr *trial) swallows(address string) {
	tr.host(address, 0, func(_ *end, m *sip.Message) {
		if once(m.Method()) {
			tr.ledger.Processed(address, m)
		}
	})
}

func once(method string) bool { return method == "MESSAGE" || method == "INFO" }

// expectBackup holds that the second front end answered so many requests since it was asked last.
func (tr *trial) expectBackup(n int) {
	tr.t.Helper()
	if got := tr.count(fe2At); got != n {
		tr.t.Errorf("the second front end got %d requests, not %d\n%s", got, n, tr.log)
	}
}

// answered holds that nobody waits any more.
func (tr *trial) answered() {
	tr.t.Helper()
	if open := tr.ledger.Open(); open > 0 {
		tr.t.Errorf("%d requests are waiting still", open)
	}
}

func TestAHopThatRefusesCostsNothingAndGetsNewRequestsAloneWhenItIsBack(t *testing.T) {
	inTrial(t, func(t *testing.T, tr *trial) {
		tr.works(fe1At)
		tr.fails(fe1At, transport.ErrRefused)
		tr.ask(every, 200)
		tr.answered()
		tr.expectBackup(len(every))
		tr.fails(fe1At, nil)
		tr.after(20 * time.Second)
		tr.expectState("up")
		if n := tr.count(fe1At); n > 0 {
			t.Errorf("%d old requests came with the hop's return", n)
		}
		tr.ask(every, 200)
		if n := tr.count(fe1At); n != len(every) {
			t.Errorf("of %d new requests the hop got %d", len(every), n)
		}
		tr.ends()
	})
}

func TestABlackHoleIsConnectedToOnceAndDelaysNoLaterRequest(t *testing.T) {
	inTrial(t, func(t *testing.T, tr *trial) {
		tr.fails(fe1At, transport.ErrTimeout)
		tr.slow(fe1At, time.Second)
		for range 20 {
			tr.ask(every, 200)
		}
		if open := tr.ledger.Open(); open != 20*len(every) {
			t.Errorf("%d requests are waiting for the one connect", open)
		}
		tr.after(time.Second)
		tr.answered()
		if n := tr.dials(fe1At); n != 1 {
			t.Errorf("%d connects", n)
		}
		tr.ask(every, 200)
		tr.answered()
		tr.ends()
	})
}

func TestAHopThatVanishesBehindItsConnectionLosesNothing(t *testing.T) {
	inTrial(t, func(t *testing.T, tr *trial) {
		tr.works(fe1At)
		tr.ask(every, 200)
		tr.swallows(fe1At)
		tr.ask([]string{"SUBSCRIBE", "NOTIFY", "INVITE"}, 200)
		tr.ask([]string{"MESSAGE", "INFO"}, 504)
		tr.after(4 * time.Second)
		tr.expectBackup(3)
		tr.after(time.Second)
		tr.at(fe1At).breaks(transport.ErrSlowReader) // as after TCP_USER_TIMEOUT
		if !strings.HasPrefix(tr.state(), "down") {
			t.Errorf("the hop is %s", tr.state())
		}
		tr.ask(every, 200)
		tr.expectBackup(len(every))
		tr.ends()
	})
}

func TestAResetWhileWritingOrReadingLosesNothing(t *testing.T) {
	for _, reset := range []error{io.ErrUnexpectedEOF, &net.OpError{Op: "read", Err: net.ErrClosed}, transport.ErrSlowWriter} {
		inTrial(t, func(t *testing.T, tr *trial) {
			tr.host(fe1At, 200, func(e *end, m *sip.Message) {
				if once(m.Method()) {
					tr.ledger.Processed(fe1At, m)
				}
				e.ends(reset)
			})
			for _, method := range every {
				if once(method) {
					tr.ask([]string{method}, 504)
				} else {
					tr.ask([]string{method}, 200)
				}
				tr.after(20 * time.Second)
			}
			tr.expectBackup(3)
			tr.ends()
		})
	}
}

func TestAHopThatDoesNotReadHurtsNobodyBehindTheOther(t *testing.T) {
	inTrial(t, func(t *testing.T, tr *trial) {
		tr.works(fe1At)
		tr.ask(every, 200)
		e := tr.at(fe1At)
		tr.swallows(fe1At)
		tr.ask([]string{"SUBSCRIBE", "NOTIFY"}, 200)
		tr.after(2 * time.Second)
		tr.mu.Lock()
		e.broken = true // its queue is full: nothing more is taken
		tr.mu.Unlock()
		e.breaks(transport.ErrSlowReader)
		tr.expectBackup(2)
		tr.ask(every, 200)
		tr.answered()
		tr.ends()
	})
}

func TestAStormOf503AsksEachHopOnceForARequest(t *testing.T) {
	inTrial(t, func(t *testing.T, tr *trial) {
		refuses := func(e *end, m *sip.Message) { e.gives(siptest.Response(m, 503, "Retry-After: 120")) }
		tr.host(fe1At, 200, refuses)
		for range 20 {
			tr.ask(every, 200) // the backup takes them
		}
		tr.expectBackup(20 * len(every))
		tr.answered()
		tr.count(fe1At)

		tr.host(fe2At, 200, refuses)
		for range 20 {
			tr.ask(every, 504) // a 503 is never passed on
		}
		tr.answered()
		for _, at := range []string{fe1At, fe2At} {
			if n := tr.count(at); n != 20*len(every) {
				t.Errorf("%s was asked %d times for %d requests", at, n, 20*len(every))
			}
		}
		tr.ends()
	})
}

func TestAHopThatOnlySaysTryingIsWaitedForAndNeverReplaced(t *testing.T) {
	inTrial(t, func(t *testing.T, tr *trial) {
		tr.host(fe1At, 200, func(e *end, m *sip.Message) { e.gives(siptest.Response(m, 100)) })
		others := slices.DeleteFunc(slices.Clone(every), func(m string) bool { return m == "INVITE" })
		tr.ask(others, 504)
		tr.after(30 * time.Second)
		tr.answered()
		tr.expectBackup(0)
		if took := tr.ledger.Slowest(); took != 30*time.Second {
			t.Errorf("answered after %v", took)
		}
		tr.ends()
	})
}

func TestWhileEveryHopIsDownRequestsFailAtOnceAndTheFirstReturnEndsIt(t *testing.T) {
	inTrial(t, func(t *testing.T, tr *trial) {
		tr.works(fe1At, fe2At)
		for _, at := range []string{fe1At, fe2At} {
			tr.fails(at, transport.ErrTimeout)
			tr.slow(at, time.Second)
		}
		tr.ask(every, 504)
		tr.after(16 * time.Second)
		tr.answered()
		for range 50 {
			tr.ask(every, 504)
			tr.answered() // at once: the clock stands still
		}
		if n := strings.Count(tr.log.String(), `"msg":"next hop down"`); n != 2 {
			t.Errorf("%d lines say that a hop is down, one for each is enough", n)
		}
		tr.fails(fe2At, nil)
		tr.slow(fe2At, 0)
		tr.after(12 * time.Second) // at most 6 s to the first good probe, and 5 to the second
		tr.ask(every, 200)
		tr.expectBackup(len(every))
		tr.ends()
	})
}

func TestAnswersBeyondTheFirstFinalOneEndHere(t *testing.T) {
	inTrial(t, func(t *testing.T, tr *trial) {
		tr.host(fe1At, 200, func(e *end, m *sip.Message) {
			tr.ledger.Processed(fe1At, m)
			for _, status := range []int{200, 200, 486, 503} {
				e.gives(siptest.Response(m, status))
			}
		})
		tr.ask(every, 200) // of an INVITE each 2xx goes up, as each is a call
		tr.answered()
		tr.ends()
	})
}

func TestAnAnswerAfterFailoverEndsHere(t *testing.T) {
	inTrial(t, func(t *testing.T, tr *trial) {
		tr.host(fe1At, 200, func(e *end, m *sip.Message) {
			<-siptest.Passed(6 * time.Second)
			e.gives(siptest.Response(m, 404))
		})
		tr.ask([]string{"SUBSCRIBE", "NOTIFY", "INVITE"}, 200)
		tr.ends()
	})
}

func TestAMirrorEndsWithLoopDetectedAndItsConnectionsLiveOn(t *testing.T) {
	inTrial(t, func(t *testing.T, tr *trial) {
		mirror := tr.lync()
		seen := map[string]*sip.Message{}
		tr.host(fe1At, 200, func(e *end, m *sip.Message) {
			tr.mu.Lock()
			seen[string(m.CallID())] = m
			tr.mu.Unlock()
			mirror.gives(strings.Replace(string(m.Bytes()), "Via: ", "Via: SIP/2.0/TCP 127.0.0.21:5061;branch=z9hG4bKmirror"+string(m.CallID())+"\r\nVia: ", 1))
		})
		mirror.serve = func(_ *end, m *sip.Message) { // the mirror passes the answer on
			tr.mu.Lock()
			asked := seen[string(m.CallID())]
			tr.mu.Unlock()
			if m.Status() >= 200 {
				tr.at(fe1At).gives(siptest.Response(asked, m.Status()))
			}
		}
		for range 10 {
			tr.ask(every, 482)
		}
		tr.answered()
		if n := tr.count(fe1At); n != 10*len(every) {
			t.Errorf("%d requests passed the mirror, of %d", n, 10*len(every))
		}
		if mirror.closed || tr.at(fe1At).closed {
			t.Error("a connection was closed")
		}
		tr.expectBackup(0)
		tr.ends()
	})
}
