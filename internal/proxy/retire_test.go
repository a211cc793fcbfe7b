package proxy

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"isthmus/internal/federation"
	"isthmus/internal/routing"
	"isthmus/internal/sip"
	"isthmus/internal/sip/transport"
	"isthmus/internal/siptest"
)

func nobodyListed(s *federation.Snapshot) { s.ACL = nil }

// unseen puts a policy in force that open connections are not judged by yet.
func (w *world) unseen(edits ...func(*federation.Snapshot)) {
	w.proxy.network = nil
	w.set(edits...)
	w.proxy.network = w
}

// What a peer had asked before a change took its right away is still answered.
func TestAChangeLetsAnswersUnderWayOut(t *testing.T) {
	for promise, change := range map[string]func(w *world, e *end){
		"its address is listed no more": func(w *world, _ *end) { w.set(nobodyListed) },
		"the service is off":            func(w *world, _ *end) { w.set(proxyOff) },
		"its certificate is trusted no more": func(w *world, _ *end) {
			w.proxy.config.Recheck = func(*transport.Peer) (time.Time, error) { return time.Time{}, errors.New("its CA is trusted no more") }
			w.set()
		},
		"it asks again before it was looked at": func(w *world, e *end) {
			w.unseen(nobodyListed)
			e.asks(siptest.Message("anna@synergy.com", "carla@synergy.com", "hi"))
		},
		"it asks again before that, and the service is off": func(w *world, e *end) {
			w.unseen(proxyOff)
			e.asks(siptest.Message("anna@synergy.com", "carla@synergy.com", "hi"))
		},
	} {
		inWorld(t, func(t *testing.T, w *world) {
			lync := w.end(transport.Peer{Remote: netip.MustParseAddrPort("127.0.0.21:40005"), Transport: sip.TLS,
				Listener: "Default SIP Proxy TLS Listener - Server Auth", ListenerPort: 5062})
			change(w, lync)
			if !lync.closed || !lync.retired {
				t.Errorf("%s: closed %v, answered before %v", promise, lync.closed, lync.retired)
			}
		})
	}
}

func TestARemovedPeerHearsItsAnswerAndIsClosedWithinASecond(t *testing.T) {
	connector := siptest.Serve(t, "127.0.81.3:0", nil)
	s := snapshot("127.0.81.3", connector.Addr(), "127.0.81.4:5060")
	p, node := nodeOn(t, "imp1.synergy.com", "127.0.81.3", s)
	lync := siptest.Connect(t, node, siptest.Options{Local: "127.0.81.4"})
	lync.Sends(siptest.Message("anna@synergy.com", "carla@synergy.com", "hi"))
	here := connector.Accepts()
	m := here.Expect("MESSAGE")
	nobodyListed(&s)
	policy, err := routing.Compile(s, "imp1.synergy.com")
	if err != nil {
		t.Fatal(err)
	}
	p.SetPolicy(policy)
	here.Answers(m, 200)
	lync.Expect("200")
	lync.ExpectClosed()
}

// What was asked before something that is no SIP is answered on the connection, which then is closed.
func TestGarbageTakesNoAnswerFromWhatCameBefore(t *testing.T) {
	const asked = 20
	ask := func() string {
		r := siptest.NewRequest("MESSAGE", "anna@synergy.com", "carla@synergy.com")
		r.SentBy, r.Transport = "a.synergy.com", sip.TCP
		return r.String()
	}
	at := 90
	for what, end := range map[string]struct {
		text    string
		refused bool
		late    time.Duration // of the answers
	}{
		"a line that is no SIP":      {text: "GARBAGE LINE\r\nfoo\r\n\r\n", late: 700 * time.Millisecond},
		"the same with a length":     {text: "GARBAGE LINE\r\nContent-Length: 0\r\n\r\n", late: time.Millisecond},
		"binary":                     {text: strings.Repeat("\x00\x01\x02\xff", 50), late: time.Millisecond},
		"a length that is no number": {text: strings.Replace(ask(), "Content-Length: 0", "Content-Length: abc", 1), refused: true, late: time.Millisecond},
	} {
		at++
		t.Run(what, func(t *testing.T) {
			address, client := fmt.Sprintf("127.0.81.%d", at), fmt.Sprintf("127.0.81.%d", at+50)
			connector := siptest.Serve(t, address+":0", nil)
			_, node := nodeOn(t, "imp1.synergy.com", address, snapshot(address, connector.Addr(), client+":5060"))
			lync := siptest.Connect(t, node, siptest.Options{Local: client})
			var all strings.Builder
			for range asked {
				all.WriteString(ask())
			}
			lync.SendsRaw(all.String() + end.text)
			if end.refused {
				lync.Expect("400")
			}
			here := connector.Accepts()
			var requests []*sip.Message
			for range asked {
				requests = append(requests, here.Expect("MESSAGE"))
			}
			lync.ExpectSilence(end.late)
			for _, m := range requests {
				here.Answers(m, 200)
			}
			for range asked {
				lync.Expect("200")
			}
			lync.ExpectClosed()
		})
	}
}
