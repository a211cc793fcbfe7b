package wizard

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"isthmus/internal/federation"
)

func TestPlanOfAPoolOnANewDatabase(t *testing.T) {
	c := plan(t, enterprise(), snapshot())
	wantLines(t, c, `
new setting partitioned_federation=true
exists setting routing_mode=basic
new setting require_peer_certificate=true
new static_route destination=.com.synergy type=domain next_hop=10.1.20.21 port=5061 transport=tls priority=1
new static_route destination=.com.synergy type=domain next_hop=10.1.20.22 port=5061 transport=tls priority=2
new static_route destination=.com.synergy.pool type=domain next_hop=10.1.20.21 port=5061 transport=tls priority=1
new static_route destination=.com.synergy.pool type=domain next_hop=10.1.20.22 port=5061 transport=tls priority=2
new static_route destination=.com.synergy.fe1 type=domain next_hop=10.1.20.21 port=5061 transport=tls priority=1
new static_route destination=.com.synergy.fe2 type=domain next_hop=10.1.20.22 port=5061 transport=tls priority=1
new acl pattern=10.1.20.21
new acl pattern=fe1.synergy.com
new acl pattern=10.1.20.22
new acl pattern=fe2.synergy.com
new acl pattern=pool.synergy.com
new tls_peer_subject name=fe1.synergy.com
new tls_peer_subject name=fe2.synergy.com
new tls_peer_subject name=pool.synergy.com
new tls_context name=sip-proxy-peer-auth verify_client=true min_version=1.2 peer_subjects=fe1.synergy.com,fe2.synergy.com,pool.synergy.com
exists tls_context name=sip-proxy-server-auth verify_client=false
exists listener name="Default SIP Proxy TCP Listener" transport=tcp port=5060 enabled=true
exists listener name="Default SIP Proxy UDP Listener" transport=udp port=5060 enabled=false
exists listener name="Default SIP Proxy TLS Listener - Server Auth" transport=tls port=5062 tls_context=sip-proxy-server-auth enabled=true
exists listener name="Default SIP Proxy TLS Listener - Peer Auth" transport=tls port=5061 tls_context=sip-proxy-peer-auth enabled=true
`)
	if len(c.Warnings) > 0 {
		t.Errorf("nothing is doubtful here, but the plan warns: %q", c.Warnings)
	}
}

func TestABalancerIsTriedBeforeTheFrontEnds(t *testing.T) {
	a := enterprise()
	a.LoadBalancer = "10.1.20.20"
	c := plan(t, a, snapshot())
	for _, destination := range []string{".com.synergy", ".com.synergy.pool"} {
		if got := hopsTo(c, destination); got != "10.1.20.20/1 10.1.20.21/2 10.1.20.22/3" {
			t.Errorf("%s is routed to %s", destination, got)
		}
	}
	if got := hopsTo(c, ".com.synergy.fe2"); got != "10.1.20.22/1" {
		t.Errorf("the second front end's own name is routed to %s", got)
	}
	wantSentence(t, lines(c), "new acl pattern=10.1.20.20")
	wantSentence(t, c.Warnings, "load balancer")
}

func hopsTo(c federation.Changes, destination string) string {
	var list []string
	for _, r := range c.Target.StaticRoutes {
		if r.Destination == destination {
			list = append(list, r.NextHop+"/"+federation.Printed(r.Priority))
		}
	}
	return strings.Join(list, " ")
}

func TestASecondDeploymentStandsBehindTheFirst(t *testing.T) {
	s := snapshot()
	s = finished(s, enterprise(), plan(t, enterprise(), s))
	conflicts := plan(t, other(), s).Conflicts()
	if len(conflicts) != 2 || !strings.HasSuffix(conflicts[0].Reason, "or delete it, or begin behind it with first_priority: 3.") {
		t.Fatalf("the conflicts are %+v", conflicts)
	}
	behind := other()
	behind.FirstPriority = 3
	c := plan(t, behind, s)
	if got := hopsTo(c, ".com.synergy"); got != "10.1.20.21/1 10.1.20.22/2 10.1.20.41/3 10.1.20.42/4" || len(c.Conflicts()) > 0 {
		t.Errorf("the domain is routed to %s, conflicts %v", got, c.Conflicts())
	}
	if got := hopsTo(c, ".com.synergy.pool2"); got != "10.1.20.41/3 10.1.20.42/4" {
		t.Errorf("the second pool is routed to %s", got)
	}
}

