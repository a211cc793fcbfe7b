package proxy

import (
	"strings"
	"testing"
	"time"

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
		w.at(fe1At).expect("ACK")
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
		cancel := w.at(fe1At).expect("CANCEL")
		w.at(fe1At).answers(cancel, 200)
		w.at(fe1At).answers(m, 487)
		w.at(fe1At).expect("ACK")
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
		cancel := w.at(fe1At).expect("CANCEL")
		if string(cancel.Via(0).Branch) != string(m.Via(0).Branch) || cancel.ViaCount() != 1 {
			t.Errorf("the CANCEL is of another transaction:\n%s", cancel.Bytes())
		}
		w.at(fe1At).answers(cancel, 200)
		w.at(fe1At).answers(m, 487)
		w.at(fe1At).expect("ACK")
		client.expect("487")
		w.untouched(fe2At)
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
		cancel := w.at(fe2At).expect("CANCEL")
		w.at(fe2At).answers(cancel, 200)
		w.at(fe2At).answers(second, 487)
		w.at(fe2At).expect("ACK")
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
		w.at(fe1At).expect("CANCEL")
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
