package routing

import (
	"net/netip"
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
		if !v.Allowed && (v.Status != 403 || v.Reason == "" || v.Ban != (v.Log == LogNotTrusted)) {
			t.Errorf("%s: %+v", c.promise, v)
		}
	}
}

func at(p Peer, addr string) Peer {
	p.Addr = netip.MustParseAddr(addr)
	return p
}

func with(p Peer, change func(*Peer)) Peer {
	change(&p)
	return p
}

// plain came over TCP, and server over TLS without a certificate, each from nowhere yet.
var (
	plain  = Peer{Listener: "Default SIP Proxy TCP Listener"}
	server = Peer{Listener: "Default SIP Proxy TLS Listener - Server Auth", TLS: true}
)

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
		{"a name admits nobody", fromFrontEnd, acl("fe1.synergy.com", "synergy.com"), "ACL - upstream not trusted: 127.0.0.21"},
		{"a listed subject does not make up for the list of addresses", at(fromFrontEnd, "127.0.0.66"), unchanged, "ACL - upstream not trusted: 127.0.0.66"},
		{"a listed address does not make up for the subject", with(fromFrontEnd, func(p *Peer) { p.Subject = "other.synergy.com" }), unchanged, "TLS peer subject not listed: other.synergy.com"},
		{"subjects are compared without case", with(fromFrontEnd, func(p *Peer) { p.Subject = "POOL.synergy.com" }), unchanged, "outside"},
		{"a subject taken off the context is refused on open connections", fromFrontEnd,
			func(s *federation.Snapshot) { s.TLSContexts[0].PeerSubjects = []string{} }, "TLS peer subject not listed: pool.synergy.com"},
		{"a listener that is gone is judged by the default context", with(fromFrontEnd, func(p *Peer) { p.Listener = "Lab" }), unchanged, "outside"},
		{"... and refuses others", with(fromFrontEnd, func(p *Peer) { p.Listener, p.Subject = "Lab", "x.com" }), unchanged, "TLS peer subject not listed: x.com"},
	})
}

func TestNodesAndConnectorsAreInside(t *testing.T) {
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
		{"what it opened to a connector is inside", opened("connector:imp1.synergy.com", "127.0.0.11", false), unchanged, "inside"},
		{"... until the node is gone", opened("node:imp9.synergy.com", "127.0.0.19", false), unchanged, "ACL - upstream not trusted: 127.0.0.19"},
		{"... or has another address", opened("node:imp2.synergy.com", "127.0.0.19", false), unchanged, "ACL - upstream not trusted: 127.0.0.19"},
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
