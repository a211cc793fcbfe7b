package wizard

import (
	"slices"
	"strings"
	"testing"

	"isthmus/internal/federation"
)

// enterprise are answers that hold against snapshot.
func enterprise() federation.Answers {
	return federation.Answers{
		Platform: federation.SkypeForBusiness2019, Deployment: federation.ChatOnly, Edition: federation.EditionEnterprise,
		Pool: "pool.synergy.com", Registrar: "pool.synergy.com", Site: "1",
		FrontEnds:   []federation.Host{{FQDN: "fe1.synergy.com", Address: "10.1.20.21"}, {FQDN: "fe2.synergy.com", Address: "10.1.20.22"}},
		Domains:     []string{"synergy.com"},
		RoutingNode: "imp1.synergy.com", TrustedPool: "trustedpool.synergy.com", ApplicationID: "isthmus", Transport: federation.TLS,
	}
}

func standard() federation.Answers {
	a := enterprise()
	a.Edition, a.Pool, a.Registrar, a.FrontEnds = federation.EditionStandard, "", "fe1.synergy.com", a.FrontEnds[:1]
	return a
}

// other are answers for a second pool of the same domain.
func other() federation.Answers {
	a := enterprise()
	a.Pool, a.Registrar, a.Site, a.TrustedPool = "pool2.synergy.com", "pool2.synergy.com", "2", "trustedpool2.synergy.com"
	a.FrontEnds = []federation.Host{{FQDN: "fe3.synergy.com", Address: "10.1.20.41"}, {FQDN: "fe4.synergy.com", Address: "10.1.20.42"}}
	return a
}

// overPlainTCP are answers for OCS without TLS.
func overPlainTCP() federation.Answers {
	a := enterprise()
	a.Platform, a.Transport = federation.OCS2007R2, federation.TCP
	return a
}

func calling() federation.Answers {
	a := enterprise()
	a.Deployment = federation.ChatAndCalling
	a.Expressway = &federation.Host{FQDN: "exp.synergy.com", Address: "10.1.30.31", Port: 65072}
	return a
}

// snapshot is a new database with two domains and two nodes, the second with users.
func snapshot() federation.Snapshot {
	c := federation.DefaultConfiguration()
	c.Domains = []federation.Domain{{Name: "synergy.com"}, {Name: "synergy.co.uk"}}
	c.Nodes = []federation.Node{node("imp1.synergy.com", "10.1.10.11"), node("imp2.synergy.com", "10.1.10.12")}
	c.Normalize()
	return federation.Snapshot{Revision: 7, Configuration: c, Usage: federation.Usage{ByNode: map[string]int{"imp2.synergy.com": 2406}}}
}

func node(name, address string) federation.Node { return federation.Node{Name: name, Address: address} }

// finished is the snapshot after a plan was applied, as the store leaves it.
func finished(s federation.Snapshot, a federation.Answers, c federation.Changes) federation.Snapshot {
	a = Defaults(a, s)
	d := federation.Deployment{Name: a.DeploymentName(), Answers: a}
	if known := deployment(d.Name, s); known != nil {
		d.Made = slices.Clone(known.Made)
	}
	for _, difference := range federation.Diff(&s.Configuration, &c.Target) {
		object := federation.Made{Kind: difference.Kind, Key: difference.Key}
		switch {
		case difference.Section == federation.SectionSettings:
			s.SavedSettings = append(slices.Clone(s.SavedSettings), difference.Key)
		case difference.How == federation.Added && (object.Kind == kindRoute || object.Kind == kindACL || object.Kind == kindSubject):
			d.Made = append(d.Made, object)
		case difference.How == federation.Removed:
			d.Made = slices.DeleteFunc(d.Made, func(m federation.Made) bool { return m == object })
		}
	}
	s.Configuration = c.Target
	s.Deployments = withDeployment(s.Deployments, d)
	return s
}

// removed is the snapshot after a deployment was removed, as the store leaves it: what stays is given to the others.
func removed(s federation.Snapshot, name string, c federation.Changes) federation.Snapshot {
	gone := *deployment(name, s)
	s.Configuration = c.Target
	s.Deployments = slices.DeleteFunc(slices.Clone(s.Deployments), func(d federation.Deployment) bool { return d.Name == name })
	for i := range s.Deployments {
		s.Deployments[i].Made = slices.Concat(s.Deployments[i].Made, gone.Made)
	}
	return s
}

func plan(t *testing.T, a federation.Answers, s federation.Snapshot) federation.Changes {
	t.Helper()
	c, err := Plan(a, s)
	if err != nil {
		t.Fatalf("these answers hold, but Plan says:\n%s", err)
	}
	return c
}

func lines(c federation.Changes) []string {
	var list []string
	for _, change := range c.List {
		list = append(list, change.String())
	}
	return list
}

func wantLines(t *testing.T, c federation.Changes, want string) {
	t.Helper()
	got := strings.Join(lines(c), "\n")
	if want = strings.TrimSpace(want); got != want {
		t.Errorf("the plan is\n%s\n\nbut should be\n%s", got, want)
	}
}

func wantNoSentence(t *testing.T, list []string, part string) {
	t.Helper()
	if strings.Contains(strings.Join(list, "\n"), part) {
		t.Errorf("a sentence holds %q among\n%s", part, strings.Join(list, "\n"))
	}
}

func wantSentence(t *testing.T, list []string, part string) {
	t.Helper()
	if !strings.Contains(strings.Join(list, "\n"), part) {
		t.Errorf("no sentence holds %q among\n%s", part, strings.Join(list, "\n"))
	}
}
