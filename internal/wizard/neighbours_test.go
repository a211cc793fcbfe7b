package wizard

import (
	"strings"
	"testing"

	"isthmus/internal/federation"
)

// warned are the warnings of a second run of answers, after a first.
func warned(t *testing.T, first, second federation.Answers) string {
	t.Helper()
	plan, err := Plan(second, run(t, snapshot(), first))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(plan.Warnings, "\n")
}

func TestDeploymentsBesideEachOther(t *testing.T) {
	for promise, c := range map[string]struct {
		edit func(a *federation.Answers)
		want string
		not  string
	}{
		"another trusted pool is one too many in one topology": {func(*federation.Answers) {},
			"pool.synergy.com has the trusted application pool trustedpool.synergy.com. If it is in the same topology as this deployment, choose the same one here", "shared"},
		"the same trusted pool is shared": {func(a *federation.Answers) { a.TrustedPool = "trustedpool.synergy.com" },
			"is shared with pool.synergy.com; that is right when both are in one topology", "same topology as"},
		"one port for two applications": {func(a *federation.Answers) { a.TrustedPool, a.ApplicationID = "trustedpool.synergy.com", "other" },
			"whose application is isthmus on the same port; choose that application id here, too", ""},
		"a trusted pool that is the other's pool": {func(a *federation.Answers) { a.TrustedPool = "pool.synergy.com" },
			"have one name; no topology takes both", ""},
		"OCS knows no trusted pools": {func(a *federation.Answers) { a.Platform, a.TrustedPool = federation.OCS2007R2, "" }, "", "trusted application pool"},
		"a front end of both": {func(a *federation.Answers) { a.FrontEnds[0].Address = "10.1.20.21" },
			"10.1.20.21 stands in the deployment pool.synergy.com, too. If this is that deployment under a new name, remove pool.synergy.com afterwards.", ""},
		"a load balancer that is the other's front end": {func(a *federation.Answers) { a.LoadBalancer = "10.1.20.22" }, "10.1.20.22 stands in the deployment", ""},
		"an Expressway of both is no mistake": {func(a *federation.Answers) {
			a.Deployment, a.Expressway = federation.ChatAndCalling, &federation.Host{FQDN: "exp.synergy.com", Address: "10.1.30.31"}
		}, "", "stands in the deployment"},
	} {
		first, second := calling(), other()
		second.FirstPriority = 3
		c.edit(&second)
		got := warned(t, first, second)
		if c.want != "" {
			wantSentence(t, []string{got}, c.want)
		}
		if c.not != "" && strings.Contains(got, c.not) {
			t.Errorf("%s: %s", promise, got)
		}
	}
}

func TestAnEditSaysWhatTheMicrosoftSideStillHolds(t *testing.T) {
	for promise, c := range map[string]struct {
		edit func(a *federation.Answers)
		want string
	}{
		"nothing that the scripts hold": {func(a *federation.Answers) { a.LoadBalancer = "10.1.20.20" }, ""},
		"a domain that goes":            {func(a *federation.Answers) { a.Domains = []string{"synergy.com"} }, "still holds the static route of synergy.co.uk, which the new scripts know nothing of. Run the rollback.ps1 of today there before you finish"},
		"child domains that go":         {func(a *federation.Answers) { a.ChildDomains = false }, "the static routes of child domains"},
		"another routing node":          {func(a *federation.Answers) { a.RoutingNode = "imp2.synergy.com" }, "the static routes to imp1.synergy.com"},
		"calling from now on": {func(a *federation.Answers) {
			a.Deployment, a.Expressway = federation.ChatAndCalling, calling().Expressway
		}, "the static routes to imp1.synergy.com"},
		"another trusted pool": {func(a *federation.Answers) { a.TrustedPool = "tp.synergy.com" }, "the trusted application pool trustedpool.synergy.com"},
		"another application":  {func(a *federation.Answers) { a.ApplicationID = "other" }, "the trusted application isthmus"},
		"OCS from now on":      {func(a *federation.Answers) { a.Platform, a.ChildDomains = federation.OCS2007R2, true }, "the trusted application pool trustedpool.synergy.com"},
	} {
		first := enterprise()
		first.Domains, first.ChildDomains = []string{"synergy.com", "synergy.co.uk"}, true
		second := first
		c.edit(&second)
		got := warned(t, first, second)
		if c.want == "" && strings.Contains(got, "still holds") || c.want != "" && !strings.Contains(got, c.want) {
			t.Errorf("%s:\n%s", promise, got)
		}
	}
}

func TestWhatOCSHoldsIsTakenBackByHand(t *testing.T) {
	first := overPlainTCP()
	first.Domains = []string{"synergy.com", "synergy.co.uk"}
	second := first
	second.Domains = first.Domains[:1]
	wantSentence(t, []string{warned(t, first, second)}, "still holds the static route of synergy.co.uk, which the new scripts know nothing of. Take that back there by hand")
}
