package wizard

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
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
	a.FirstPriority = rapid.SampledFrom([]int{0, 1, 2, 40}).Draw(t, "first priority")
	a.TrustedPool, a.Registrar = "", ""
	return a
}

// anyPool draws answers for the pool of that number; all of its front ends are its own.
func anyPool(t *rapid.T, number int) federation.Answers {
	a := anyAnswers(t)
	n := string(rune('0' + number))
	a.Edition, a.Pool, a.Registrar, a.FrontEnds = federation.EditionEnterprise, "pool"+n+".synergy.com", "", nil
	for _, i := range rapid.Permutation([]string{"1", "2", "3"}).Draw(t, "order")[:rapid.IntRange(1, 3).Draw(t, "front ends")] {
		a.FrontEnds = append(a.FrontEnds, federation.Host{FQDN: "fe" + n + i + ".synergy.com", Address: "10.2." + n + ".2" + i})
	}
	if a.LoadBalancer != "" {
		a.LoadBalancer = "10.2." + n + ".20"
	}
	a.FirstPriority = 1 + 10*(number-1) + rapid.IntRange(0, 2).Draw(t, "place")
	return a
}

// anySnapshot draws what administrators may have put there before the wizard.
func anySnapshot(t *rapid.T) federation.Snapshot {
	s := snapshot()
	for _, name := range []string{"fe11.synergy.com", "pool1.synergy.com", "10.2.1.21", "10.2.1.20", "exp.synergy.com"} {
		if rapid.Bool().Draw(t, "before: "+name) {
			s.ACL = append(s.ACL, federation.ACLEntry{Pattern: name})
		}
		if rapid.Bool().Draw(t, "before: subject "+name) && !federation.IsAddress(name) {
			s.TLSPeerSubjects = append(s.TLSPeerSubjects, federation.TLSPeerSubject{Name: name})
		}
	}
	if rapid.Bool().Draw(t, "before: a route") {
		r := federation.NewStaticRoute()
		r.Destination, r.Type, r.NextHop, r.Port, r.Transport, r.Priority = ".com.remote", "domain", "10.9.9.9", 5061, "tls", 1
		s.StaticRoutes = append(s.StaticRoutes, r)
	}
	return s
}

// drawn finishes the wizard, and reports whether nothing stood in the way.
func drawn(t *rapid.T, s federation.Snapshot, a federation.Answers) (federation.Snapshot, bool) {
	c, err := Plan(a, s)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Conflicts()) > 0 {
		return s, false
	}
	return finished(s, a, c), true
}

// comingAndGoing are the routes, ACL entries and peer subjects of a configuration, and which of the subjects are mapped: all that
// comes and goes with deployments. A subject from before the wizard stays mapped, so it is not asked about.
func comingAndGoing(c, before federation.Configuration) federation.Configuration {
	c = cloned(c).Sorted()
	for i := range c.TLSContexts {
		c.TLSContexts[i].MinVersion = ""
		c.TLSContexts[i].PeerSubjects = slices.DeleteFunc(c.TLSContexts[i].PeerSubjects, func(name string) bool {
			return slices.ContainsFunc(before.TLSPeerSubjects, func(t federation.TLSPeerSubject) bool { return t.Name == name })
		})
	}
	return federation.Configuration{StaticRoutes: c.StaticRoutes, ACL: c.ACL, TLSPeerSubjects: c.TLSPeerSubjects, TLSContexts: c.TLSContexts}
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

func TestNoRunLeavesWorkForAnother(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := anySnapshot(t)
		for range rapid.IntRange(1, 6).Draw(t, "runs") {
			number := rapid.IntRange(1, 3).Draw(t, "deployment")
			name := "pool" + string(rune('0'+number)) + ".synergy.com"
			if known := deployment(name, s); known != nil && rapid.IntRange(0, 2).Draw(t, "remove") == 0 {
				s = removed(s, name, Removal(*known, s))
			} else {
				s, _ = drawn(t, s, anyPool(t, number))
			}
			if problems := s.Validate(); len(problems) > 0 {
				t.Fatalf("what is left cannot run: %v", problems)
			}
			for _, d := range s.Deployments {
				c, err := Plan(d.Answers, s)
				if left := changesOnly(c); err != nil || left != "" {
					t.Fatalf("%s is finished, but its plan says %v\n%s\n%+v", d.Name, err, left, c.Conflicts())
				}
			}
		}
	})
}

