package powershell

import (
	"slices"
	"strings"
	"testing"

	"isthmus/internal/federation"
)

func TestTheFingerprintChangesWithTheScriptsOnly(t *testing.T) {
	for _, c := range []struct {
		name, folder string
		edit         func(d *federation.Deployment, s *federation.Snapshot)
		changes      bool
	}{
		{"another revision, day and administrator", "skype-2019-enterprise", func(d *federation.Deployment, _ *federation.Snapshot) {
			d.Revision, d.CreatedBy, d.CreatedAt = 99, "somebody else", d.CreatedAt.AddDate(0, 1, 0)
		}, false},
		{"another number in the database", "skype-2019-enterprise", func(d *federation.Deployment, _ *federation.Snapshot) { d.ID = 7 }, false},
		{"a load balancer, which stands in no script", "skype-2019-enterprise", func(d *federation.Deployment, _ *federation.Snapshot) {
			d.Answers.LoadBalancer = "10.1.20.9"
		}, false},
		{"a domain", "skype-2019-enterprise", func(d *federation.Deployment, _ *federation.Snapshot) {
			d.Answers.Domains = append(d.Answers.Domains, "synergy.online.com")
		}, true},
		{"a node less", "skype-2019-enterprise", func(d *federation.Deployment, _ *federation.Snapshot) { d.Nodes = d.Nodes[:1] }, true},
		{"another address of a node", "skype-2019-enterprise", func(_ *federation.Deployment, s *federation.Snapshot) { s.Nodes[0].Address = "10.1.10.99" }, true},
		{"another address of a node that OCS authorizes", "ocs-enterprise", func(_ *federation.Deployment, s *federation.Snapshot) { s.Nodes[1].Address = "10.1.10.99" }, true},
		{"a node that is none of the deployment's", "skype-2019-enterprise", func(_ *federation.Deployment, s *federation.Snapshot) {
			s.Nodes = append(s.Nodes, federation.Node{Name: "imp9.synergy.com", Address: "10.1.10.19"})
		}, false},
	} {
		d, s := deployments()[c.folder], snapshot()
		first := Fingerprint(d, s)
		c.edit(&d, &s)
		if (Fingerprint(d, s) != first) != c.changes {
			t.Errorf("%s: the fingerprint changes: %t, want %t", c.name, !c.changes, c.changes)
		}
	}
	d, was := deployments()["skype-2019-enterprise"], product
	t.Cleanup(func() { product = was })
	first := Fingerprint(d, snapshot())
	if product = "Isthmus of tomorrow"; Fingerprint(d, snapshot()) != first {
		t.Error("a new version of the program makes every script old")
	}
	if !strings.Contains(script(t, d)[1].Text, "Written by Isthmus of tomorrow. Fingerprint "+first+":") {
		t.Error("the head names neither the program nor the fingerprint")
	}
	if d.Answers.TrustedPool = ""; Fingerprint(d, snapshot()) != "" {
		t.Error("scripts that cannot be written have a fingerprint")
	}
	d = deployments()["skype-2019-enterprise"]
	if d.Answers.Site = "1\n2"; Fingerprint(d, snapshot()) != "" {
		t.Error("a script that cannot hold a value has a fingerprint")
	}
}

func TestRoutesThatOtherDeploymentsShareStayInTheGlobalCollection(t *testing.T) {
	d, s := deployments()["skype-2015-standard"], snapshot()
	other := deployments()["lync-2010-enterprise"]
	other.ID, other.Answers.Domains, other.Answers.RoutingNode = 2, []string{"synergy.com", "example.com"}, d.Answers.RoutingNode
	s.Deployments = []federation.Deployment{d, other}
	if got := valuesOf(d, s).Shared; !slices.Equal(got, []string{"synergy.com"}) {
		t.Errorf("shared are %v", got)
	}
	steps, err := Script(d, s)
	if err != nil {
		t.Fatal(err)
	}
	rollback, _ := File(steps, "rollback.ps1")
	if !strings.Contains(rollback.Text, "$SharedUris = @('synergy.com')") || !strings.Contains(rollback.Text, "[switch] $SharedRoutes,\n\n") {
		t.Error("rollback.ps1 does not spare the shared routes")
	}
	for name, edit := range map[string]func(o *federation.Deployment){
		"to another node":    func(o *federation.Deployment) { o.Answers.RoutingNode = "imp2.synergy.com" },
		"of OCS":             func(o *federation.Deployment) { o.Answers.Platform = federation.OCS2007R2 },
		"for another domain": func(o *federation.Deployment) { o.Answers.Domains = []string{"example.com"} },
	} {
		o := other
		edit(&o)
		s.Deployments = []federation.Deployment{d, o}
		if got := valuesOf(d, s).Shared; len(got) > 0 {
			t.Errorf("routes %s are shared: %v", name, got)
		}
	}
}
