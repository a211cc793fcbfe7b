package proxy

import (
	"testing"
	"time"
)

// RFC 4320 section 4.1: a 100 to a non-INVITE tells who asks over UDP to be quiet, and comes not before 3.5 s.
func TestTheNodeSays100ToANonInviteAfter3AndAHalfSeconds(t *testing.T) {
	for _, method := range []string{"MESSAGE", "SUBSCRIBE", "NOTIFY", "BYE", "UNHEARD"} {
		inWorld(t, func(t *testing.T, w *world) {
			client := w.connector()
			client.asks(request(method))
			m := w.at(fe1At).expect(method)
			w.after(3499 * time.Millisecond)
			client.quiet()
			w.after(time.Millisecond)
			client.expect("100")
			w.at(fe1At).answers(m, 200)
			client.expect("200")
			client.quiet()
		})
	}
}

func TestTheNodeSays100OnceHoweverManyHopsItTries(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		client := w.connector()
		client.asks(request("SUBSCRIBE"))
		w.at(fe1At).expect("SUBSCRIBE")
		w.after(7 * time.Second)
		client.expect("100")
		w.at(fe2At).answers(w.at(fe2At).expect("SUBSCRIBE"), 200)
		client.expect("200")
		client.quiet()
	})
}

// Of the provisional answers to a non-INVITE none goes up, and its own 100 does not come sooner for them.
func TestProvisionalAnswersOfANonInviteEndHere(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		client := w.connector()
		client.asks(request("SUBSCRIBE"))
		m := w.at(fe1At).expect("SUBSCRIBE")
		for _, status := range []int{100, 180, 183} {
			w.at(fe1At).answers(m, status)
		}
		client.quiet()
		w.at(fe1At).answers(m, 202)
		client.expect("202")
	})
}

// RFC 3261 section 16.7 step 2: a 100 again and again keeps no INVITE alive, a 101 does.
func TestTimerCIsRestartedByProgressOnly(t *testing.T) {
	for status, want := range map[int]string{100: "408", 101: ""} {
		inWorld(t, func(t *testing.T, w *world) {
			client, _ := invite(w)
			m := w.at(fe1At).expect("INVITE")
			for range 7 {
				w.at(fe1At).answers(m, status)
				if status > 100 {
					client.expect("101")
				}
				w.after(30 * time.Second)
			}
			if want == "" {
				client.quiet()
				w.at(fe1At).answers(m, 200)
				want = "200"
			}
			client.expect(want)
			client.quiet()
		})
	}
}
