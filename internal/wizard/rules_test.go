package wizard

import (
	"slices"
	"strings"
	"testing"

	"isthmus/internal/federation"
)

// A rule is one way in which answers are wrong or doubtful.
type rule struct {
	name string // begins with the row of the feature table
	edit func(a *federation.Answers, s *federation.Snapshot)
	path string // of the field, "" for a warning
	want string // part of the sentence
}

func TestTheWizardsRules(t *testing.T) {
	with := func(edit func(a *federation.Answers)) func(*federation.Answers, *federation.Snapshot) {
		return func(a *federation.Answers, _ *federation.Snapshot) { edit(a) }
	}
	pool := func(name string) func(*federation.Answers, *federation.Snapshot) {
		return with(func(a *federation.Answers) { a.Pool = name })
	}
	balancer := func(address string) func(*federation.Answers, *federation.Snapshot) {
		return with(func(a *federation.Answers) { a.LoadBalancer = address })
	}
	registrar := func(name string) func(*federation.Answers, *federation.Snapshot) {
		return with(func(a *federation.Answers) { a.Registrar = name })
	}
	site := func(id string) func(*federation.Answers, *federation.Snapshot) {
		return with(func(a *federation.Answers) { a.Site = id })
	}
	hosts := func(list ...federation.Host) func(*federation.Answers, *federation.Snapshot) {
		return with(func(a *federation.Answers) { a.FrontEnds = list })
	}
	domains := func(list ...string) func(*federation.Answers, *federation.Snapshot) {
		return with(func(a *federation.Answers) { a.Domains = list })
	}
	trusted := func(name, application string) func(*federation.Answers, *federation.Snapshot) {
		return with(func(a *federation.Answers) { a.TrustedPool, a.ApplicationID = name, application })
	}
	fe := enterprise().FrontEnds
	for _, c := range []rule{
		{"WZ-05 a pool of a single label", pool("pool"), "pool", "single label"},
		{"WZ-05 a pool that is an address", pool("10.1.20.20"), "pool", "IP address"},
		{"WZ-05 a pool that is a domain of this side", pool("synergy.com"), "pool", "one of your domains"},
		{"WZ-05 a pool that is a node", pool("imp1.synergy.com"), "pool", "name of a node"},
		{"WZ-05 enterprise edition without a pool", pool(""), "pool", "Get-CsPool"},
		{"WZ-06 a load balancer", balancer("10.1.20.20"), "", "not supported by the guide (p.18)"},
		{"WZ-07 a balancer on loopback", balancer("127.0.0.9"), "", "load balancer has the loopback address 127.0.0.9"},
		{"WZ-07 a balancer on a multicast address", balancer("239.1.2.3"), "load_balancer", "no address of one server"},
		{"WZ-07 a balancer on no address", balancer("::"), "load_balancer", "no address of one server"},
		{"WZ-07 a balancer on a broadcast address", balancer("255.255.255.255"), "load_balancer", "no address of one server"},
		{"WZ-07 a balancer on a network's address", balancer("10.1.20.0"), "", "10.1.20.0 is the address of a network"},
		{"WZ-07 a balancer that is a network", balancer("10.1.20.0/24"), "load_balancer", "Enter an IP address"},
		{"WZ-07 a balancer on our own address", balancer("10.1.10.12"), "load_balancer", "belongs to the node imp2.synergy.com"},
		{"WZ-08 a registrar with service:", registrar("service:pool.synergy.com"), "registrar", "Leave out service:"},
		{"WZ-08 a registrar with a blank", registrar("pool synergy.com"), "registrar", "letters, digits"},
		{"WZ-08 a registrar that is a domain of this side", registrar("synergy.co.uk"), "registrar", "one of your domains"},
		{"WZ-09 a site with site:", site("site:Redmond"), "site", "without site: before it: Redmond."},
		{"WZ-09 no site", site(""), "site", "Get-CsSite"},
		{"WZ-10 no front end", hosts(), "front_ends", "at least one front end"},
		{"WZ-10 a front end twice", hosts(fe[0], fe[0]), "front_ends[1].fqdn", "another server"},
		{"WZ-10 an address twice", hosts(fe[0], federation.Host{FQDN: "fe2.synergy.com", Address: fe[0].Address}), "front_ends[1].address", "another server"},
		{"WZ-10 a front end on our own address", hosts(federation.Host{FQDN: "fe1.synergy.com", Address: "10.1.10.11"}), "front_ends[0].address", "belongs to the node imp1.synergy.com"},
		{"WZ-10 a front end without a name", hosts(federation.Host{Address: "10.1.20.21"}), "front_ends[0].fqdn", "own name"},
		{"WZ-10 a front end without an address", hosts(federation.Host{FQDN: "fe1.synergy.com"}), "front_ends[0].address", "IP address"},
		{"WZ-10 standard edition with two front ends", with(func(a *federation.Answers) { a.Edition, a.Pool = "standard", "" }), "front_ends", "one front end"},
		{"WZ-10 a front end on a network's address", hosts(federation.Host{FQDN: "fe1.synergy.com", Address: "10.1.20.255"}), "", "10.1.20.255 is the address of a network or its broadcast"},
		{"WZ-11 no domain", domains(), "domains", "at least one domain"},
		{"WZ-11 a domain that is not here", domains("remote.com"), "domains[0]", "add it there first"},
		{"WZ-11 a domain that is none", domains("synergy"), "domains[0]", "single label"},
		{"WZ-12 a routing node with users", with(func(a *federation.Answers) { a.RoutingNode = "imp2.synergy.com" }), "", "a node without users is better"},
		{"WZ-12 a routing node that is not there", with(func(a *federation.Answers) { a.RoutingNode = "imp9.synergy.com" }), "routing_node", "There is no node"},
		{"WZ-13 a trusted pool that is a node", trusted("imp2.synergy.com", "isthmus"), "trusted_pool", "name of a node"},
		{"WZ-13 an application id with a blank", trusted("trustedpool.synergy.com", "my app"), "application_id", "no blanks"},
		{"CO-61 a front end that is a domain of this side", hosts(federation.Host{FQDN: "synergy.com", Address: "10.1.20.21"}), "front_ends[0].fqdn", "one of your domains"},
		{"CO-61 an Expressway that is a domain of this side", func(a *federation.Answers, _ *federation.Snapshot) {
			*a = calling()
			a.Expressway.FQDN = "synergy.com"
		}, "expressway.fqdn", "one of your domains"},
		{"CO-11 OCS with chat and calling", with(func(a *federation.Answers) {
			a.Platform, a.Deployment = federation.OCS2007R2, federation.ChatAndCalling
		}), "deployment", "no chat and calling"},
		{"TC-75 Lync over tcp", with(func(a *federation.Answers) { a.Platform, a.Transport = federation.Lync2013, "tcp" }), "transport", "Only OCS"},
		{"PS-06 child domains over IPv6", with(func(a *federation.Answers) { a.ChildDomains, a.LoadBalancer = true, "2001:db8::20" }), "", "child domains do not work over IPv6"},
	} {
		t.Run(c.name, func(t *testing.T) { c.holds(t) })
	}
}

