package routing

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"isthmus/internal/federation"
	"isthmus/internal/sip"
)

var testKey = NewBranchKey([]byte("the cluster's secret"))

// cluster is a routing node imp1, two nodes with users, and a Skype for Business pool of two front ends.
func cluster() federation.Snapshot {
	s := federation.Snapshot{Revision: 7, Configuration: federation.DefaultConfiguration()}
	s.Settings.PartitionedFederation = true
	s.Settings.DefaultDomain = "synergy.com"
	s.Domains = []federation.Domain{{Name: "synergy.com"}}
	s.Nodes = []federation.Node{
		{Name: "imp1.synergy.com", Address: "127.0.0.11", Routing: true},
		{Name: "imp2.synergy.com", Address: "127.0.0.12", Backup: "imp3.synergy.com"},
		{Name: "imp3.synergy.com", Address: "127.0.0.13"},
	}
	for i := range s.Nodes {
		s.Nodes[i].Services = federation.Services
	}
	s.StaticRoutes = []federation.StaticRoute{
		route(".com.synergy", "127.0.0.21", 1), route(".com.synergy", "127.0.0.22", 2),
		route(".com.synergy.pool", "127.0.0.21", 1), route(".com.synergy.pool", "127.0.0.22", 2),
		route(".com.synergy.fe1", "127.0.0.21", 1), route(".com.synergy.fe2", "127.0.0.22", 1),
		route(".com.remote", "127.0.0.21", 1),
	}
	s.ACL = []federation.ACLEntry{{Pattern: "127.0.0.21"}, {Pattern: "127.0.0.22"}, {Pattern: "10.1.0.0/16"}}
	s.TLSPeerSubjects = []federation.TLSPeerSubject{{Name: "pool.synergy.com"}}
	s.TLSContexts[0].PeerSubjects = []string{"pool.synergy.com"}
	s.FederatedDomains = []federation.FederatedDomain{{Name: "remote.com", Direct: true}, {Name: "closed.com"}}
	s.Configuration.Normalize()
	return s
}

func route(destination, hop string, priority int) federation.StaticRoute {
	r := federation.NewStaticRoute()
	r.Destination, r.Type, r.NextHop, r.Port, r.Transport, r.Priority = destination, federation.RouteDomain, hop, 5061, federation.TLS, priority
	return r
}

// with is a value with a change, nil for none.
func with[T any](v T, change func(*T)) T {
	if change != nil {
		change(&v)
	}
	return v
}

// edit changes the static routes to a destination.
func edit(destination string, change func(*federation.StaticRoute)) func(*federation.Snapshot) {
	return func(s *federation.Snapshot) {
		for i := range s.StaticRoutes {
			if s.StaticRoutes[i].Destination == destination {
				change(&s.StaticRoutes[i])
			}
		}
	}
}

func add(r federation.StaticRoute) func(*federation.Snapshot) {
	return func(s *federation.Snapshot) { s.StaticRoutes = append(s.StaticRoutes, r) }
}

func advanced(s *federation.Snapshot) { s.Settings.RoutingMode = federation.RoutingAdvanced }

func off(node, service string) func(*federation.Snapshot) {
	return func(s *federation.Snapshot) {
		n := s.Node(node)
		var kept []string
		for _, name := range n.Services {
			if name != service {
				kept = append(kept, name)
			}
		}
		n.Services = kept
	}
}

func stopped(node, service string) func(*federation.Snapshot) {
	return func(s *federation.Snapshot) {
		s.ServiceStates = append(s.ServiceStates, federation.ServiceState{Node: node, Service: service, Stopped: true})
	}
}

func compile(t *testing.T, node string, edits ...func(*federation.Snapshot)) *Policy {
	t.Helper()
	s := cluster()
	for _, e := range edits {
		e(&s)
	}
	if problems := s.Validate(); len(problems) > 0 {
		t.Fatalf("the fixture is not valid: %v", problems)
	}
	p, err := Compile(s, node)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// users is a Directory of a few people: ann and eve are licensed here, bob lives on the Microsoft side.
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

var people = users{
	"ann@synergy.com":  {UserID: "ann", Address: "ann@synergy.com", Licensed: true, Node: "imp2.synergy.com"},
	"eve@synergy.com":  {UserID: "eve", Address: "eve@synergy.com", Licensed: true, Node: "imp3.synergy.com", MicrosoftAddress: "eve@synergy.com"},
	"bob@synergy.com":  {UserID: "bob", Address: "bob@synergy.com", MicrosoftAddress: "bob@synergy.com"},
	"old@former.com":   {UserID: "old", Address: "old@former.com", Licensed: true, Node: "imp2.synergy.com"},
	"lost@synergy.com": {UserID: "lost", Address: "lost@synergy.com", Licensed: true, Node: "gone.synergy.com"},
}

func uri(t *testing.T, text string) sip.URI {
	t.Helper()
	u, err := sip.ParseURI([]byte(text))
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return u
}

// Connections of the fixture.
var (
	fromFrontEnd  = Peer{Addr: netip.MustParseAddr("127.0.0.21"), TLS: true, Listener: "Default SIP Proxy TLS Listener - Peer Auth", VerifyClient: true, Subject: "pool.synergy.com"}
	fromConnector = Peer{Addr: netip.MustParseAddr("127.0.0.11"), Listener: "Default SIP Proxy TCP Listener"}
	fromStranger  = Peer{Addr: netip.MustParseAddr("127.0.0.66"), Listener: "Default SIP Proxy TCP Listener"}
)

// message writes a request; headers are further lines.
func message(t *testing.T, method, target string, headers ...string) *sip.Message {
	t.Helper()
	text := fmt.Sprintf("%s %s SIP/2.0\r\n", method, target)
	if !strings.Contains(strings.Join(headers, "\n"), "Via: ") {
		headers = append([]string{"Via: SIP/2.0/TCP 127.0.0.21:50000;branch=z9hG4bKabc"}, headers...)
	}
	for _, h := range headers {
		text += h + "\r\n"
	}
	text += "From: <sip:carl@synergy.com>;tag=1\r\nTo: <sip:x@synergy.com>" + toTag(headers) + "\r\nCall-ID: c1\r\nCSeq: 1 " + method + "\r\nContent-Length: 0\r\n\r\n"
	m := new(sip.Message)
	if err := m.Parse([]byte(text)); err != nil {
		t.Fatalf("%v in %q", err, text)
	}
	return m
}

func toTag(headers []string) string {
	for _, h := range headers {
		if h == "X-Dialog: yes" {
			return ";tag=2"
		}
	}
	return ""
}
