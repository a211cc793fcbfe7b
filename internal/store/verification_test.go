package store

import (
	"errors"
	"slices"
	"testing"
	"time"

	"isthmus/internal/federation"
	"isthmus/internal/listing"
)

// deployed is a store with one finished run of the wizard.
func deployed(t *testing.T) (*Store, federation.Deployment) {
	t.Helper()
	s := filled(t)
	d, _, err := s.FinishWizard(actor(t), pool, planFor(federation.VerdictNew))
	ok(t, err)
	return s, d
}

func TestTheLastVerificationIsKept(t *testing.T) {
	s, d := deployed(t)
	if _, err := s.Verification(t.Context(), d.ID); !errors.Is(err, federation.ErrNotFound) {
		t.Errorf("before any result: %v", err)
	}
	at := time.Date(2026, 3, 4, 9, 41, 0, 0, time.UTC)
	v := federation.Verification{Fingerprint: "f1", Computer: "FE1", CheckedAt: at,
		Results: []federation.VerifyResult{{State: federation.VerifyMissing, Kind: "Route", Name: "synergy.com", Scope: "Global", Expected: "e", Actual: "missing"}}}
	ok(t, unchanged(t, s, func() error { return s.KeepVerification(actor(t), d.ID, v) }))
	v.Fingerprint, v.Results[0].State = "f2", federation.VerifyExists
	ok(t, s.KeepVerification(actor(t), d.ID, v))
	got := must(s.Verification(t.Context(), d.ID))
	if got.Fingerprint != "f2" || got.Computer != "FE1" || !got.CheckedAt.Equal(at) || got.ReceivedBy != "ann" || got.ReceivedAt.IsZero() ||
		len(got.Results) != 1 || got.Results[0] != v.Results[0] {
		t.Errorf("%+v", got)
	}
	if err := s.KeepVerification(actor(t), 4711, v); !errors.Is(err, federation.ErrNotFound) {
		t.Errorf("of no deployment: %v", err)
	}
}

func TestATickStaysAsItWasSetAndCanBeTakenAway(t *testing.T) {
	s, d := deployed(t)
	ok(t, unchanged(t, s, func() error { return s.SetTick(actor(t), d.ID, "backup", true) }))
	first := must(s.Ticks(t.Context(), d.ID))
	if len(first) != 1 || first[0].Task != "backup" || first[0].By != "ann" || first[0].At.IsZero() {
		t.Fatalf("%+v", first)
	}
	ok(t, s.SetTick(actor(t), d.ID, "backup", true))
	ok(t, s.SetTick(actor(t), d.ID, "a", true))
	if again := must(s.Ticks(t.Context(), d.ID)); len(again) != 2 || again[0].Task != "a" || again[1] != first[0] {
		t.Errorf("%+v", again)
	}
	ok(t, s.SetTick(actor(t), d.ID, "backup", false))
	ok(t, s.SetTick(actor(t), d.ID, "backup", false))
	if left := must(s.Ticks(t.Context(), d.ID)); len(left) != 1 || left[0].Task != "a" {
		t.Errorf("%+v", left)
	}
	if err := s.SetTick(actor(t), 4711, "backup", true); !errors.Is(err, federation.ErrNotFound) {
		t.Errorf("of no deployment: %v", err)
	}
}

// without takes these patterns out of the incoming ACL.
func without(patterns ...string) func(federation.Deployment, federation.Snapshot) (federation.Changes, error) {
	return func(_ federation.Deployment, s federation.Snapshot) (federation.Changes, error) {
		var left []federation.ACLEntry
		for _, e := range s.ACL {
			if !slices.Contains(patterns, e.Pattern) {
				left = append(left, e)
			}
		}
		s.ACL = left
		return federation.Changes{Target: s.Configuration}, nil
	}
}

func TestADeploymentRemembersWhatItMade(t *testing.T) {
	s, d := deployed(t)
	entry := federation.Made{Kind: "acl", Key: "10.0.0.1"}
	if len(d.Made) != 1 || d.Made[0] != entry {
		t.Fatalf("made %+v", d.Made)
	}
	other := pool
	other.Site = "2"
	again, _, err := s.FinishWizard(actor(t), other, planFor(federation.VerdictExists))
	if err != nil || len(again.Made) != 1 || again.Made[0] != entry {
		t.Errorf("a second run forgets: %+v %v", again.Made, err)
	}
	gone, _, err := s.FinishWizard(actor(t), other, func(now federation.Snapshot) (federation.Changes, error) {
		return without("10.0.0.1")(d, now)
	})
	if err != nil || len(gone.Made) != 0 {
		t.Errorf("what a run takes away stays made: %+v %v", gone.Made, err)
	}
}

func TestARemovedDeploymentTakesItsObjectsAlong(t *testing.T) {
	s, d := deployed(t)
	ok(t, s.SetTick(actor(t), d.ID, "backup", true))
	ok(t, s.KeepVerification(actor(t), d.ID, federation.Verification{CheckedAt: time.Now(), Results: []federation.VerifyResult{}}))
	_, err := s.RemoveDeployment(actor(t), d.ID, without("10.0.0.1"))
	ok(t, err)
	if left := must(s.Deployments(t.Context())); len(left) != 0 || hasPattern(must(s.Snapshot(t.Context())).ACL, "10.0.0.1") {
		t.Errorf("something is left: %+v", left)
	}
	if n := count(t, s, `SELECT (SELECT count(*) FROM ticks) + (SELECT count(*) FROM verifications)`); n != 0 {
		t.Errorf("%d rows of it are left", n)
	}
	row := must(s.Audit(t.Context(), listing.Query{})).Items[0]
	if row.Action != "removed the deployment pool.synergy.com" || row.ChangeCount != 2 {
		t.Errorf("%+v", row)
	}
	if _, err := s.RemoveDeployment(actor(t), d.ID, without()); !errors.Is(err, federation.ErrNotFound) {
		t.Errorf("twice: %v", err)
	}
}

func TestWhatOthersUseGoesToThem(t *testing.T) {
	s, d := deployed(t)
	other := pool
	other.Pool = "other.synergy.com"
	if _, _, err := s.FinishWizard(actor(t), other, planFor(federation.VerdictExists)); err != nil {
		t.Fatal(err)
	}
	_, err := s.RemoveDeployment(actor(t), d.ID, without())
	ok(t, err)
	left := must(s.Deployments(t.Context()))
	if len(left) != 1 || len(left[0].Made) != 1 || left[0].Made[0].Key != "10.0.0.1" {
		t.Errorf("%+v", left)
	}
}

func TestARefusedRemovalChangesNothing(t *testing.T) {
	s, d := deployed(t)
	refusal := federation.Refusal("The plan is another one.")
	err := unchanged(t, s, func() error {
		_, err := s.RemoveDeployment(actor(t), d.ID, func(federation.Deployment, federation.Snapshot) (federation.Changes, error) {
			return federation.Changes{}, refusal
		})
		return err
	})
	if !errors.Is(err, refusal) || len(must(s.Deployments(t.Context()))) != 1 {
		t.Errorf("%v", err)
	}
}
