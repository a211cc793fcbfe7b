package routing

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"isthmus/internal/federation"
)

// An admitted is one peer and what Admit says of it on imp1.
type admitted struct {
	promise string
	peer    Peer
	edit    func(*federation.Snapshot)
	want    string // inside, outside, or the warning of the refusal
}

func admits(t *testing.T, cases []admitted) {
	t.Helper()
	for _, c := range cases {
		v := compile(t, "imp1.synergy.com", c.edit).Admit(c.peer)
		got := v.Warning
		switch {
		case v.Internal:
			got = Inside.String()
		case v.Allowed:
			got = Outside.String()
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.promise, got, c.want)
		}
		if !v.Allowed && (v.Status != 403 || v.Reason == "" || v.Ban != (v.Log == LogNotTrusted && c.peer.Doubt == NoDoubt)) {
			t.Errorf("%s: %+v", c.promise, v)
		}
	}
}

func at(p Peer, addr string) Peer {
	p.Addr = netip.MustParseAddr(addr)
	return p
}

// plain came over TCP, and server over TLS without a certificate, each from nowhere yet.
var (
	plain  = Peer{Listener: "Default SIP Proxy TCP Listener"}
	server = Peer{Listener: "Default SIP Proxy TLS Listener - Server Auth", TLS: true}
)

// named has an address that no entry holds, and names that DNS confirms.
func named(names ...string) Peer {
	return with(at(plain, "127.0.0.66"), func(p *Peer) { p.Names = names })
}

func doubted(d Doubt) Peer {
	return with(at(plain, "127.0.0.66"), func(p *Peer) { p.Doubt = d })
}

func opened(to, addr string, tls bool) Peer {
	return Peer{Addr: netip.MustParseAddr(addr), TLS: tls, OpenedTo: to}
}

