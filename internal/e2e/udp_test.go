package e2e

import (
	"strings"
	"testing"
	"time"

	"isthmus/internal/siptest"
)

// newUDPWorld is a node with a UDP listener and a front end that is reached over UDP.
func newUDPWorld(t *testing.T) (w *world, fe *siptest.Peer) {
	t.Helper()
	w = &world{t: t, net: network()}
	w.node = newMachine(t, "imp1.synergy.com", w.net+nodeHost, newDatabase(t))
	w.node.apply(w.document() + w.acl(fe1Host) + `listeners:
  - {name: TCP, transport: tcp, port: 5060}
  - {name: UDP, transport: udp, port: 5060}
static_routes:
  - {destination: .com.synergy, type: domain, next_hop: ` + w.net + fe1Host + `, port: 5060, transport: udp}
`)
	w.node.apply("settings: {partitioned_federation: true, default_domain: synergy.com}\n")
	connector, err := siptest.Listen(w.net+nodeHost+":5080", nil)
	w.connector = newInbox(t, connector, err)
	fe = siptest.ServeUDP(t, w.net+fe1Host+":5060")
	w.node.serve()
	return w, fe
}

func (w *world) overUDP(host string) *siptest.Peer {
	w.t.Helper()
	return siptest.Connect(w.t, w.net+nodeHost+":5060", siptest.Options{Local: w.net + host, UDP: true})
}

func TestAMessageOverUDPIsDeliveredOnceHoweverOftenItIsSent(t *testing.T) {
	t.Parallel()
	w, _ := newUDPWorld(t)
	peer := w.overUDP(fe1Host)
	r := hello(carl, ann)
	r.SentBy, r.ViaParams = "fe1.synergy.com", ";rport"
	peer.Sends(r)
	a := w.connector.expect(t, "MESSAGE")
	peer.Sends(r)
	a.answers(t, 200)
	first := peer.Expect("200")
	peer.Sends(r)
	if again := peer.Expect("200"); string(again.Bytes()) != string(first.Bytes()) {
		t.Errorf("answered with\n%s\nand then with\n%s", first.Bytes(), again.Bytes())
	}
	w.check(t, peer, row{"what comes next is delivered", with(hello(carl, ann), func(r *siptest.Request) { r.SentBy, r.ViaParams = "fe1.synergy.com", ";rport" }), "connector", ""})
	w.connector.nothing(t)
}

func TestNobodyIsInsideOverUDP(t *testing.T) {
	t.Parallel()
	w, _ := newUDPWorld(t)
	for _, host := range []string{nodeHost, stranger} {
		w.check(t, w.overUDP(host), row{"from " + host, hello(ann, carl), "403", "ACL - upstream not trusted: " + w.net + host})
	}
}

func TestAStaticRouteOverUDP(t *testing.T) {
	t.Parallel()
	w, fe := newUDPWorld(t)
	inside := w.inside(t)
	inside.Sends(hello(ann, carl))
	fe.Expect("MESSAGE")
	m := fe.Expect("MESSAGE") // the first was lost
	if via := string(m.Via(0).Raw); !strings.HasPrefix(via, "SIP/2.0/UDP imp1.synergy.com:5060;rport;") {
		t.Errorf("Via: %s", via)
	}
	fe.Answers(m, 200)
	inside.Expect("200")
	fe.ExpectSilence(time.Second)

	fe.Close()
	inside.Sends(hello(ann, carl))
	if got := string(inside.Expect("504").Bytes()); !strings.Contains(got, ":5060 connection refused") {
		t.Errorf("the answer:\n%s", got)
	}
}
