package proxy

import (
	"strings"
	"testing"
	"time"

	"isthmus/internal/federation"
)

// A static route whose next hop is a node is refused when it is saved; a name that DNS leads to one shows only here.
func TestANextHopThatDNSLeadsToANodeIsNotConnectedTo(t *testing.T) {
	named := func(s *federation.Snapshot) { s.StaticRoutes[0].NextHop = "pool.synergy.com" }
	services := func(s *federation.Snapshot) {
		s.StaticRoutes[0].NextHop, s.StaticRoutes[0].Port = "pool.synergy.com", 0
	}
	for promise, c := range map[string]struct {
		edit    func(*federation.Snapshot)
		records []string
	}{
		"this node":            {named, []string{"pool.synergy.com A 127.0.0.11"}},
		"another node":         {named, []string{"pool.synergy.com A 127.0.0.12"}},
		"both":                 {named, []string{"pool.synergy.com A 127.0.0.11", "pool.synergy.com A 127.0.0.12"}},
		"another node, by SRV": {services, []string{"_sip._tcp.pool.synergy.com SRV 1 1 5061 imp2.synergy.com.", "imp2.synergy.com A 127.0.0.12"}},
	} {
		t.Run(promise, func(t *testing.T) {
			inNamedWorld(t, func(t *testing.T, w *world, _ *zone) {
				for _, node := range []string{"127.0.0.11:5061", "127.0.0.12:5061"} {
					w.hosts[node] = &host{}
				}
				w.after(time.Second)
				client := w.connector()
				client.asks(request("SUBSCRIBE"))
				w.at(fe2At).answers(w.at(fe2At).expect("SUBSCRIBE"), 200)
				client.expect("200")
				if n := w.dials("127.0.0.11:5061") + w.dials("127.0.0.12:5061"); n > 0 {
					t.Errorf("%d connections to a node", n)
				}
				if got := w.proxy.HopStates()[0]; got.State != federation.HopDown || !strings.HasPrefix(got.Reason, "pool.synergy.com is the name of a node") {
					t.Errorf("the hop is %+v", got)
				}
			}, c.records, c.edit)
		})
	}
}

func TestANextHopThatDNSLeadsToANodeToo(t *testing.T) {
	named := func(s *federation.Snapshot) { s.StaticRoutes[0].NextHop = "pool.synergy.com" }
	inNamedWorld(t, func(t *testing.T, w *world, _ *zone) {
		w.after(time.Second)
		client := w.connector()
		client.asks(request("SUBSCRIBE"))
		w.at(fe1At).answers(w.at(fe1At).expect("SUBSCRIBE"), 200)
		client.expect("200")
	}, []string{"pool.synergy.com A 127.0.0.11", "pool.synergy.com A 127.0.0.21"}, named)
}