// holds expects the sentence of a field that stops the wizard, or of a warning that does not.
func (c rule) holds(t *testing.T) {
	a, s := enterprise(), snapshot()
	c.edit(&a, &s)
	problems := Check(a, s)
	if c.path == "" {
		wantSentence(t, plan(t, a, s).Warnings, c.want)
		return
	}
	wantSentence(t, problems.Of(c.path), c.want)
	for _, p := range problems {
		if !strings.HasSuffix(p.Text, ".") {
			t.Errorf("%q is no sentence", p.Text)
		}
	}
	if _, err := Plan(a, s); err == nil {
		t.Error("Plan takes these answers")
	}
}

func TestDomainsOfTheTwoSidesAreCompared(t *testing.T) {
	microsoft := func(list ...string) func(*federation.Answers, *federation.Snapshot) {
		return func(a *federation.Answers, _ *federation.Snapshot) { a.MicrosoftDomains = list }
	}
	here := func(name string, list ...string) func(*federation.Answers, *federation.Snapshot) {
		return func(a *federation.Answers, s *federation.Snapshot) {
			a.MicrosoftDomains, s.Domains = list, append(s.Domains, federation.Domain{Name: name})
		}
	}
	for _, c := range []rule{
		{"CO-04 a domain of this side alone", microsoft("synergy.co.uk"), "", "synergy.com is no SIP domain of the Microsoft side"},
		{"CO-04 a domain of the Microsoft side alone", microsoft("synergy.com", "synergy.online.com"), "", "synergy.online.com is a SIP domain of the Microsoft side alone, so its users cannot take part; add it to Domains, or leave its users out."},
		{"CO-04 a domain of both sides that is left out", microsoft("Synergy.com", "synergy.co.uk"), "", "synergy.co.uk is a domain of both sides and is left out"},
		{"CO-04 a domain of both sides that no deployment has", func(a *federation.Answers, s *federation.Snapshot) {
			b := other()
			b.Domains, a.MicrosoftDomains = []string{"remote.com"}, []string{"synergy.com", "synergy.co.uk"}
			s.Deployments = []federation.Deployment{{Name: "pool2.synergy.com", Answers: b}}
		}, "", "synergy.co.uk is a domain of both sides and is left out"},
		{"CO-05 a domain of the Microsoft side under a chosen one", microsoft("synergy.com", "abc.synergy.com"), "", "leave its users out. It lies under synergy.com, but a domain never stands for those under it."},
		{"CO-05 a domain of both sides under a chosen one", here("abc.synergy.com", "synergy.com", "abc.synergy.com"), "", "if its users are to reach each other. It lies under synergy.com"},
		{"CO-05 a domain of this side under a chosen one", here("abc.synergy.com"), "", "abc.synergy.com is left out. It lies under synergy.com"},
	} {
		t.Run(c.name, func(t *testing.T) { c.holds(t) })
	}
	for name, c := range map[string]rule{
		"domains that are the same on both sides":             {edit: microsoft("synergy.com")},
		"a domain that only looks as if it lay under another": {edit: here("notsynergy.com", "synergy.com")},
		"a domain under a chosen one that another deployment has": {edit: func(_ *federation.Answers, s *federation.Snapshot) {
			b := other()
			b.Domains, s.Domains = []string{"abc.synergy.com"}, append(s.Domains, federation.Domain{Name: "abc.synergy.com"})
			s.Deployments = []federation.Deployment{{Name: "pool2.synergy.com", Answers: b}}
		}},
		"a domain that another deployment has": {edit: func(a *federation.Answers, s *federation.Snapshot) {
			a.MicrosoftDomains = []string{"synergy.com", "synergy.co.uk"}
			b := other()
			b.Domains = []string{"synergy.co.uk"}
			s.Deployments = []federation.Deployment{{Name: "pool2.synergy.com", Answers: b}}
		}},
	} {
		a, s := enterprise(), snapshot()
		c.edit(&a, &s)
		if got := withoutTrust(plan(t, a, s).Warnings); len(got) > 0 {
			t.Errorf("%s: nothing is doubtful, but the plan warns: %q", name, got)
		}
	}
}

