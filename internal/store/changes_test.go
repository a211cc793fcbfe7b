package store

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"isthmus/internal/federation"
	"isthmus/internal/listing"
)

// becomes is an edit whose result is c, whatever was there.
func becomes(c federation.Configuration) func(federation.Configuration) (federation.Configuration, error) {
	return func(federation.Configuration) (federation.Configuration, error) { return copyOf(c), nil }
}

func same(c federation.Configuration) (federation.Configuration, error) { return c, nil }

func TestApplyingTwiceIsOnce(t *testing.T) {
	s := open(t)
	differences, err := s.Apply(actor(t), "applied lab.yaml", becomes(small()))
	ok(t, err)
	row := must(s.Audit(t.Context(), listing.Query{})).Items[0]
	if len(differences) == 0 || row.Action != "applied lab.yaml" || row.ChangeCount != len(differences) || must(s.Revision(t.Context())) != 2 {
		t.Errorf("%d differences, audit %+v", len(differences), row)
	}
	for name, edit := range map[string]func(federation.Configuration) (federation.Configuration, error){"the same": becomes(small()), "what is there": same} {
		ok(t, unchanged(t, s, func() error {
			differences, err := s.Apply(actor(t), "again", edit)
			if len(differences) != 0 {
				t.Errorf("%s: %v", name, differences)
			}
			return err
		}))
	}
}

func TestApplyMakesTheConfigurationExactlySo(t *testing.T) {
	s := filled(t)
	kept := first(t, s.ListACLEntries, "pattern", "127.0.0.21")
	want := small()
	want.Settings.RoutingMode = federation.RoutingAdvanced
	want.Settings.DefaultDomain = "new.com"
	want.Domains = []federation.Domain{{Name: "new.com"}}
	want.Nodes[0].Name, want.Nodes[0].Backup = "a.new.com", "imp2.synergy.com"
	want.Nodes[1].Backup = "a.new.com"
	want.ACL = []federation.ACLEntry{{Pattern: "127.0.0.21", Description: "changed"}, {Pattern: "all"}}
	want.TLSPeerSubjects = []federation.TLSPeerSubject{{Name: "x.new.com"}}
	want.TLSContexts[0].PeerSubjects = []string{"x.new.com"}
	want.Listeners[2].Port, want.Listeners[3].Port = want.Listeners[3].Port, want.Listeners[2].Port // swapped
	want.Users = []federation.User{{UserID: "bob", Licensed: true, Node: "a.new.com"}, {UserID: "cid", MicrosoftAddress: "cid@new.com"}}
	must(s.Apply(actor(t), "other", becomes(want)))

	got := must(s.Configuration(t.Context()))
	if d := federation.Diff(&want, &got); len(d) > 0 {
		t.Errorf("differs by %v", d)
	}
	if e := first(t, s.ListACLEntries, "pattern", "127.0.0.21"); e.ID != kept.ID || e.Description != "changed" {
		t.Errorf("the kept entry is %+v, was %+v", e, kept)
	}
	if u := first(t, s.ListUsers, "im_address", "bob@new.com"); u.UserID != "bob" {
		t.Errorf("%+v", u)
	}
}

func TestADryRunTellsEverythingAndChangesNothing(t *testing.T) {
	s := open(t)
	ok(t, unchanged(t, s, func() error {
		differences, err := s.Apply(actor(t), "dry", becomes(small()), ApplyOptions{DryRun: true})
		if len(differences) < 10 {
			t.Errorf("only %v", differences)
		}
		return err
	}))
	c := small()
	c.Listeners[0].Port = 5061
	_, err := s.Apply(actor(t), "dry", becomes(c), ApplyOptions{DryRun: true})
	invalid(t, err, "listeners[3].port", "Port 5061 is taken")
}

func TestEveryProblemOfADocumentIsToldAtItsPlaceAndNothingChanges(t *testing.T) {
	s := filled(t)
	c := small()
	c.StaticRoutes = append(c.StaticRoutes, federation.StaticRoute{})
	c.ACL = append(c.ACL, federation.ACLEntry{Pattern: "two words"})
	c.Users = append(c.Users, federation.User{UserID: "cid", Licensed: true, Node: "none.com"})
	var problems federation.Invalid
	err := unchanged(t, s, func() error {
		_, err := s.Apply(actor(t), "wrong", becomes(c))
		return err
	})
	if !errors.As(err, &problems) || len(problems.Of("static_routes[1].destination")) == 0 || len(problems.Of("acl[1].pattern")) == 0 || len(problems.Of("users[2].node")) == 0 {
		t.Errorf("%v", err)
	}
	failure := errors.New("the file is broken")
	if _, err := s.Apply(actor(t), "x", func(c federation.Configuration) (federation.Configuration, error) { return c, failure }); !errors.Is(err, failure) {
		t.Errorf("the edit's own error became %v", err)
	}
}