func TestAnEditEndsWhereANewRunWouldHave(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		start := anySnapshot(t)
		start, _ = drawn(t, start, anyPool(t, 2))
		a, b := anyPool(t, 1), anyPool(t, 1)
		first, ok := drawn(t, start, a)
		want, ok2 := drawn(t, start, b)
		edited, ok3 := drawn(t, first, b)
		if !ok || !ok2 || !ok3 {
			t.Fatal("nothing stands in the way, but a plan is in conflict")
		}
		if diff := cmp.Diff(comingAndGoing(want.Configuration, start.Configuration), comingAndGoing(edited.Configuration, start.Configuration)); diff != "" {
			t.Fatalf("the edit differs from a new run (-new +edited):\n%s", diff)
		}
	})
}

func TestARemovalRestoresTheStart(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		start := anySnapshot(t)
		start, _ = drawn(t, start, anyPool(t, 2))
		s := start
		for range rapid.IntRange(1, 3).Draw(t, "runs") {
			s, _ = drawn(t, s, anyPool(t, 1))
		}
		c := Removal(*deployment("pool1.synergy.com", s), s)
		if diff := cmp.Diff(comingAndGoing(start.Configuration, start.Configuration), comingAndGoing(c.Target, start.Configuration)); diff != "" {
			t.Fatalf("the removal leaves something else than the start (-start +left):\n%s", diff)
		}
		if n := c.Count(federation.VerdictNew) + c.Count(federation.VerdictConflict); n > 0 {
			t.Fatalf("a removal wants nothing, but says\n%s", strings.Join(lines(c), "\n"))
		}
	})
}

func TestTwoOrdersOfTheAnswersGiveOnePlan(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := anyAnswers(t)
		a.TrustedPool, a.Domains, a.MicrosoftDomains = "trustedpool.synergy.com", []string{"synergy.com", "synergy.co.uk"}, []string{"synergy.com", "synergy.co.uk"}
		b := a
		b.Domains, b.MicrosoftDomains = rapid.Permutation(a.Domains).Draw(t, "domains"), rapid.Permutation(a.MicrosoftDomains).Draw(t, "Microsoft domains")
		wantSamePlan(t, a, b, false)
		if a.Edition == federation.EditionEnterprise {
			b.FrontEnds = []federation.Host{a.FrontEnds[1], a.FrontEnds[0]}
			wantSamePlan(t, a, b, true)
		}
	})
}

// wantSamePlan compares the lines and the configurations of two plans; the order of next hops is that of their
// priorities, which may be left out.
func wantSamePlan(t *rapid.T, a, b federation.Answers, withoutPriorities bool) {
	one, err := Plan(a, snapshot())
	if err != nil {
		t.Fatal(err)
	}
	other, err := Plan(b, snapshot())
	if err != nil {
		t.Fatal(err)
	}
	sorted := func(c federation.Changes) []string {
		list := slices.Concat(lines(c), c.Warnings)
		for i := range list {
			if withoutPriorities {
				list[i], _, _ = strings.Cut(list[i], " priority=")
			}
		}
		return slices.Sorted(slices.Values(list))
	}
	if diff := cmp.Diff(sorted(one), sorted(other)); diff != "" {
		t.Fatalf("the plans differ:\n%s", diff)
	}
	for _, c := range []*federation.Changes{&one, &other} {
		for i := range c.Target.StaticRoutes {
			if withoutPriorities {
				c.Target.StaticRoutes[i].Priority = 1
			}
		}
	}
	if d := federation.Diff(&one.Target, &other.Target); len(d) > 0 {
		t.Fatalf("the configurations differ: %v", d)
	}
}
