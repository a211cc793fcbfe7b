package wizard

import (
	"strings"
	"testing"

	"isthmus/internal/federation"
)

func TestAHostWithIPv6IsNamed(t *testing.T) {
	for _, c := range []struct {
		name string
		edit func(a *federation.Answers, s *federation.Snapshot)
		want string
	}{
		{"none", func(*federation.Answers, *federation.Snapshot) {}, ""},
		{"a front end", func(a *federation.Answers, _ *federation.Snapshot) { a.FrontEnds[1].Address = "2001:db8::22" }, "fe2.synergy.com"},
		{"a balancer", func(a *federation.Answers, _ *federation.Snapshot) { a.LoadBalancer = "2001:db8::20" }, "The load balancer"},
		{"a node", func(_ *federation.Answers, s *federation.Snapshot) { s.Nodes[1].Address = "2001:db8::12" }, "imp2.synergy.com"},
		{"the Expressway", func(a *federation.Answers, _ *federation.Snapshot) { a.Expressway.Address = "2001:db8::31" }, "exp.synergy.com"},
		{"an Expressway that chat only does not use", func(a *federation.Answers, _ *federation.Snapshot) {
			a.Deployment, a.Expressway.Address = federation.ChatOnly, "2001:db8::31"
		}, ""},
		{"chat and calling before its Expressway is known", func(a *federation.Answers, _ *federation.Snapshot) { a.Expressway = nil }, ""},
		{"IPv4 in the form of IPv6", func(a *federation.Answers, _ *federation.Snapshot) { a.LoadBalancer = "::ffff:10.1.20.9" }, ""},
	} {
		a, s := calling(), snapshot()
		c.edit(&a, &s)
		if got := WithIPv6(a, s); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestChildDomainsThroughAnExpresswayWithIPv6(t *testing.T) {
	a := calling()
	a.ChildDomains, a.Expressway.Address = true, "2001:db8::31"
	wantSentence(t, plan(t, a, snapshot()).Warnings, "child domains do not work over IPv6")
}

func TestALoopbackAddressInTheFormOfIPv6(t *testing.T) {
	s := snapshot()
	s.Nodes[0].Address = "::ffff:127.0.0.1"
	wantSentence(t, plan(t, enterprise(), s).Warnings, "imp1.synergy.com has the loopback address")
}

func TestBehindCountsNoRouteThatGoes(t *testing.T) {
	a := enterprise()
	a.FirstPriority = 5
	s := run(t, snapshot(), a)
	taken := federation.NewStaticRoute()
	taken.Destination, taken.Type, taken.NextHop, taken.Priority = ".com.synergy", federation.RouteDomain, "10.9.9.9", 1
	s.StaticRoutes = append(s.StaticRoutes, taken)
	a.FirstPriority, a.FrontEnds = 1, a.FrontEnds[:1]
	if list := plan(t, a, s).Conflicts(); len(list) != 1 || !strings.Contains(list[0].Reason, "first_priority: 2.") {
		t.Fatalf("the conflicts are %+v", list)
	}
	if got := Behind(a, s); got != 2 {
		t.Errorf("the review proposes %d, and the conflict 2", got)
	}
}

func TestARouteThatIsOutOfServiceLeadsNowhere(t *testing.T) {
	s := run(t, snapshot(), enterprise())
	closed := federation.NewStaticRoute()
	closed.Destination, closed.Type, closed.NextHop, closed.Priority, closed.InService = ".com.synergy", federation.RouteDomain, "10.9.9.9", 9, false
	s.StaticRoutes = append(s.StaticRoutes, closed)
	wantSentence(t, Removal(s.Deployments[0], s).Warnings, "No static route in service is left for synergy.com;")
	s.StaticRoutes[len(s.StaticRoutes)-1].InService = true
	if list := Removal(s.Deployments[0], s).Warnings; len(list) > 0 {
		t.Errorf("a route is left: %q", list)
	}
}