func TestNoPriorityIsProposedThatDoesNotFit(t *testing.T) {
	s := snapshot()
	if got := plan(t, enterprise(), s).Conflicts(); len(got) > 0 {
		t.Fatalf("a new database has room, but %+v", got)
	}
	last := federation.NewStaticRoute()
	last.Destination, last.Type, last.NextHop, last.Priority = ".com.synergy", "domain", "10.9.9.9", maxPriority
	first := last
	first.NextHop, first.Priority = "10.9.9.8", 1
	s.StaticRoutes = []federation.StaticRoute{first, last}
	for _, c := range []struct {
		name string
		edit func()
		want string
	}{
		{"none is left", func() {}, "give that route another priority, or delete it."},
		{"the last two are left", func() { s.StaticRoutes[1].Priority = maxPriority - 2 }, ", or begin behind it with first_priority: 65534."},
		{"a route for something else takes none", func() { s.StaticRoutes[1].Destination = ".com.remote" }, ", or begin behind it with first_priority: 2."},
		{"the route itself takes none", func() {
			s.StaticRoutes[1].Destination, s.StaticRoutes[1].NextHop, s.StaticRoutes[1].Port, s.StaticRoutes[1].Transport = ".com.synergy", "10.1.20.22", 5061, "tls"
		}, ", or begin behind it with first_priority: 2."},
		{"two share the first", func() { s.StaticRoutes[1].NextHop, s.StaticRoutes[1].Priority = "10.9.9.7", 1 }, "10.9.9.8 port 5060 over tcp; give that route another priority, or delete it, or begin behind it with first_priority: 2."},
	} {
		c.edit()
		conflicts := plan(t, enterprise(), s).Conflicts()
		if len(conflicts) == 0 || !strings.HasSuffix(conflicts[0].Reason, c.want) {
			t.Errorf("%s: the conflicts are %+v; want %q", c.name, conflicts, c.want)
		}
	}
}

func TestOCSOverTCPUsesNoCertificates(t *testing.T) {
	c := plan(t, overPlainTCP(), snapshot())
	all := strings.Join(lines(c), "\n")
	for _, absent := range []string{"tls_peer_subject", "require_peer_certificate", "min_version", "transport=tls priority"} {
		if strings.Contains(all, absent) {
			t.Errorf("the plan holds %s:\n%s", absent, all)
		}
	}
	wantSentence(t, lines(c), "next_hop=10.1.20.21 port=5060 transport=tcp priority=1")
}

func TestExpresswayIsAdmitted(t *testing.T) {
	c := plan(t, calling(), snapshot())
	for _, want := range []string{"new acl pattern=exp.synergy.com", "new acl pattern=10.1.30.31", "new tls_peer_subject name=exp.synergy.com"} {
		wantSentence(t, lines(c), want)
	}
	a := calling()
	a.Deployment = federation.ChatOnly
	c = plan(t, a, snapshot())
	if strings.Contains(strings.Join(lines(c), "\n"), "exp.synergy.com") {
		t.Error("chat only admits the Expressway")
	}
	wantSentence(t, c.Warnings, "exp.synergy.com is left out")
}

func TestLyncLowersTheVersionWithAWarning(t *testing.T) {
	a := enterprise()
	a.Platform = federation.Lync2013
	c := plan(t, a, snapshot())
	wantSentence(t, lines(c), "new tls_context name=sip-proxy-peer-auth verify_client=true min_version=1.0")
	wantSentence(t, c.Warnings, "admits TLS 1.0")
	if got := c.Target.TLSContext(federation.PeerAuthContext).MinVersion; got != "1.0" {
		t.Errorf("the context begins with TLS %s", got)
	}
}