// withoutTrust leaves out what every second deployment is told of the first one's trusted application pool.
func withoutTrust(warnings []string) []string {
	return slices.DeleteFunc(warnings, func(w string) bool { return strings.Contains(w, "trusted application pool") })
}

func TestDeploymentsSideBySide(t *testing.T) {
	s := run(t, snapshot(), enterprise())
	b := other()
	b.FirstPriority, b.TrustedPool = 3, "trustedpool.synergy.com"
	c := plan(t, b, s)
	wantSentence(t, c.Warnings, "pool.synergy.com is asked first for synergy.com; this deployment is asked only when none of its servers answers.")
	wantSentence(t, c.Warnings, "The trusted application pool trustedpool.synergy.com is shared with pool.synergy.com")
	b.TrustedPool, b.Domains = "trustedpool2.synergy.com", []string{"synergy.co.uk"}
	if got := withoutTrust(plan(t, b, s).Warnings); len(got) > 0 {
		t.Errorf("the two share nothing, but the plan warns: %q", got)
	}
	if got := plan(t, enterprise(), s).Warnings; len(got) > 0 {
		t.Errorf("a deployment is no neighbour of its own, but the plan warns: %q", got)
	}
	b.TrustedPool, b.Platform = "trustedpool.synergy.com", federation.OCS2007R2
	wantNoSentence(t, plan(t, b, s).Warnings, "trusted application pool")
	s.Deployments[0].Answers.Platform, b.Platform = federation.OCS2007R2, federation.SkypeForBusiness2019
	wantNoSentence(t, plan(t, b, s).Warnings, "trusted application pool")
}

func TestAnEditNamesTheDomainThatLosesItsRoutes(t *testing.T) {
	s := run(t, snapshot(), enterprise())
	a := enterprise()
	a.Domains = []string{"synergy.co.uk"}
	wantSentence(t, plan(t, a, s).Warnings, "No static route in service is left for synergy.com;")
	a.MicrosoftDomains = []string{"synergy.com", "synergy.co.uk"}
	wantSentence(t, plan(t, a, s).Warnings, "synergy.com is a domain of both sides and is left out")
}
