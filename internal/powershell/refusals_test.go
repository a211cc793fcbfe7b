package powershell

import (
	"strings"
	"testing"

	"isthmus/internal/federation"
)

func TestAValueThatNoScriptCanHoldIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		edit func(a *federation.Answers)
		file string
	}{
		"a site of two lines":           {func(a *federation.Answers) { a.Site = "1\nRemove-Item C:\\ -Recurse" }, "configure.ps1"},
		"a trusted pool of two lines":   {func(a *federation.Answers) { a.TrustedPool = "a\n- [ ] Run this." }, "checklist.md"},
		"a domain that turns direction": {func(a *federation.Answers) { a.Domains = []string{"moc.\u202eygrenys"} }, "checklist.md"},
	} {
		d := deployments()["skype-2019-enterprise"]
		c.edit(&d.Answers)
		if _, err := Script(d, snapshot()); err == nil || !strings.HasPrefix(err.Error(), c.file+" cannot be written: A value holds a line break") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got, err := list([]string{"a", "b\nc"}); err == nil {
		t.Errorf("a list of two lines is written as %s", got)
	}
}

func TestAnAnswerThatWasLeftOpenIsRefused(t *testing.T) {
	d := deployments()["skype-2019-enterprise"]
	d.Answers.TrustedPool = ""
	if _, err := Script(d, snapshot()); err == nil || !strings.Contains(err.Error(), "has no trusted_pool") {
		t.Errorf("without a trusted pool: %v", err)
	}
}

func TestATLSRouteLeadsToNoAddress(t *testing.T) {
	d := deployments()["lync-2013-enterprise-calling"]
	d.Answers.Expressway.FQDN = "10.1.30.31"
	if _, err := Script(d, snapshot()); err == nil || !strings.Contains(err.Error(), "cannot be written for 10.1.30.31") {
		t.Errorf("an address as the destination: %v", err)
	}
}

func TestOCSOverTCPNeedsTheNodesAddress(t *testing.T) {
	if _, err := Script(deployments()["ocs-standard-tcp"], federation.Snapshot{}); err == nil || !strings.Contains(err.Error(), "no node imp1.synergy.com") {
		t.Errorf("without the node's address: %v", err)
	}
}

func TestChildDomainsOverIPv6AreRefused(t *testing.T) {
	for name, edit := range map[string]func(d *federation.Deployment, s *federation.Snapshot){
		"a front end": func(d *federation.Deployment, _ *federation.Snapshot) {
			d.Answers.FrontEnds[0].Address = "2001:db8::21"
		},
		"a load balancer": func(d *federation.Deployment, _ *federation.Snapshot) { d.Answers.LoadBalancer = "2001:db8::9" },
		"a node":          func(_ *federation.Deployment, s *federation.Snapshot) { s.Nodes[0].Address = "2001:db8::11" },
	} {
		d, s := deployments()["skype-2015-standard"], snapshot()
		edit(&d, &s)
		_, err := Script(d, s)
		if err == nil || !strings.Contains(err.Error(), "takes no routes for child domains where IPv6 is used") {
			t.Errorf("%s with IPv6: %v", name, err)
		}
		d.Answers.ChildDomains = false
		if _, err := Script(d, s); err != nil {
			t.Errorf("%s with IPv6, without child domains: %v", name, err)
		}
	}
}