func TestSkypeForBusinessBesideLyncKeepsWhatLyncNeeds(t *testing.T) {
	lync := standard()
	lync.Platform, lync.FrontEnds = federation.Lync2010, []federation.Host{{FQDN: "lync.synergy.co.uk", Address: "10.1.20.31"}}
	lync.Registrar, lync.Domains = "", []string{"synergy.co.uk"}
	s := snapshot()
	s = finished(s, lync, plan(t, lync, s))
	c := plan(t, enterprise(), s)
	wantSentence(t, lines(c), "new tls_context name=sip-proxy-peer-auth verify_client=true min_version=1.0")
	if n := len(c.Conflicts()); n > 0 {
		t.Errorf("%d conflicts: %v", n, c.Conflicts())
	}
}

func TestWarnings(t *testing.T) {
	for _, c := range []struct {
		name string
		edit func(a *federation.Answers, s *federation.Snapshot)
		want string
	}{
		{"users on the routing node", func(a *federation.Answers, _ *federation.Snapshot) { a.RoutingNode = "imp2.synergy.com" }, "imp2.synergy.com (2406)"},
		{"child domains over IPv6", func(a *federation.Answers, _ *federation.Snapshot) {
			a.ChildDomains, a.FrontEnds[0].Address = true, "2001:db8::21"
		}, "child domains do not work over IPv6"},
		{"a node on loopback", func(_ *federation.Answers, s *federation.Snapshot) { s.Nodes[0].Address = "127.0.0.1" }, "loopback address 127.0.0.1"},
		{"a front end on loopback", func(a *federation.Answers, _ *federation.Snapshot) { a.FrontEnds[0].Address = "127.0.0.21" }, "fe1.synergy.com has the loopback"},
		{"a balancer on loopback", func(a *federation.Answers, _ *federation.Snapshot) { a.LoadBalancer = "::1" }, "load balancer has the loopback"},
		{"a name of this machine only", func(a *federation.Answers, s *federation.Snapshot) {
			s.Nodes[0].Name, a.RoutingNode = "laptop.localdomain", "laptop.localdomain"
		}, "under .localdomain"},
		{"TCP where certificates are demanded", func(a *federation.Answers, s *federation.Snapshot) {
			*a, s.Settings.RequirePeerCertificate = overPlainTCP(), true
		}, "refused with 403"},
		{"certificates where TCP is used", func(_ *federation.Answers, s *federation.Snapshot) {
			s.Deployments = []federation.Deployment{{Name: "ocs.synergy.com", Answers: overPlainTCP()}}
		}, "those of ocs.synergy.com over TCP are refused"},
	} {
		a, s := enterprise(), snapshot()
		c.edit(&a, &s)
		t.Run(c.name, func(t *testing.T) { wantSentence(t, plan(t, a, s).Warnings, c.want) })
	}
}

func TestCertificatesThatAreDemandedAlreadyAreNoNews(t *testing.T) {
	s := snapshot()
	s.Settings.RequirePeerCertificate = true
	ocs := other()
	ocs.Platform, ocs.Transport, ocs.Domains = federation.OCS2007R2, federation.TCP, []string{"synergy.co.uk"}
	s.Deployments = []federation.Deployment{{Name: ocs.Pool, Answers: ocs}}
	if got := plan(t, enterprise(), s).Warnings; len(got) > 0 {
		t.Errorf("nothing changes for anybody, but the plan warns: %q", got)
	}
}

