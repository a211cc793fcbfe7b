package wizard

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"isthmus/internal/federation"
)

// run finishes the wizard for these answers.
func run(t *testing.T, s federation.Snapshot, a federation.Answers) federation.Snapshot {
	t.Helper()
	c := plan(t, a, s)
	if list := c.Conflicts(); len(list) > 0 {
		t.Fatalf("the plan is in conflict: %+v", list)
	}
	return finished(s, a, c)
}

// changesOnly are the lines of what a plan would change, and the reasons behind them.
func changesOnly(c federation.Changes) string {
	var list []string
	for _, change := range c.List {
		if change.Verdict != federation.VerdictExists {
			list = append(list, change.String())
		}
	}
	return strings.Join(list, "\n")
}

func TestAnEditIsADiff(t *testing.T) {
	route := func(verdict, destination, hop string, priority string) string {
		return verdict + " static_route destination=" + destination + " type=domain next_hop=" + hop + " port=5061 transport=tls priority=" + priority
	}
	for _, c := range []struct {
		name  string
		start func(s *federation.Snapshot)
		edit  func(a *federation.Answers)
		want  []string
	}{
		{"WZ-23 nothing is edited", nil, func(*federation.Answers) {}, nil},
		{"WZ-23 a front end goes with its routes, ACL entries and peer subject", nil, func(a *federation.Answers) { a.FrontEnds = a.FrontEnds[:1] }, []string{
			route("remove", ".com.synergy", "10.1.20.22", "2"), route("remove", ".com.synergy.pool", "10.1.20.22", "2"),
			route("remove", ".com.synergy.fe2", "10.1.20.22", "1"),
			"remove acl pattern=10.1.20.22", "remove acl pattern=fe2.synergy.com", "remove tls_peer_subject name=fe2.synergy.com"}},
		{"WZ-23 a front end with another address keeps its name", nil, func(a *federation.Answers) { a.FrontEnds[1].Address = "10.1.20.29" }, []string{
			route("new", ".com.synergy", "10.1.20.29", "2"), route("new", ".com.synergy.pool", "10.1.20.29", "2"),
			route("new", ".com.synergy.fe2", "10.1.20.29", "1"), "new acl pattern=10.1.20.29",
			route("remove", ".com.synergy", "10.1.20.22", "2"), route("remove", ".com.synergy.pool", "10.1.20.22", "2"),
			route("remove", ".com.synergy.fe2", "10.1.20.22", "1"), "remove acl pattern=10.1.20.22"}},
		{"WZ-23 a front end with another name keeps its address", nil, func(a *federation.Answers) { a.FrontEnds[1].FQDN = "fe9.synergy.com" }, []string{
			route("new", ".com.synergy.fe9", "10.1.20.22", "1"), "new acl pattern=fe9.synergy.com", "new tls_peer_subject name=fe9.synergy.com",
			"new tls_context name=sip-proxy-peer-auth verify_client=true min_version=1.2 peer_subjects=fe1.synergy.com,fe9.synergy.com,pool.synergy.com",
			route("remove", ".com.synergy.fe2", "10.1.20.22", "1"), "remove acl pattern=fe2.synergy.com", "remove tls_peer_subject name=fe2.synergy.com"}},
		{"WZ-23 front ends in another order change places", nil, func(a *federation.Answers) {
			a.FrontEnds[0], a.FrontEnds[1] = a.FrontEnds[1], a.FrontEnds[0]
		}, []string{
			route("new", ".com.synergy", "10.1.20.22", "1"), route("new", ".com.synergy", "10.1.20.21", "2"),
			route("new", ".com.synergy.pool", "10.1.20.22", "1"), route("new", ".com.synergy.pool", "10.1.20.21", "2"),
			route("remove", ".com.synergy", "10.1.20.21", "1"), route("remove", ".com.synergy", "10.1.20.22", "2"),
			route("remove", ".com.synergy.pool", "10.1.20.21", "1"), route("remove", ".com.synergy.pool", "10.1.20.22", "2")}},
		{"WZ-23 a domain goes with its routes", nil, func(a *federation.Answers) { a.Domains = []string{"synergy.co.uk"} }, []string{
			route("new", ".uk.co.synergy", "10.1.20.21", "1"), route("new", ".uk.co.synergy", "10.1.20.22", "2"),
			route("remove", ".com.synergy", "10.1.20.21", "1"), route("remove", ".com.synergy", "10.1.20.22", "2")}},
		{"WZ-24 what stood there before the wizard stays", func(s *federation.Snapshot) {
			s.ACL = []federation.ACLEntry{{Pattern: "10.1.20.22"}}
			s.TLSPeerSubjects = []federation.TLSPeerSubject{{Name: "fe2.synergy.com"}}
		}, func(a *federation.Answers) { a.FrontEnds = a.FrontEnds[:1] }, []string{
			route("remove", ".com.synergy", "10.1.20.22", "2"), route("remove", ".com.synergy.pool", "10.1.20.22", "2"),
			route("remove", ".com.synergy.fe2", "10.1.20.22", "1"), "remove acl pattern=fe2.synergy.com"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := snapshot()
			if c.start != nil {
				c.start(&s)
			}
			s = run(t, s, enterprise())
			a := enterprise()
			c.edit(&a)
			edited := plan(t, a, s)
			if diff := cmp.Diff(strings.Join(c.want, "\n"), changesOnly(edited)); diff != "" {
				t.Errorf("the diff (-want +got):\n%s", diff)
			}
		})
	}
}

