package proxy

import (
	"fmt"
	"strings"
	"testing"

	"isthmus/internal/siptest"
)

// twoNodes are the routing node imp1, imp2 with carla's connector, and a front end, on real sockets of one network.
func twoNodes(t *testing.T, network string) (connector, front *siptest.Host, lync *siptest.Peer) {
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
		p.config.Directory = users{"carla@synergy.com": {UserID: "carla", Address: "carla@synergy.com", Licensed: true, Node: "imp2.synergy.com"}}
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