func TestAPeerFromOutsideNeedsAddressAndSubject(t *testing.T) {
	acl := func(patterns ...string) func(*federation.Snapshot) {
		return func(s *federation.Snapshot) {
			s.ACL = nil
			for _, pattern := range patterns {
				s.ACL = append(s.ACL, federation.ACLEntry{Pattern: pattern})
			}
			s.Configuration.Normalize()
		}
	}
	lab := func(s *federation.Snapshot) {
		c := *s.TLSContext(federation.PeerAuthContext)
		c.Name, c.PeerSubjects = "lab", []string{"lab.com"}
		s.TLSPeerSubjects = append(s.TLSPeerSubjects, federation.TLSPeerSubject{Name: "lab.com"})
		s.TLSContexts = append(s.TLSContexts, c)
		s.Listeners = append(s.Listeners, federation.Listener{Name: "Lab", Transport: federation.TLS, Port: 5065, TLSContext: "lab", Enabled: true})
	}
	admits(t, []admitted{
		{"a listed front end is admitted", fromFrontEnd, unchanged, "outside"},
		{"a range admits", at(plain, "10.1.2.3"), unchanged, "outside"},
		{"a range ends where it ends", at(plain, "10.2.0.1"), unchanged, "ACL - upstream not trusted: 10.2.0.1"},
		{"a stranger is refused", fromStranger, unchanged, "ACL - upstream not trusted: 127.0.0.66"},
		{"a stranger is refused on TLS", at(server, "127.0.0.66"), unchanged, "ACL - upstream not trusted: 127.0.0.66"},
		{"IPv4 in IPv6 is IPv4", at(plain, "::ffff:127.0.0.21"), unchanged, "outside"},
		{"IPv4 in IPv6 is refused as IPv4", at(plain, "::ffff:127.0.0.66"), unchanged, "ACL - upstream not trusted: 127.0.0.66"},
		{"all admits everybody", fromStranger, acl("All"), "outside"},
		{"an empty list admits nobody", fromFrontEnd, acl(), "ACL - upstream not trusted: 127.0.0.21"},
		{"a name admits nobody by itself", at(plain, "127.0.0.21"), acl("fe1.synergy.com", "synergy.com"), "ACL - upstream not trusted: 127.0.0.21"},
		{"a confirmed name admits that is an entry", named("fe1.synergy.com"), acl("fe1.synergy.com"), "outside"},
		{"... in any case of the entry", named("fe1.synergy.com"), acl("FE1.Synergy.com"), "outside"},
		{"... that lies under an entry", named("fe1.synergy.com"), acl("synergy.com"), "outside"},
		{"... that lies deep under an entry", named("a.b.synergy.com"), acl("synergy.com"), "outside"},
		{"one of several names is enough", named("other.com", "fe1.synergy.com"), acl("synergy.com"), "outside"},
		{"the border of a label is respected", named("barsynergy.com"), acl("synergy.com"), "ACL - upstream not trusted: 127.0.0.66"},
		{"an entry does not admit the domain above it", named("synergy.com"), acl("fe1.synergy.com"), "ACL - upstream not trusted: 127.0.0.66"},
		{"names count only where names are listed", named("127.0.0.21"), acl("127.0.0.21"), "ACL - upstream not trusted: 127.0.0.66"},
		{"the name of a verified certificate admits", fromFrontEnd, acl("pool.synergy.com"), "outside"},
		{"... that lies under an entry", with(fromFrontEnd, func(p *Peer) { p.Subject = "Pool.Synergy.com" }), acl("synergy.com"), "outside"},
		{"... that lies under none", fromFrontEnd, acl("ynergy.com"), "ACL - upstream not trusted: 127.0.0.21"},
		{"a certificate that the listener did not verify admits nobody", with(fromFrontEnd, func(p *Peer) { p.VerifyClient = false }), acl("synergy.com"), "ACL - upstream not trusted: 127.0.0.21"},
		{"what this node opened over TLS is admitted by the certificate there", with(opened("hop", "127.0.0.66", true), func(p *Peer) { p.Subject = "fe1.synergy.com" }), acl("synergy.com"), "outside"},
		{"a refusal while DNS is slow says so", doubted(SlowDNS), acl("synergy.com"), "incoming ACL check took over 2 seconds - check DNS"},
		{"a refusal while DNS fails is one by the list", doubted(NoDNS), acl("synergy.com"), "ACL - upstream not trusted: 127.0.0.66"},
		{"a listed address does not care for DNS", at(doubted(SlowDNS), "127.0.0.21"), acl("synergy.com", "127.0.0.21"), "outside"},
		{"a listed subject does not make up for the list of addresses", at(fromFrontEnd, "127.0.0.66"), unchanged, "ACL - upstream not trusted: 127.0.0.66"},
		{"a listed address does not make up for the subject", with(fromFrontEnd, func(p *Peer) { p.Subject = "other.synergy.com" }), unchanged, "TLS peer subject not listed: other.synergy.com"},
		{"subjects are compared without case", with(fromFrontEnd, func(p *Peer) { p.Subject = "POOL.synergy.com" }), unchanged, "outside"},
		{"a subject taken off the context is refused on open connections", fromFrontEnd,
			func(s *federation.Snapshot) { s.TLSContexts[0].PeerSubjects = []string{} }, "TLS peer subject not listed: pool.synergy.com"},
		{"each listener has the subjects of its context", with(fromFrontEnd, func(p *Peer) { p.Listener, p.Subject = "Lab", "lab.com" }), lab, "outside"},
		{"... and those alone", with(fromFrontEnd, func(p *Peer) { p.Listener = "Lab" }), lab, "TLS peer subject not listed: pool.synergy.com"},
		{"... which are no other listener's", with(fromFrontEnd, func(p *Peer) { p.Subject = "lab.com" }), lab, "TLS peer subject not listed: lab.com"},
		{"a listener that verifies no more is judged by the default context", fromFrontEnd, func(s *federation.Snapshot) {
			for i := range s.Listeners {
				if s.Listeners[i].Name == fromFrontEnd.Listener {
					s.Listeners[i].TLSContext = federation.ServerAuthContext
				}
			}
		}, "outside"},
		{"a listener that is gone is judged by the default context", with(fromFrontEnd, func(p *Peer) { p.Listener = "Lab" }), unchanged, "outside"},
		{"... and refuses others", with(fromFrontEnd, func(p *Peer) { p.Listener, p.Subject = "Lab", "x.com" }), unchanged, "TLS peer subject not listed: x.com"},
	})
}

