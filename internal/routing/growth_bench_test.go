package routing

import (
	"fmt"
	"net/netip"
	"testing"

	"isthmus/internal/federation"
	"isthmus/internal/sip"
	"isthmus/internal/siptest"
)

// sizes are how many of a kind are configured; `make bench` makes a table and a plot of what they cost.
var sizes = []int{10, 100, 1_000, 10_000}

// compiled is the policy of imp1 after a change of the cluster.
func compiled(b *testing.B, change func(*federation.Snapshot)) *Policy {
	b.Helper()
	s := cluster()
	change(&s)
	s.Configuration.Normalize()
	p, err := Compile(s, "imp1.synergy.com")
	if err != nil {
		b.Fatal(err)
	}
	return p
}

// BenchmarkDecide is reading and deciding one request from inside, by the number of static routes. The recipient's domain
// has its routes among all the others.
func BenchmarkDecide(b *testing.B) {
	for _, n := range sizes {
		b.Run(fmt.Sprintf("domain routes=%d", n), func(b *testing.B) { decideAmong(b, n, domainRoute) })
		b.Run(fmt.Sprintf("user routes=%d", n), func(b *testing.B) { decideAmong(b, n, userRoute) })
	}
}

func domainRoute(i int) federation.StaticRoute {
	return route(fmt.Sprintf(".com.branch%d", i), "127.0.0.21", 1)
}

func userRoute(i int) federation.StaticRoute {
	r := route(fmt.Sprintf("%d..*", 100_000+i), "127.0.0.21", 1)
	r.Type = federation.RouteUser
	return r
}

func decideAmong(b *testing.B, n int, other func(i int) federation.StaticRoute) {
	p := compiled(b, func(s *federation.Snapshot) {
		for i := range n - 2 { // the domain has two
			s.StaticRoutes = append(s.StaticRoutes, other(i))
		}
	})
	m := new(sip.Message)
	r := siptest.Message("ann@synergy.com", "bob@synergy.com", "hi")
	r.SentBy = "127.0.0.11:5080"
	if err := m.Parse([]byte(r.String())); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		request, err := p.Read(m, Verdict{Allowed: true, Internal: true}, testKey)
		if err != nil {
			b.Fatal(err)
		}
		if d := p.Decide(&request, people); d.Action != Forward {
			b.Fatal(d)
		}
	}
}

// BenchmarkAdmit is judging a connection of a front end, by the number of entries of the incoming ACL and of peers.
func BenchmarkAdmit(b *testing.B) {
	peer := Peer{Addr: netip.MustParseAddr("127.0.0.21"), TLS: true, VerifyClient: true, Listener: "Default SIP Proxy TLS Listener - Peer Auth", Subject: "pool.synergy.com"}
	named := peer
	named.Addr, named.Names = netip.MustParseAddr("192.0.2.1"), []string{"fe1.lync.example"}
	for _, n := range sizes {
		b.Run(fmt.Sprintf("ACL addresses=%d", n), func(b *testing.B) { admitAmong(b, peer, n, aclAddress) })
		b.Run(fmt.Sprintf("ACL networks=%d", n), func(b *testing.B) { admitAmong(b, named, n, aclNetwork) })
		b.Run(fmt.Sprintf("ACL names=%d", n), func(b *testing.B) { admitAmong(b, named, n, aclName) })
	}
	for _, n := range []int{1, 10, 100, 1_000} {
		b.Run(fmt.Sprintf("peers=%d", n), func(b *testing.B) { admitAmongPeers(b, peer, n) })
	}
}

func aclAddress(i int) string { return fmt.Sprintf("10.2.%d.%d", i/250, 1+i%250) }
func aclNetwork(i int) string { return fmt.Sprintf("10.%d.%d.0/24", 2+i/250, i%250) }
func aclName(i int) string    { return fmt.Sprintf("branch%d.example", i) }

func admitAmong(b *testing.B, peer Peer, n int, other func(i int) string) {
	p := compiled(b, func(s *federation.Snapshot) {
		s.ACL = []federation.ACLEntry{{Pattern: "127.0.0.21"}, {Pattern: "lync.example"}}
		for i := range n - 2 {
			s.ACL = append(s.ACL, federation.ACLEntry{Pattern: other(i)})
		}
	})
	admit(b, p, peer)
}

func admitAmongPeers(b *testing.B, peer Peer, n int) {
	p := compiled(b, func(s *federation.Snapshot) {
		for i := range n - 1 {
			name := fmt.Sprintf("fe%d.synergy.com", i)
			s.TLSPeerSubjects = append(s.TLSPeerSubjects, federation.TLSPeerSubject{Name: name})
			s.TLSContexts[0].PeerSubjects = append(s.TLSContexts[0].PeerSubjects, name)
		}
	})
	admit(b, p, peer)
}

func admit(b *testing.B, p *Policy, peer Peer) {
	b.ReportAllocs()
	for b.Loop() {
		if v := p.Admit(peer); !v.Allowed {
			b.Fatal(v.Reason)
		}
	}
}