func TestRemovingMuchNeedsToBeMeant(t *testing.T) {
	s := filled(t)
	c := small()
	for i := range 9 {
		c.Domains = append(c.Domains, federation.Domain{Name: fmt.Sprintf("d%d.com", i)})
	}
	must(s.Apply(actor(t), "eleven domains", becomes(c)))
	half := copyOf(c)
	half.Domains = half.Domains[:6]
	must(s.Apply(actor(t), "five of eleven go", becomes(half)))
	must(s.Apply(actor(t), "back", becomes(c)))

	fewer := copyOf(c)
	fewer.Domains, fewer.ACL = fewer.Domains[:5], nil
	err := unchanged(t, s, func() error {
		_, err := s.Apply(actor(t), "six of eleven go", becomes(fewer))
		return err
	})
	var unconfirmed Unconfirmed
	if !errors.As(err, &unconfirmed) || !strings.Contains(err.Error(), "6 of 11 domains") || !strings.Contains(err.Error(), "1 of 1 acl") {
		t.Errorf("got %v", err)
	}
	if differences := must(s.Apply(actor(t), "x", becomes(fewer), ApplyOptions{DryRun: true})); len(differences) != 7 {
		t.Errorf("a dry run lists %v", differences)
	}
	must(s.Apply(actor(t), "meant", becomes(fewer), ApplyOptions{Confirmed: true}))
	replaced := copyOf(fewer)
	replaced.ACL = []federation.ACLEntry{{Pattern: "all"}}
	must(s.Apply(actor(t), "one", becomes(replaced)))
	replaced.ACL = []federation.ACLEntry{{Pattern: "10.0.0.1"}}
	must(s.Apply(actor(t), "another in its place", becomes(replaced)))
}

func TestAnEditInPlaceIsAChangeToo(t *testing.T) {
	s := filled(t)
	differences := must(s.Apply(actor(t), "swapped two ports", func(c federation.Configuration) (federation.Configuration, error) {
		for i := range c.Listeners {
			if l := &c.Listeners[i]; l.Transport == federation.TLS {
				l.Port = 5061 + 5062 - l.Port
			}
		}
		c.TLSContexts[0].PeerSubjects[0] = "pool.synergy.com"
		return c, nil
	}))
	if len(differences) != 3 {
		t.Errorf("%v", differences)
	}
}

// planFor is what a plan for one pool would be: the ACL entry, and what stands against it.
func planFor(verdict string) func(federation.Snapshot) (federation.Changes, error) {
	return func(s federation.Snapshot) (federation.Changes, error) {
		target := s.Configuration
		if !hasPattern(target.ACL, "10.0.0.1") {
			target.ACL = append(target.ACL, federation.ACLEntry{Pattern: "10.0.0.1"})
		}
		target.Settings.PartitionedFederation = true
		return federation.Changes{Target: target, List: []federation.Change{{Verdict: verdict, Kind: "acl"}}}, nil
	}
}

var pool = federation.Answers{Pool: "pool.synergy.com", RoutingNode: "imp2.synergy.com", Domains: []string{"synergy.com"},
	FrontEnds: []federation.Host{{FQDN: "fe1.synergy.com", Address: "10.0.0.1"}}}