func TestNodesAndConnectorsAreInside(t *testing.T) {
	apart := func(s *federation.Snapshot) { s.Nodes[0].Connector = "127.0.0.91:5080" }
	admits(t, []admitted{
		{"a connector is inside", fromConnector, unchanged, "inside"},
		{"another node is inside", at(fromConnector, "127.0.0.12"), unchanged, "inside"},
		{"a node's address proves nothing over UDP", with(fromConnector, func(p *Peer) { p.UDP = true }), unchanged, "ACL - upstream not trusted: 127.0.0.11"},
		{"over TLS a node shows its name", at(with(server, func(p *Peer) { p.Subject = "IMP2.synergy.com" }), "127.0.0.12"), unchanged, "inside"},
		{"... on a listener that verifies too, unlisted as a subject", at(with(fromFrontEnd, func(p *Peer) { p.Subject = "imp2.synergy.com" }), "127.0.0.12"), unchanged, "inside"},
		{"over TLS without a certificate an address is not enough", at(server, "127.0.0.12"), unchanged, "ACL - upstream not trusted: 127.0.0.12"},
		{"over TLS another node's name is not enough", at(with(server, func(p *Peer) { p.Subject = "imp3.synergy.com" }), "127.0.0.12"), unchanged, "ACL - upstream not trusted: 127.0.0.12"},
		{"a node's name from another address is not enough", at(with(server, func(p *Peer) { p.Subject = "imp2.synergy.com" }), "127.0.0.66"), unchanged, "ACL - upstream not trusted: 127.0.0.66"},
		{"what this node opened to a node is inside", opened("node:imp2.synergy.com", "127.0.0.12", false), unchanged, "inside"},
		{"... by its address as IPv4", opened("connector:imp1.synergy.com", "127.0.0.11", false),
			func(s *federation.Snapshot) { s.Nodes[0].Connector = "[::ffff:127.0.0.11]:5080" }, "inside"},
		{"what it opened to a connector is inside", opened("connector:imp1.synergy.com", "127.0.0.11", false), unchanged, "inside"},
		{"... at an address of its own", opened("connector:imp1.synergy.com", "127.0.0.91", false), apart, "inside"},
		{"... and at no other", opened("connector:imp1.synergy.com", "127.0.0.11", false), apart, "ACL - upstream not trusted: 127.0.0.11"},
		{"a node is at its own address, not at its connector's", opened("node:imp1.synergy.com", "127.0.0.91", false), apart, "ACL - upstream not trusted: 127.0.0.91"},
		{"... until the node is gone", opened("node:imp9.synergy.com", "127.0.0.19", false), unchanged, "ACL - upstream not trusted: 127.0.0.19"},
		{"... or has another address", opened("node:imp2.synergy.com", "127.0.0.19", false), unchanged, "ACL - upstream not trusted: 127.0.0.19"},
		{"a connector is one until its node is gone", opened("connector:imp9.synergy.com", "127.0.0.19", false), unchanged, "ACL - upstream not trusted: 127.0.0.19"},
		{"a next hop is none for having a node's address", opened("hop", "127.0.0.12", false), unchanged, "ACL - upstream not trusted: 127.0.0.12"},
		{"what it opened to the Microsoft side is outside", opened("hop", "127.0.0.21", true), unchanged, "outside"},
		{"... and judged by the list", opened("hop", "127.0.0.66", true), unchanged, "ACL - upstream not trusted: 127.0.0.66"},
	})
}

func TestTheSettingDemandsACertificateFromOutside(t *testing.T) {
	certificate := func(s *federation.Snapshot) { s.Settings.RequirePeerCertificate = true }
	admits(t, []admitted{
		{"with the setting, a plain connection is refused", at(plain, "127.0.0.21"), certificate, "requests from outside need a client certificate"},
		{"with the setting, TLS without a certificate is refused", at(server, "127.0.0.21"), certificate, "requests from outside need a client certificate"},
		{"with the setting, a verified peer is admitted", fromFrontEnd, certificate, "outside"},
		{"with the setting, what this node opened over TLS is admitted", opened("hop", "127.0.0.21", true), certificate, "outside"},
		{"with the setting, what it opened over TCP is refused", opened("hop", "127.0.0.21", false), certificate, "requests from outside need a client certificate"},
		{"the setting says nothing about the inside", fromConnector, certificate, "inside"},
		{"with the setting, the list goes first", fromStranger, certificate, "ACL - upstream not trusted: 127.0.0.66"},
	})
}

func TestListsTellsWhoNeedsNoBan(t *testing.T) {
	p := compile(t, "imp1.synergy.com")
	for addr, want := range map[string]bool{"127.0.0.21": true, "127.0.0.12": true, "::ffff:127.0.0.12": true, "127.0.0.66": false} {
		if got := p.Lists(netip.MustParseAddr(addr)); got != want {
			t.Errorf("%s: %v", addr, got)
		}
	}
}

