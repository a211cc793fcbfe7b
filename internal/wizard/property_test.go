package wizard

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"isthmus/internal/federation"
)

// anyAnswers draws answers that hold against snapshot.
func anyAnswers(t *rapid.T) federation.Answers {
	a := enterprise()
	a.Platform = rapid.SampledFrom([]string{federation.SkypeForBusiness2015, federation.SkypeForBusiness2019, federation.Lync2013,
		federation.Lync2010, federation.OCS2007R2}).Draw(t, "platform")
	if isOCS(a) {
		a.Transport = rapid.SampledFrom([]string{"tls", "tcp"}).Draw(t, "transport")
	} else if rapid.Bool().Draw(t, "calling") {
		a.Deployment, a.Expressway = federation.ChatAndCalling, &federation.Host{FQDN: "exp.synergy.com", Address: "10.1.30.31"}
	}
	if rapid.Bool().Draw(t, "standard") {
		a.Edition, a.Pool, a.FrontEnds = federation.EditionStandard, "", a.FrontEnds[:1]
	}
	if rapid.Bool().Draw(t, "balancer") {
		a.LoadBalancer = "10.1.20.20"
	}
	a.Domains = rapid.SampledFrom([][]string{{"synergy.com"}, {"synergy.co.uk"}, {"synergy.co.uk", "synergy.com"}}).Draw(t, "domains")
	a.TrustedPool, a.Registrar = "", ""
	return a
}

func TestAFinishedPlanHasNothingLeft(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, s := anyAnswers(t), snapshot()
		first, err := Plan(a, s)
		if err != nil || len(first.Conflicts()) > 0 {
			t.Fatalf("a new database takes every answer, but: %v %v", err, first.Conflicts())
		}
		again, err := Plan(a, finished(s, a, first))
		if err != nil {
			t.Fatal(err)
		}
		if n := again.Count(federation.VerdictExists); n != len(first.List) || n != len(again.List) {
			t.Fatalf("the second plan is\n%s", strings.Join(lines(again), "\n"))
		}
		if d := federation.Diff(&first.Target, &again.Target); len(d) > 0 {
			t.Fatalf("the second plan changes %v", d)
		}
	})
}

func TestOrderOfTheDomainsDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := anyAnswers(t)
		a.TrustedPool, a.Domains = "trustedpool.synergy.com", []string{"synergy.com", "synergy.co.uk"}
		b := a
		b.Domains = []string{"synergy.co.uk", "synergy.com"}
		one, err := Plan(a, snapshot())
		if err != nil {
			t.Fatal(err)
		}
		other, err := Plan(b, snapshot())
		if err != nil {
			t.Fatal(err)
		}
		if got, want := slices.Sorted(slices.Values(lines(other))), slices.Sorted(slices.Values(lines(one))); !slices.Equal(got, want) {
			t.Fatalf("the plans differ:\n%s\n\n%s", strings.Join(want, "\n"), strings.Join(got, "\n"))
		}
		if d := federation.Diff(&one.Target, &other.Target); len(d) > 0 {
			t.Fatalf("the configurations differ: %v", d)
		}
	})
}
