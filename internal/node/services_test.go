package node

import (
	"net/netip"
	"os"
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
	r, host := start(t), siptest.Serve(t, "127.0.0.1:0", nil)
	r.commits(r.snapshot(1, leading(host), restarts(federation.ServiceSIPProxy, 4)))
	peer := r.within()
	peer.Sends(siptest.Subscribe("ann@synergy.com", "bob@synergy.com"))
	host.Accepts().Expect("SUBSCRIBE")
	r.commits(r.snapshot(2, leading(host), restarts(federation.ServiceSIPProxy, 5)))
	peer.Expect("503")
	peer.ExpectClosed()
	if h := r.awaitState(Ready); len(h.Listeners) != 1 || !r.answers(5060) {
		t.Errorf("afterwards it says %+v", h)
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

func TestTheStartOfAProcessIsTheRestartThatWasOrderedBefore(t *testing.T) {
	r := start(t, func(c *Config) { c.ReportEvery = time.Hour })
	r.commits(r.snapshot(1, restarts(federation.ServiceSIPProxy, 7)))
	await(t, "it is reported as done", func() bool { return r.lastReport().Restarted[federation.ServiceSIPProxy] == 7 })
}
