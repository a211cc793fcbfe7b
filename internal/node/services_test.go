package node

import (
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"isthmus/internal/federation"
	"isthmus/internal/siptest"
)

// restarts is a snapshot's count of ordered restarts of a service on this node.
func restarts(service string, count int64) func(*federation.Snapshot) {
	return func(s *federation.Snapshot) {
		s.ServiceStates = append(s.ServiceStates, federation.ServiceState{Node: self, Service: service, Restarts: count, OrderedBy: "ann"})
	}
}

func TestARestartOrderIsCarriedOutOnceAndReported(t *testing.T) {
	opened := make(chan struct{}, 9)
	r, host := start(t, func(c *Config) {
		c.Inherited = func(string, netip.AddrPort) *os.File { // is asked before a port is opened
			opened <- struct{}{}
			return nil
		}
	}), siptest.Serve(t, "127.0.0.1:0", nil)
	r.commits(r.snapshot(1, leading(host), restarts(federation.ServiceSIPProxy, 4)))
	peer, _, _ := r.asks(host)
	r.commits(r.snapshot(2, leading(host), restarts(federation.ServiceSIPProxy, 5)))
	peer.Expect("503")
	peer.ExpectClosed()
	if h := r.awaitState(Ready); len(h.Listeners) != 1 || !r.answers(5060) {
		t.Errorf("afterwards it says %+v", h)
	}
	if n := len(opened); n != 2 {
		t.Errorf("the listener was opened %d times, at the start and by the restart", n)
	}
	await(t, "the restart is reported", func() bool { return r.lastReport().Restarted[federation.ServiceSIPProxy] == 5 })

	again := r.within()
	r.commits(r.snapshot(3, leading(host), restarts(federation.ServiceSIPProxy, 5)))
	r.commits(r.snapshot(4, leading(host))) // deactivated in between, by which the count is forgotten
	again.Sends(siptest.Probe(self))
	again.Expect("200")
	r.commits(r.snapshot(5, leading(host), restarts(federation.ServiceSIPProxy, 1)))
	again.ExpectClosed()
}

func TestARestartOfAnotherNodeOrServiceLeavesTheListenersAlone(t *testing.T) {
	r := start(t)
	r.commits(r.snapshot(1))
	peer := r.within()
	r.commits(r.snapshot(2, restarts(federation.ServiceSIPProxy, 1), func(s *federation.Snapshot) { s.ServiceStates[0].Node = "imp9.synergy.com" }))
	peer.Sends(siptest.Probe(self))
	peer.Expect("200")
	outside := siptest.Connect(t, r.at(5060), siptest.Options{Local: "127.0.0.1"})
	r.commits(r.snapshot(3, restarts(federation.ServiceSIPFederation, 1)))
	outside.Sends(siptest.Probe(self))
	outside.Expect("200")
	await(t, "the restart is reported", func() bool { return r.lastReport().Restarted[federation.ServiceSIPFederation] == 1 })
}

// A service that is stopped has nothing to restart, and one that was restarted while stopped is started by it.
func TestARestartOfAStoppedServiceStartsIt(t *testing.T) {
	r := start(t)
	r.commits(r.snapshot(1, restarts(federation.ServiceSIPProxy, 1), func(s *federation.Snapshot) { s.ServiceStates[0].Stopped = true }))
	if r.answers(5060) {
		t.Fatal("it answers while stopped")
	}
	r.commits(r.snapshot(2, restarts(federation.ServiceSIPProxy, 2)))
	if !r.answers(5060) {
		t.Error("it does not answer")
	}
}

// Whoever still sends over a connection that a stop ends learns that nobody has the request. A restart that was ordered just
// before is not carried out any more: it would cut off what the stop lets be answered.
func TestWhatComesAfterTheServiceWasStoppedIsAnsweredToo(t *testing.T) {
	r, host := start(t), siptest.Serve(t, "127.0.0.1:0", nil)
	r.commits(r.snapshot(1, leading(host)))
	peer, hop, asked := r.asks(host)
	r.commits(r.snapshot(2, leading(host), restarts(federation.ServiceSIPProxy, 1), func(s *federation.Snapshot) { s.ServiceStates[0].Stopped = true }))
	peer.Sends(siptest.Message("ann@synergy.com", "bob@synergy.com", "late"))
	if m := peer.Expect("503"); !strings.Contains(string(m.Bytes()), "Retry-After") {
		t.Errorf("it is not told to try elsewhere:\n%s", m.Bytes())
	}
	hop.Answers(asked, 200)
	peer.Expect("200")
	peer.ExpectClosed()
}

// A load balancer that asks sends nobody to a port that is not open yet.
func TestAServiceThatStartsCountsAsStoppedUntilItsPortsAreOpen(t *testing.T) {
	var r *rig
	during := make(chan string, 1)
	r = start(t, func(c *Config) {
		c.Inherited = func(string, netip.AddrPort) *os.File { // is asked before a port is opened
			during <- r.node.Health().State
			return nil
		}
	})
	r.commits(r.snapshot(1, func(s *federation.Snapshot) { s.Nodes[0].Services = nil }))
	r.commits(r.snapshot(2))
	if got := <-during; got != Stopped {
		t.Errorf("while its port is opened the node says %s", got)
	}
	if h := r.node.Health(); h.State != Ready {
		t.Errorf("afterwards it says %s", h.State)
	}
}

// A load balancer that asks sends nobody to a port that is closed already. Connects to one port hold up its closing, so that the
// other is seen closed meanwhile.
func TestWhatEndsIsToldBeforeAPortCloses(t *testing.T) {
	for want, ends := range map[string]func(*rig){
		Stopped:  func(r *rig) { r.tells(event{snapshot: r.snapshot(2, closed)}) },
		Draining: func(r *rig) { r.stop() },
	} {
		t.Run(want, func(t *testing.T) {
			r := start(t)
			r.commits(r.snapshot(1, func(s *federation.Snapshot) {
				s.Listeners = append(s.Listeners, federation.Listener{Name: "Second", Transport: federation.TCP, Port: 5062, Enabled: true})
			}))
			storm := make(chan struct{})
			go func() {
				defer close(storm)
				for c, err := net.Dial("tcp", r.at(5060)); err == nil; c, err = net.Dial("tcp", r.at(5060)) {
					c.Close()
				}
			}()
			ends(r)
			await(t, "the port is free", func() bool {
				l, err := net.Listen("tcp", r.at(5062))
				if err == nil {
					l.Close()
				}
				return err == nil
			})
			if got := r.node.Health().State; got != want {
				t.Errorf("with a closed port it says %s", got)
			}
			<-storm
		})
	}
}

func TestTheStartOfAProcessIsTheRestartThatWasOrderedBefore(t *testing.T) {
	r := start(t, func(c *Config) { c.ReportEvery = time.Hour })
	r.commits(r.snapshot(1, restarts(federation.ServiceSIPProxy, 7)))
	await(t, "it is reported as done", func() bool { return r.lastReport().Restarted[federation.ServiceSIPProxy] == 7 })
}
