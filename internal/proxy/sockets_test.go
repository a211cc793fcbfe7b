package proxy

import (
	"context"
	"net/netip"
	"testing"
	"time"

	"isthmus/internal/federation"
	"isthmus/internal/routing"
	"isthmus/internal/sip"
	"isthmus/internal/sip/transport"
	"isthmus/internal/siptest"
)

// users is a Directory: carla is licensed here, bob is not.
type users map[string]federation.UserFact

func (u users) ByAddress(a string) (federation.UserFact, bool) {
	f, ok := u[a]
	return f, ok
}

func (u users) ByMicrosoftAddress(a string) (federation.UserFact, bool) {
	for _, f := range u {
		if f.MicrosoftAddress == a {
			return f, true
		}
	}
	return federation.UserFact{}, false
}

var people = users{"carla@synergy.com": {UserID: "carla", Address: "carla@synergy.com", Licensed: true, Node: "imp1.synergy.com"}}

// nodeOn starts a proxy on real sockets of an address, with one TCP listener. It returns the listener's address.
func nodeOn(t *testing.T, name, address string, s federation.Snapshot) (*Proxy, string) {
	t.Helper()
	p := New(Config{Directory: people, Key: []byte("secret")})
	local := netip.MustParseAddr(address)
	layer := transport.New(transport.Config{Handler: p.Handler(), Local: func() netip.Addr { return local }})
	p.Start(Over(layer))
	port := uint16(0)
	for _, l := range s.Listeners {
		if l.Transport == federation.TCP && l.Enabled {
			port = uint16(l.Port)
		}
	}
	states := layer.Fit([]transport.Listener{{Name: "tcp", Transport: sip.TCP, Addr: netip.AddrPortFrom(local, port)}})
	if !states[0].Open {
		t.Fatal(states[0].Error)
	}
	policy, err := routing.Compile(s, name)
	if err != nil {
		t.Fatal(err)
	}
	p.SetPolicy(policy)
	t.Cleanup(func() { p.Stop(); shut(layer) })
	return p, states[0].Addr.String()
}

func shut(l *transport.Layer) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = l.Shutdown(ctx) // what is left open after that is cut off
}

// snapshot is one node at an address of this test's own, and a Microsoft side of one address.
func snapshot(node, connector, microsoft string) federation.Snapshot {
	s := federation.Snapshot{Revision: 3, Configuration: federation.DefaultConfiguration()}
	s.Settings.PartitionedFederation = true
	s.Domains = []federation.Domain{{Name: "synergy.com"}}
	s.Nodes = []federation.Node{{Name: "imp1.synergy.com", Address: node, Connector: connector, Services: federation.Services}}
	ap := netip.MustParseAddrPort(microsoft)
	r := federation.NewStaticRoute()
	r.Type, r.Destination, r.NextHop, r.Port = federation.RouteDomain, ".com.synergy", ap.Addr().String(), int(ap.Port())
	s.StaticRoutes = []federation.StaticRoute{r}
	s.ACL = []federation.ACLEntry{{Pattern: ap.Addr().String()}}
	s.Configuration.Normalize()
	return s
}

func TestADialogOverRealSockets(t *testing.T) {
	connector := siptest.Serve(t, "127.0.81.1:0", nil)
	microsoft := siptest.Serve(t, "127.0.81.2:0", nil)
	s := snapshot("127.0.81.1", connector.Addr(), microsoft.Addr())
	_, node := nodeOn(t, "imp1.synergy.com", "127.0.81.1", s)

	lync := siptest.Connect(t, node, siptest.Options{Local: "127.0.81.2"})
	lync.Sends(siptest.Subscribe("anna@synergy.com", "carla@synergy.com"))
	here := connector.Accepts()
	subscribe := here.Expect("SUBSCRIBE")
	here.Answers(subscribe, 200, "Contact: <sip:carla@"+connector.Addr()+">")
	ok := lync.Expect("200")
	if ok.ViaCount() != 1 || ok.RecordRouteCount() != 1 {
		t.Fatalf("the answer carries a Via or Record-Route too much or too little:\n%s", ok.Bytes())
	}

	notify := siptest.Callee(subscribe).Request("NOTIFY")
	here.Sends(notify)
	there := microsoft.Accepts()
	got := there.Expect("NOTIFY")
	there.Answers(got, 200)
	here.Expect("200")
	if string(got.RequestURI()) != notify.URI {
		t.Errorf("the NOTIFY went to %s, not to %s", got.RequestURI(), notify.URI)
	}

	lync.Sends(siptest.Caller(ok).Request("SUBSCRIBE"))
	here.Answers(here.Expect("SUBSCRIBE"), 200)
	lync.Expect("200")
}