func TestARemovedPeerSubjectIsUnmappedEverywhere(t *testing.T) {
	s := run(t, snapshot(), enterprise())
	s.TLSContexts[1].PeerSubjects = []string{"fe2.synergy.com", "pool.synergy.com"}
	a := enterprise()
	a.FrontEnds = a.FrontEnds[:1]
	c := plan(t, a, s)
	if got := strings.Join(c.Target.TLSContexts[0].PeerSubjects, " ") + " | " + strings.Join(c.Target.TLSContexts[1].PeerSubjects, " "); got != "fe1.synergy.com pool.synergy.com | pool.synergy.com" {
		t.Errorf("the contexts hold %s", got)
	}
	if got := s.TLSContexts[1].PeerSubjects; len(got) != 2 {
		t.Errorf("the snapshot itself changed: %v", got)
	}
}

func TestAServerToWhichAnotherRouteLeadsIsStillAdmitted(t *testing.T) {
	s := run(t, snapshot(), enterprise())
	remote := federation.NewStaticRoute()
	remote.Destination, remote.Type, remote.NextHop = ".com.remote", "domain", "10.1.20.22"
	s.StaticRoutes = append(s.StaticRoutes, remote)
	a := enterprise()
	a.FrontEnds = a.FrontEnds[:1]
	if got := changesOnly(plan(t, a, s)); strings.Contains(got, "acl") || strings.Contains(got, "peer_subject") || !strings.Contains(got, "remove static_route") {
		t.Errorf("the server is still in use, but the plan says\n%s", got)
	}
	wantSentence(t, reasons(Removal(s.Deployments[0], s)), "acl pattern=fe2.synergy.com: The static route for .com.remote leads there")
}

func TestAPriorityThatSomebodyChangedIsAConflict(t *testing.T) {
	s := run(t, snapshot(), enterprise())
	s.StaticRoutes[0].Priority = 7
	if list := plan(t, enterprise(), s).Conflicts(); len(list) != 1 || !strings.Contains(list[0].Reason, "has priority 7; change it to 1") {
		t.Errorf("the conflicts are %+v", list)
	}
}

func TestARouteOfAnotherMakerKeepsItsPlace(t *testing.T) {
	behind := enterprise()
	behind.FirstPriority = 5
	s := run(t, snapshot(), enterprise())
	if list := plan(t, behind, s).Conflicts(); len(list) > 0 {
		t.Fatalf("what the wizard made it may move, but the conflicts are %+v", list)
	}
	alone := standard()
	alone.Domains, alone.TrustedPool = []string{"synergy.co.uk"}, "trustedpool2.synergy.com"
	const taken = "This route has priority 1; change it to 5, or delete it."
	if list := plan(t, behind, run(t, s, alone)).Conflicts(); len(list) != 1 || list[0].Reason != taken {
		t.Errorf("another deployment uses the route to fe1, and the conflicts are %+v", list)
	}
	s.Deployments[0].Made = nil
	if list := plan(t, behind, s).Conflicts(); len(list) != 6 || list[0].Reason != taken {
		t.Errorf("nobody knows who made the routes, and the conflicts are %+v", list)
	}
}

func TestWhatWasHandedOverGoesWithItsLastKeeper(t *testing.T) {
	s := run(t, snapshot(), enterprise())
	s.ACL = append(s.ACL, federation.ACLEntry{Pattern: "10.9.9.9"}, federation.ACLEntry{Pattern: "10.9.9.8"})
	s.Deployments[0].Made = append(s.Deployments[0].Made, federation.Made{Kind: kindACL, Key: "10.9.9.9"})
	if got := changesOnly(plan(t, enterprise(), s)); got != "remove acl pattern=10.9.9.9" {
		t.Errorf("the plan says\n%s", got)
	}
	wantSentence(t, lines(Removal(s.Deployments[0], s)), "remove acl pattern=10.9.9.9")
}