func TestTheWizardFinishesInOneTransaction(t *testing.T) {
	s := filled(t)
	before := must(s.Revision(t.Context()))
	d, changes, err := s.FinishWizard(actor(t), pool, planFor(federation.VerdictNew))
	ok(t, err)
	if d.ID == 0 || d.Name != "pool.synergy.com" || strings.Join(d.Nodes, " ") != "imp2.synergy.com imp1.synergy.com" || d.CreatedBy != "ann" ||
		d.Revision != before+1 || must(s.Revision(t.Context())) != before+1 || len(changes.List) != 1 || d.Answers.FrontEnds[0].Address != "10.0.0.1" {
		t.Errorf("%+v", d)
	}
	if !must(s.Settings(t.Context())).PartitionedFederation || !hasPattern(must(s.Snapshot(t.Context())).ACL, "10.0.0.1") {
		t.Error("the plan was not carried out")
	}
	if u := must(s.Configuration(t.Context())).Users; len(u) != 2 {
		t.Errorf("%d users are left", len(u))
	}
	row := must(s.Audit(t.Context(), listing.Query{})).Items[0]
	if row.Action != "finished the wizard for pool.synergy.com" || row.ChangeCount != 3 {
		t.Errorf("%+v", row)
	}
	again, _, err := s.FinishWizard(actor(t), pool, planFor(federation.VerdictExists))
	if err != nil || again.ID != d.ID || must(s.Revision(t.Context())) != before+1 {
		t.Errorf("twice is not once: %+v %v", again, err)
	}
	other := pool
	other.Site = "2"
	updated, _, err := s.FinishWizard(actor(t), other, planFor(federation.VerdictExists))
	if err != nil || updated.ID != d.ID || updated.Answers.Site != "2" || len(must(s.Deployments(t.Context()))) != 1 {
		t.Errorf("%+v %v", updated, err)
	}
	if read := must(s.Deployment(t.Context(), d.ID)); read.Answers.Site != "2" {
		t.Errorf("%+v", read)
	}
	if _, err := s.Deployment(t.Context(), 4711); !errors.Is(err, federation.ErrNotFound) {
		t.Errorf("%v", err)
	}
}

func TestAConflictOfTheWizardChangesNothing(t *testing.T) {
	s := filled(t)
	err := unchanged(t, s, func() error {
		_, changes, err := s.FinishWizard(actor(t), pool, planFor(federation.VerdictConflict))
		if len(changes.Conflicts()) != 1 {
			t.Errorf("the conflict is not told: %+v", changes)
		}
		return err
	})
	if !errors.Is(err, ErrConflict) {
		t.Errorf("got %v", err)
	}
	if d := must(s.Deployments(t.Context())); len(d) != 0 {
		t.Errorf("%+v", d)
	}
}

func TestAPlanThatBreaksARuleIsRefusedWhole(t *testing.T) {
	s := filled(t)
	err := unchanged(t, s, func() error {
		_, _, err := s.FinishWizard(actor(t), pool, func(s federation.Snapshot) (federation.Changes, error) {
			s.ACL = append(s.ACL, federation.ACLEntry{Pattern: "10.0.0.7"})
			s.Listeners[0].Port = 5061
			return federation.Changes{Target: s.Configuration}, nil
		})
		return err
	})
	refused(t, err, "Port 5061 is taken")
}

func TestTheOneFrontEndOfAStandardEditionNamesItsDeployment(t *testing.T) {
	s := filled(t)
	single := pool
	single.Pool = ""
	d, _, err := s.FinishWizard(actor(t), single, planFor(federation.VerdictNew))
	if err != nil || d.Name != "fe1.synergy.com" {
		t.Errorf("%+v %v", d, err)
	}
}

func TestADraftWaitsForItsOwner(t *testing.T) {
	s := open(t)
	if _, err := s.Draft(t.Context(), "ann"); !errors.Is(err, federation.ErrNotFound) {
		t.Errorf("%v", err)
	}
	d := must(s.SaveDraft(t.Context(), Draft{Owner: "ann", Step: 2, Answers: pool}))
	d.Step, d.Answers.Site = 3, "7"
	ok(t, unchanged(t, s, func() error { _, err := s.SaveDraft(t.Context(), d); return err }))
	must(s.SaveDraft(t.Context(), Draft{Owner: "bob"}))
	for _, read := range []Draft{must(s.Draft(t.Context(), "ann")), must(s.DraftByID(t.Context(), d.ID))} {
		if read.Step != 3 || read.Answers.Site != "7" || read.Answers.Pool != pool.Pool || read.ID != d.ID || read.UpdatedAt.IsZero() {
			t.Errorf("%+v", read)
		}
	}
	ok(t, s.DeleteDraft(t.Context(), d.ID))
	ok(t, s.DeleteDraft(t.Context(), d.ID))
	if _, err := s.DraftByID(t.Context(), d.ID); !errors.Is(err, federation.ErrNotFound) {
		t.Errorf("%v", err)
	}
}
