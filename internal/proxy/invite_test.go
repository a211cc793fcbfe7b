package proxy

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"isthmus/internal/federation"
	"isthmus/internal/sip"
	"isthmus/internal/siptest"
)

func invite(w *world) (*end, siptest.Request) {
	client := w.connector()
	r := siptest.Invite("carla@synergy.com", "bob@synergy.com")
	r.SentBy, r.Transport = client.peer.Remote.String(), sip.TCP
	client.asks(r)
	client.expect("100")
	return client, r
}

// isCancelled checks that a hop is sent the CANCEL of the INVITE that it was sent, header by header (RFC 3261 section 9.1).
func (e *end) isCancelled(invite *sip.Message) *sip.Message {
	e.w.t.Helper()
	cancel := e.expect("CANCEL")
	if got, want := string(cancel.Bytes()), string(invite.AppendCancel(nil)); got != want {
		e.w.t.Errorf("the CANCEL is\n%s\nwant\n%s", got, want)
	}
	return cancel
}

// isAcknowledged checks that a hop is sent the ACK of its refusal (RFC 3261 section 17.1.1.3).
func (e *end) isAcknowledged(invite *sip.Message) {
	e.w.t.Helper()
	ack, want := e.expect("ACK"), sip.Message{}
	_ = want.Parse(bytes.Replace(invite.AppendCancel(nil), []byte("CANCEL"), []byte("ACK"), 2))
	for _, name := range []string{"Via", "Route", "From", "Call-ID", "CSeq", "Max-Forwards"} {
		if got, want := value(ack, name), value(&want, name); got != want {
			e.w.t.Errorf("the %s of the ACK is %q, want %q", name, got, want)
		}
	}
	if string(ack.RequestURI()) != string(invite.RequestURI()) || len(ack.To().Tag()) == 0 {
		e.w.t.Errorf("the ACK:\n%s", ack.Bytes())
	}
}

func TestProvisionalAnswersOfAnInvitePassAndEndFailover(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		client, _ := invite(w)
		m := w.at(fe1At).expect("INVITE")
		w.at(fe1At).answers(m, 100)
		client.quiet() // a 100 is for the next node only
		w.at(fe1At).answers(m, 101)
		client.expect("101")
		w.at(fe1At).answers(m, 180)
		client.expect("180")
		w.after(time.Minute)
		w.untouched(fe2At)
		w.at(fe1At).answers(m, 486)
		client.expect("486")
		w.at(fe1At).isAcknowledged(m)
	})
}

func TestTimerCEndsAnInviteThatRings(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		client, _ := invite(w)
		m := w.at(fe1At).expect("INVITE")
		w.at(fe1At).answers(m, 180)
		client.expect("180")
		w.after(2 * time.Minute)
		w.at(fe1At).answers(m, 183) // begins the three minutes anew
		client.expect("183")
		w.after(179 * time.Second)
		client.quiet()
		w.after(2 * time.Second)
		client.expect("408")
		cancel := w.at(fe1At).isCancelled(m)
		w.at(fe1At).answers(cancel, 200)
		w.at(fe1At).answers(m, 487)
		w.at(fe1At).isAcknowledged(m)
		client.quiet()
	})
}

func TestCancelEndsTheBranchOnceItHasAnswered(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		client, r := invite(w)
		m := w.at(fe1At).expect("INVITE")
		client.asks(r.Cancel())
		client.expect("200")
		w.at(fe1At).quiet()
		w.at(fe1At).answers(m, 180)
		client.expect("180")
		cancel := w.at(fe1At).isCancelled(m)
		w.at(fe1At).answers(cancel, 200)
		w.at(fe1At).answers(m, 487)
		w.at(fe1At).expect("ACK")
		client.expect("487")
		w.untouched(fe2At)
	})
}

// What changes in an INVITE for a strict router changes in its CANCEL, which is written when it is needed.
func TestTheCancelOfAnInviteGoesTheSameWay(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		client := w.connector()
		r := siptest.Invite("carla@synergy.com", "bob@fe1.synergy.com")
		r.SentBy, r.Transport = client.peer.Remote.String(), sip.TCP
		r.To += ";tag=9"
		r.Below = []string{"Route: <sip:imp1.synergy.com:5060;lr>, <sip:127.0.0.21:5061>, <sip:pool.synergy.com;lr>"}
		client.asks(r)
		client.expect("100")
		m := w.at(fe1At).expect("INVITE")
		w.at(fe1At).answers(m, 180)
		client.expect("180")
		w.set(func(s *federation.Snapshot) { s.StaticRoutes = nil }) // the connection stays while something is under way
		client.asks(r.Cancel())
		client.expect("200")
		cancel := w.at(fe1At).isCancelled(m)
		if string(cancel.RequestURI()) != "sip:127.0.0.21:5061" || value(cancel, "Route") != "<sip:pool.synergy.com;lr>, <sip:bob@fe1.synergy.com>" {
			t.Errorf("the CANCEL:\n%s", cancel.Bytes())
		}
		w.at(fe1At).answers(cancel, 200)
		w.at(fe1At).answers(m, 487)
		w.at(fe1At).isAcknowledged(m)
		client.expect("487")
	})
}