func TestANameGoesAlthoughAnotherDeploymentHasItsAddress(t *testing.T) {
	b := other()
	b.Domains, b.FrontEnds[0].Address = []string{"synergy.co.uk"}, "10.1.20.22"
	s := run(t, run(t, snapshot(), enterprise()), b)
	a := enterprise()
	a.FrontEnds = a.FrontEnds[:1]
	got := changesOnly(plan(t, a, s))
	if !strings.Contains(got, "remove acl pattern=fe2.synergy.com\nremove tls_peer_subject name=fe2.synergy.com") || strings.Contains(got, "pattern=10.1.20.22") {
		t.Errorf("the address serves under another name now, but the plan says\n%s", got)
	}
}

func TestADeploymentFromBeforeTheLedgerLosesNothing(t *testing.T) {
	s := run(t, snapshot(), enterprise())
	s.Deployments[0].Made = nil
	a := enterprise()
	a.FrontEnds = a.FrontEnds[:1]
	if got := changesOnly(plan(t, a, s)); got != "" {
		t.Errorf("who made these objects is not known, but the plan says\n%s", got)
	}
}

func TestWhatTheOtherDeploymentUsesStays(t *testing.T) {
	a, b := calling(), other()
	b.FirstPriority, b.Deployment, b.Expressway = 3, federation.ChatAndCalling, a.Expressway
	s := run(t, run(t, snapshot(), a), b)
	a.Deployment, a.Expressway = federation.ChatOnly, nil
	if got := changesOnly(plan(t, a, s)); got != "" {
		t.Errorf("the Expressway serves %s too, but the plan says\n%s", b.Pool, got)
	}
	s = run(t, s, a)
	b.Deployment, b.Expressway = federation.ChatOnly, nil
	want := "remove acl pattern=exp.synergy.com\nremove acl pattern=10.1.30.31\nremove tls_peer_subject name=exp.synergy.com"
	if got := changesOnly(plan(t, b, s)); got != want {
		t.Errorf("the last user of the Expressway gives it up, and the plan says\n%s", got)
	}
}

func TestTLSVersionWhenTheLastOldPlatformGoes(t *testing.T) {
	lync := other()
	lync.Platform, lync.FirstPriority = federation.Lync2010, 3
	s := run(t, run(t, snapshot(), enterprise()), lync)
	const advice = "The context sip-proxy-peer-auth still admits TLS 1.0, which no deployment needs any more; let it begin with 1.2 in TLS contexts."
	if got := plan(t, enterprise(), s); strings.Contains(strings.Join(got.Warnings, ""), advice) {
		t.Errorf("Lync still needs it: %q", got.Warnings)
	}
	gone := Removal(*deployment("pool2.synergy.com", s), s)
	wantSentence(t, gone.Warnings, advice)
	again := plan(t, enterprise(), removed(s, "pool2.synergy.com", gone))
	wantSentence(t, again.Warnings, advice)
	if got := changesOnly(again); got != "" {
		t.Errorf("the version stops nothing, but the plan says\n%s", got)
	}
	upgraded := lync
	upgraded.Platform = federation.SkypeForBusiness2019
	c := plan(t, upgraded, s)
	wantSentence(t, c.Warnings, advice)
	if got := changesOnly(c); got != "" {
		t.Errorf("an upgrade changes the platform alone, but the plan says\n%s", got)
	}
}

func TestAVersionThatIsNobodysIsAConflictForANewDeployment(t *testing.T) {
	for _, c := range []struct {
		name, version string
		finished      bool
		want          int
	}{
		{"an old version that others left, for a new deployment", "1.0", false, 1},
		{"the same for one that is finished", "1.0", true, 0},
		{"a version that no platform of the wizard's asks for", "1.1", true, 1},
		{"a newer version", "1.3", true, 1},
	} {
		s := snapshot()
		if c.finished {
			s = run(t, s, enterprise())
		}
		s.TLSContexts[0].MinVersion = c.version
		if list := plan(t, enterprise(), s).Conflicts(); len(list) != c.want {
			t.Errorf("%s: the conflicts are %+v", c.name, list)
		}
	}
}

func TestOCSOverTCPNeedsNoTLSVersion(t *testing.T) {
	ocs := overPlainTCP()
	ocs.Pool, ocs.FrontEnds, ocs.Domains = "ocs.synergy.com", []federation.Host{{FQDN: "ocs1.synergy.com", Address: "10.1.20.61"}}, []string{"synergy.co.uk"}
	s := run(t, run(t, snapshot(), enterprise()), ocs)
	s.TLSContexts[0].MinVersion = "1.0"
	wantSentence(t, plan(t, enterprise(), s).Warnings, "still admits TLS 1.0")
}

func reasons(c federation.Changes) []string {
	var list []string
	for _, change := range c.List {
		line := strings.TrimPrefix(change.String(), change.Verdict+" ")
		list = append(list, line+": "+change.Reason)
	}
	return list
}
