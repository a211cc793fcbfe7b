package powershell

import (
	"slices"
	"strings"
	"testing"

	"isthmus/internal/federation"
	"isthmus/internal/pstest"
)

// othersPool is a trusted pool like the one that configure.ps1 makes, with an application of others in it.
func othersPool(d federation.Deployment) pstest.TrustedPool {
	a := d.Answers
	return pstest.TrustedPool{FQDN: a.TrustedPool, Registrar: a.Registrar, Site: a.Site, TreatAsAuthenticated: true, ThrottleAsServer: true,
		Computers: slices.Clone(d.Nodes), Applications: []pstest.Application{{ID: "voice", Port: 5070}}}
}

// conflicts are things of others that are in the way of ours, and what configure.ps1 says of each.
var conflicts = []struct {
	name  string
	place func(s *pstest.State, d federation.Deployment)
	want  string
}{
	{"a route for our domain leads elsewhere", func(s *pstest.State, d federation.Deployment) {
		s.Collections[0].Routes = append(s.Collections[0].Routes, pstest.Route{MatchURI: d.Answers.Domains[0], Destination: "vcs.example.com", Port: 5061, TLS: true})
	}, "Route"},
	{"a route for our domain has another port", func(s *pstest.State, d federation.Deployment) {
		s.Collections[0].Routes = append(s.Collections[0].Routes, pstest.Route{MatchURI: strings.ToUpper(d.Answers.Domains[0]), Destination: d.Answers.RoutingNode, Port: 5099, TLS: true})
	}, "Route"},
	{"a route for our domain goes over TCP", func(s *pstest.State, d federation.Deployment) {
		s.Collections[0].Routes = append(s.Collections[0].Routes, pstest.Route{MatchURI: d.Answers.Domains[0], Destination: "10.1.10.11", Port: 5060})
	}, "Route"},
	{"our trusted pool has another registrar", func(s *pstest.State, d federation.Deployment) {
		p := othersPool(d)
		p.Registrar = "other.example.com"
		s.TrustedPools = append(s.TrustedPools, p)
	}, "TrustedPool"},
	{"our trusted pool replicates", func(s *pstest.State, d federation.Deployment) {
		p := othersPool(d)
		p.RequiresReplication = true
		s.TrustedPools = append(s.TrustedPools, p)
	}, "TrustedPool"},
	{"our trusted pool is in another site", func(s *pstest.State, d federation.Deployment) {
		p := othersPool(d)
		p.Site = "77"
		s.TrustedPools = append(s.TrustedPools, p)
	}, "TrustedPool"},
	{"a pool of users has our trusted pool's name", func(s *pstest.State, d federation.Deployment) {
		s.Registrars = append(s.Registrars, d.Answers.TrustedPool)
	}, "TrustedPool"},
	{"a node is in another trusted pool", func(s *pstest.State, d federation.Deployment) {
		s.TrustedPools[0].Computers = append(s.TrustedPools[0].Computers, d.Nodes[len(d.Nodes)-1])
	}, "Computer"},
	{"another application has our port", func(s *pstest.State, d federation.Deployment) {
		p := othersPool(d)
		p.Applications[0].Port = 5061
		s.TrustedPools = append(s.TrustedPools, p)
	}, "Application"},
	{"a site that is not here", func(s *pstest.State, _ federation.Deployment) { s.Sites = s.Sites[1:] }, "Site"},
	{"a registrar that is not here", func(s *pstest.State, _ federation.Deployment) { s.Registrars = s.Registrars[1:] }, "Registrar"},
	{"a domain that is not here", func(s *pstest.State, _ federation.Deployment) { s.SIPDomains = s.SIPDomains[:1] }, "SipDomain"},
}

func TestWhatIsInTheWayStopsBeforeTheFirstChange(t *testing.T) {
	each(t, func(t *testing.T, d federation.Deployment) {
		for _, c := range conflicts {
			m := fresh(d)
			c.place(&m.State, d)
			stays(t, m, d, c.name, c.want)
		}
	})
}

// stays runs configure.ps1 and rollback.ps1 over something of others, and wants it as it was.
func stays(t *testing.T, m *pstest.Microsoft, d federation.Deployment, name, want string) {
	t.Helper()
	start := m.State.Clone()
	result := ran(t, m, d, 1, "configure.ps1")
	if len(result.Changes) > 0 || len(result.Asked) > 0 || len(m.Machine.Files) > 0 {
		t.Errorf("%s: asked %v, changed %v, wrote %d files", name, result.Asked, result.Changes, len(m.Machine.Files))
	}
	if said := strings.Join(result.Host, "\n"); !strings.Contains(said, "Nothing was changed.") || !strings.Contains(said, want+" ") {
		t.Errorf("%s: it says\n%s", name, said)
	}
	rolled, err := m.Run(text(t, d, "rollback.ps1"))
	if err != nil || len(rolled.Changes) > 0 {
		t.Errorf("%s: rollback.ps1 changed %v (%v)", name, rolled.Changes, err)
	}
	sameState(t, name, m.State, start)
}