func TestNamesAreAskedForWhereTheyCanHelp(t *testing.T) {
	names := func(s *federation.Snapshot) {
		s.ACL = []federation.ACLEntry{{Pattern: "127.0.0.21"}, {Pattern: "synergy.com"}}
	}
	for _, c := range []struct {
		promise string
		peer    Peer
		edit    func(*federation.Snapshot)
		want    bool
	}{
		{"who is refused by a list with names", fromStranger, names, true},
		{"not who is listed by address", at(plain, "127.0.0.21"), names, false},
		{"not who shows a wrong certificate", with(fromFrontEnd, func(p *Peer) { p.Subject, p.Addr = "x.com", fromStranger.Addr }), names, false},
		{"not who shows a certificate that is listed", with(fromFrontEnd, func(p *Peer) { p.Addr = fromStranger.Addr }), names, false},
		{"who shows a certificate that the listener takes and the list does not", with(fromFrontEnd, func(p *Peer) { p.Addr = fromStranger.Addr }),
			func(s *federation.Snapshot) { s.ACL = []federation.ACLEntry{{Pattern: "other.com"}} }, true},
		{"not a node", fromConnector, names, false},
		{"not where addresses alone are listed", fromStranger, unchanged, false},
	} {
		p := compile(t, "imp1.synergy.com", c.edit)
		if got := p.NeedsNames(c.peer); got != c.want {
			t.Errorf("%s: %v", c.promise, got)
		}
	}
	p := compile(t, "imp1.synergy.com", names)
	if got := p.ACLNames(); !slices.Equal(got, []string{"synergy.com"}) {
		t.Errorf("the names are %q", got)
	}
	if !p.ListsNamed([]string{"fe1.synergy.com"}) || p.ListsNamed([]string{"fe1.other.com"}) || p.ListsNamed(nil) {
		t.Error("an address is listed by other names than a peer is admitted by")
	}
}

func TestHopsThatDNSHasToFind(t *testing.T) {
	p := compile(t, "imp1.synergy.com", func(s *federation.Snapshot) {
		for i, hop := range []string{"fe1.synergy.com", "fe1.synergy.com", "blocked.synergy.com", "out.synergy.com", "127.0.0.29"} {
			r := federation.NewStaticRoute()
			r.Type, r.Destination, r.NextHop, r.Port, r.Priority = federation.RouteDomain, fmt.Sprintf(".com.synergy.lab%d", i), hop, 5061, i+10
			r.Blocked, r.InService = hop == "blocked.synergy.com", hop != "out.synergy.com"
			s.StaticRoutes = append(s.StaticRoutes, r)
		}
		domain := federation.NewStaticRoute()
		domain.Type, domain.Destination, domain.NextHop, domain.Port = federation.RouteDomain, ".com.closed", "synergy.com", 0
		srv := federation.NewStaticRoute()
		srv.Type, srv.Destination, srv.NextHop, srv.Port = federation.RouteDomain, ".com.synergy.srv", "pool.other.com", 0
		s.StaticRoutes = append(s.StaticRoutes, domain, srv)
		s.Deployments = []federation.Deployment{{Answers: federation.Answers{Transport: "tls", LoadBalancer: "lb.other.com"}}}
	})
	var got []string
	for _, h := range p.NamedHops() {
		got = append(got, h.String())
	}
	slices.Sort(got)
	if want := []string{"blocked.synergy.com:5061", "fe1.synergy.com:5061", "lb.other.com:5061", "pool.other.com", "synergy.com"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestCompileNamesWhatIsWrong(t *testing.T) {
	for name, spoil := range map[string]func(*federation.Snapshot){
		"has no node":         func(s *federation.Snapshot) { s.Nodes = s.Nodes[1:] },
		"has the addr":        func(s *federation.Snapshot) { s.Nodes[1].Address = "nowhere" },
		"The connector":       func(s *federation.Snapshot) { s.Nodes[1].Connector = "nowhere" },
		"no address an":       func(s *federation.Snapshot) { s.ACL[0].Pattern = "10.1.1" },
		`holds "10.1.1.0/99"`: func(s *federation.Snapshot) { s.ACL[0].Pattern = "10.1.1.0/99" },
	} {
		s := cluster()
		spoil(&s)
		if _, err := Compile(s, "imp1.synergy.com"); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
