package proxy

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"isthmus/internal/federation"
	"isthmus/internal/routing"
	"isthmus/internal/siptest"
)

// carla is homed on imp2.
var carla = users{"carla@synergy.com": {UserID: "carla", Address: "carla@synergy.com", Licensed: true, Node: "imp2.synergy.com"}}

// twoNodes are the routing node imp1, imp2 with carla's connector, and a front end, on real sockets of one network. Both
// know carla, or imp2 knows what is given.
func twoNodes(t *testing.T, network string, homeKnows ...routing.Directory) (connector, front *siptest.Host, lync *siptest.Peer) {
	t.Helper()
	at := func(host int, port int) string { return fmt.Sprintf("%s.%d:%d", network, host, port) }
	connector = siptest.Serve(t, at(2, 5080), nil)
	front = siptest.Serve(t, at(9, 5061), nil)
	s := snapshot(network+".2", at(2, 5080), at(9, 5061))
	imp1 := s.Nodes[0]
	imp1.Name, imp1.Address, imp1.Connector, imp1.Routing = "imp1.synergy.com", network+".1", at(1, 5080), true
	s.Nodes[0].Name = "imp2.synergy.com"
	s.Nodes = append(s.Nodes, imp1)
	for _, n := range s.Nodes {
		p, _ := nodeOn(t, n.Name, n.Address, s)
		p.config.Directory = carla
		if n.Name == "imp2.synergy.com" && len(homeKnows) > 0 {
			p.config.Directory = homeKnows[0]
		}
	}
	return connector, front, siptest.Connect(t, at(1, 5060), siptest.Options{Local: network + ".9"})
}

func TestADialogThroughTwoNodes(t *testing.T) {
	for i, dress := range []func(siptest.Request) siptest.Request{
		func(r siptest.Request) siptest.Request { // the front end stays out of the dialog: its Contact is all there is
			r.Lines = append(r.Lines[:len(r.Lines)-1], "Contact: <sip:anna@127.0.84.9:5061;transport=tcp>")
			return r
		},
		siptest.FrontEnd{FQDN: "127.0.85.9"}.Dress,
	} {
		network := fmt.Sprintf("127.0.%d", 84+i)
		t.Run(network, func(t *testing.T) {
			connector, front, lync := twoNodes(t, network)
			lync.Sends(dress(siptest.Invite("anna@synergy.com", "carla@synergy.com")))
			here := connector.Accepts()
			invite := here.Expect("INVITE")
			if got := value(invite, "Record-Route"); !strings.Contains(got, "imp2.synergy.com:5060") || !strings.Contains(got, "imp1.synergy.com:5060") {
				t.Errorf("Record-Route: %s", got)
			}
			here.Answers(invite, 200, "Contact: <sip:carla@"+connector.Addr()+">")
			caller := siptest.Caller(lync.Expect("200"))
			caller.Routes = caller.Routes[i:] // a front end removes its own value
			lync.Sends(caller.Request("ACK"))
			here.Expect("ACK")
			lync.Sends(caller.Request("MESSAGE"))
			here.Answers(here.Expect("MESSAGE"), 200)
			lync.Expect("200")

			bye := siptest.Callee(invite).Request("BYE")
			here.Sends(bye)
			there := front.Accepts()
			got := there.Expect("BYE")
			if string(got.RequestURI()) != bye.URI || got.RouteCount() != i {
				t.Errorf("the BYE:\n%s", got.Bytes())
			}
			there.Answers(got, 200)
			here.Expect("200")
		})
	}
}

func TestARequestThatPassedANodeDoesNotGoOut(t *testing.T) {
	_, front, lync := twoNodes(t, "127.0.86")
	lync.Sends(siptest.Message("anna@synergy.com", "nobody@synergy.com", "hi"))
	lync.Expect("404")
	ours := siptest.Connect(t, "127.0.86.2:5060", siptest.Options{Local: "127.0.86.2"})
	ours.Sends(siptest.Message("carla@synergy.com", "bob@synergy.com", "hi"))
	there := front.Accepts() // each node sends to the Microsoft side itself
	m := there.Expect("MESSAGE")
	if got := string(m.Via(0).Raw); !strings.HasPrefix(got, "SIP/2.0/TCP imp2.synergy.com:5060") || m.ViaCount() != 2 {
		t.Errorf("Via: %s", got)
	}
	there.Answers(m, 200)
	ours.Expect("200")
}

// catchingUp are users whom a node does not know before it has caught up.
type catchingUp struct{ caughtUp atomic.Bool }

func (l *catchingUp) ByAddress(a string) (federation.UserFact, bool) {
	if !l.caughtUp.Load() {
		return federation.UserFact{}, false
	}
	return carla.ByAddress(a)
}

func (l *catchingUp) ByMicrosoftAddress(string) (federation.UserFact, bool) {
	return federation.UserFact{}, false
}

// Nodes that know different things of a user pass a request on once: it goes neither round in circles nor to the Microsoft
// side.
func TestAUserWhoIsNewIsUnknownToAHomeNodeUntilThatHasCaughtUp(t *testing.T) {
	home := &catchingUp{}
	connector, _, lync := twoNodes(t, "127.0.87", home)
	inside := siptest.Connect(t, "127.0.87.1:5060", siptest.Options{Local: "127.0.87.1"})
	for _, from := range []*siptest.Peer{lync, inside} {
		from.Sends(siptest.Message("anna@synergy.com", "carla@synergy.com", "hi"))
		if m := from.Expect("404"); !strings.Contains(value(m, "Warning"), "imp2.synergy.com") {
			t.Errorf("it was not the home node that refused:\n%s", m.Bytes())
		}
	}
	home.caughtUp.Store(true)
	for _, from := range []*siptest.Peer{lync, inside} {
		from.Sends(siptest.Message("anna@synergy.com", "carla@synergy.com", "hi"))
	}
	here := connector.Accepts()
	for range 2 {
		here.Answers(here.Expect("MESSAGE"), 200)
	}
	lync.Expect("200")
	inside.Expect("200")
}
