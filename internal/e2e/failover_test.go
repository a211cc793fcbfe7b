package e2e

import (
	"crypto/tls"
	"net"
	"strings"
	"testing"
	"time"

	"isthmus/internal/siptest"
)

// way is one in which the first front end can fail, and how soon the second one has to be reached.
type way struct {
	promise string
	fails   func(*testing.T, *world)
	methods string
	within  time.Duration
}

var ways = []way{
	{"nobody listens", func(t *testing.T, w *world) {}, "MESSAGE SUBSCRIBE INVITE", time.Second},
	{"a certificate of another name", func(t *testing.T, w *world) {
		w.listen(t, w.ca.Server(w.ca.Leaf("evil.synergy.com")))
	}, "MESSAGE SUBSCRIBE INVITE", time.Second},
	{"a certificate of another CA", func(t *testing.T, w *world) {
		w.listen(t, &tls.Config{Certificates: []tls.Certificate{siptest.NewAuthority("Other CA").Leaf("fe1.synergy.com")}})
	}, "MESSAGE SUBSCRIBE INVITE", time.Second},
	{"it refuses our certificate", func(t *testing.T, w *world) {
		w.listen(t, siptest.NewAuthority("Other CA").Server(w.ca.Leaf("fe1.synergy.com")))
	}, "MESSAGE SUBSCRIBE INVITE", time.Second},
	{"it does not speak TLS", func(t *testing.T, w *world) {
		var l net.Listener
		eventually(t, patience, "the address is free", func() (free bool) {
			var err error
			l, err = net.Listen("tcp", w.net+fe1Host+":5061")
			return err == nil
		})
		t.Cleanup(func() { l.Close() })
	}, "SUBSCRIBE", 3 * time.Second},
	{"it answers 503", func(t *testing.T, w *world) {
		w.listen(t, w.ca.Server(w.ca.Leaf("fe1.synergy.com"))).answersAll(t, 503)
	},
		"MESSAGE SUBSCRIBE INVITE", time.Second},
}

// listen is the first front end in another manner.
func (w *world) listen(t *testing.T, config *tls.Config) *inbox {
	t.Helper()
	var l *siptest.Listener
	// A program that a parallel test is just starting may still hold the address that was closed.
	eventually(t, patience, "the address is free", func() (free bool) {
		var err error
		l, err = siptest.Listen(w.net+fe1Host+":5061", config)
		return err == nil
	})
	return newInbox(t, l, nil)
}

func TestTheSecondFrontEndIsReachedWhenTheFirstFails(t *testing.T) {
	t.Parallel()
	for _, way := range ways {
		t.Run(way.promise, func(t *testing.T) {
			t.Parallel()
			way.leadsToTheSecond(t)
		})
	}
}

func (way way) leadsToTheSecond(t *testing.T) {
	w, p := running(t)
	w.fe1.Close()
	way.fails(t, w)
	w.fe2.takesAll(t)
	peer := siptest.Connect(t, w.net+nodeHost+":5060", siptest.Options{Local: w.net + nodeHost, Timeout: patience})
	for method := range strings.FieldsSeq(way.methods) {
		began := time.Now()
		peer.Sends(siptest.NewRequest(method, ann, carl, "Contact: <sip:ann@"+w.connector.Addr()+">"))
		peer.Expect("200")
		if took := time.Since(began); took > way.within {
			t.Errorf("%s took %s", method, took)
		}
	}
	if code := p.stop(); code != 0 {
		t.Errorf("serve ended with %d", code)
	}
}

func TestWhenEveryHopHasFailedTheAnswerNamesEach(t *testing.T) {
	t.Parallel()
	w, _ := running(t)
	w.fe1.Close()
	w.fe2.Close()
	peer := w.inside(t)
	for _, method := range []string{"MESSAGE", "SUBSCRIBE", "INVITE"} {
		peer.Sends(siptest.NewRequest(method, ann, carl))
		m := peer.Expect("504")
		warning, _ := m.HeaderValue("Warning")
		for _, hop := range []string{w.net + fe1Host + ":5061", w.net + fe2Host + ":5061"} {
			if !strings.Contains(string(warning), hop) {
				t.Errorf("%s: the Warning does not name %s: %s", method, hop, warning)
			}
		}
	}
}