func TestConflicts(t *testing.T) {
	route := func(next string, priority int) federation.StaticRoute {
		r := federation.NewStaticRoute()
		r.Destination, r.Type, r.NextHop, r.Port, r.Transport, r.Priority = ".com.synergy", "domain", next, 5061, "tls", priority
		return r
	}
	with := func(r federation.StaticRoute, edit func(r *federation.StaticRoute)) federation.StaticRoute {
		edit(&r)
		return r
	}
	routes := func(r federation.StaticRoute) func(*federation.Snapshot) {
		return func(s *federation.Snapshot) { s.StaticRoutes = append(s.StaticRoutes, r) }
	}
	lab := federation.Listener{Name: "Lab TLS", Transport: "tls", Port: 5061, TLSContext: federation.ServerAuthContext, Enabled: true}
	for _, c := range []struct {
		name string
		edit func(s *federation.Snapshot)
		want string // the line's beginning, or "" for no conflict
		text string
	}{
		{"another next hop holds the priority", routes(route("10.9.9.9", 1)), "conflict static_route destination=.com.synergy type=domain next_hop=10.1.20.21", "leads to 10.9.9.9 port 5061"},
		{"another port of the same host holds the priority", routes(with(route("10.1.20.21", 1), func(r *federation.StaticRoute) { r.Port, r.Transport = 5060, "tcp" })), "conflict static_route destination=.com.synergy", "port 5060 over tcp"},
		{"another next hop with another priority", routes(route("10.9.9.9", 9)), "", ""},
		{"the same route with another priority", routes(route("10.1.20.21", 7)), "conflict static_route destination=.com.synergy", "has priority 7; change it to 1"},
		{"the same route as a user route", routes(with(route("10.1.20.21", 1), func(r *federation.StaticRoute) { r.Type = "user" })), "conflict static_route", "type user"},
		{"the same route with another weight", routes(with(route("10.1.20.21", 1), func(r *federation.StaticRoute) { r.Weight = 3 })), "conflict static_route", "weight 3"},
		{"the same route blocked", routes(with(route("10.1.20.21", 1), func(r *federation.StaticRoute) { r.Blocked = true })), "conflict static_route", "blocked"},
		{"the same route out of service", routes(with(route("10.1.20.21", 1), func(r *federation.StaticRoute) { r.InService = false })), "conflict static_route", "out of service"},
		{"the same route without fallback", routes(with(route("10.1.20.21", 1), func(r *federation.StaticRoute) { r.AllowLessSpecific = false })), "conflict static_route", "less specific"},
		{"the same route with a description", routes(with(route("10.1.20.21", 1), func(r *federation.StaticRoute) { r.Description = "by hand" })), "", ""},
		{"a setting that somebody saved", func(s *federation.Snapshot) { s.SavedSettings = []string{"partitioned_federation"} }, "conflict setting partitioned_federation=true", "saved partitioned_federation as false"},
		{"advanced mode saved", func(s *federation.Snapshot) {
			s.Settings.RoutingMode, s.SavedSettings = "advanced", []string{"routing_mode"}
		}, "conflict setting routing_mode=basic", "saved routing_mode as advanced"},
		{"a setting saved as wanted", func(s *federation.Snapshot) {
			s.Settings.PartitionedFederation, s.SavedSettings = true, []string{"partitioned_federation"}
		}, "", ""},
		{"e-mail addresses for federation", func(s *federation.Snapshot) { s.Settings.EmailFederation = true }, "conflict setting email_federation=false", "turn them off"},
		{"a foreign listener on 5061", func(s *federation.Snapshot) { s.Listeners[3] = lab }, `conflict listener name="Default SIP Proxy TLS Listener - Peer Auth"`, `taken by the listener "Lab TLS"`},
		{"a TCP listener on 5061", func(s *federation.Snapshot) {
			s.Listeners[3] = federation.Listener{Name: "Lab", Transport: "tcp", Port: 5061}
		}, "conflict listener", `taken by the listener "Lab"`},
		{"Peer Auth on another port", func(s *federation.Snapshot) { s.Listeners[3].Port = 5063 }, "conflict listener", "is on tls port 5063"},
		{"Peer Auth with another context", func(s *federation.Snapshot) { s.Listeners[3].TLSContext = federation.ServerAuthContext }, "conflict listener", "context sip-proxy-server-auth"},
		{"Peer Auth turned off", func(s *federation.Snapshot) { s.Listeners[3].Enabled = false }, "conflict listener", "is off"},
		{"a context that demands nothing", func(s *federation.Snapshot) { s.TLSContexts[0].VerifyClient = false }, "conflict tls_context name=sip-proxy-peer-auth", "demands no client certificate"},
		{"a context for strangers that demands a certificate", func(s *federation.Snapshot) { s.TLSContexts[1].VerifyClient = true }, "conflict tls_context name=sip-proxy-server-auth", "demands a client certificate"},
		{"a context that begins with 1.3", func(s *federation.Snapshot) { s.TLSContexts[0].MinVersion = "1.3" }, "conflict tls_context name=sip-proxy-peer-auth", "begins with TLS 1.3"},
		{"a context with subjects of others", func(s *federation.Snapshot) {
			s.TLSPeerSubjects = []federation.TLSPeerSubject{{Name: "other.synergy.com"}}
			s.TLSContexts[0].PeerSubjects = []string{"other.synergy.com"}
		}, "", ""},
		{"a missing default listener", func(s *federation.Snapshot) { s.Listeners = s.Listeners[1:] }, "", ""},
		{"a missing context for peers", func(s *federation.Snapshot) { s.TLSContexts = s.TLSContexts[1:] }, "", ""},
		{"a missing context", func(s *federation.Snapshot) { s.TLSContexts, s.Listeners = s.TLSContexts[:1], s.Listeners[3:] }, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := snapshot()
			c.edit(&s)
			conflicts := plan(t, enterprise(), s).Conflicts()
			if c.want == "" {
				if len(conflicts) > 0 {
					t.Errorf("this is no conflict, but the plan says %s %s", conflicts[0], conflicts[0].Reason)
				}
				return
			}
			if len(conflicts) == 0 || !strings.HasPrefix(conflicts[0].String(), c.want) || !strings.Contains(conflicts[0].Reason, c.text) {
				t.Errorf("the conflicts are %+v; want %s with %q", conflicts, c.want, c.text)
			}
		})
	}
}