func TestAProviderInTheWayStopsToo(t *testing.T) {
	d := servers()["lync-2013-enterprise-calling"]
	for name, place := range map[string]func(s *pstest.State){
		"a public provider with our name": func(s *pstest.State) {
			s.Providers = append(s.Providers, pstest.Provider{Identity: d.Answers.ApplicationID, ProxyFQDN: "x.example.com", Enabled: true, Verification: "AlwaysVerifiable"})
		},
		"a public provider for our host that is off": func(s *pstest.State) {
			s.Providers = append(s.Providers, pstest.Provider{Identity: "Video", ProxyFQDN: d.Answers.Expressway.FQDN, Verification: "AlwaysVerifiable"})
		},
		"a hosting provider for our host": func(s *pstest.State) {
			s.HostingProviders = append(s.HostingProviders, pstest.Provider{Identity: "Hosted", ProxyFQDN: d.Answers.Expressway.FQDN, Enabled: true})
		},
	} {
		m := fresh(d)
		place(&m.State)
		stays(t, m, d, name, "PublicProvider")
	}
}

func TestRoutesGoIntoThePoolsOwnCollectionWhereThereIsOne(t *testing.T) {
	each(t, func(t *testing.T, d federation.Deployment) {
		m := fresh(d)
		own := "Service:Registrar:" + d.Answers.Registrar
		m.State.Collections = append(m.State.Collections, pstest.Collection{Identity: own}, pstest.Collection{Identity: "Service:Registrar:other.example.com"})
		start := m.State.Clone()
		if result := ran(t, m, d, 0, "configure.ps1"); !slices.Equal(result.Changes, wanted(d, own)) {
			t.Errorf("it changed\n%s", strings.Join(result.Changes, "\n"))
		}
		ran(t, m, d, 0, "verify.ps1")
		ran(t, m, d, 0, "rollback.ps1")
		sameState(t, "rollback.ps1", m.State, start)
	})
}

// A pool that gets a collection of its own later is no longer served by the global routes.
func TestACollectionThatCameLaterGetsTheRoutesToo(t *testing.T) {
	d := servers()["skype-2019-enterprise"]
	m := fresh(d)
	ran(t, m, d, 0, "configure.ps1")
	m.State.Collections = append(m.State.Collections, pstest.Collection{Identity: "Service:Registrar:" + d.Answers.Registrar})
	ran(t, m, d, 1, "verify.ps1")
	ran(t, m, d, 0, "configure.ps1")
	ran(t, m, d, 0, "verify.ps1")
	ran(t, m, d, 0, "rollback.ps1")
	for _, c := range m.State.Collections {
		for _, route := range c.Routes {
			if route.Destination == d.Answers.RoutingNode {
				t.Errorf("%s still has the route for %s", c.Identity, route.MatchURI)
			}
		}
	}
}

func TestRollbackKeepsThePoolThatOthersUse(t *testing.T) {
	for name, add := range map[string]func(p *pstest.TrustedPool){
		"an application of others": func(p *pstest.TrustedPool) {
			p.Applications = append(p.Applications, pstest.Application{ID: "voice", Port: 5070})
		},
		"a computer of others": func(p *pstest.TrustedPool) { p.Computers = append(p.Computers, "stranger.example.com") },
	} {
		d := servers()["skype-2019-enterprise"]
		m := fresh(d)
		ran(t, m, d, 0, "configure.ps1")
		add(&m.State.TrustedPools[1])
		computers := slices.Clone(m.State.TrustedPools[1].Computers)
		if _, err := m.Run(text(t, d, "rollback.ps1")); err != nil {
			t.Fatal(err)
		}
		if len(m.State.TrustedPools) != 2 || !slices.Equal(m.State.TrustedPools[1].Computers, computers) {
			t.Errorf("%s: the pool or its computers went: %+v", name, m.State.TrustedPools)
		}
		if slices.ContainsFunc(m.State.TrustedPools[1].Applications, func(a pstest.Application) bool { return a.ID == d.Answers.ApplicationID }) {
			t.Errorf("%s: our application is still there", name)
		}
	}
}