// Toward another node the branch carries the side that the request has here.
func TestTheCancelOfAnInviteGoesToTheNextNodeToo(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		lync := w.lync()
		r := siptest.Invite("anna@synergy.com", "dora@synergy.com")
		r.SentBy, r.Transport = lync.peer.Remote.String(), sip.TCP
		lync.asks(r)
		lync.expect("100")
		m := w.at(imp2At).expect("INVITE")
		w.at(imp2At).answers(m, 180)
		lync.expect("180")
		lync.asks(r.Cancel())
		lync.expect("200")
		w.at(imp2At).answers(w.at(imp2At).isCancelled(m), 200)
		w.at(imp2At).answers(m, 487)
		w.at(imp2At).isAcknowledged(m)
		lync.expect("487")
	})
}

func TestCancelEndsFailover(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		client, r := invite(w)
		w.at(fe1At).expect("INVITE")
		client.asks(r.Cancel())
		client.expect("200")
		w.after(4 * time.Second)
		client.expect("487")
		w.untouched(fe2At)
	})
}

func TestCancelWhileNothingIsPendingIs487AtOnce(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.slow(fe1At, time.Second)
		client, r := invite(w)
		client.asks(r.Cancel())
		client.expect("200")
		client.expect("487")
		w.after(time.Second)
		w.untouched(fe1At)
	})
}

func TestACancelledInviteThatNobodyEndsIs487(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		client, r := invite(w)
		m := w.at(fe1At).expect("INVITE")
		w.at(fe1At).answers(m, 180)
		client.expect("180")
		client.asks(r.Cancel())
		client.expect("200")
		w.at(fe1At).expect("CANCEL")
		w.after(33 * time.Second)
		client.expect("487")
	})
}

func TestCancelCrossesThe200(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		client, r := invite(w)
		m := w.at(fe1At).expect("INVITE")
		w.at(fe1At).answers(m, 200)
		client.expect("200")
		client.asks(r.Cancel())
		client.expect("200")
		w.at(fe1At).quiet()
		client.quiet()
	})
}

func TestACancelOfNothingIs481(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		client := w.connector()
		client.asks(siptest.Invite("carla@synergy.com", "bob@synergy.com").Cancel())
		client.expect("481")
		if w.opened(fe1At) > 0 {
			t.Error("the CANCEL was routed")
		}
	})
}

func TestAHopThatWasGivenUpMayStillTakeTheCall(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		client, _ := invite(w)
		first := w.at(fe1At).expect("INVITE")
		w.after(4 * time.Second)
		second := w.at(fe2At).expect("INVITE")
		w.at(fe2At).answers(second, 180)
		client.expect("180")
		w.at(fe1At).dropProbes(0)
		w.at(fe1At).answers(first, 200)
		if got := client.expect("200"); got.ViaCount() != 1 {
			t.Errorf("the late answer:\n%s", got.Bytes())
		}
		cancel := w.at(fe2At).isCancelled(second)
		w.at(fe2At).answers(cancel, 200)
		w.at(fe2At).answers(second, 487)
		w.at(fe2At).isAcknowledged(second)
		client.quiet()
	})
}

func TestALateRingingOfAHopThatWasGivenUpIsCancelled(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		client, _ := invite(w)
		first := w.at(fe1At).expect("INVITE")
		w.after(4 * time.Second)
		second := w.at(fe2At).expect("INVITE")
		w.at(fe1At).dropProbes(0)
		w.at(fe1At).answers(first, 180)
		w.at(fe1At).isCancelled(first)
		client.quiet()
		w.at(fe2At).answers(second, 200)
		client.expect("200")
	})
}

func TestACallTakenAfterTheFinalAnswerStillGoesUp(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		client, _ := invite(w)
		first := w.at(fe1At).expect("INVITE")
		w.after(4 * time.Second)
		w.at(fe2At).answers(w.at(fe2At).expect("INVITE"), 486)
		client.expect("486")
		w.at(fe1At).dropProbes(0)
		w.at(fe1At).answers(first, 200)
		client.expect("200")
	})
}

func TestEvery2xxOfAForkGoesUp(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		client, _ := invite(w)
		m := w.at(fe1At).expect("INVITE")
		answer := siptest.Response(m, 200)
		w.at(fe1At).sends(answer)
		client.expect("200")
		w.at(fe1At).sends(strings.Replace(answer, ";tag="+siptest.ToTag(m), ";tag=another", 1))
		if got := client.expect("200"); string(got.To().Tag()) != "another" {
			t.Errorf("the second answer has the tag %s", got.To().Tag())
		}
	})
}

func TestARetransmittedInviteIsAnsweredFromMemory(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		client, r := invite(w)
		w.at(fe1At).expect("INVITE")
		client.asks(r)
		client.expect("100")
		w.at(fe1At).quiet()
	})
}

func TestA408IsNeverSentForAnythingButAnInvite(t *testing.T) {
	for _, method := range []string{"SUBSCRIBE", "MESSAGE", "BYE", "UNHEARD"} {
		inWorld(t, func(t *testing.T, w *world) {
			client := w.connector()
			client.asks(request(method))
			w.after(31 * time.Second)
			client.expect("100")
			client.expect("504")
			client.quiet()
		})
	}
}

// The goroutine that could not write may come back after the one that sent anew.
func TestACancelIsForTheConnectionThatTheInviteWentOutOver(t *testing.T) {
	a := &attempt{relay: &relay{}}
	dead, live := a.sending(&wire{}), a.sending(&wire{})
	a.wire = live.wire
	a.started(live)
	a.started(dead)
	if a.client != &live.client {
		t.Error("it is for the one that could not be written to")
	}
}