func TestAMissingListenerIsMadeAgain(t *testing.T) {
	s := snapshot()
	s.TLSContexts, s.Listeners = s.TLSContexts[:1], nil
	c := plan(t, enterprise(), s)
	if diff := cmp.Diff(federation.DefaultConfiguration().Listeners, c.Target.Listeners); diff != "" {
		t.Errorf("the listeners differ from the default end state (-want +got):\n%s", diff)
	}
	if c.Target.TLSContext(federation.ServerAuthContext) == nil {
		t.Error("the listener's context is not made")
	}
}

func TestPlanLeavesTheSnapshotAlone(t *testing.T) {
	s := snapshot()
	s.TLSPeerSubjects = []federation.TLSPeerSubject{{Name: "zz.synergy.com"}}
	s.TLSContexts[0].PeerSubjects = append(make([]string, 0, 9), "zz.synergy.com")
	plan(t, enterprise(), s)
	want := snapshot()
	want.TLSPeerSubjects = []federation.TLSPeerSubject{{Name: "zz.synergy.com"}}
	want.TLSContexts[0].PeerSubjects = []string{"zz.synergy.com"}
	if diff := cmp.Diff(want, s); diff != "" {
		t.Errorf("the snapshot changed (-want +got):\n%s", diff)
	}
}

func TestTwoPlansOfOneSnapshotDoNotMeet(t *testing.T) {
	roomy, tight := snapshot(), snapshot()
	c := &roomy.Configuration
	c.StaticRoutes, c.ACL, c.TLSPeerSubjects = make([]federation.StaticRoute, 0, 50), make([]federation.ACLEntry, 0, 50), make([]federation.TLSPeerSubject, 0, 50)
	c.Listeners, c.TLSContexts = slices.Grow(c.Listeners[:1:1], 50), slices.Grow(c.TLSContexts[:1:1], 50)
	tight.Listeners, tight.TLSContexts = tight.Listeners[:1:1], tight.TLSContexts[:1:1]
	first := plan(t, enterprise(), roomy)
	plan(t, standard(), roomy)
	if diff := cmp.Diff(plan(t, enterprise(), tight).Target, first.Target); diff != "" {
		t.Errorf("the second plan wrote into the first (-want +got):\n%s", diff)
	}
}

func TestAConfigurationThatCannotRunIsRefused(t *testing.T) {
	s := snapshot()
	s.Nodes[0].Connector, s.Listeners = "10.1.10.11:5061", nil
	if _, err := Plan(enterprise(), s); err == nil || !strings.Contains(err.Error(), "connector") {
		t.Errorf("the listener that Plan makes collides with a connector, but Plan says %v", err)
	}
}

func TestFingerprintTellsPlansApart(t *testing.T) {
	a, b := plan(t, enterprise(), snapshot()), plan(t, standard(), snapshot())
	if Fingerprint(a) == Fingerprint(b) {
		t.Error("two plans have one fingerprint")
	}
	if Fingerprint(a) != Fingerprint(plan(t, enterprise(), snapshot())) {
		t.Error("one plan has two fingerprints")
	}
}
