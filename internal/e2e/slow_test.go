//go:build e2e

package e2e

import (
	"net"
	"testing"
	"time"

	"isthmus/internal/siptest"
)

// What takes its time by its nature is tested here, on the real clock.

func TestAHopThatComesBackIsTakenAgain(t *testing.T) {
	t.Parallel()
	w, p := running(t)
	w.fe1.Close()
	w.fe2.takesAll(t)
	peer := w.inside(t)
	peer.Sends(hello(ann, carl))
	peer.Expect("200")
	eventually(t, patience, "down", func() bool { return says(p, `"msg":"next hop down"`, w.net+fe1Host) })
	back := w.frontEnd(fe1Host, "fe1.synergy.com")
	eventually(t, patience, "up", func() bool { return says(p, `"msg":"next hop up"`, w.net+fe1Host) })
	peer.Sends(hello(ann, carl))
	back.expect(t, "MESSAGE").answers(t, 200)
	peer.Expect("200")
}

func TestAMessageThatAFrontEndTookIsNotDeliveredTwice(t *testing.T) {
	t.Parallel()
	w, _ := running(t)
	peer := siptest.Connect(t, net.JoinHostPort(w.net+nodeHost, "5060"), siptest.Options{Local: w.net + nodeHost, Timeout: 20 * time.Second})
	began := time.Now()
	peer.Sends(hello(ann, carl))
	w.fe1.expect(t, "MESSAGE")
	peer.Expect("504")
	if took := time.Since(began); took < 14*time.Second || took > 18*time.Second {
		t.Errorf("504 after %s, want 16 s", took)
	}
	w.fe1.nothing(t)
	w.fe2.nothing(t)
}

func TestTheSecondFrontEndIsReachedWhenTheFirstSaysNothing(t *testing.T) {
	t.Parallel()
	way{"it says nothing", func(t *testing.T, w *world) { w.listen(t, w.ca.Server(w.ca.Leaf("fe1.synergy.com"))) }, "SUBSCRIBE", 5 * time.Second}.
		leadsToTheSecond(t)
}

func TestAMessageThatDoesNotComeToAnEndIsCutOff(t *testing.T) {
	t.Parallel()
	w, _ := running(t)
	peer := w.outside(t, fe1Host, "fe1.synergy.com")
	peer.SendsRaw(start + "\r\nVia: ")
	began := time.Now()
	peer.ExpectClosed()
	if took := time.Since(began); took < 3*time.Second || took > 5*time.Second {
		t.Errorf("closed after %s", took)
	}
}
