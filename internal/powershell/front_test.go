package powershell

import (
	"slices"
	"strings"
	"testing"

	"isthmus/internal/federation"
)

// behindBalancer has a load balancer stand before the nodes.
func behindBalancer(d *federation.Deployment) { d.Answers.FrontName = "sip.synergy.com" }

func TestTheScriptsKnowTheBalancerBeforeTheNodes(t *testing.T) {
	d := deployments()["skype-2019-enterprise"]
	behindBalancer(&d)
	m := fresh(d)
	m.Names["sip.synergy.com"] = []string{"10.1.10.10"}
	start := m.State.Clone()
	first := ran(t, m, d, 0, "configure.ps1")
	for _, change := range []string{"add the route for synergy.com to sip.synergy.com:5061 in Global", "create the trusted application pool trustedpool.synergy.com with imp1.synergy.com",
		"add the computer sip.synergy.com to trustedpool.synergy.com"} {
		if !slices.Contains(first.Changes, change) {
			t.Errorf("configure.ps1 did not %s, but\n%s", change, strings.Join(first.Changes, "\n"))
		}
	}
	if second := ran(t, m, d, 0, "configure.ps1"); len(second.Changes) > 0 {
		t.Errorf("the second run changed %v", second.Changes)
	}
	for _, line := range resultOf(t, d, ran(t, m, d, 0, "verify.ps1", "-Json")).Results {
		if line.State != federation.VerifyExists {
			t.Errorf("%s %s is %s: %s", line.Kind, line.Name, line.State, line.Actual)
		}
	}
	ran(t, m, d, 0, "rollback.ps1")
	sameState(t, "rollback.ps1", m.State, start)
}

func TestTheTextsTellOfTheBalancerWhereThereIsOne(t *testing.T) {
	for _, kind := range []string{"skype-2019-enterprise", "lync-2010-standard", "ocs-enterprise"} {
		d := deployments()[kind]
		if checklist, _ := File(script(t, d), "checklist.md"); strings.Contains(checklist.Text, "balancer") {
			t.Errorf("%s: the checklist tells of a load balancer that nobody has", kind)
		}
		behindBalancer(&d)
		checklist, _ := File(script(t, d), "checklist.md")
		if !strings.Contains(checklist.Text, "names the load balancer `sip.synergy.com` as well") {
			t.Errorf("%s: the checklist lacks the certificates' name:\n%s", kind, checklist.Text)
		}
		if strings.Contains(checklist.Text, "\n\n\n") {
			t.Errorf("%s: the checklist has two empty lines", kind)
		}
	}
}

func TestRoutingNodesAloneAskForTheBalancersName(t *testing.T) {
	d, s := deployments()["skype-2019-enterprise"], snapshot()
	behindBalancer(&d)
	v := valuesOf(d, s)
	if got := v.NodeNames("imp1.synergy.com"); !slices.Equal(got, []string{"imp1.synergy.com", "trustedpool.synergy.com", "sip.synergy.com"}) {
		t.Errorf("the routing node's certificate names %v", got)
	}
	if got := v.NodeNames("imp2.synergy.com"); !slices.Equal(got, []string{"imp2.synergy.com", "trustedpool.synergy.com"}) {
		t.Errorf("another node's certificate names %v", got)
	}
}
